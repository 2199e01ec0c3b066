"""Chinese as it is spoken, before it is read: hesitations, commands in English, and what is taken back in the same breath.

"嗯，call一下周敏" asks what "打电话给周敏" asks, and "三点啊不四点" means four. Only words that say nothing of a slot
change: what is to be sent, noted or looked for stays as it was said.
"""

from __future__ import annotations

import re
from typing import Final

from edge_llm.understand.language import chinese_marks, has_cjk
from edge_llm.understand.numbers import FIGURES

HESITATION: Final = (
    r"(?:哎[呀哟呦]*|诶|欸|唉[呀哟]?|嗯+|呃+|额|啊|哦+|噢|喔|喂|嗨|嘿|哈喽|哈啰|你好|那个|这个"
    r"|就是说|就是|话说|对了|哈|ok|okay|hi|hey|hello|so|well)"
)
"""What somebody says before they say something."""
PARTICLES: Final = r"(?:吧|呗|啊|呀|哈|嘛|啦|喽|咯|哦|噢|哟|呢|诶|欸)"
"""Particles that end a sentence and belong to nothing in it."""
ASIDES: Final = (
    r"(?:(?:好|行|可以|成|中|ok)(?:吧|吗|么|伐|不好|不行|不|嘛)|谢谢(?:你|您)?(?:了|啦|哈|啊)?|谢[了啦]"
    r"|多谢|thanks|thx|拜托(?:了|啦|你了)?"
    r"|辛苦(?:你)?(?:了|啦)?|麻烦(?:你)?(?:了|啦)|快点儿?|快一点|赶紧的?|急用?|千万别(?:让我)?忘(?:了"
    r"|记)|(?:可)?别(?:给)?忘了"
    r"|(?:就)?(?:这样|这些|这么多)(?:吧|了)?|你(?:给|帮)我?(?:看看|查查|弄一?下)|please)"
)
"""What is said besides a request, at its end."""

_DIALECT: Final = (
    (r"听日", "明天"), (r"琴日|寻日", "昨天"), (r"而家|依家", "现在"), (r"今朝", "今早"), (r"朝早", "早上"),
    (r"夜晚黑?", "晚上"), (r"晌午", "中午"), (r"唔该晒?", "请"), (r"(?<!不)嗌(?=[我你他她])", "叫"), (r"睇下", "看一下"),
    (r"睇", "看"), (r"[俾畀]", "给"), (r"的士", "出租车"), (r"[架部](?=出租车|车)", "辆"), (r"几多度", "多少度"),
    (r"几多(?=钱|人民币|港币|美元)", "多少"), (r"有冇", "有没有"), (r"呢[度边]", "这里"), (r"边度", "哪里"),
    (r"落雨未?", "下雨"),
    (r"(?<![\d一二两三四五六七八九十])点样?去", "怎么去"),
    (r"起身", "起床"), (r"屋企", "家"), (r"侬", "你"), (r"^俺(?=[想要们得])", "我"),
    (r"[啥什]么?天儿", "什么天"), (r"\s*message\b", "短信"),
)  # fmt: skip
"""Words of other ways of speaking Chinese that commands are given in, and what they are in Mandarin."""
_AGREED = re.compile(r"(?<![气色况果还])(?:[好行]伐|好吗|行吗|行不|好不)[？?]?$")
"""What asks for no more than a yes: "叫部车去徐家汇好伐"."""
_DIALECTS = tuple((re.compile(pattern), plain) for pattern, plain in _DIALECT)
_LEAD = re.compile(
    rf"^(?:{HESITATION}(?:[，,、。.…~～！!\s]+|(?<=[嗯呃哎诶呀])(?=[\u3400-\u9fff])|(?=帮|给|麻烦|你|我|请))+)+", re.IGNORECASE
)
_COMMANDS: Final = (
    (r"(?:call|phone)(?:一下|下|个)?\s*(?=我(?![妈爸哥姐弟妹老媳爷奶外儿女的]))", "叫"),
    (r"(?:call|phone|ring)(?:一下|下|个)?\s*(?=[\u3400-\u9fff\dA-Z])", "打电话给"),
    (r"(?:text|sms)(?:一下|下)?\s*(?=[\u3400-\u9fff\dA-Z])", "发短信给"),
    (r"e-?mail(?:一下|下)\s*|e-?mail\s*(?=给)", "发邮件给"),
    (r"remind(?:一下)?\s*(?=我|me)", "提醒"),
    (r"set\s*(?=[一个下\u3400-\u9fff])", "设"),
    (r"(?:open|launch)(?:一下|下)?\s*", "打开"),
    (r"play(?:一下|下)?\s*", "播放"),
    (r"(?:book|reserve)(?:一下|下)?\s*(?=[\u3400-\u9fff])", "订"),
    (r"(?:order)(?:一下|下)?\s*(?=[\u3400-\u9fff])", "点"),
    (r"add(?:一下|下)?\s*(?=[\u3400-\u9fff])", "加"),
    (r"check(?:一下|下)\s*", "查一下"),
    (r"google(?:一下|下)\s*", "谷歌一下"),
    (r"search(?:一下|下)?\s*(?=[\u3400-\u9fff])", "搜一下"),
    (r"note(?:一下|下)\s*", "记一下"),
    (r"translate(?:一下|下)?\s*(?=[\u3400-\u9fff])", "翻译"),
    (r"share(?:一下|下)?\s*(?=[\u3400-\u9fff到])", "分享"),
    (r"cancel(?:一下|掉)?\s*(?=[\u3400-\u9fff]|$)", "取消"),
)
_BEGINS: Final = r"(?:^|(?<=[，,。；;！!：\s])|(?<=[帮给请想要再先去来得你点半])(?<!叫)|(?<=帮我)|(?<=给我))"
_ENGLISH_COMMANDS = tuple((re.compile(rf"{_BEGINS}{pattern}", re.IGNORECASE), chinese) for pattern, chinese in _COMMANDS)
_ENGLISH_THINGS: Final = (
    (r"(?<=[个点定设的开调换])\s*alarm(?:\s*clock)?\b", "闹钟"),
    (r"(?<=[个的开设])\s*timer\b", "计时器"),
    (r"(?<=[个封的])\s*e-?mail\b", "邮件"),
    (r"(?<![A-Za-z])(?:shopping|grocery)\s*list\b", "购物清单"),
    (r"(?<![A-Za-z])to-?do(?:\s*list)?(?![A-Za-z])", "待办"),
    (r"(?<=[我的天周上下午一二三四五六日])(?:的)?\s*(?:schedule|calendar)\b", "日程"),
    (r"(?<=[\u3400-\u9fff])\s*weather\b", "天气"),
    (r"(?<![A-Za-z])(?:wx|vx|weixin|wechat)(?![A-Za-z])", "微信"),
    (r"(?<=[个约])\s*meeting\b", "会议"),
    (r"(?<=个)\s*event\b", "日程"),
    (r"(?<=个)\s*reminder\b", "提醒"),
)
_THINGS = tuple((re.compile(pattern, re.IGNORECASE), chinese) for pattern, chinese in _ENGLISH_THINGS)

_DIGITS = re.compile(r"[零〇一幺二两三四五六七八九]{7,}")
"""A number of a phone, said figure by figure."""
_DAYS = re.compile(r"([今明后昨])儿个?(?![子女童])")
_COUNT = r"(?:\d+(?:\.\d+)?|[零一二两三四五六七八九十百半]+)"
_PART = r"(?:凌晨|清晨|早晨|早上|上午|中午|下午|傍晚|晚上|夜里|半夜|早|晚)"
_HOUR = rf"(?:{_COUNT}(?:点钟?|时)(?:半|整|[一三]刻|{_COUNT}分?)?|\d{{1,2}}[:：]\d\d)"
_DAY = r"(?:大?后天|今[天晚早]|明[天晚早]|(?:这|下|本)?(?:个)?(?:周|星期|礼拜)[一二三四五六日天]|\d{1,2}[号日])"
_LENGTH = rf"(?:{_COUNT}个?半?(?:分钟?|小时|钟头|秒钟?|天|刻钟))"
_SLIP = (
    r"(?:[啊哦呃额哎诶欸嗯噢，,、。…\s]*(?:不对不对|不对|不是不是|不是|说错了|打错了|错了|哦不|啊不|算了|不)[啊，,、。…\s]*"
    r"(?:应该)?(?:是|改成|还是)?)"
)
_SLIPS = (
    (re.compile(rf"{_DAY}{_PART}?{_HOUR}{_SLIP}(?={_DAY}{_PART}?{_HOUR})"), ""),
    (re.compile(rf"{_PART}{_HOUR}{_SLIP}(?={_PART}{_HOUR})"), ""),
    (re.compile(rf"(?P<kept>{_PART}){_HOUR}{_SLIP}(?={_HOUR})"), r"\g<kept>"),
    (re.compile(rf"{_HOUR}{_SLIP}(?={_PART}?{_HOUR})"), ""),
    (re.compile(rf"{_DAY}{_SLIP}(?={_DAY})"), ""),
    (re.compile(rf"{_LENGTH}{_SLIP}(?={_LENGTH})"), ""),
)
_TURN = re.compile(
    r"(?:[啊，,、。…\s]+(?:[呃额哎诶欸嗯哦噢啊][呀哟]?[，,…\s]*)*|(?<=[\u3400-\u9fff]))"
    r"(?P<mark>不对不对|不对|不是不是|不是|(?:我)?说错了|打错了|哦不|啊不|算了|还是)[啊，,、。…\s]*(?:应该)?(?:"
    r"是)?(?P<new>.+)$"
)
_DICTATED = re.compile("[说讲写：:]|内容|告诉|通知|翻译|记一?下|笔记|分享")
"""What comes after these may be somebody's text, slips and all."""
_TURN_LEADS: Final = (
    "发给",
    "打给",
    "送到",
    "导航到",
    "导航去",
    "给",
    "去",
    "到",
    "跟",
    "放",
    "点",
    "买",
    "订",
    "约",
    "叫",
    "在",
    "从",
)
_ORDERED = re.compile(
    r"^(?P<head>.*?(?:点|来|要|买|叫|放|听|订|喝|吃)(?:一?[个杯份碗首盒瓶只辆家张]|点儿?)?)(?P<old>[^，,。]{1,12})$"
)


_ENGLISH = re.compile(r"(?:[a-z]+\s+){0,3}[\u3400-\u9fff]{1,6}(?:\s+[a-z']+){3}", re.IGNORECASE)
"""An English sentence about somebody with a Chinese name."""


def plainly(words: str) -> str:
    """A Chinese request as somebody would say it who does not hesitate, mix languages or change their mind; any other words as
    they are."""
    if not has_cjk(words) or _ENGLISH.match(words):
        return words
    text = chinese_marks(words).strip()
    rest = re.sub(r"^(?:请问|想问一?下|问一?下(?=[，,\s]))[，,\s]*(?=\S)(?!.*[：:说])", "", _LEAD.sub("", text))
    text = rest or text
    for pattern, chinese in (*_ENGLISH_COMMANDS, *_THINGS):
        text = pattern.sub(chinese, text)
    text = _DIGITS.sub(lambda found: "".join(map(FIGURES.__getitem__, found[0])), text)
    text = re.sub(r"(?<=一下)(?=周|(?:星期|礼拜)[一二三四五六日天])", " ", text)  # not next week's
    dictated = _DICTATED.search(text)
    command = len(text) if dictated is None else dictated.start()
    ordered = _DAYS.sub(r"\1天", text[:command])
    for pattern, chinese in _DIALECTS:
        ordered = pattern.sub(chinese, ordered)
    return settled((ordered if dictated else _AGREED.sub("", ordered)) + text[command:])


def settled(text: str) -> str:
    """The words without what they take back themselves: "三点不对四点" is "四点", "去虹桥，哦不，去浦东" is "去浦东"."""
    for pattern, kept in _SLIPS:
        text = pattern.sub(kept, text)
    turn = _TURN.search(text)
    if turn is None:
        return text
    before, new, mark = text[: turn.start()], turn["new"], turn["mark"]
    is_parted = turn[0][0] in "，,、。… 啊\t"
    if not before or _DICTATED.search(before) or (mark in ("不是", "还是", "不对", "算了") and not is_parted):
        return text
    lead = next((lead for lead in _TURN_LEADS if new.startswith(lead) and lead in before), None)
    if lead is not None:
        return before[: before.rindex(lead)] + new
    ordered = _ORDERED.match(before)
    if mark == "还是" and ordered is not None and len(new) <= 12:
        return ordered["head"] + re.sub(rf"{PARTICLES}+$", "", new)
    return text


def without_particles(text: str) -> str:
    """A name, a dish, a place or a task without the particles that end the sentence it stood in."""
    return re.sub(rf"(?<=[\u3400-\u9fffA-Za-z\d]){PARTICLES}+[。.！!~～？?]*$", "", text.strip())
