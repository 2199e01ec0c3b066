"""The words around a text slot, by the slot's name: data for text_slots.py. `x` is the value. The first that fits counts."""

from __future__ import annotations

import re

_TO_MY = r"(?:to|on|onto|in|into)\s+(?:my|the|our|a)\s+"
_LISTS = (
    r"(?:shopping|shop|grocery|groceries|to[- ]?do|task|chores?|jobs?|reading|wish)?\s*(?:list|lists|cart|basket|tasks?"
    r"|to[- ]?dos?|notes?)"
)
PUT = "add|put|get|include|write|throw|stick|toss|pop|chuck|bung|sling|whack|shove|lob|pencil|squeeze|slot"
"""How people say that something is to be added."""
_ADD = rf"(?:{PUT}|create|make|schedule|set up|set|book in|book|plan|arrange|organi[sz]e|diari[sz]e|new|log|enter|insert)"
LANGUAGES = (
    "english|chinese|mandarin|cantonese|french|german|spanish|italian|portuguese|japanese|korean|russian|arabic|hindi"
    "|dutch|swedish|welsh|irish|gaelic|urdu|punjabi|bengali|tamil|farsi|persian|swahili|malay|tagalog|filipino|romanian|bulgarian"
    "|croatian|serbian|icelandic|catalan|afrikaans|slovak|slovenian|lithuanian|latvian|estonian|"
    "turkish|greek|polish|thai|vietnamese|latin|hebrew|indonesian|czech|danish|finnish|norwegian|hungarian|ukrainian"
)
_CHINESE_LANGUAGES = (
    "英|中|法|德|日|韩|俄|西班牙|意大利|葡萄牙|阿拉伯|泰|越南|荷兰|希腊|拉丁|土耳其|印地"
    "|波兰|瑞典|丹麦|芬兰|挪威|捷克|匈牙利|印尼|希伯来|乌克兰|罗马尼亚"
)
CHINESE_LANGUAGE = rf"(?:(?:{_CHINESE_LANGUAGES})(?:语|文)|汉语|粤语|普通话)"

SOCIAL = (
    "slack|facebook messenger|facebook|messenger|instagram|insta|twitter|snapchat|discord|teams|linkedin|skype|reddit"
    "|tiktok|pinterest"
    "|whatsapp|wechat|telegram|signal"
)
"""The names of apps that people write to each other and share with."""
_APPS = (
    f"{SOCIAL}|"
    "amazon|ebay|etsy|spotify|youtube music|youtube|netflix|uber eats|ubereats|uber|lyft|doordash|grubhub|deliveroo|just eat"
    "|gmail|imessage|opentable|booking\\.com|airbnb|trip\\.com|ctrip|apple music|google maps|apple maps|taobao|jd"
    "|meituan|didi|alipay|"
    "微信|淘宝|天猫|京东|拼多多|美团外卖|美团|饿了么|滴滴出行|滴滴|支付宝|高德地图|高德|百度地图|网易云音乐|网易云|qq音乐"
    "|酷狗音乐|酷狗|抖音|小红书|微博|曹操出行|盒马"
)

APP = re.compile(_APPS, re.IGNORECASE)
"""The names of apps that people order, ride, pay and write with."""

_HAVING = (
    r"(?:i have|i've got|i got|there is|there's|we have|we've got|i'm (?:seeing|meeting|having|going to)"
    r"|we're (?:seeing|meeting|having|going to))"
)

_CUES: dict[str, tuple[str, ...]] = {
    "subject": (
        r"\b(?:with (?:the )?subject|subject(?: line)?|titled|about|regarding"
        r"|re)\b[: ]+['‘]?(?P<x>.+?)(?=['’]?[,.]?\s+(?:saying|and"
        r" say|that says|with (?:the )?body|body|telling)\b|,|$)",
        r"主题(?:是|为|：|:)?(?P<x>.+?)(?=[，,。]|内容|正文|$)",
        r"关于(?P<x>.+?)(?:的(?:邮件|信|事)|[，,]|$)",
    ),
    "text": (
        rf"\b(?:the following|this)(?:\s+\w+)?\s+(?:in)?to\s+(?:{LANGUAGES})\s*:\s*(?P<x>.+)",
        rf"(?:下面|以下|这)(?:这|一)?[句段]?话?(?:翻译?|译)(?:成|为){CHINESE_LANGUAGE}[：:，,]\s*(?P<x>.+)",
        rf"{CHINESE_LANGUAGE}的(?P<x>.+?)(?:怎么说|怎么讲|咋说|怎么写)",
        rf"\b(?:in|into)\s+(?:{LANGUAGES})\s*(?:please|for me)?\s*[:,]\s*(?P<x>.+)",
        r"\breminder\b[^:]{0,12}:\s*(?P<x>.+)",
        r"\b(?:share|post)\s+(?:this|the following)(?:\s+\w+)?(?:\s+(?:to|on|with|via|in"
        r"|over)\s+[\w ]{1,20}?)?\s*:\s*(?P<x>.+)",
        rf"\b(?:share|post)\s+(?P<x>.+?)\s+(?:to|on|via|with|in)\s+(?:{_APPS}|(?-i:[A-Z])\w+)$",
        r"(?:^|\b(?:need|want|like) )reminding\s+(?:to|about|that|of)?\s*(?P<x>(?!me\b|us\b).+)",
        r"\b(?:make sure (?:that )?i )(?:(?:don'?t|do not) forget|remember)\s+(?:to|about|that)?\s*(?P<x>.+)",
        r"\breminding (?:me|us)\s+(?:to|about|that)?\s*(?P<x>.+)",
        r"\b(?:take|write|jot|note|keep) (?:this|that) (?:down|in mind)(?: for me| please)?\s*[:,-]\s*(?P<x>.+)",
        r"\b(?:save|remember|keep a note of|note) this\s*:\s*(?P<x>.+)",
        r"\b(?:share|post)\s+(?:to|on|with|via)\s+[\w ]{1,20}?\s*:\s*(?P<x>.+)",
        r"\bsend\s+(?:this|the following)\s+to\s+\w+\s*:\s*(?P<x>.+)",
        rf"^(?:the\s+)?(?:{LANGUAGES})\s+for\s+(?P<x>.+)",
        r"\bjog my memory\s+(?:to|about|that)?\s*(?P<x>.+)",
        r"\b(?:tell|warn) me to\s+(?P<x>.+)",
        r"\bgive me a (?:shout|nudge|poke|prod|heads[ -]?up)\s+(?:to|about|that|for)?\s*(?P<x>.+)",
        r"\b(?:task|to[- ]?do(?:\s+(?:item|list))?)\s*(?:[:：]|\s[-–—]\s)\s*(?P<x>.+)",
        r"\b(?:set|add|create|make)\s+(?:me\s+)?(?:an?\s+)?reminder\s*,\s*(?P<x>.+)",
        r"^(?:笔记|备忘录?|便签)[：:，,]\s*(?P<x>.+)",
        r"^(?:i\s+)?(?:must not|mustn'?t|can(?:'?t|not)|don'?t want to|shouldn'?t|better not)\s+forget\s+(?:to|about"
        r"|that)?\s*(?P<x>[^,]+)",
        rf"\bsay\s+(?P<x>.+?)\s+in\s+(?:{LANGUAGES})\b",
        r"(?:笔记|备忘录?|便签)本?(?:里面|里|上|中)?(?:写|记|加|添)(?:上|下|一[条下])?[：:，,]?(?P<x>.+)",
        rf"\btranslate\s*:?\s+(?P<x>.+?)\s+(?:from \w+ )?(?:in)?to\s+(?:{LANGUAGES})\b",
        rf"\b(?:how (?:do|would|can) (?:you|i|we) say|what(?:'s| is))\s+(?P<x>.+?)\s+in\s+(?:{LANGUAGES})\b",
        r"(?:把|将)[“\"]?(?P<x>.+?)[”\"]?(?:这句话|这个词)?(?:翻译|译|翻)(?:成|为|到)",
        rf"[“\"]?(?P<x>[^，,。]+?)[”\"]?(?:这句话|这个词)?(?:用|的)?{CHINESE_LANGUAGE}(?:怎么说|怎么讲|是什么|咋说)",
        rf"\b(?:turn|put|convert|change)\s+(?P<x>.+?)\s+(?:in)?to\s+(?:{LANGUAGES})\b",
        rf"\b(?:what(?:'s| is)|tell me)\s+(?:the\s+)?(?:{LANGUAGES})\s+(?:word|phrase|translation)?\s*(?:for|of)\s+(?P<x>.+)",
        rf"\b(?:in|into)\s+(?:{LANGUAGES})\s*:\s*(?P<x>.+)",
        rf"{CHINESE_LANGUAGE}[：:]\s*(?P<x>.+)",
        rf"^(?P<x>[^，,。]+?)(?:翻译|译|翻)(?:成|为|到){CHINESE_LANGUAGE}",
        rf"(?:用)?{CHINESE_LANGUAGE}(?:里|中)?(?:怎么说|怎么讲|咋说)(?P<x>.+)",
        r"\b(?:new\s+)?(?:task|to-?do(?: item)?|chore)s?\s*(?::|,|to\b|for\b)\s*(?P<x>.+)",
        r"^(?P<x>.+?),\s*(?:put|add|write|note)\s+(?:it|that|this)\s+(?:on|to|down|in).*",
        r"\b(?:ping|nudge|alert|notify|give)\s+(?:me|us)\b.*?\b(?:about|to|for)\s+(?P<x>.+)",
        r"(?:新)?(?:任务|待办(?:事项)?|家务|要做的事)(?:列表|清单)?(?:里|中)?(?:再)?(?:加(?:上|入|一[条个])?"
        r"|添加|新增|新建)?[：:，"
        r",]\s*(?P<x>.+)",
        r"(?:任务|待办(?:事项)?|家务|要做的事)(?:列表|清单)?(?:里|中)?(?:再)?(?:加上|加入|加一[条个]|添加|加)(?P<x>.+)",
        r"^(?P<x>.+?)[，,]\s*(?:帮我)?(?:加|添加|放|列|存|记|写|排|标)(?:到|进|入|在)(?:我的)?(?:待办"
        r"|任务|清单|要做|笔记|备忘).*",
        r"(?:设|建|加|定)(?:置|立)?(?:一?个)?提醒[，,：:]\s*(?P<x>.+)",
        r"^(?P<x>.+?)[，,]?(?:到时候|记得|别忘了)?(?:提醒我|叫我)(?:一下|一声)?$",
        r"\bremind(?:er|ed)?\s+(?:me|us)?\s*[,;]?\s*(?:to|about|that|of|for|:)?\s*(?P<x>.+)",
        r"\b(?:don'?t|do not) let me forget\s+(?:to|about|that)?\s*(?P<x>.+)",
        rf"\b(?:{PUT})\s+(?P<x>(?!it\b|that\b|this\b|them\b).+?)\s+{_TO_MY}{_LISTS}",
        rf"\b(?:{PUT})\s+{_TO_MY}{_LISTS}\s*[:,]?\s*(?:to|that)?\s*(?P<x>.+)",
        r"\b(?:note|memo)\b(?:\s+(?:down|to self|for later|to me))?\s*(?:that|:|saying|to|about)?\s*(?P<x>.+)",
        r"\b(?:write|jot|take)\s+(?:this\s+)?down\s*(?:that|:)?\s*(?P<x>.+)",
        r"\bremember\s+(?:that|to)?\s*(?P<x>.+)",
        r"\b(?:share|copy|translate|say|read|send)\s+(?P<x>(?!(?:something|this|that|it)\b).+)",
        r"提醒(?:一下)?我(?:一下)?(?:要|记得|别忘了)?(?:去(?=[^\s]))?(?P<x>.+)",
        r"(?:别让我忘了|别忘了|记得)(?:叫我|提醒我|让我)?(?P<x>.+)",
        r"(?:把|将)(?P<x>.+?)(?:加|添加|放|写|记)(?:到|进|入|在|上|下来).*",
        r"叫我(?P<x>.+)",
        r"(?:记一下|记下来|记下|记一笔|备忘(?:录)?|(?:记|写|做|添加|新建|加)(?:一?[个条篇])?(?:笔记|备忘录?)|记录(?:一下)?"
        r"|待办(?:事项)?(?:清单)?(?:里|中)?(?:加(?:上|入|一条)?|添加)?)[：:，,]?(?:说|内容是)?(?P<x>.+)",
        r"(?:翻译(?!成|为|到)|分享|复制)(?:一下|出去)?(?:(?:到|至|在)?(?:微信|朋友圈|微博|群里))?[：:，,]?(?P<x>.+)",
    ),
    "items": (
        r"\b(?:don'?t|do not|no longer)\s+need\s+(?:the\s+|any\s+)?(?P<x>[^,]+?)(?:\s+any ?more)?(?:\s*,|\s+so\b|\s+and\b).*",
        r"\b(?:cross|tick|take|knock|check|scratch|strike|wipe) off\s+(?P<x>[^,]+?)(?:\s+(?:from|on) (?:my|the|our) .*)?$",
        r"\bmark\s+(?P<x>.+?)\s+(?:as|off as)\s+(?:done|complete(?:d)?|finished|bought)",
        r"\b(?:done|finished|completed|did|sorted)\s+(?:the\s+|my\s+)?(?P<x>[^,]+?)(?:\s+already)?\s*(?:,|\bso\b"
        r"|\band\b).*\b(?:off|remove|delete|done)\b.*",
        r"\b(?:got|bought|picked up)\s+(?:the\s+|some\s+)?(?P<x>[^,]+?)(?:\s+already)?\s*,.*\b(?:off|from|remove|delete)\b.*",
        r"^(?P<x>[^，,]{1,12}?)(?:已经)?(?:买过了|买好了|买了|做完了|做好了|有了|不用买了|不要了)[，,].*",
        rf"\b(?:remove|delete|take|cross|strike|scratch|drop|erase|clear|wipe|tick"
        rf"|scrap|knock|check|bin|get rid of)\s+(?P<x>.+?)\s+(?:off(?: of)?|from"
        r"|out of)\s+(?:my\s+|the\s+|our\s+)?"
        rf"(?:{_LISTS}|groceries|shopping)",
        r"(?:把|将)(?P<x>.+?)从",
        r"从.*?(?:清单|列表|待办|笔记|购物单)(?:里面|里|上|中)?(?:删除|删掉|删去|去掉|划掉|移除|拿掉|删)(?:一?[个样条件])?(?P<x>.+)",
        r"(?:清单|列表|待办|笔记|购物单)(?:里面|里|上|中)?的(?P<x>.+?)(?:不用买了|不要了|不用了|做完了|买好了|删|去掉|划掉|移除|拿掉)",
        r"(?:list|groceries)\s*(?:[:：]|\s[-–—]\s|[,:]?\s*(?:add|put))\s*(?P<x>.+)",
        rf"\b(?:{PUT})\s+(?P<x>(?!it\b|that\b|this\b|them\b|these\b|those\b).+?)(?:\s+(?:down|added|put))?\s+(?:to|on"
        rf"|for|onto|in)\s+"
        rf"(?:my|the|our)\s+(?:{_LISTS}|groceries|shopping)",
        r"\b(?:we'?re|i'?m|we are|i am|ran|run|running)\s+(?:all\s+|nearly\s+|almost\s+|completely\s+)?(?:out of|low on"
        r"|short of|short on)"
        r"\s+(?P<x>[^,，]+)",
        r"\b(?:we|i)(?:'ve| have) (?:no|run out of|got no)\s+(?P<x>[^,，]+?)(?:\s+left)?(?=,|$)",
        r"(?:清单|列表|购物单)[：:]\s*(?P<x>.+)",
        r"^(?:家里)?(?:没有?|缺)?(?P<x>[^，,]{1,12}?)(?:没了|用完了|没有了|快没了|不够了|不多了|快用完了"
        r"|吃完了|喝完了)[，,].*",
        r"(?:家里)?没(?P<x>[^，,]{1,12}?)了[，,].*",
        r"要买的(?:东西|里面)?(?:里)?(?:再)?加(?:上|入|几个|一?[些个])?(?P<x>.+)",
        rf"\b(?:add|put|get|include|write)\s+(?P<x>(?!them\b|it\b).+?)\s+{_TO_MY}{_LISTS}",
        rf"\b(?:add|put)\s+{_TO_MY}{_LISTS}\s*[:,]?\s*(?P<x>.+)",
        r"\b(?:buy|order|purchase|get|need|shop for|pick up|remember)\s+(?:me\s+|us\s+)?(?P<x>.+?)(?=\s+(?:from|on|at|off)\s+"
        rf"(?:(?:the\s+|an?\s+)?\w+(?:\s+store)?(?:,|$)|(?:{_APPS})\b)|\s+online\b|\s+(?:for\s+)?(?:less than|under"
        rf"|below|up to)\b|,\s|$)",
        r"(?:把|将)(?P<x>.+?)(?:加|添加|放|写|记)(?:到|进|入|在|上)",
        r"(?:清单|列表|购物单)(?:上|里|中|里面)?(?:再)?(?:加|添加|添|放|写|记)(?:上|入|一下|一条)?(?P<x>.+)",
        r"(?:帮我|我要|我想|要)?(?:买|订购|下单|购买|采购)(?:一?些|点儿?|(?:一?[个双把副台只条件张本瓶盒袋包块盏]))?(?P<"
        r"x>[^，,]+)",
        r"(?:加|添加)(?:一?些|点儿?)?(?P<x>.+?)(?:到|进)(?:购物)?(?:清单|列表)",
        rf"^(?P<x>(?!(?:{PUT}|check|show|read|open|what|what's|is|are)\b).+?)\s+(?:for|on|onto|to|in)\s+(?:my\s+"
        rf"|the\s+|our\s+)?(?:{_LISTS}|groceries|shopping)",
        r"^(?:i'm after\s+)?(?P<x>[^,]+),\s*(?:so |and |please )*(?:see|check|look|have a look|find|search|try)\b.*",
        r"\b(?:search|check|try|browse)\s+(?:on\s+)?\w+(?:\.com)?\s+for\s+(?P<x>.+?)(?=\s+(?:under|below|up to"
        r"|for less)\b|,|$)",
        r"\b(?:find|show|search for|look for)\s+(?:me\s+)?(?P<x>.+?)(?:\s+to buy)?(?=,|\s+(?:on|from|off|under|below"
        r"|for less)\b|$)",
        r"(?:搜索|搜一?[搜下]|搜|找一?[找下]|找|看一?[看下])(?P<x>[^，,]+)",
    ),
    "figures": (
        r"画(?:一?[个张])?(?P<x>(?!图|饼|柱|条形|折线|曲线)[^\d]*\d.*?)的?(?:饼|柱状|柱形|条形|折线|曲线|线)图",
        r"\b(?:plot|draw|chart|graph|show)\s+(?:me\s+)?(?P<x>[^\d,]*\d[^.]*?)\s+(?:as|in|into|on)\s+an?\s.*$",
        r"图表?(?:来)?(?:画出|画一下|画|表示|显示|展示)(?P<x>[^\d]*\d.*)",
        r"^(?:把|将|用)?(?P<x>[^\d]*\d.*?)(?:[，,\s]*(?:给我|帮我|请|你))*(?:做成?|画成?|变成|弄成?|整成?|生成|出|来|用)[^\d]{0,6}图表?[吧呗看给我]*$",
        r"\b(?:chart|graph|plot|diagram)\b(?:\s+(?:of|for|with|showing|from|out of|using))?\s*[:,]?\s*(?P<x>(?!of\b"
        r"|for\b|out\b|using\b)[^\d]*\d.*)",
        r"(?:饼|柱状|柱形|条形|折线|曲线|线)?图表?(?:表示|显示|展示)?[：:，,]\s*(?P<x>[^\d]*\d.*)",
    ),
    "dish": (
        r"\border\s+from\s+[^:]{2,30}:\s*(?P<x>.+)",
        r"(?<!n't )(?<!not )\b(?:feel like|fancy|craving|crave|hungry for|in the mood for)\s+(?:some\s+"
        r"|an?\s+)?(?P<x>(?!takeaway|takeout|delivery)"
        r"[^,]+?)(?:\s+from\s[^,]+?)?(?:\s+(?:tonight|today|now|for (?:dinner|lunch|tea|supper)))?(?=,\s*(?:so |and "
        r"|can you |could you "
        r"|please )*(?:order|get|find|grab)\b)",
        r"送(?:一?[份个杯碗盒盘只打])(?P<x>[^，,]+?)(?:过来|来|到.*)?$",
        r"(?:来|点|叫|要|吃)(?:一?[份个杯碗盒盘只打]|点儿?|两份|三份)(?:外卖)?[，,：:]?(?P<x>(?!外卖)[^，,]+?)(?:的?外卖)?"
        r"(?:送到.*)?(?=[，,]|$)",
        r"\b(?:grab|place an order for|order in|order up)\s+(?:me\s+|us\s+)?(?P<x>.+?)(?=\s+from\b|\s+for delivery"
        r"|\s+delivered|\s+to\b|\s+on\b|$)",
        r"\b(?:order|get|want|have|deliver|fancy|crave|bring)\s+(?:me\s+|us\s+)?(?:takeaway|takeout|take-away|delivery)\b"
        r"(?:\s+of)?\s*:?\s*(?P<x>(?!from\b)[\w'’\"“].+?)(?=\s+from\b|\s+to\b|$)",
        r"\b(?:order|get|want|have|deliver|fancy|crave|bring|love|(?<!feel )(?<!n't )like|murder)\s+(?:me\s+"
        r"|us\s+)?(?P<x>(?!(?:an?\s+"
        r"|some\s+)?takeaway|takeout|take-away"
        r"|delivery|food\b).+?)(?=\s+from\b|\s+for (?:delivery|the|my|us|me|\d)\b|\s+(?:delivered|brought)\b|\s+to\b"
        r"|\s+at\b|\s+on\b|$)",
        r"(?:点|叫|订|来|要|吃)(?:一?[份个杯碗盒盘只]|点儿?|两份|三份)?(?:外卖)?[，,：:]?(?P<x>(?!外卖)[^，,]+?)"
        r"(?:的?外卖)?(?=[，,]|$)",
    ),
    "restaurant": (
        r"\b(?:book|reserve)\s+(?P<x>(?-i:[A-Z])[\w'’ &-]*?)\s+(?:for|on|at|tonight|tomorrow)\b",
        r"\border\s+from\s+(?P<x>[^:]{2,30}):",
        r"\b(?:in\s+at|from|at|in)\s+(?P<x>(?!\d).+?)(?=\s+(?:for|on|to|at|tonight|tomorrow|with|this|next|delivered"
        r"|brought|sent"
        r"|dropped|please|by|and|around)\b|[,.?!]|$)",
        r"\b(?:if|does|whether|can|could)\s+(?P<x>(?-i:[A-Z]).+?)\s+(?:has|have|can|could|do|does|fit|takes?|squeeze)\b",
        r"\b(?:book|reserve)\s+(?P<x>(?:the\s+)?(?-i:[A-Z])[\w'’ &-]*?)(?=\s+(?:for|on|at)\b|,|$)",
        r"\b(?:table|seats?|reservation|dinner|lunch|brunch)\b.*?,\s*(?P<x>(?-i:[A-Z])[\w'’ &-]*?)(?=\s*[,.]|$)",
        r"(?:从|在)(?P<x>(?!.{0,6}上点)[^，,]+?)(?:订|点|叫|吃|预|来|买)",
        r"^(?:看看|看一下|查查)?在?(?P<x>[^，,]{2,10}?)(?:有没有|能订|留个|留张|还有|预?订)",
        r"(?:订|预订|预约|预定)(?:一下|一?[个张])?(?P<x>(?![\d一二两三四五六七八九十]+个?[人位]).+?)(?:的)?(?:位子?"
        r"|位置|座位?|包间|[两二三四五六七八九十\d]+人?位)",
        r"(?:订|预订|预约|预定)(?:一下)?(?P<x>(?![\d一二两三四五六七八九十]+个?[人位])[^，,\d]{2,10})$",
    ),
    "query": (
        r"^(?P<x>.+?),?\s+(?:and\s+)?(?:google|search for|look up) (?:it|that)$",
        r"\bsearch\s+(?:on|about|for)\s+(?P<x>.+)",
        r"\b(?:look|search)\s+(?:online|on the (?:web|internet))\s+for\s+(?P<x>.+)",
        r"\bsearch\s*:\s*(?P<x>.+)",
        r"\b(?:fancy|feel like|in the mood for|want to hear|would love to hear|want to listen to)\s+"
        r"(?:hearing\s+|listening to\s+)?(?:some\s+)?(?P<x>.+)",
        r"\b(?:search(?:\s+(?:the web|online|the internet|google|my \w+))?|google|look\s+up|look|find|browse|bing|hunt)\s*"
        r"(?:for|up|about|out)?\s+(?:(?:online|on the (?:web|internet))\s+(?=\w))?(?:me\s+)?(?P<x>.+?)(?=\s+(?:online"
        r"|(?:on|in) (?:the web|google|the internet)|in my (?:files|notes"
        r"|mail|memory|documents))$|$)",
        r"\b(?:search|look|check)\s+(?:on\s+)?(?:the\s+)?(?:web|internet|online|through my \w+)\s+(?:for\s+)?(?P<x>.+)",
        r"\b(?:web search|internet search|search)\s+(?:on|for|about)?\s*(?P<x>.+)",
        r"\b(?:show me|dig up|pull up|bring up|get me)\s+(?:the\s+|that\s+)?(?P<x>.+)",
        r"\b(?:shuffle|queue up|turn on|start|blast|(?:stick|chuck|whack|bang|throw|pop|put) on)\s+(?:some\s+"
        r"|a bit of\s+)?(?P<x>.+)",
        r"\bput (?:on )?(?:some |a bit of )?(?:music|songs?|tunes) (?:on )?(?:by|from)\s+(?P<x>.+)",
        r"\b(?:put|stick|chuck|whack|bung|pop)\s+(?:a bit of\s+|a little\s+|some\s+)?(?P<x>.+?)\s+on$",
        r"(?:把|将)(?P<x>.+?)(?:找出来|翻出来|找到)",
        r"(?:翻一下|翻翻|看看|看一下)(?P<x>.+)",
        r"\b(?:play|listen to|put on|hear|stream)\s+(?:me\s+)?(?:some\s+|a song by\s+|songs? by\s+|music by\s+)?(?P<x>.+?)"
        r"(?=\s+(?:on|in|from)\s+(?:spotify|youtube|apple music|netease)|$)",
        r"(?:上网|百度|谷歌|必应)?(?:上)?(?:搜索|搜一下|搜一搜|搜搜|搜(?!索)|查一下|查一查|查查|查询"
        r"|查找|查(?![询找])|百度一下|百度|谷歌一下|谷歌|找一下|找找"
        r"|找)(?:一下)?(?:关于)?(?P<x>.+)",
        r"(?:播放|放|听听|听|来)(?:一下)?(?:[一几]?[首点些])?(?P<x>.+)",
        r"^(?P<x>(?:what|who|when|where|why|how|which|did|do|does|is|are|was|were)\b.+)",
        r"^(?P<x>.*(?:什么|谁|哪|怎么|几|多少|吗|呢).*)",
        r"^(?:can |could |may )?(?:we\s+)?have\s+some\s+(?P<x>.+)",
    ),
    "app": (
        rf"\b(?:open|launch|start|fire up|load)\s+(?:up\s+)?(?:the\s+|my\s+)?(?P<x>{SOCIAL}|camera|calculator|photos"
        rf"|gallery|settings"
        r"|contacts|calendar|browser|clock|youtube|spotify|netflix)\b(?! (?:app|settings|maps|music|to)\b)",
        r"\bget\s+(?:the\s+|my\s+)?(?P<x>[^,;:]+?)\s+up$",
        r"^(?:去|上|回到?)(?P<x>[^，,]{2,8})$",
        r"^(?:使用|用一?下?)(?P<x>[^，,]{1,12})$",
        r"\b(?:open|launch|start|run|go to|switch to|bring up|fire up)\s+(?:up\s+)?(?:the\s+|my\s+)?(?P<x>[^,;:]+?)(?:\s+(?:app"
        r"|application))?(?:\s+(?:for me|please|now|quickly))*(?:[,;:].*)?$",
        r"\b(?:show me|take me to|pull up)\s+(?:the\s+|my\s+)?(?P<x>.+?)(?:\s+(?:app|application))?$",
        r"(?:把|将)(?P<x>.+?)(?:打开|启动)",
        r"(?:切换到|切到|运行|进(?!入)|打开|启动|开启|进入|打開|开一下)(?:一下)?(?P<x>.+?)(?:这个)?(?:app|应用|软件|程序)?$",
    ),
    "title": (
        r"\b(?:note|put|write|mark|add|log|enter)\s+(?:down\s+)?(?:in|on|into|to)\s+(?:my|the|our)\s+(?:calendar"
        r"|diary|agenda|schedule)\s*(?:that|:|,)?\s*(?P<x>.+)",
        r"^(?:calendar(?:\s+entry)?|diary(?:\s+entry)?|new\s+event|event|appointment)\s*[:,-]\s*(?P<x>[^,]+)",
        r"^(?P<x>[^,]+?),\s*(?:in\s+)?(?:my\s+|the\s+)?(?:calendar|diary)$",
        r"\bbook (?:me|us) in (?:for|with|at)\s+(?:the\s+|my\s+|an?\s+)?(?P<x>.+)",
        r"\b(?:called|titled|named|entitled)\s+(?P<x>.+)",
        rf"^(?:{_HAVING}\s+)?(?:an?\s+|the\s+)?(?P<x>[^,]+?)(?:\s+(?:is|are|starts|begins|will be"
        rf"|takes place)\b[^,]*)?(?:\s*[,.]\s*|\s+)"
        rf"(?:(?:and|so)\s+)?(?:(?:can|could|would|will) you\s+|please\s+)*(?:{PUT}|save|note)\s+(?:it|that|this)\b.*",
        r"\b(?:mark|clear|note on|put in|put on)\s+(?:in\s+|on\s+)?my\s+(?:calendar|diary|schedule)\s*(?:,|:|for|that)?\s*"
        r"(?P<x>.+)",
        r"^(?:i have|i've got|there is|there's|we have)?\s*(?:an?\s+|my\s+|the\s+)?(?P<x>[^,]+?),\s*(?:put|add|save|stick"
        r"|write|note)\s+(?:it|that|this)\b.*",
        r"\b(?:save the date|block (?:out|off)?(?: time)?|pencil in|calendar entry|entry)\s*(?:for)?\s+(?P<x>.+)",
        r"\bbook\s+(?P<x>.+?)\s+(?:into|in)\s+my\s+calendar",
        rf"\b(?:{PUT}|enter|log|insert)\s+(?:an?\s+|the\s+)?(?P<x>.+?)\s+(?:to|on|in|into)\s+(?:my|the|our)\s+(?:calendar"
        r"|diary|agenda|schedule)",
        rf"\b{_ADD}\s+(?:me\s+)?(?:an?\s+|the\s+|my\s+)?(?:new\s+)?(?:event|appointment|entry)\s*(?:for|:|about|of)\s*"
        rf"(?P<x>.+)",
        rf"\b{_ADD}\s+(?:in\s+)?(?:an?\s+|the\s+|my\s+|for\s+)?(?:new\s+)?(?P<x>.+?)"
        r"(?=\s+(?:in|on|to|into)\s+(?:my|the|our)\s+(?:calendar|diary|schedule|agenda)\b|$)",
        rf"\b{_HAVING}\s+(?:an?\s+|the\s+|my\s+)?(?P<x>.+)",
        r"(?:名为|叫做?|名叫|主题(?:是|为)?|标题(?:是|为)?|题为)(?P<x>.+)",
        r"(?:把|将)(?:的)?(?P<x>.+?)(?:加|添加|放|写|记|排|标)(?:到|进|入|在)(?:我的)?(?:日历|日程)",
        r"^(?:我)?(?:有|要)?(?:一?[个场节次])?(?P<x>[^，,]+?)[，,]?\s*(?:请|帮我|给我)?(?:加|添加|放"
        r"|写|记|排|标|建|存)(?:到|进|入|在|个)(?:我的)?(?:日历|日程).*",
        r"^(?P<x>[^，,]+?)[，,]\s*(?:帮我)?(?:建|加|记)(?:一?[个下]).*",
        r"(?:安排|添加|创建|新建|新增|加|约|定|建)(?:一?[个场次下])?(?:日程|日历|活动|事件)?[：:，,]?(?P<x>(?!到|进)[^，"
        r",]+?)(?:到|进)?(?:我的)?(?:日历|日程)?$",
        r"(?:日历|日程)(?:上|里|中)?(?:加|添加|记|写)(?:上|一?[个条下])?(?P<x>.+)",
        r"(?:我|我们)?(?:有|要)(?:一?[个场次])?(?P<x>.+)",
    ),
    "label": (
        r"\b(?:and )?(?:label|call|name) it\s+(?P<x>.+)",
        r"\b(?:called|labell?ed|named|titled|saying)\s+(?P<x>.+)",
        r"\b(?P<x>(?!an?\b|the\b|my\b|set\b|start\b|new\b|minutes?\b|hours?\b|seconds?\b|secs?\b|mins?\b|another\b"
        r"|make\b|put\b|weekdays?\b|weekend\b|daily\b|early\b|quick\b|morning\b|evening\b|clock\b|\w+day\b|do\b|for\b|your\b"
        r"|this\b|one\b|that\b|and\b|have\b|need\b)[a-z]+)"
        r"\s+(?:timer|alarm)\b",
        r"^(?:(?:set|start)\s+)?(?:an?\s+)?(?:timer|countdown)\s+(?:for\s+)?(?:the\s+|my\s+)?(?P<x>(?!for\b|on\b|to\b"
        r"|please\b|of\b|an?\b|at\b)[a-z]{3,}(?:\s[a-z]+)?)$",
        r"\b(?:timer|alarm|countdown)\b.*?\bfor\s+(?:the\s+|my\s+)?(?P<x>(?!\d|an?\s+(?:hour|minute))[a-z].+)",
        r"\bto\s+(?P<x>(?!wake me|go off|ring|sound|be\b)[a-z].+)",
        r"(?:叫做|名为|标签(?:是|为)?|备注(?:是|为)?)(?P<x>.+)",
        r"(?:闹钟|计时器?|定时器?|闹铃)[，,：:]?(?:提醒我)(?P<x>.+)",
        r"提醒我(?P<x>.+)",
    ),
    "language": (
        rf"\b(?P<x>{LANGUAGES})\s+(?:word|phrase|translation)\b",
        rf"\b(?P<x>{LANGUAGES})\W*$",
        rf"(?P<x>{CHINESE_LANGUAGE})的.+(?:怎么说|怎么讲|咋说|怎么写)",
        rf"\b(?:in|into|to)\s+(?P<x>{LANGUAGES})\b",
        rf"(?:成|为|到|用)(?P<x>{CHINESE_LANGUAGE})",
        rf"(?P<x>{CHINESE_LANGUAGE})(?:里|中)?(?:怎么|咋)(?:说|讲|写)",
        rf"(?P<x>{CHINESE_LANGUAGE})(?:里|中)?(?:该|要)?(?:怎么说|怎么讲|是什么|咋说|咋讲|怎么写)",
        rf"\b(?P<x>{LANGUAGES})\b(?:\s+for\b|\s+translation)",
    ),
    "name": (
        r"\bthis is\s+(?P<x>[^\d,]+?)['’]s\s+(?:new\s+)?(?:number|mobile|phone|e-?mail|address)",
        r"\d,?\s+(?:it'?s|that'?s)\s+(?P<x>[^,\d]+?)(?:['’]s(?: number| mobile)?)?(?=\s*[,.]|$)",
        r"\b(?:save|store|add|keep)\s+(?P<x>[^\d,]+?)['’]s\s+(?:new\s+|mobile\s+|phone\s+)*(?:number|phone|mobile)",
        r"\b(?:put|add|store|save)\s+(?P<x>(?!contact|a\b|the number|this)[^\d,]+?)\s+[+\d][\d ()-]{5,}\s+(?:to|in|into"
        r"|on)\s+(?:my\s+|the\s+)?(?:contacts?|phone|address)",
        r"(?:通讯录|联系人)(?:里|中)?(?:新增|添加|加(?:上|入)?|存)(?:一?个)?(?P<x>[^\d，,：:]{1,12})",
        r"\d\s+(?:is|belongs to)\s+(?P<x>[^,，\d]+?)(?:['’]s)?(?:\s+(?:new|mobile|phone|cell|work"
        r"|home))*(?:\s+(?:number|mobile|phone))?(?=\s*[,，.]|$)",
        r"\d是(?P<x>[^，,\d]{1,12}?)的(?:新?)(?:电话|号码|手机号?|联系方式)",
        r"\bas\s+(?P<x>[^,:\d]+?)(?=\s+(?:in|to|on|into)\s+(?:my|the)\s+(?:contacts?|phone|address)|\s*[,:\d]|$)",
        r"\b(?:as|under|called|named|for)\s+(?P<x>[A-Z][^:,，：\d]*?)(?=\s+(?:with|at|on|number|phone|in)\b|\s*[:,\d]|$)",
        r"\bnew contact\s*[,:-]?\s*(?P<x>[^\d,:]+?)(?=\s*[,:\d]|\s+\S+@|$)",
        r"\b(?:put|add|store|save)\s+(?P<x>(?!this\b|that\b|the number)[^\d,]+?)(?:'s)?\s+(?:(?:e-?mail|number|phone(?:"
        r" number)?|mobile|address)\s+)?(?:\S+@\S+\s+)?(?:to|in|into|on)\s+(?:my|the)\s+(?:contacts?|address book|phone"
        r" ?book|phone)",
        r":\s*(?P<x>[A-Z][\w ]+?)\s*,",
        r"(?:联系人|加一个|加个)(?:叫)?(?P<x>[^，,\d的：:]{1,10})",
        r"(?:备注(?:为|成)?|存成|名字(?:叫|是)|叫)(?P<x>[^，,\d]{1,10})",
        r"(?:存一下|保存|记下|存)(?:一下)?(?P<x>[^，,\d这那]{1,10}?)的(?:电话|号码|手机|邮箱)",
        r"(?:把|将)(?P<x>[^，,\d这那]{1,10}?)(?:的(?:电话|号码|手机号?|邮箱))?(?:加|添加|存|保存)",
        r"\b(?:add|save|create|new)\s+(?:a\s+|the\s+)?(?:new\s+)?(?:contact\s*(?:for|:|named|called)?\s+)?(?P<x>.+?)(?=\s+"
        r"(?:with|to|as|at|number|phone|,|\+?\d)|[,，:：]|$)",
        r"(?:联系人)(?P<x>[^，,\d的]+)",
        r"(?:把|将)(?P<x>.+?)(?:的(?:电话|号码|手机号?))?(?:\d|加|添加|存|保存|，)",
    ),
    "equation": (
        r"\bsolve\s+(?:the\s+)?(?:equations?\s+)?(?:for\s+[a-z]\s*[:,]?\s*)?(?P<x>.+?)(?:\s+for\s+[a-z])?$",
        r"(?:解(?:一下)?(?:这个)?(?:方程)?|求解)[：:，,]?(?P<x>.+)",
    ),
}
_OPTIONAL: dict[str, tuple[str, ...]] = {
    "subject": _CUES["subject"],
    "title": (
        r"\b(?:called|titled|named|entitled|about|regarding|re|to (?:discuss|talk about|go over|go through|talk through"
        r"|review))\b:?\s+"
        r"(?P<x>.+?)(?=\s+(?:with|at|in)\b|,|$)",
        r"(?:名为|叫做|主题(?:是|为)?|标题(?:是|为)?|题为|讨论|关于)(?P<x>.+)",
    ),
    "label": _CUES["label"],
    "text": (),
    "app": (
        r"\b(?:call|get|order|book|grab|take|hail)\s+(?:me\s+|us\s+)?(?:an?\s+)?(?P<x>uber|lyft|didi|bolt)\b",
        r"(?:叫|打|约)(?:一?[个辆台])?(?P<x>滴滴|曹操出行|高德)",
        rf"\b(?:on|via|with|using|through|in|from|off)\s+(?:the\s+)?(?P<x>{_APPS})\b",
        rf"(?:用|在|通过|打开|上|从|去)(?P<x>{_APPS})",
        r"\b(?:via|using|through)\s+(?:the\s+)?(?P<x>[A-Za-z]\w+)(?:\s+app)?",
        r"\b(?:with|in|on) the (?P<x>\w+) app\b",
        rf"^(?P<x>{_APPS})",
        r"\b(?:share|post|send this)\b[^:]*?\b(?:to|on|with|via|in|over)\s+(?:my\s+"
        r"|the\s+)?(?P<x>[a-z][\w ]{1,20}?)(?:\s+app)?\s*:",
        r"\b(?:share|post)\b.*\b(?:to|on|via)\s+(?P<x>(?-i:[A-Z])\w+)$",
    ),
    "query": (),
    "items": (),
}
"""For slots that need not be said: only words that announce them."""
_SAME = {"item": "items", "product": "items", "text_body": "text", "note": "text", "task": "text", "todo": "text",
"song": "query",
         "content": "text", "equations": "equation", "cuisine": "dish"}  # fmt: skip

CUES: dict[str, tuple[re.Pattern[str], ...]] = {
    name: tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in patterns) for name, patterns in _CUES.items()
}
CUES.update(
    {
        f"{name}?": tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in patterns)
        for name, patterns in _OPTIONAL.items()
    }
)
CUES.update({name: CUES[other] for name, other in _SAME.items()})
