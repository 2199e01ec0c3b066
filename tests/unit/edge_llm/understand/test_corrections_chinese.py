"""Chinese corrections with excuses and reasons, a part in the place of what it resembles, and taking back with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action
from edge_llm.understand.answers import answer_slot
from edge_llm.understand.context import Context
from edge_llm.understand.corrections import correct
from edge_llm.understand.corrections_chinese import heart_of, with_part
from edge_llm.understand.extract import extract
from edge_llm.understand.places_chinese import place_reply
from edge_llm.understand.taking_back import is_taken_back
from tests.assistant_dialogues import setting

ACTIONS: Mapping[str, Action] = {action.id: action for action in library()}
NOW, REGION, PEOPLE = setting()
CONTEXT = Context(NOW, "zh", PEOPLE, REGION, None)


@pytest.mark.parametrize(
    ("words", "heart"),
    [
        ("哎呀看错票了，应该是武汉站", "应该是武汉站"),
        ("啊不是 去中医院", "去中医院"),
        ("牛肉太贵了，换辣椒炒肉", "换辣椒炒肉"),
        ("手滑了，是G132", "是G132"),
        ("算了，还是冰美式吧", "还是冰美式吧"),
        ("四点吧，三点有会", "四点吧，三点有会"),
    ],
)
def test_the_heart_of_a_correction_is_the_clause_with_the_new_value(words: str, heart: str) -> None:
    assert heart_of(words)[0] == heart


@pytest.mark.parametrize(
    ("held", "new", "mended"),
    [
        ("下午三点在南门见", "北门", "下午三点在北门见"),
        ("交水费", "电费", "交电费"),
        ("开会改到三楼", "五楼", "开会改到五楼"),
        ("我到家了", "书包", None),
        ("南门", "北门", None),
    ],
)
def test_a_part_takes_the_place_of_the_one_it_resembles(held: str, new: str, mended: str | None) -> None:
    assert with_part(held, new) == mended


@pytest.mark.parametrize(
    ("action", "words", "reply", "slot", "value"),
    [
        ("taxi.book", "打车到武昌站", "看错票了，应该是武汉站", "destination", "武汉站"),
        ("directions.show", "导航到一中", "哎说错了 去二中", "destination", "二中"),
        ("takeaway.order", "点份宫保鸡丁饭", "辣的吃不了，换番茄炒蛋饭", "dish", "番茄炒蛋饭"),
        ("shop.buy", "在京东买个电饭锅", "要压力锅", "item", "压力锅"),
        ("reminder.add", "提醒我周五交水费", "记错了 是电费", "text", "交电费"),
        ("note.add", "记一下：备用钥匙在二楼王阿姨家", "哎呀记混了，三楼才对", "text", "备用钥匙在三楼王阿姨家"),
        ("list.remove", "把清单上的葱和豆腐划掉", "香菇也一起划掉", "items", ["葱", "豆腐", "香菇"]),
        ("chart.draw", "画个柱状图，一月30，二月45，三月28", "二月的数看反了，54", "items", "一月30，二月54，三月28"),
        ("map.show", "在地图上看看附近的药店", "我急糊涂了，要找宠物医院，猫吐了", "place", "宠物医院"),
        ("sms.send", "给妈妈发短信说我六点到家", "改一下，七点到家", "message", "我七点到家"),
        ("note.add", "记一下，门锁密码是2233", "是2244，记错了", "text", "门锁密码是2244"),
        ("mail.send", "给王芳发邮件，主题请假，内容是明天请假一天", "主题改成调休", "subject", "调休"),
        ("timer.set", "20分钟倒计时", "加五分钟", "duration", "PT25M"),
        ("meeting.schedule", "后天下午两点约周敏开会", "加上王芳", "people", ["+8613800138008", "+8613800138004"]),
        ("reminder.add", "提醒我下午三点交报告", "内容改成交月报", "text", "交月报"),
        ("sms.send", "短信跟张三说我在东门等", "不对是西门", "message", "我在西门等"),
        ("wechat.send", "微信跟张三说我六点到", "看错表了，是七点", "message", "我七点到"),
    ],
)
def test_a_correction_may_say_why(action: str, words: str, reply: str, slot: str, value: Any) -> None:
    held = extract(ACTIONS[action], words, CONTEXT).slots
    changed = correct(held, ACTIONS[action], reply, CONTEXT)
    assert changed is not None
    assert changed[slot].value == value


@pytest.mark.parametrize(
    "words",
    ["不买了不买了 家里放不下", "不用了不用了，后天我歇班", "算了不买了，家里有烤箱", "不打了不打了，老公来接我",
     "妈妈做好饭了，不点了", "算了不点了，冰箱有剩饭", "哎，宝宝刚睡着，不放了",
     "等一下，先留着，还没交呢"],
)  # fmt: skip
def test_who_takes_back_may_say_why(words: str) -> None:
    assert is_taken_back(words)


@pytest.mark.parametrize("words", ["算了，还是冰美式吧", "不要了，换美式", "不去了，改去南站", "不是三楼 是五楼"])
def test_who_asks_for_something_else_takes_nothing_back(words: str) -> None:
    assert not is_taken_back(words)


@pytest.mark.parametrize(
    ("action", "slot", "reply", "value"),
    [
        ("flight.book", "destination", "北京到广州，下周二", "广州"),
        ("taxi.book", "destination", "到虹桥机场T2 我在静安寺", "虹桥机场T2"),
        ("takeaway.order", "dish", "来碗螺蛳粉吧，加辣", "螺蛳粉"),
        ("shop.buy", "item", "一个电热水壶", "电热水壶"),
    ],
)
def test_a_reply_may_say_more(action: str, slot: str, reply: str, value: str) -> None:
    answer = answer_slot(ACTIONS[action].slot(slot), reply, CONTEXT, action=ACTIONS[action])
    assert answer is not None
    assert answer.value == value


def test_where_from_is_said_with_a_verb() -> None:
    assert [place_reply(words) for words in ("南昌走", "从济南走，下周一", "人在深圳")] == ["南昌", "济南", "深圳"]
