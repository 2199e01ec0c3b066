"""Places in a request: where to, where from, where: "a taxi to the airport", "打车去虹桥站", "from X to Y"."""

from __future__ import annotations

import re
from collections.abc import Callable

_STOP = (
    r"(?=\s+(?:from|to|at|on(?! (?:the )?(?:\w+ ){1,2}(?:road|street|avenue|lane|drive|square|rd|st|ave|way|quay"
    r"|hill)\b)|by|for"
    r"|in (?:january|february|march|april|may|june|july|august|september|october|november"
    r"|december)|through|via|with|tomorrow|tonight|today|now|please|leaving|arriving|in \d+|next|this|and|right now|"
    r"asap|avoiding|on the map|using|as soon)\b|[,.?!;]|$)"
)
_ZH_STOP = (
    r"(?=[，,。？！?!；]|的?(?:往返|便宜|单程|车$|大床房|套房|房间|有什么|走哪|坐几|要一[辆个]|出租车|出租|专车"
    r"|快车|滴滴|车票|机票|航班|火车(?!站)|高铁(?!站)|飞机|路线|路上|的路|导航|地图|天气|酒店|宾馆|餐厅|要多久|多远|怎么|在哪)|吧|呢"
    r"|吗|谢谢|接我|$)"
)
_NAME = r"(?P<x>[^，,。？！?!；]+?)"

_DESTINATION = (
    r"^(?:taxi|cab|minicab|uber|directions|navigate|route)\s+(?!(?:to|for|from|at|in|on|home|app|now"
    r"|eats)\b)(?P<x>[a-z][^,.?!]+)",
    rf"\bwhich way\b.*?\b(?:to|for)\s+{_NAME}{_STOP}",
    rf"\b(?:reach|get over to|(?:taken|driven|dropped(?: off)?) (?:to|at))\s+{_NAME}{_STOP}",
    r"\b(?:directions?|route|way|nav|navigate|navigation|drive|get|go|going|ride|taxi|cab|uber|lyft|car|flights?|fly|flying"
    r"|train|trip|travel|take me|walk|heading|"
    rf"head|bring me|drop me|pick-?up|bus|ticket|tickets|me|us)\b[^,]*?\s(?:back\s+)?to\s+(?!(?:get|go|take|the"
    rf" way)\b){_NAME}{_STOP}",
    rf"\bto\s+(?!(?:get|go|take|be|have|book|call|order|find|see|know|need|grab|catch|send|leave|pick|make|set"
    rf"|come)\b){_NAME}{_STOP}",
    rf"\b(?:navigate|drive|get me|take me|directions for|route for|heading)\s+(?P<x>home|work|(?!to\b){_NAME[5:-1]}){_STOP}",
    r"\b(?:ride|taxi|cab|uber|lyft|car|get|take|drive|go|ticket|flight|bring)\b.*?\s(?P<x>home|downtown)\b",
    r"(?:^|查|订|买|看看|看|的)(?P<y>[^，,。从到飞去\s]{2,6}?)(?:到|飞|至)(?P<x>[^，,。？]+?)(?=的|机票|航班|单程|往返"
    r"|火车票|$)",
    rf"(?:打车|打的|叫车|叫个车|叫辆车|坐车|开车|走路|骑车|步行|乘车|导航|带我|送我|飞|前往|开往)(?:去|到|回"
    rf"|往)?(?!从){_NAME}{_ZH_STOP}",
    rf"(?:去往|前往|去|到|往|回){_NAME}{_ZH_STOP}",
    rf"^{_NAME}(?:怎么走|怎么去|的路线|要怎么走)",
)
_ORIGIN = (
    r"\b(?:tickets?|flights?|plane)\s+(?!(?:to|from|for|on|in|at|home|out|me|us|tickets?|leaving|going|via|with)\b)"
    r"(?P<x>[a-z][\w'’ -]*?)\s+to\s+(?=[a-z])",
    rf"\bfrom\s+{_NAME}{_STOP}",
    r"^(?!(?:I|I'm|I'd|We|Get|Book|Call|Take|Order|Need|Taxi|Cab|Please|Drive|Navigate|Directions|Train|Flights?"
    r"|Tickets?|Going)\b)"
    r"(?P<x>(?-i:[A-Z][\w'’-]*(?: [A-Z][\w'’-]*){0,2}))\s+to\s+(?=(?-i:[A-Z]))",
    r"(?:^|查|订|买|看看|看)(?!导航|打车|打的|叫车|开车|带我|走路|坐车|骑车|步行|送我|我要|我想|怎么)(?P<x>[^，,。从到飞去这周\s]{2,6}?)(?:到|飞|至)(?=[^，,。？]+)",
    rf"\bout of\s+{_NAME}{_STOP}",
    rf"从{_NAME}(?:到|去|出发|回|飞往|飞|前往|走|打车|叫车|至|开车|坐)",
    rf"(?:在|到){_NAME}(?:接我|上车)",
)
_PLACE = (
    r"^(?:weather|forecast|hotels?)\s+(?!(?:in|for|at|on|near|like|today|tomorrow|forecast|this|next|with|tonight"
    r"|please|app)\b)(?P<x>[a-z][^,.?!\d]*)",
    r"^(?:the\s+)?(?P<x>(?:nearest|closest)\s+[^,.?!]+)",
    r"^(?P<x>[^，,。？！?!；订找要查看在]{2,10}?)的?(?:酒店|宾馆|民宿|旅馆)(?=[，,]|$)",
    rf"\bwhere\s+(?:the\s+)?{_NAME}\s+(?:is|are|lies)\b",
    rf"^(?:看一?[看下]?|查一?[查下]?|找一?[找下]?|显示|标出)?{_NAME}在地图(?:上|里)",
    r"哪(?:里|儿|边)?有(?P<x>[^，,吗？?呢]+)",
    rf"\b(?:weather|forecast|temperature|rain|snow|sunny|hotels?|rooms?|(?:places?|somewhere"
    rf"|anywhere) to stay)\b.*?\b(?:in|for(?!\s+(?:\d+|two|three|four|five|six)\b)|at|near"
    rf"|around)\s+(?!the (?:morning|afternoon|evening)\b){_NAME}{_STOP}",
    rf"\b(?:map of|where(?:'s| is| are)|locate|find|show(?: me)?|look up|pull up|bring up|point out|display|mark)\s+"
    rf"(?:the\s+)?(?:location of\s+|map of\s+|way"
    rf" to\s+)?{_NAME}(?=\s+on\b|{_STOP[3:-1]})",
    rf"(?<!-)\b(?:in|near|around|at|close to|nearby)\s+(?!the (?:morning|afternoon|evening)\b|\d|(?:my|the"
    rf"|our) (?:calendar|list|diary|agenda|schedule)\b|noon"
    rf"|night){_NAME}{_STOP}",
    rf"(?:查|看|搜|找)?(?:一?下)?(?:今天|明天|后天)?{_NAME}的?(?:天气|气温|温度)",
    r"^(?:查一?查|看一?看|看)?(?P<x>[^，,。？！?!；会要需用得冷热\s]{2,10}?)(?:那边|那儿|那里)?的?(?:会不会|会|要不要|要|有没有|可能)?(?:下雨|下雪"
    r"|有雨|有雪|刮风|冷|热|晴|降温|升温|几度|多少度|带伞)",
    rf"(?:在地图上)?(?:查看|显示|打开|看看|看一下|查一下|找一下|找|搜索|定位)(?:一下)?{_NAME}(?:的)?(?:地图|位置|地址)",
    rf"^{_NAME}(?:在哪里?|在哪儿|在什么地方|的位置|的地址|的地图)",
    rf"(?:订|找|要|定)(?:一?[家间个晚])?(?:的)?(?![家间个晚](?:酒店|宾馆|旅馆|民宿)){_NAME}的?(?:酒店|宾馆|旅馆|民宿|大床房|套房|房间|住处)",
    rf"(?:在地图上|地图上)(?:看看|看一下|找一下|找|看|显示|标出){_NAME}$",
    r"(?:which|are there any|is there an?|any)\s+(?P<x>[^,]+?)\s+(?:is |are )?(?:closest|nearest|nearby|near me|around"
    r" here|near here|close by)",
    rf"\b(?:map at|see)\s+(?:the\s+)?{_NAME}{_STOP}",
    r"(?:附近|周边|周围|四周)(?:哪里)?(?:有没有|有什么|有|的)(?P<x>[^，,吗？?在]+)",
    r"(?:离我)?最近的(?P<x>[^，,吗？?在]+)",
    rf"(?:在|到|去){_NAME}(?:要|住|附近|见面|见|开会|吃饭|集合|聚餐|住|的?酒店|订|预订|找|举行)",
    rf"(?:地点|地址|位置)(?:是|在|为|：)?{_NAME}{_ZH_STOP}",
    rf"{_NAME}附近",
    rf"\b(?:coat|umbrella|brolly|jacket|jumper|sunscreen|hat|shorts|wellies)\b.*?\b(?:to|for)\s+{_NAME}{_STOP}",
    rf"\b(?:going|off|travelling|traveling|heading|driving|flying)\s+(?:up |down |over )?to\s+{_NAME}{_STOP}",
)
_BY_NAME = {
    "destination": _DESTINATION, "origin": _ORIGIN, "place": _PLACE, "location": _PLACE, "to": _DESTINATION, "from": _ORIGIN,
    "city": _PLACE, "pickup": _ORIGIN, "address": (*_PLACE, *_DESTINATION),
}  # fmt: skip
_RULES = {name: tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns) for name, patterns in _BY_NAME.items()}
_NOT_A_PLACE = re.compile(
    r"(?:here|there|it|me|(?:an? )?(?:hotel|room|place(?: to stay)?|flight|taxi|cab)|somewhere|pick me up"
    r"|my (?:calendar|list|phone)|the (?:way|map|weather|forecast|web)|get there|what|who|a"
    r"|an|one|now|outside|"
    r"(?:日历|日程).*|一[个家间晚张套座处]|[个间晚张套座处]|这里|那里|这儿|我|一下|查|看|查一下|今天|明天|后天|今晚|帮我|地图|天气|告诉我)?",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:(?:(?:please|the|an?(?= map)|map of|me|up|for)\b|帮我|请|给我|我要|我想|麻烦|(?:在)?地图[上里中]|预订|订购|订"
    r"|买|查一下|查查|看看|看一?下|查|到(?=..)|去(?=..)|在(?=..)|今天|明天|后天|今晚|周末"
    r"|从.*?(?:去|到|飞往|飞))\s*)+",
    re.IGNORECASE,
)


def find_place(words: str, name: str, *, is_timeless: Callable[[str], str] = lambda text: text) -> str | None:
    """The place that slot `name` ("destination", "origin", "place") means in a request, or None.

    Args:
        words: the request.
        is_timeless: takes the words that say when out of a text, so that "the airport at 5" is the airport.
    """
    text = is_timeless(words).strip()
    for rule in _RULES.get(name, (*_RULES["place"], *_RULES["destination"])):
        for match in rule.finditer(text):
            place = clean_place(match["x"])
            if place is not None:
                return place
    return None


def clean_place(text: str) -> str | None:
    """A place's name without what only leads up to it; None where nothing of a name is left."""
    text = re.sub(r"(?:,?\s*\b(?:please|instead|thanks|then))+\W*$", "", text, flags=re.IGNORECASE)
    text = re.sub(r"(?:现在|目前|这会儿|那边|那里|那儿)$", "", text)
    place = _LEAD.sub("", text.strip(' \t,，.。?？!！"“”')).strip()
    if len(place) > 80 or _NOT_A_PLACE.fullmatch(place):
        return None
    return place or None
