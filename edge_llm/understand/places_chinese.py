"""Places in a Chinese request, by what the action does with them: where to and from, what is near, which restaurant or city."""

from __future__ import annotations

import re
from typing import Final

from edge_llm.understand.clauses_chinese import core
from edge_llm.understand.language import has_cjk
from edge_llm.understand.places import clean_place
from edge_llm.understand.spoken import PARTICLES, without_particles

_STOP = (
    rf"(?=[，,。？！?!；;\s]|的路(?:怎么|咋|$)|的?(?:飞?机票|航班|网约车|专车|出租车?|快车|顺风车|车票|票|路线|路上|怎么|咋|往返|单程|要多久|多远"
    rf"|酒店|宾馆)|{PARTICLES}*[。？！?!]*$|接我|来?一[张辆]|的车|叫|打车|走哪|坐几|最快|比较|出差"
    rf"|旅游|旅行|玩|办事)"
)
_X = r"[^，,。？！?!；;\s]"
_FROM_X = r"[^，,。：:\s到飞至从去打叫导带帮我们送接约坐想订买]"
_PAIR = (
    rf"(?:从|由|打(?=公司|家|单位))(?P<o>{_X}{{1,12}}?)(?:出发)?[，,]?(?:打车|叫车|叫个车|坐车|开车|走路|步行|导航|打的)?(?:飞往"
    rf"|飞到|飞|前往|到|去|回|至)(?P<d>{_X}+?){_STOP}",
    rf"(?:^|[，,：:\s订买查抢])(?:请|麻烦|帮我|给我|我要|我想|协助|帮忙)*(?:查询|预订|订|买|查|看看?|要|来|抢)?(?:一?[张个下趟])?(?:的)?(?P<"
    rf"o>{_FROM_X}{{1,8}}?)(?:飞往|飞到|飞|到|至)(?P<d>{_X}+?){_STOP}",
)
_TO = (
    rf"(?:飞往|飞到|飞|前往|开往|导航(?:一下)?(?:到|去|回|往)?|导到|[送带领]我们?[到去回]|去到|去|到|回|往)(?:一?趟)?(?P<x>(?!从"
    rf"|[送带领]我|吧|了|[的得]){_X}+?){_STOP}",
    rf"^(?P<x>(?!打|叫|现在|滴滴){_X}{{2,10}})[，,\s]+(?:打车|叫车|打的)(?=$|[，,])",
    rf"目的地(?:是|：|:)?(?P<x>{_X}+?){_STOP}",
    rf"^导航(?P<x>(?!到|去|回|往|一下){_X}{{2,}}?){_STOP}",
)
_FROM = (
    rf"从(?P<x>{_X}{{1,12}}?)(?:走|出发|上车|打车|叫车|开车|坐车|飞)",
    rf"(?:^|[，,\s])(?P<x>{_X}{{1,8}}?)出发",
    rf"(?:在|来|到)(?P<x>{_X}{{1,12}}?)(?:接我|上车)",
    rf"(?:^|[，,。\s])(?:我|我们|人|人在|我人|现在|起点|出发地|上车点)+(?:在|是|：)(?P<x>{_X}{{2,14}}?)(?:这[儿里边]|呢|等)?{PARTICLES}*(?=[，,。\s]|$)",
)
_NEAR = (
    r"(?:找|要)(?:一?[个家])?(?P<x>[^，,]+?)[，,].*附近",
    rf"^(?:请|麻烦|帮我|给我)*(?:看一下|看下|看看|查一下|查查|找一下|找|看)?(?P<x>{_X}+?)在地图(?:上|里)",
    rf"(?:附近|周围|旁边|周边|这边|这儿|这块儿?|四周)(?:哪儿?里?有|哪有|有没有|有啥|有什么|有哪些"
    rf"|有(?![吗没么]))(?:个|家|好的)?(?P<x>{_X}+?)(?:没有?|吗|么|的)?{PARTICLES}*(?=[，,？?。]"
    rf"|$)",
    rf"(?:哪儿?里?有|哪有|哪儿能找到)(?P<x>{_X}+?)(?:没有?|吗|么)?{PARTICLES}*(?=[，,？?。]|$)",
    rf"附近的(?P<x>{_X}+?)(?:在|有|都|怎么){_X}*$",
    rf"(?:在)?地图(?:上|里)?(?:给我|帮我)?(?:看一下|看下|看看|看|找找|找一下|找下|找|查一下|查下|查|显示"
    rf"|标出|标)(?:一下|看看)?(?P<x>{_X}+?)(?:在哪儿?里?|的位置)?{PARTICLES}*$",
    rf"(?:看一下|看下|看看|看|查一下|查下|查查|查|找一下|找下)(?P<x>{_X}+?)的(?:位置|地址|地图){PARTICLES}*$",
)
_WEATHER = (
    r"^(?:请|麻烦|帮我|给我|我想)*(?:问问|问一?下|查查?|查一?下|看看?|看一?下|瞅瞅|瞧瞧|说说)?(?:一下)?(?P<x>[\u3400-\u9"
    r"fff]{2,8}?)(?:这会儿|现在|目前|那边|那儿|这两天|最近)?的?(?:天气|气温|温度|天咋样|[什啥]么?天(?=$|[啊呀呢？?])|多少度"
    r"|几度|冷不冷|热不热|冷吗|热吗|冷|热"
    r"|会不会|要不要|有没有|会|下雨|下雪|有雨)",
    r"^(?P<x>[\u3400-\u9fff]{2,4})[，,\s]",
    r"(?:去|到|飞)(?P<x>[\u3400-\u9fff]{2,6}?)(?:出差|旅游|玩|开会|爬山)?[，,\s].*(?:天|雨|雪|冷|热|度|伞)",
)
_NO_WEATHER_PLACE = re.compile(
    r"(?:出门|外面|外头|咱们?|我们?|这[儿里边]|那[儿里边]|今|明|后|昨|周|下|去|爬|跑|洗|骑|钓|晒"
    r"|适合|冷|热|要|用|需|带|穿|会|现在|最近|早|晚|中午|那|问|查|看|天|大概|还|到底|是|的)"
)
_TABLE = (
    rf"在(?P<x>{_X}{{2,10}}?)(?:聚|吃|请客|办|过生日|摆|碰头|见面)",
    rf"(?:在|去|到)(?P<x>{_X}+?)(?:里|那儿|那边)?(?:给我|帮我)?(?:订|预订|预定|定|留|预约)",
    rf"(?:预订|预定|预约|订|定|留)(?:一下|一?[个张])?\s*(?:的)?(?P<x>{_X}+?)(?:的)?(?:位子?|座位?"
    rf"|包[间厢]|桌子?|餐位|位置)?(?:一[间个张桌])?{PARTICLES}*(?=[，,]|$)",
    r"(?:^|[，,])(?P<x>[^，,]{1,8}(?:餐厅|饭店|酒楼|菜馆|火锅|烤鸭店?|小馆|食府|面馆|料理))(?=[，,]|$)",
    r"(?:^|[，,\s])(?P<x>(?!.*(?:订|定|留|人|位|桌|生日|帮|我|要|吃|聚|请|约|包间|左右|靠窗|安静))[\u3400-\u9fff]{2,8})(?=[，,\s]|$)",
)
_PEOPLE = re.compile(
    r"(?:一共|总共|就)?(?:\d+|[一二两三四五六七八九十]+)(?:个?人|位|名)(?:的)?(?:桌)?|[一二两三四五六七八九十\d]+人桌"
)
_NO_TABLE = re.compile(
    r"(?:一?[个张]?)?(?:位子?|座位?|包[间厢]|桌子?|餐位|位置|吧|好|到|一下|下|餐|饭|餐厅|饭店|.{0,2}(?:午|晚|早)[餐饭])?"
)
_CITY = (
    rf"^(?:帮我|给我|我要|我想|请)*(?:订|找)?(?:[一两二三四五\d]*[个间家套])?的?(?P<x>{_X}{{2,10}}?)的?(?:酒店|宾馆"
    rf"|民宿|旅馆)(?:给我|帮我)?(?:订|预订|来|要)",
    rf"(?:看看|看|查查|查|搜|找|订|要|住)(?:一下)?(?:[一两二三四五\d]*[间个家套])?的?(?P<x>(?!个|的){_X}{{2,12}}?)(?:附近|旁边|边上|周边|靠海|海边|便宜|干净|好点儿?|安静)?的?"
    r"(?:酒店|宾馆|民宿|旅馆)",
    rf"去(?P<x>{_X}{{2,6}}?)(?=[，,\s]|出差|旅游|旅行|玩|办事|开会)",
    rf"在(?P<x>{_X}{{2,10}}?)(?:订|找|住|要|给我|帮我)",
)
_DOOR = (
    rf"(?:送(?:到|去|来|至)?|(?:带|拿)(?:到|去|来))(?P<x>(?!过来|来|上门|餐|的|过去){_X}+?)(?:来"
    rf"|去|里来)?{PARTICLES}*(?=[，,]|$)",
)
_WHERE = (
    r"(?:礼堂|多功能厅|报告厅|会议室|[\u3400-\u9fff](?:厅|室|楼|馆|店|院|校|园|场|站|公司|单位|中心|大厦|家|里|边"
    r"|口|座|层|城|庙|寺|湖|山|酒店))"
)
PLACE_AHEAD: Final = re.compile(
    rf"^在(?P<x>{_X}{{0,12}}?{_WHERE})(?=(?:开|举行|举办|办|做|参加|见|吃|看|听|聚|碰|上课|拍|比赛|面试|签|打|谈|体检|复查|排练|培训|集合|团建)\S)"
)
"""Where something happens, before what happens: "在报告厅开职代会"."""
_SHOP = (
    r"(?:要|点|找|就要|去)(?P<x>[^，,\s要点份碗]{1,8}?)(?:那家|他?家|店里|店)的?(?=[，,]|$)",
    r"(?:点|叫|来|订)(?:一?个)(?P<x>[^，,]{2,8}?)的?外卖[，,]\s*(?![少多微不别加去送快免])",
    r"(?:从|在)(?P<x>[^，,\s从在]{2,10}?)(?:点|叫|订|来)(?=一?[份个杯碗只]|外卖)",
)


def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


_PAIRS, _BY_SLOT = _compiled(_PAIR), {
    "taxi.book.destination": _compiled(_TO), "directions.show.destination": _compiled(_TO),
    "flight.book.destination": _compiled(_TO),
    "taxi.book.origin": _compiled(_FROM), "directions.show.origin": _compiled(_FROM), "flight.book.origin": _compiled(_FROM),
    "map.show.place": _compiled(_NEAR), "weather.show.place": _compiled(_WEATHER),
    "takeaway.order.restaurant": _compiled(_SHOP),
    "restaurant.reserve.restaurant": _compiled(_TABLE),
    "calendar.add.place": (re.compile(PLACE_AHEAD.pattern.replace("^在", "(?:^|[，,\\s的])在")),),
    "hotel.book.place": _compiled(_CITY), "takeaway.order.place": _compiled(_DOOR),
}  # fmt: skip
_ROUTES: Final = ("taxi.book", "directions.show", "flight.book")


def place_in_chinese(words: str, action_id: str, slot: str) -> str | None:
    """The place of a slot in a Chinese request without its times, or None where no rule finds one."""
    if not has_cjk(words):
        return None
    text = re.sub(r"^(?:打|叫|约|喊)(?:一?[个辆台])?(?:的士?|车|滴滴)(?:来)?(?=[，,到去回])", "", core(words.strip()))
    if action_id == "restaurant.reserve":
        text = _PEOPLE.sub("", text)
    if action_id in _ROUTES:
        for pair in _PAIRS:
            match = pair.search(text)
            if match is not None and (said := _cleaned(match["d" if slot == "destination" else "o"])) is not None:
                return said
    for rule in _BY_SLOT.get(f"{action_id}.{slot}", ()):
        for match in rule.finditer(text):
            said = _cleaned(match["x"])
            if said is None or (slot == "restaurant" and _NO_TABLE.fullmatch(said)):
                continue
            if action_id == "weather.show" and _NO_WEATHER_PLACE.match(said):
                continue
            return said
    return None


def is_no_place(words: str, action_id: str, slot: str, said: str) -> bool:
    """Whether what the general rules take for a place in Chinese is none: a verb before "到", "出门" before the weather."""
    if not has_cjk(words):
        return False
    if action_id == "takeaway.order":  # where it is brought to is said with 送 or 带
        return True
    return (
        (action_id == "weather.show" and _NO_WEATHER_PLACE.match(said) is not None)
        or (action_id in _ROUTES and slot == "origin")
        or (slot == "restaurant" and _NO_TABLE.fullmatch(said) is not None)
    )


def of_two_places(words: str, slot: str) -> str | None:
    """Where to or where from in a reply that says both: "北京到广州"."""
    match = next((match for pair in _PAIRS if (match := pair.search(words))), None) if has_cjk(words) else None
    return (
        None
        if match is None or slot not in ("origin", "destination")
        else _cleaned(match["d" if slot == "destination" else "o"])
    )


def place_reply(words: str) -> str:
    """A reply to "where?" without what stands around the place: "上海出发" and "去上海呗" are "上海"."""
    text = without_particles(re.split(r"[，,。；;]|\s+(?=[我从在])", words.strip(" ，,。"))[0])
    return (
        re.sub(
            r"^(?:就|那就|我要|我想)?(?:去|到|人?在|从|由|送到?|找|看看|查)?(?=..)|(?:(?<=..)(?:这边|那边)?(?:出发|上车|起飞|走|起)|那边|那儿|的)$",
            "",
            text,
        )
        or words
    )


def _cleaned(text: str) -> str | None:
    return clean_place(re.sub(r"^(?:[的个趟]|啥|什么)(?=.)|的$", "", without_particles(text)))
