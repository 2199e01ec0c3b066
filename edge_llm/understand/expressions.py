"""Sums and equations said in words: "15 percent of 240" is (15/100)*240, "x squared minus 5x" is x**2 - 5x.

Works nothing out.
"""

from __future__ import annotations

import re

from edge_llm.understand.numbers import CHINESE_NUMBER, plain, read_chinese, read_english
from edge_llm.understand.worded_sums import worded_sum

_LEAD = re.compile(
    r"^(?:(?:what(?:'?s| is| are| does)|how much (?:is|are)|calculate|compute|work out|figure out|evaluate|tell me|can you"
    r"|please|"
    r"find|solve|the (?:value|result|answer|equation|sum|product) (?:of|for|to)?|the equation|for [a-z]\s*[:,]"
    r"|do the math on|"
    r"[a-z] (?:if|when|where|given(?: that)?)|"
    r"the (?:roots?|solutions?|zeros?) (?:of|to|for)|if|"
    r"帮我|请|计算|算一?下|算算|原价|那么?|算出|算|求解|求|(?:解|求)(?:一?下|一?个)?(?:这个)?方程组?"
    r"|帮忙|解一下|解|方程|一下)[\s:：,，]*)+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:\s+(?:equal|come to|make|for [a-z])|(?:等于|是|得|为)(?:多少|几)|等于|[，,]?(?:一共|总共"
    r"|合计)(?:是|有)?(?:多少|几)?|怎么解|多少|的(?:值|结果|和|积|根|解)"
    r"|[，,]?\s*(?:求|那么?|则|这个?|其中)*\s*[a-z]\s*(?:的值)?(?:等于|是|为|得)(?:多少|几)"
    r"|[啊呀呢吧呗]|(?:每人|人均|每个人|一个?人)?(?:是|要|该|付|得)?(?:多少钱?|几块钱?)|几|[，,]?\s*(?:求"
    r"|解)出?\s*[a-z](?:的值)?|,?\s+(?:what is|find|solve for) [a-z]|[?？。.!！=\s])+$",
    re.IGNORECASE,
)
_WORDS = (
    (r"\bto the power of\b|\braised to\b|的?次方的", "**"),
    (r"\bsquared\b|的?平方(?!根)", "**2"), (r"\bcubed\b|的?立方(?!根)", "**3"),
    (r"\bplus\b|\badded to\b|加上?", "+"), (r"\bminus\b|\bless\b|\btake away\b|减去?", "-"),
    (r"\bmultiplied by\b|\btimes\b|×|乘以?|乘上", "*"), (r"(?<=\d)\s*[xX]\s*(?=\d)", "*"),
    (r"\bdivided by\b|\bover\b|÷|除以", "/"), (r"\bequals?(?: to)?\b|\bis equal to\b|等于", "="),
    (r"\bmod(?:ulo)?\b", "%"),
)  # fmt: skip
_PERCENT_OF = re.compile(r"([\d.]+)\s*(?:%|percent|per cent)\s*(?:of|on)\s+([\d.]+)", re.IGNORECASE)
_PERCENT_OFF = re.compile(r"([\d.]+)\s*(?:%|percent|per cent)\s+off\s+(?:of\s+)?[$£€¥]?([\d.]+)", re.IGNORECASE)
_TIP = re.compile(
    r"(?:an?\s+)?([\d.]+)\s*(?:%|percent|per cent)\s+tip\s+(?:on|of|for)\s+(?:an?\s+)?[$£€¥]?([\d.]+)(?:\s+\w+)*", re.IGNORECASE
)
_CHINESE_PERCENT = re.compile(r"(?P<of>[\d.]+)的?百分之(?P<count>[\d.]+)|百分之(?P<alone>[\d.]+)")
_ROOT = re.compile(r"(?:the\s+)?square root of\s+([\w.]+)|(?:根号|√)\s*([\w.]+)|([\w.]+)的平方根", re.IGNORECASE)
_POWERS = str.maketrans({"²": "**2", "³": "**3"})
_FRACTIONS = {
    "a third": "1/3",
    "one third": "1/3",
    "two thirds": "2/3",
    "a quarter": "1/4",
    "one quarter": "1/4",
    "three quarters": "3/4",
    "half": "1/2",
    "a half": "1/2",
}
_FRACTION_OF = re.compile(rf"\b({'|'.join(_FRACTIONS)})\s+of\s+", re.IGNORECASE)
_SPOKEN = (
    (r"^(?:split|share|divide)\s+[$£€¥]?([\w.]+)(?:\s+(?:dollars|pounds|euros|quid|yuan))?\s+(?:between|among|by"
     r"|into)\s+([\w.]+)"
     r"(?:\s+(?:of us|people|ways|friends))*$", r"\1 / \2"),
    (r"^divide\s+([\w.]+)\s+by\s+", r"\1 / "), (r"^multiply\s+([\w.]+)\s+(?:by|with|and)\s+", r"\1 * "),
    (r"^(?:add(?: up)?|sum(?: up)?|the sum of|the total of|sum of"
    r"|total of)\s+((?:[\d.]+,?\s+(?:and\s+)?){1,20}[\d.]+)$", lambda found: " + ".join(re.findall(r"[\d.]*\d", found[1]))),
    (r"^(?:add|sum)\s+([\w.]+)\s+(?:to|and|with)\s+", r"\1 + "), (r"^subtract\s+([\w.]+)\s+from\s+([\w.]+)", r"\2 - \1"),
)  # fmt: skip
_NUMBER = r"[$£€¥]?(\d+(?:,\d{3})*(?:\.\d+)?)"
_PRICED = re.compile(
    r"(?<![\d.])(?P<count>\d+)\s+(?:[a-z-]+\s+){0,4}?(?:at|for|costing|@|times)\s+[$£€¥]?(?P<price>\d+(?:\.\d+)?)"
    r"(?:\s*(?:p|pence|quid|pounds?|dollars?|euros?|yuan|rmb|bucks))?\s*(?:each|apiece|a ?piece|per\s+\w+|an?\s+\w+"
    r"|a pop|a time|every\s+\w+)\b",
    re.IGNORECASE,
)
_ADDED = re.compile(
    r"\b(?:add|adding|sum|total)(?: up| together)?\s+((?:[$£€¥]?\d+(?:\.\d+)?\s*(?:,\s*(?:and\s+)?|\s+and\s+"
    r"|\s+plus\s+))+[$£€¥]?\d+(?:\.\d+)?)(?![\w%])",
    re.IGNORECASE,
)
_EQUATION = re.compile(
    r"(?<![\w.])(?:\(|-\s?)*(?:\d+(?:\.\d+)?[a-z]?|[a-z])(?:\s*(?:\*\*|[-+*/^=()])\s*|(?:\d+(?:\.\d+)?[a-z]?"
    r"|[a-z])(?![a-z]))*(?![\w])",
    re.IGNORECASE,
)
_PAID = re.compile(
    r"[$£€¥]?(?P<price>\d+(?:\.\d+)?)(?:\s*(?:quid|pounds?|dollars?|euros?|yuan|bucks))?\s+(?:an?|per|each"
    r"|every)\s+(?P<unit>[a-z]+)\b(?:(?!\d).)*"
    r"(?<![\d.])(?P<count>\d+(?:\.\d+)?)\s+(?P=unit)(?:e?s)?\b",
    re.IGNORECASE,
)
"""So much for each, and how many: "11.44 an hour and worked 37 hours"."""
_SHARED = re.compile(
    r"(?<![\d.])(?P<people>\d+)\s+(?:people|of us|friends|ways)\s+(?:are\s+)?(?:shar"
    r"|split)\w*\s+(?:a bill of\s+)?[$£€¥]?(?P<sum>\d+(?:\.\d+)?)"
    r"|[$£€¥]?(?<![\d.])(?P<sum2>\d+(?:\.\d+)?)(?:\s+(?:quid|pounds?|dollars?|euros?|yuan|bucks))?\s+(?:split|shared"
    r"|divided)\s+(?:between|among|by)"
    r"\s+(?P<people2>\d+)",
    re.IGNORECASE,
)
_ASKS_SUM = re.compile(
    r"(?:please |so |and )*(?:work out|calculate|compute|what(?:'?s| is)|how much is"
    r"|figure out)\b",
    re.IGNORECASE,
)
_ALTOGETHER = re.compile(
    r"[,.;]?\s*(?:so\s+|and\s+)?(?:(?:what(?:'?s| is| are| does| do)|how much(?: is| are)?)\s+(?:that|it|they"
    r"|all (?:that|of (?:that"
    r"|it|them))|those|the (?:total|sum))?(?:\s+(?:come to|make|add up to|altogether|all together|in total|in all|total|all in"
    r"|combined))?|(?:can you\s+|please\s+)?(?:add|total|tot|sum)\s+(?:(?:that|it|them|those"
    r"|these)\s+)?(?:all\s+)?up(?:\s+(?:that|it|them"
    r"|those|these))?)\W*(?:altogether|in total|in all|total|for me|please)?\W*$",
    re.IGNORECASE,
)
_DATES = re.compile(r"\b\d{1,2}(?:st|nd|rd|th)\b|\b\d{1,2}:\d\d\b", re.IGNORECASE)
_SUM = re.compile(rf"(?<![\w.]){_NUMBER}(?![\w%]|\.\d)")
_FORM = re.compile(r"[\d\sA-Za-z+\-*/^%().,=!√π]+")
_FUNCTIONS = {"sqrt", "sin", "cos", "tan", "log", "ln", "exp", "pi", "abs"}
_ENGLISH_NUMBER_WORDS = re.compile(
    r"\b(?:(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|"
    r"twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|half)(?:[\s-]+(?:and\s+)?)?)+\b",
    re.IGNORECASE,
)


def find_expression(words: str) -> str | None:
    """The sum or equation in a request, in figures and signs; None where there is none, or not only one."""
    return worded_sum(words) or _read(words) or _priced(words) or _together(words) or _clause(words)


def _priced(words: str) -> str | None:
    """So many at so much: "14 sheets at 38.50 each"."""
    text = _ENGLISH_NUMBER_WORDS.sub(_english, words)
    shared = _SHARED.search(text)
    if shared is not None:
        return f"{shared['sum'] or shared['sum2']}/{shared['people'] or shared['people2']}"
    added = _ADDED.search(text)
    if added is not None:
        return "+".join(re.findall(r"\d+(?:\.\d+)?", added[1]))
    match = _PRICED.search(text) or _PAID.search(text)
    return None if match is None else f"{match['count']}*{match['price']}"


def _together(words: str) -> str | None:
    """Sums with what they are for, to be added up: "12.50 on lunch and 3.20 on coffee, what's that altogether"."""
    asked = _ALTOGETHER.search(words)
    if asked is None:
        return None
    listed = _DATES.sub(" ", words[: asked.start()] if words[: asked.start()].strip() else words[asked.end() :])
    said = [one[1].replace(",", "") for one in _SUM.finditer(listed)]
    return "+".join(said) if len(said) > 1 else None


def _clause(words: str) -> str | None:
    """The one clause that is a sum or an equation, among remarks: "solve 4x - 9 = 15 for me, it's for school"."""
    equations = [one[0].strip() for one in _EQUATION.finditer(words) if one[0].count("=") == 1]
    if len(equations) == 1 and (equation := _read(equations[0])) is not None:
        return equation
    clauses = [re.sub(r"\s+for (?:me|us)\b.*$", "", one, flags=re.IGNORECASE) for one in re.split(r"[,;:?!]\s+|\.\s+", words)]
    if len(clauses) == 1:
        whole = clauses[0]
        return _read(whole) if whole != words else None
    found = [expression for one in clauses if (expression := _read(one)) is not None]
    asked = [one for one in clauses if _read(one) is not None and _ASKS_SUM.match(one.strip())]
    remarks = " ".join(one for one in clauses if _read(one) is None)
    return found[0] if len(found) == 1 and (asked or not re.search(r"\d", remarks)) else None


def _read(words: str) -> str | None:
    """What the words are as a whole, in figures and signs."""
    text = _TAIL.sub("", _LEAD.sub("", words.strip())).strip()
    text = re.sub(r"^(打.+?折.*?)(?:是多少)?[，,]?\s*原价(?:是)?([\d.]+)(?:块钱?|元)?$", r"\2\1", text).translate(_POWERS)
    text = _FRACTION_OF.sub(lambda found: f"({_FRACTIONS[found[1].lower()]})*", text)
    text = _ENGLISH_NUMBER_WORDS.sub(_english, text)
    text = re.sub(r"打(?P<off>[一二三四五六七八九\d.]+)折(?:之?后)?(?:的)?(?P<of>[\d.]+)?", _discount, text)
    text = re.sub(rf"(?<![分\d.])分之|{CHINESE_NUMBER}", _chinese, text)
    text = re.sub(r"([\d.]+)[块元]?(?:钱)?[，,]?(\d+)个?人(?:平?分|AA|平摊|均摊|分摊)", r"\1/\2", text, flags=re.IGNORECASE)
    text = re.sub(r"^(.+?[加减乘除+*/×÷-].+?)[，,]?再(?=[加减乘除+*/×÷-])|[，,]?再(?=[加减乘除+*/×÷-])", _first, text)
    text = re.sub(r"(?<=\d)(?:块钱?|元)(?=的)", "", text)
    text = re.sub(r"(?<=\d)(?:天|个人|人|块钱?|元)$", "", text)
    text = _CHINESE_PERCENT.sub(
        lambda found: f"({found['count'] or found['alone']}/100)" + (f"*{found['of']}" if found["of"] else ""), text
    )
    text = re.sub(r"(?:([\d.]+)的)?(\d+)分之(\d+)", _part, text)
    text = re.sub(r"([\d.]+)%的([\d.]+)", r"(\1/100)*\2", text)
    text = re.sub(r"([\d.]+)的([\d.]+)%", r"(\2/100)*\1", text)
    text = _PERCENT_OFF.sub(r"(1-\1/100)*\2", text)
    text = _TIP.sub(r"(\1/100)*\2", text)
    text = _PERCENT_OF.sub(r"(\1/100)*\2", text)
    text = re.sub(r"([\d.]+)\s*(?:%|\bpercent\b)", r"(\1/100)", text, flags=re.IGNORECASE)
    text = _ROOT.sub(lambda found: f"sqrt({found[1] or found[2] or found[3]})", text)
    for pattern, formula in _SPOKEN:
        text = re.sub(pattern, formula, text, flags=re.IGNORECASE)
    if text.count("=") + len(re.findall(r"\bequals?\b|等于", text)) > 1:  # several equations
        text = re.sub(r"\s+and\s+|\s*[，、；;]\s*", ", ", text)
    text = re.sub(r"(?:half|a half) of\s+", "0.5*", text, flags=re.IGNORECASE)
    text = re.sub(r"的?(\d+)次方", r"**\1", text)
    for pattern, sign in _WORDS:
        text = re.sub(pattern, sign, text, flags=re.IGNORECASE)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.replace("^", "**"))
    text = re.sub(r"\s*(\*\*)\s*", r"\1", re.sub(r"\s+", " ", text)).strip(" ,")
    named = set(re.findall(r"[A-Za-z]{2,}", text))
    if not _FORM.fullmatch(text) or named - _FUNCTIONS or not re.search(r"[\dA-Za-z]", text):
        return None
    return text if re.search(r"[+\-*/%=(!]", text) else None


def _discount(match: re.Match[str]) -> str:
    """ "打八五折" is times 0.85; what is reduced stands before it or after it."""
    figures = [str(plain(value)) for one in match["off"] if (value := read_chinese(one)) is not None]
    share = match["off"] if match["off"].replace(".", "").isascii() else "".join(figures)
    return f"{match['of'] or ''}*{f'0.{share}' if '.' not in share else f'{float(share) / 10:g}'}"


def _first(match: re.Match[str]) -> str:
    """What is worked out before "再"."""
    return f"({match[1]})" if match[1] else ""


def _part(match: re.Match[str]) -> str:
    return f"({match[3]}/{match[2]})" + (f"*{match[1]}" if match[1] else "")


def _english(match: re.Match[str]) -> str:
    value = read_english(match[0].strip())
    rest = match[0][len(match[0].rstrip()) :]
    return match[0] if value is None else f"{plain(value)}{rest}"


def _chinese(match: re.Match[str]) -> str:
    value = read_chinese(match[0])
    return match[0] if value is None else str(plain(value))
