"""Chinese as it is spoken: slips, English commands, taking back, lists, places, replies and corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action
from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.understand.amounts import find_budget
from edge_llm.understand.answers import answer_slot, choose
from edge_llm.understand.context import Context
from edge_llm.understand.corrections import correct
from edge_llm.understand.expressions import find_expression
from edge_llm.understand.extract import extract
from edge_llm.understand.language import is_cancel
from edge_llm.understand.numbers import read_chinese
from edge_llm.understand.spoken import plainly, without_particles
from edge_llm.understand.taking_back import is_taken_back
from edge_llm.understand.times import find_times
from edge_llm.understand.units import find_measures
from tests.assistant_dialogues import matches, setting

ACTIONS: Mapping[str, Action] = {action.id: action for action in library()}
NOW, REGION, PEOPLE = setting()
CONTEXT = Context(NOW, "zh", PEOPLE, REGION, None)


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        ("嗯，call一下赵磊", "打电话给赵磊"),
        ("给我set个alarm", "给我设个闹钟"),
        ("周日十点记得call我交稿", "周日十点记得叫我交稿"),
        ("明天下午三点啊不四点开会", "明天下午四点开会"),
        ("后天早上七点不对七点二十起床", "后天早上七点二十起床"),
        ("去虹桥，哦不，去浦东机场", "去浦东机场"),
        ("给王芳，不是，给周敏打个电话", "给周敏打个电话"),
        ("点个奶茶，呃，还是咖啡吧", "点个咖啡"),
        ("唔该帮我叫架的士去机场", "请帮我叫辆出租车去机场"),
        ("听日朝早八点嗌我起身", "明天早上八点叫我起床"),
        ("广州听日几多度", "广州明天多少度"),
        ("叫部车去徐家汇好伐", "叫辆车去徐家汇"),
        ("wx上跟妈妈说听日见", "微信上跟妈妈说听日见"),
        ("拨幺三八零零幺三八零零九", "拨13800138009"),
        ("今儿个冷吗", "今天冷吗"),
        ("给妈妈发微信说我不是故意的", "给妈妈发微信说我不是故意的"),
        ("给张三发邮件说这个不太好，还是再改改吧", "给张三发邮件说这个不太好，还是再改改吧"),
        ("call mum", "call mum"),
    ],
)
def test_a_request_is_made_plain_and_what_is_dictated_is_not(words: str, plain: str) -> None:
    assert plainly(words) == plain


def test_particles_end_a_sentence_and_no_name() -> None:
    assert without_particles("加油站啊") == "加油站"
    assert without_particles("网吧附近") == "网吧附近"


@pytest.mark.parametrize(
    "words",
    ["算了算了，先别打", "算了 减肥 不点了", "哎，不用了不用了，我儿子来接我", "别叫了，我坐地铁", "不订了，改天再说",
     "不用设了明天休息", "我再想想吧，先不订", "取消取消", "不去了不去了", "撤了吧"],
)  # fmt: skip
def test_a_request_is_taken_back_in_many_wordings(words: str) -> None:
    assert is_taken_back(words) or is_cancel(words)


@pytest.mark.parametrize(
    "words",
    [
        "算了，换成拿铁",
        "不去虹桥了，去浦东",
        "不是七点，八点到家",
        "面包不要了，换成吐司",
        "不，明天",
        "我到家了",
        "不用叫车了，导航去吧",
    ],
)
def test_what_asks_for_something_else_takes_nothing_back(words: str) -> None:
    assert not is_taken_back(words)


@pytest.mark.parametrize(
    ("action", "words", "values"),
    [
        ("call.start", "给我老爸打个电话呗", {"recipient": "+8613800138006"}),
        ("call.start", "打我妈电话", {"recipient": "+8613800138005"}),
        ("sms.send", "短信赵磊：合同寄了", {"recipient": "+8613800138009", "message": "合同寄了"}),
        ("sms.send", "给王芳发个短信吧，就说谢谢她", {"recipient": "+8613800138004", "message": "谢谢她"}),
        ("wechat.send", "微信上问下周敏周六有没有空", {"recipient": "周敏", "message": "周六有没有空"}),
        ("mail.send", "给张三发邮件，主题写报价单，内容就写已更新", {"subject": "报价单", "message": "已更新"}),
        (
            "meeting.schedule",
            "约一下王芳和周敏明天两点开会，讨论预算",
            {"people": ["+8613800138004", "+8613800138008"], "title": {"any": ["预算", "讨论预算"]}},
        ),
        ("calendar.add", "周五晚上七点家庭聚会，在湖边饭店，给我记到日历里头", {"title": "家庭聚会", "place": "湖边饭店"}),
        ("calendar.add", "日历：3/12 14:00 季度评审，3号会议室", {"title": "季度评审", "place": "3号会议室"}),
        ("note.add", "记一下哈，车停在B2", {"text": "车停在B2"}),
        ("todo.add", "待办加一条，周五之前把房租转了", {"text": "把房租转了"}),
        ("reminder.add", "星期五上午九点你提醒我一下去领老年卡，好吧？", {"text": "去领老年卡"}),
        ("reminder.add", "周六上午要带孩子打疫苗，九点提醒我", {"time": "2026-03-07T09:00+08:00"}),
        ("shopping.add", "鸡蛋吃完了，酱油也快见底了，都记到购物单上", {"items": ["鸡蛋", "酱油"]}),
        ("shopping.add", "购物清单加上抽纸 洗衣液 还有猫粮", {"items": ["抽纸", "洗衣液", "猫粮"]}),
        ("list.remove", "猫砂已经买了从清单上划掉吧", {"items": ["猫砂"]}),
        ("list.remove", "不用买苹果了，清单里删掉", {"items": ["苹果"]}),
        ("takeaway.order", "饿死了 美团点个黄焖鸡送到宿舍", {"dish": "黄焖鸡", "app": "美团", "place": "宿舍"}),
        ("share.text", "把这句话分享到微博：晚霞绝了", {"text": "晚霞绝了", "app": "微博"}),
        ("translate", "我想你用日语怎么说", {"text": "我想你", "language": "日语"}),
        ("translate", "帮我翻译成韩语", {"text": None, "language": "韩语"}),
        ("contact.add", "新建联系人，姓名孙悦，号码18600001234", {"title": "孙悦", "number": "+8618600001234"}),
        ("map.show", "这附近哪儿有加油站啊", {"place": "加油站"}),
        ("directions.show", "导航到最近的医院呗", {"destination": "最近的医院", "origin": None}),
        ("directions.show", "去火车站咋走", {"destination": "火车站"}),
        ("taxi.book", "滴滴，公司到浦东机场", {"origin": "公司", "destination": "浦东机场", "app": "滴滴"}),
        ("taxi.book", "打个的到南京东路", {"destination": "南京东路", "origin": None}),
        ("flight.book", "订张后天上海飞成都的机票", {"origin": "上海", "destination": "成都"}),
        ("hotel.book", "西安酒店，3月20日入住，住3晚", {"place": "西安", "end": "2026-03-23"}),
        ("restaurant.reserve", "订全聚德明天中午六个人的包间", {"restaurant": "全聚德", "number": 6}),
        ("weather.show", "出门要带伞吗", {"place": None}),
        ("weather.show", "广州这会儿多少度", {"place": "广州"}),
        ("timer.set", "泡面计时3分钟", {"duration": "PT3M", "label": "泡面"}),
        ("music.play", "来点陈奕迅的歌 快点", {"query": "陈奕迅的歌"}),
        ("shop.buy", "淘宝买条牛仔裤 两百以内", {"item": "牛仔裤", "amount": {"amount": "200", "currency": "CNY"}}),
        ("convert.currency", "一万二日元换成人民币", {"amount": 12000, "currency_from": "JPY", "currency_to": "CNY"}),
    ],
)
def test_slots_of_what_people_say(action: str, words: str, values: Mapping[str, Any]) -> None:
    found = extract(ACTIONS[action], plainly(words), CONTEXT).slots
    for name, value in values.items():
        assert (name not in found) if value is None else matches(found[name].value, value), (name, found.get(name))


@pytest.mark.parametrize(
    ("action", "words", "correction", "slot", "value"),
    [
        ("takeaway.order", "点杯美式送到公司", "换成拿铁吧", "dish", "拿铁"),
        ("shopping.add", "购物清单加牛奶和面包", "再加一盒草莓", "items", ["牛奶", "面包", "一盒草莓"]),
        ("shopping.add", "购物清单加牛奶和面包", "面包不要了，换成吐司", "items", ["牛奶", "吐司"]),
        ("shopping.add", "购物清单加牛奶和面包", "面包不要了", "items", ["牛奶"]),
        ("wechat.send", "给妈妈发微信说我七点到家", "不是七点，八点到家", "message", "我八点到家"),
        ("sms.send", "给妈妈发短信说我到了", "改一下，说我快到了", "message", "我快到了"),
        ("alarm.set", "明早七点叫我起床", "提前半小时", "time", "2026-03-05T06:30:00+08:00"),
        ("note.add", "记一下，车位号A12", "不对，是A21", "text", "车位号A21"),
        ("music.play", "放首晴天", "换一首，放稻香", "query", "稻香"),
    ],
)
def test_corrections(action: str, words: str, correction: str, slot: str, value: Any) -> None:
    slots = extract(ACTIONS[action], words, CONTEXT).slots
    changed = correct(slots, ACTIONS[action], correction, CONTEXT)
    assert changed is not None
    assert changed[slot].value == value


def test_another_request_is_no_item_of_a_list() -> None:
    slots = extract(ACTIONS["shopping.add"], "购物清单加牛奶", CONTEXT).slots
    assert correct(slots, ACTIONS["shopping.add"], "还有帮我叫个车", CONTEXT) is None


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("尾号9003那个", 1),
        ("尾号是八零零二的", 0),
        ("139开头的", 1),
        ("后面那个", 1),
        ("选1", 0),
        ("尾号1234的", None),
        ("尾号8003的", None),
        ("138", 0),
    ],
)
def test_a_number_chooses_among_candidates(words: str, place: int | None) -> None:
    numbers = ("+8613800138002", "+8613900139003")
    values: Sequence[SlotValue] = [SlotValue(one, f"李伟 ({one})", Provenance("contact")) for one in numbers]
    assert choose(values, words) == (None if place is None else values[place])


@pytest.mark.parametrize(
    ("action", "slot", "words", "value"),
    [
        ("music.play", "query", "来首后来吧", "后来"),
        ("takeaway.order", "dish", "来份蛋炒饭", "蛋炒饭"),
        ("app.open", "app", "微信吧", "微信"),
        ("hotel.book", "place", "苏州的，后天", "苏州"),
        ("flight.book", "origin", "上海出发，下周五", "上海"),
        ("wechat.send", "message", "一起吃饭吧", "一起吃饭吧"),
        ("wechat.send", "message", "跟她讲材料晚上发", "材料晚上发"),
        ("contact.add", "title", "刘洋，13911110000", "刘洋"),
    ],
)
def test_replies(action: str, slot: str, words: str, value: str) -> None:
    answer = answer_slot(ACTIONS[action].slot(slot), words, CONTEXT, action=ACTIONS[action])
    assert answer is not None
    assert answer.value == value


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        ("1299打八五折再减100是多少", "(1299*0.85)-100"),
        ("480块四个人AA每人多少", "480/4"),
        ("一千二百减去三百五再乘以二", "(1200-350)*2"),
        ("128加256等于几啊", "128+256"),
    ],
)
def test_sums_in_words(words: str, expression: str) -> None:
    found = find_expression(words)
    assert found is not None
    assert found.replace(" ", "") == expression


def test_amounts_and_measures_that_leave_the_last_unit_out() -> None:
    assert [read_chinese(one) for one in ("一万二", "两万三千五", "一百八", "一万零二")] == [12000, 23500, 180, 10002]
    assert [float(one.value) for one in find_measures("两米三和2斤半和一米七五")] == [2.3, 2.5, 1.75]
    budget = find_budget("三百以内", region="CN")
    assert budget is not None
    assert budget.canonical == {"amount": "300", "currency": "CNY"}
    assert find_budget("三百以内", region="") is None


def test_who_asks_to_be_called_means_the_morning() -> None:
    assert find_times("明天别睡过头啊，六点喊我", NOW)[0].at.hour == 6
