"""What the shape of a sentence settles before any comparison: requests that hold another's words, and no request at all.

"Remind me to call mum" resembles a call more than a reminder, and "our taxi was late" resembles a request for one. Few rules,
each about how people ask, not about what they ask for; where none fits, the router's probabilities count.
"""

from __future__ import annotations

import re

from edge_llm.route.heads_chinese import action_in_chinese, takes_away
from edge_llm.route.telling_chinese import asked_after, is_told_chinese
from edge_llm.understand.courtesy import LEAD
from edge_llm.understand.cues import LANGUAGES, SOCIAL
from edge_llm.understand.language import language_of

_COURTESY = rf"^(?:(?:{LEAD}|i (?:want|need|would like|'d like) to)\b[\s,.!:-]*)*(?<![\w'’])"
_POLITE = r"^(?:请你?|麻烦你?|帮我|帮忙|给我|你?能不能|可以|我[要想]|再|然后|就|顺便)*"
_DATA = r"(?:e-?mails?|mails?|messages|texts|files|notes|documents|chats|chat history|calendar)"
_APP = r"(?:whatsapp|wechat|weixin)"
_OTHERS = r"(?!me\b|us\b|it\b|that\b|this\b|them\b|messages?\b|editor\b)"
_WRITE = r"(?:tell|ask|message|text|let|reply to|send|ping|write|drop|answer|say)"
_PUT = r"(?:add|put|stick|pop|chuck|throw|bung|sling|whack|shove|write|save|note|mark|pencil|get|enter|log|squeeze)"
_TAKE = r"(?:take|cross|remove|delete|clear|scratch|scrap|strike|erase|tick|check|knock|get|wipe|drop)"
_SHOPS = r"(?:amazon|ebay|etsy|taobao|tmall|jd|pinduoduo|temu|argos|asos)"
_HEADS = tuple(
    (action, re.compile(pattern, re.IGNORECASE))
    for action, pattern in (
        ("reminder.add", r"\bremind me\b(?!\s+(?:what|who|when|where|how|why|which)\b)(?!.*\?$)"),
        ("reminder.add", r"(?<!别)(?<!不用)提醒我(?!.*[吗?？]$)|(?:设|建|加|定|添加|创建)(?:置|立)?(?:一?个)?提醒"),
        (
            "reminder.add",
            r"\b(?:don'?t|do not) let me forget\b|\bmake sure (?:that )?i (?:don'?t forget|remember)\b|\bjog my memory\b"
            r"|\b(?:need|want|like) (?:a )?remind(?:ing|er)\b|\b(?:nudge|prod|poke) me\b"
            r"|\bping me (?:at|on|about|to|when|tomorrow|tonight)\b|\bgive me a (?:reminder"
            r"|nudge|poke|prod"
            r"|heads[ -]?up|shout)\b",
        ),
        (
            "reminder.add",
            rf"{_COURTESY}(?:(?:set|add|create|make|put|pop|stick|schedule)\s+(?:me\s+|up\s+|in\s+)?(?:an?|the"
            rf"|another)\s+)?(?:new\s+)?reminder\b"
            rf"(?!s\b)(?!.*\?$)|{_COURTESY}(?:(?:don'?t )?forget to )?(?:tell|warn) me to\s|\bremind(?:ing)? (?:me|us) about\b",
        ),
        ("translate", rf"\b(?:how (?:do|does|would|could|can|should|might|to|d'you)(?: (?:i|you|we|one|they|people"
                      rf"|somebody))?|how (?:one|you)) says?\s"
        rf".*\b(?:in|into) (?:{LANGUAGES})\b|^what(?:'?s| is| would be)\s+['\"“‘].+['\"”’]\s+in (?:{LANGUAGES})\b"),
        ("translate", rf"{_COURTESY}translate\b(?! app)\s*:?\s|{_COURTESY}(?:what(?:'?s"
        rf"| is) )?(?:the )?(?:{LANGUAGES}) (?:word |phrase )?for\s|"
        rf"{_POLITE}(?:把.+)?翻译(?!官|软件|家|员|这个工作|这活|工作)"),
        ("web.search", rf"{_COURTESY}(?:google|bing|(?:search|look|check) (?:the (?:web|internet)|online|on the (?:web"
        rf"|internet)))\s|{_POLITE}(?:百度|谷歌"
        rf"|必应)一?下?(?!地图|是|的)"),
        ("web.search", rf"{_POLITE}(?:上网|在?网上)(?:查|搜|找|看看)"
        rf"|{_COURTESY}look up (?:how|what|why|when|who|whether|which)\s"
        rf"|{_COURTESY}(?:look|search|find out|check|see)(?: (?:it|this|that))?(?: up)? (?:online|on the (?:web"
        rf"|internet|net)|on google"
        rf"|the internet)\s"),
        ("note.add", rf"{_COURTESY}(?:take|make) a note (?:that|of|:)|{_COURTESY}(?:(?:jot|note) (?:down\b|to self\b)"
                     rf"|write down (?:that\b|:))"
        rf"|{_POLITE}(?:记个?笔记|写个?备忘)"),
        ("whatsapp.send", rf"^(?:on|via|over|through|using) whatsapp\b\W*{_WRITE}\b"),
        ("wechat.send", rf"^(?:on|via|over|through|using) (?:wechat|weixin)\b\W*{_WRITE}\b"),
        ("call.start", rf"{_COURTESY}(?:whatsapp|wechat|video|voice|facetime) (?:audio |video "
                       rf"|voice )?call\s+(?!with\b|from\b|me\b)\w"
        rf"|{_COURTESY}(?:call|phone|ring)\s+{_OTHERS}\w.*\b(?:on|via|over|through|by) {_APP}\b"),
        ("whatsapp.send", rf"{_COURTESY}whatsapp\s+{_OTHERS}\w|{_COURTESY}{_WRITE}\b.*\b(?:on|via|over|through|by) whatsapp\b"),
        ("wechat.send", rf"{_COURTESY}{_WRITE}\b.*\b(?:on|via|over|through|by) (?:wechat|weixin)\b"),
        ("sms.send", rf"{_COURTESY}(?:send|write|shoot) (?:an? )?(?:text|sms|message"
        rf"|text message)\b(?!.*(?:\b{_APP}\b|@))"),
        ("mail.send", rf"{_COURTESY}(?:send|write|shoot|drop|compose|draft|fire off|pen)\b(?:(?!\b(?:say"
        rf"|text)).){{0,40}}\be-?mail\b"),
        ("sms.send", rf"{_COURTESY}(?:send|shoot|drop|fire(?: off)?|ping)\s+(?!me\b)[\w ]{{1,25}}\s+an?\s+(?:quick\s+"
        rf"|short\s+)?"
        rf"(?:text|sms|message)\b(?!.*(?:\b{_APP}\b|@))"),
        ("sms.send", rf"{_COURTESY}(?:text|sms|message)\s+{_OTHERS}[\w\u3400-\u9fff](?!.*(?:\b(?:on|via|over|through"
        rf"|in) {_APP}\b|@))"),
        ("mail.send", rf"{_COURTESY}e-?mail\s+{_OTHERS}(?!address|accounts?\b|apps?\b)[\w\u3400-\u9fff]"),
        ("sms.send", rf"{_POLITE}发一?[个条]?(?:短信|消息)(?!.*(?:微信|whatsapp))"),
        ("share.text", rf"{_COURTESY}(?:share|post)\s+(?:this|the following|the (?:text|sentence)|(?:to"
        rf"|on) \w+\s*:)(?!\w)|{_COURTESY}send this to \w+\s*:"
        rf"|{_COURTESY}(?:share|post)\s+(?!prices?\b|my (?:screen|location)\b).+\s(?:with|to|on|via) (?:{SOCIAL})\b"
        rf"|{_POLITE}分享[：:，,]"),
        ("web.search", rf"{_COURTESY}search\s*:"),
        ("note.add", rf"{_COURTESY}(?:take|write|jot) (?:this|that) down\b|{_COURTESY}(?:save|remember"
        rf"|keep(?: a note of)?|note) this\s*:"),
        ("note.add", rf"{_COURTESY}note\s+(?!to\b|from\b|for\b|on\b|of\b|in\b|it\b|down\b|this\b|app\b|book|pad"
                     rf"|about\b|s\b|an?\b|\d+\s*$)"
        rf"(?:that\s+)?\S+\s+\S"),
        ("note.add", rf"{_COURTESY}(?:new\s+)?(?:note|memo)(?: for later| to self| to me)?\s*[:：]|^笔记[：:，,]"),
        ("todo.add", rf"{_COURTESY}(?:new\s+)?(?:to[- ]?do(?:\s+list)?|(?:task|job|chore)\b[^:,]{{0,25}})\s*(?:[:：]|\s[-–—]\s)"
        rf"|\b{_PUT} (?:it|that|this) (?:on|onto|to|in)(?:to)? my list of (?:things|jobs|tasks|chores)\b"),
        ("calendar.add", rf"{_COURTESY}(?:calendar(?:\s+entry)?|diary(?:\s+entry)?|new event|event)\s*[:：]"
        rf"|\b{_PUT} (?:.+ |it |that |this )?(?:on|in|into|to|down in) (?:my|the|our) (?:calendar|diary"
        rf"|agenda)\b(?!.*\bremind)"),
        ("alarm.set", rf"{_COURTESY}(?:(?:set|put|stick|make|add|create)\s+(?:me\s+)?(?:an?|another|my"
        rf"|the)\s+)?(?:new\s+)?alarm\b(?! clock app)(?=.*\d"
        rf"|.*\b(?:for|at|by|to)\b)(?!.*\?$)|\b(?:wake|get) me up\b|{_COURTESY}(?:need )?wak(?:e|ing)(?: me)?\b|\b(?:got"
        rf"|have|need) to be (?:up|awake)\b"
        rf"|\bneed to (?:get|wake) up (?:at|by)\b|\bmake sure i'?m (?:up|awake)\b"),
        ("list.remove", rf"{_COURTESY}(?:take|cross|remove|delete|clear|scratch|strike|erase)\b.*\b(?:off|from)\b.*\blist\b"),
        ("list.remove", rf"\b{_TAKE} .{{1,40}}(?:off|from)\b.{{1,20}}\blist\b|\b{_TAKE} (?:it|them|that|those) off$"
        rf"|{_COURTESY}(?:cross|tick|knock|check|scratch|strike) off\s|\bmark .{{1,40}} as (?:done|complete|finished|bought)\b"
        rf"|\b{_TAKE} .{{1,60}}(?:off|from) (?:my|the|our) (?:to[- ]?dos?|tasks?|chores?)\b"),
        ("list.remove", r"(?:清单|待办|列表).*(?:删[掉除去了]|划掉|去掉|移除)"),
        ("shopping.add", rf"\b{_PUT} (?!down\b|rid\b).{{1,60}} (?:on|onto|to|in)(?:to)? (?:my|the|our) (?:shopping|grocery"
        rf"|groceries)\b"),
        ("shopping.add", rf"\b{_PUT} (?!down\b|rid\b|it\b|that\b|them\b|this\b|(?:call|ring|phone|e-?mail|text|book|pay"
        rf"|fix|clean|wash|finish|write|send"
        rf"|renew|return|sort|tidy|paint|mow|do|make|go|find|ask|tell|something|more)\b).{{1,40}} (?:on|onto|to"
        rf"|in)(?:to)? (?:the|our|my) list\b(?:\W+(?:as well|too|also|please|for me|thanks|will you|would you|now"
        rf"|again))*\W*$"),
        ("todo.add", rf"\b{_PUT} .{{1,80}} (?:on|onto|to|in)(?:to)? (?:my|the|our) (?:to[- ]?dos?|task|job"
        rf"|chore)s?\b(?:(?!\bremind).)*$"),
        ("shop.buy", rf"{_COURTESY}(?:find|get|look for|search for|order|buy|grab|show)\b.+\b(?:on|off|from) {_SHOPS}\b"),
        ("restaurant.reserve", rf"{_COURTESY}(?:(?:i|we)(?:'d| would)? (?:wish|want|need|like|would like"
            rf"|love)(?: to)? )?(?:(?:re)?serve"
        rf"|book|get|have|need|want|find)?\s*(?:me\s+|us\s+)?an?\s+table\s+(?:for|at|in|on|tonight|tomorrow|near|by)\b(?!.*\?$)"
        rf"|{_COURTESY}(?:(?:can|could|may) (?:i|we) (?:get|have|book|reserve)) (?:a|the) table\b"),
        ("takeaway.order", rf"\b(?:get|order|love|like|want|fancy|have|bring|need|murder)\b(?!.*\b(?:parcel|package"
                           rf"|letter|post|paper|flowers"
        rf"|message|book)\b).+\b(?:delivered|brought|dropped off) (?:to|over|round|here)\b"
        rf"|{_COURTESY}(?:(?:i|we)(?:'d| would)? (?:want|need|like|love|fancy) (?:to )?)?(?:order|get|have|grab"
        rf"|fancy)(?: in)? (?:an? |some |us )?"
        rf"(?:takeaway|takeout|take-?out|take-?away|food delivered|delivery food)\b(?!.*\?$)"),
        ("takeaway.order", rf"{_COURTESY}(?:get|order|find|want|fancy)\b.+\b(?:on|from|via|through"
                           rf"|with) (?:uber ?eats|deliveroo|just eat|doordash"
        rf"|grubhub|meituan|eleme|ele\.me)\b"),
        ("shop.buy", rf"{_COURTESY}(?:search|check|browse|try|look (?:on|through"
                     rf"|at))(?: on)? {_SHOPS}(?:\.com)? for\b|\b(?:i'm after|i need|i want|looking for)\b.+"
        rf"\b(?:see|look|check|find|search)\b.*\b(?:on )?{_SHOPS}\b"),
        ("hotel.book", rf"{_COURTESY}hotels?\s+(?:in|near|at|for|(?-i:[A-Z]))(?!.*\?$)"),
        ("taxi.book", rf"{_COURTESY}(?:(?:get|order|book|call|grab|hail|find|need|want|(?:i )?(?:need|want)|can (?:i"
        rf"|we) (?:get|have|order|book))\s+(?:me\s+|us\s+)?"
        rf"(?:an?\s+|the\s+)?)?(?:taxi|cab|minicab|uber(?! eats)|lyft|didi|(?<=\ba )(?:lift|ride))\s+(?:back\s+)?(?:to"
        rf"|from|home|for|at)\b(?!.*\?$)"),
        ("taxi.book", r"\b(?:pick(?:ed)? (?:me |us )?up|collect(?:ed)?(?: me| us)?) (?:from|at)\b.*\b(?:take|taken"
                      r"|drive|driven|drop|dropped)"
        r"(?: me| us)?(?: off)? (?:to|at)\b"),
        ("taxi.book", r"(?:打车|叫车|叫[个辆]车)(?:去|到|回)"),
        ("call.start", rf"{_POLITE}(?:打给|呼叫|拨打|致电|接通)"),
        ("call.start", rf"{_COURTESY}(?:call|phone|telephone|dial|ring|buzz|facetime|speed[ -]?dial|video[ -]?call(?! with)"
        rf"|(?:try |keep )?(?:calling|ringing|phoning))\s+(?!me\b|us\b|it\b|an?\b|in\b|at\b|for\b|off\b"
        rf"|of\b|out\b|that\b|this\b"
        rf"|each\b|app\b)(?:up\s+)?[\w+\u3400-\u9fff](?!.*\b(?:taxi|cab|uber|lyft|didi)\b)"),
        ("call.start", r"\b(?:on the (?:phone|line|blower)|put me through to|get (?:me )?hold of)\b(?!.*\b(?:about"
        r"|all day|when|was|were)\b)"
        r"|\bgive (?!me\b|us\b|it\b)[\w ]{1,20} a (?:call|ring|bell|buzz|tinkle)\b"),
        ("directions.show", rf"{_COURTESY}(?:(?:get |give me |show me )?(?:directions(?: to)?|the way to|the route to)"
        rf"|nav(?:igate)?(?: me)?(?: to)?|(?:take|drive|guide) (?:me|us) to(?= (?:the|my|an?|our|\d|(?!{SOCIAL}|youtube|spotify"
        rf"|netflix)(?-i:[A-Z])))|(?:take|get"
        rf"|drive) me (?:back )?home)(?:\s|$)"
        r"(?!.*\b(?:app|settings|page)\b)"),
        ("directions.show", r"^(?:(?:what(?:'?s| is)|show me|which is) )?(?:the )?(?:best|quickest|fastest|shortest"
                            r"|easiest) (?:route|way|road) (?:to|from)\b"),
        ("calendar.show", r"^(?:do i have|have i(?: got)?|what|are there|is there|any)\b(?!.*\b(?:about|in my (?:mail"
                          r"|notes|files))\b).*\b(?:meetings?|appointments?"
        r"|in (?:my|the) (?:calendar|diary))\b"),
        ("map.show", r"^(?:the )?(?:nearest|closest) [^,]{2,40}$|"
        r"^(?!.*\b(?:stay|hotels?|rooms?|tables?|book|flights?)\b)(?:(?:\w+ )?(?:any|is there an?"
        r"|are there any|where ?abouts is|where(?:'?s| is| are)|find(?: me)?|show(?: me)?"
        r"|which)\b)[^,]*"
        r"(?:\b(?:near(?:by|est)?|closest|around|close)(?: to)?\b)(?! (?:the time|when)).*$(?<!list)"),
        (
            "memory.search",
            rf"^(?:what|when|where|who|which|did|find|search|look)\b.*\b(?:in|through|from|check|among)\s+(?:my"
            rf"|his|her|their|our)\s+{_DATA}\b",
        ),
        (
            "memory.search",
            r"^(?:what|which|when|where|who|find|dig up|show me)\b.*\b(?:wrote|sent|gave|told|e-?mailed|texted|mentioned"
            r"|recommended|promised)"
            r"(?:\s+(?:to|for))?\s+(?:me|us)\b|^(?:where|when) did i (?:save|put|write|last|leave|park|see)\b"
            rf"|^(?:find|dig (?:up|out)) (?:me )?(?:the|that|my|an?)\s+{_DATA[:-1]}|letter|pdf|photo|file"
            rf"|document)s?\b (?:from|about|that|where|i)\b",
        ),
        ("app.open", rf"{_COURTESY}(?:open(?: up)?|launch|fire up|start(?: up)?|boot up|load(?: up)?|bring up|go to"
        rf"|switch to)\s+(?:the\s+|my\s+)?"
        rf"(?:{SOCIAL}|camera|calculator|photos?|gallery|settings|browser|contacts|e-?mails?|mail|messages|notes"
        rf"|clock|banking|netflix|youtube|spotify"
        rf"|google maps|chrome|safari)(?:\s+app)?[.!]?$"),
        ("app.open", rf"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bto )(?<!\bthe )(?<!\bleft )(?<!\bit's )(?<!\bbe )"
        rf"\bopen(?: up)?\s+(?:the\s+|my\s+)?"
        rf"(?:{SOCIAL}|camera|calculator|photos?|gallery|settings|browser|contacts|calendar|clock|netflix|youtube"
        rf"|spotify|google maps"
        rf"|chrome|safari|duolingo|\w+ing app|\w+ app)(?:\s+app)?(?:\s+(?:quick(?:ly)?|now|asap|fast|please"
        rf"|for me|real quick))*[.!]*$"),
        ("music.play", rf"{_COURTESY}(?:stick|chuck|whack|bung|throw|put|pop|get|blast|crank up"
                       rf"|play)\s+(?:on\s+)?(?:some|a bit of|a little)\s+"
        rf"(?=(?-i:[A-Z])|.*\b(?:music|songs?|tunes?|jazz|blues|rock|pop|reggae|opera|classical|soul|funk"
        rf"|disco)\b)(?!.*\blist\b)"),
        ("memory.search", r"^what (?:did|does|was it) (?!i\b|you\b|we\b).{2,40}?\b(?:say|write|tell|mention|promise"
                          r"|send|ask|want)\b"
        r".*\b(?:e-?mails?|messages?|texts?|letters?|notes?|chats?)\b"
        r"|^(?:where|when|what time) did (?!i\b|you\b|we\b)\w+(?: \w+)? (?:say|write|tell (?:me|us)|mention|suggest)\b"),
        ("chart.draw", r"^(?:an? )?(?:pie|bar|line|column) (?:chart|graph)\b.*\d"),
        ("calculate", r"\d.*\d.*\b(?:what(?:'?s| is| does| do) (?:that|it|they)|how much is (?:that|it)) (?:come to"
                      r"|make|altogether|in total|all together"
        r"|in all|each)\b|^if \d+ (?:people|of us|friends) (?:share|split)\b.*\d"),
        ("timer.set", r"\b(?:beep|buzz|ding|sound|go off) (?:me )?in\b.*\b(?:minutes?|mins?|hours?|seconds?)\b"),
        ("timer.set", rf"{_COURTESY}(?:start|set) the clock\b(?!.*\balarm)"),
        ("calculate", r"^(?:what(?:'?s| is)|how much is|calculate|work out)?[\s]*[\d.,]+(?:\s*(?:[-+*/x×÷^%]|plus|minus"
        r"|times|divided by|multiplied by)\s*[\d.,]+)+[\s=?]*$"),
        ("memory.search", r"(?:找|查|翻|搜|看看).*(?:邮件|短信|聊天记录|消息|文件|笔记|文档)(?:里|中)"),
    )
)  # fmt: skip

_ONE_CLAUSE = re.compile(r"^[^,;:.!?，；：。！？]+[.!?。！？~]*$")
_CLAUSES = re.compile(
    r"\s*[,;.!](?:\s+|$)(?:and\s+|but\s+|so\s+)?|\s+(?:and|but)\s+(?=(?:i|we|he|she|they|it)\b)", re.IGNORECASE
)
_REQUESTS = re.compile(
    r"\b(?:please|can|could|would|will) you\b|\bplease\b|\b(?:remind|set|add|put|book|order|call|text|wake|tell|show"
    r"|play|find|let) (?:me|it|us|her|him"
    r"|them|an?|the)\b",
    re.IGNORECASE,
)
_SIGH = re.compile(r"^(?!.*(?:帮|请|给我|提醒|麻烦|说)).*(?:累|烦|气|笑|无聊|后悔|困|吓|吵)死(?:我)?了[。！!~]*$")
_TOLD = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # somebody, and what they did, do or are
        r"^(?:why|how come) (?:do|does|did|is|are|was|were) (?!i\b|my\b)",
        r"^(?:nobody|no one|everyone|everybody) (?!want|need)\w+\b",
        r"^it(?:'?s| is| was) (?:(?:so|really|very|too|absolutely|bloody) )*(?:raining|snowing|pouring|freezing"
        r"|boiling|hot|cold|windy|lovely"
        r"|horrible|grim|miserable)\b",
        r"^i(?:'d| would) (?:love|like|hate) to (?:be able to|learn|know how)\b|^i bought\b",
        r"^(?:that|this|those|these)\s+[\w']+(?:\s+\w+)?\s+(?:nearly|almost|totally|really|always|never|just"
        r"|finally)\s+(?:\w+ed|\w+s|gave|made|took"
        r"|was|went|broke|got)\b",
        r"^(?:(?:yesterday|last \w+|this morning|earlier|so|well|honestly|lol|omg|ugh|haha|wow),?\s+)*(?:i|we|he|she"
        r"|they|(?:my|our|his|her|their"
        r"|the|next door'?s|(?!(?:let|what|where|who|how|when|there|here|that|it)'s)\w+'s)\s+[\w']+(?:\s+[\w']+){0,3}?)\s+"
        r"(?:(?:just|never|always|often|usually|once|really|finally|already)\s+)*"
        r"(?:(?!need|feed)\w{2,}ed|was|were|had|took|forgot|ran(?! out)|ate|made|went|said|told|came|saw|felt|rang|lost|spent"
        r"|sent|left|thought|heard|slept|drank|paid|broke|fell"
        r"|woke|drove|flew|wrote|gave|found|knew|won|caught"
        r"|hates?|loves?|enjoys?|forgets?"
        r"|misses|keeps?|never|always)\b",
        r"^(?:my|our|his|her)\s+\w+(?:\s+\w+)?\s+(?:is|are|has|have)\s+(?!out\b|at\b|on\b|from\b)",
        r"^\w+(?: \w+)? (?:called|texted|rang|phoned|e-?mailed|messaged|told|sent|gave|asked) me\b",
        r"^(?:i|we|he|she|they|it|that|this|you)\s+(?:didn'?t|doesn'?t|wasn'?t|isn'?t|won'?t|couldn'?t"
        r"|can'?t)\s+(?!forget|remember|find (?:the|my)\s+\w+,)",
        r"^(?:\w+\s+){1,3}(?:is|are) (?:my|our|his|her) (?:favou?rite|worst|best)\b",
        r"^(?:what|who|how|why) (?:do|are|would) you (?:think|like|feel|prefer|mean)\b",
        r"^i set (?:an?|my|two|three|several|\d+) alarms?(?: and| but|$)",
        r"^tell me (?:an?|about|more|something)\b(?!.*\bmy\b)",
        r"^i (?:wish(?! to (?!i\b))|used to|think|guess|reckon|believe|suppose|hope) (?!you (?:can|could))",
        r"^(?:i|we|he|she|they)(?:'ve| have| has|'d| had) (?:been|just been|never|always)\b",
        r"^(?:\w+\s+){1,3}(?:(?:is|are|was|were|has been) (?:so|such|really|too|always|never|the worst|the best|awful"
        r"|annoying|terrible|great|lovely|rubbish))\b",
        r"^\w+ing\s+(?:\w+\s+){0,3}(?:is|was|bores|makes|sucks|can be)\b",
        r"^(?:do|are|did|were) you\s+(?:ever\s+|really\s+)?(?:like|love|feel|think|able|bored|happy|real|human|believe"
        r"|dream)\b",
    )
)


def action_of(words: str) -> str | None:
    """The id of the action that the way of asking names, or None."""
    is_chinese = language_of(words) == "zh"
    if is_chinese and takes_away(words):
        return None
    if is_chinese and is_told_chinese(words):
        rest = asked_after(words)
        return action_in_chinese(rest) if rest and not is_told_chinese(rest) else None
    if is_chinese and (named := action_in_chinese(words)) is not None:
        return named
    return next((action for action, pattern in _HEADS if pattern.search(words)), None)


def is_told(words: str) -> bool:
    """Whether a sentence only tells something, or asks the assistant about itself, and so asks for no action."""
    text = words.strip()
    if _SIGH.search(text):
        return True
    if language_of(text) == "zh":
        return is_told_chinese(text) and action_of(text) is None
    if _ONE_CLAUSE.match(text) is not None:
        return any(pattern.search(text) for pattern in _TOLD)
    clauses = [clause for clause in _CLAUSES.split(text) if clause.strip()]
    return not _REQUESTS.search(text) and all(any(pattern.search(clause) for pattern in _TOLD) for clause in clauses)
