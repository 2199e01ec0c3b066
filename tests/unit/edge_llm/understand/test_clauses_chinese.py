"""Chinese requests of several clauses: what stands before the asking one is about what, what stands after it is a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action
from edge_llm.understand.clauses_chinese import begins, without_remarks
from edge_llm.understand.context import Context
from edge_llm.understand.expressions import find_expression
from edge_llm.understand.extract import extract
from edge_llm.understand.recipients import addressed
from tests.assistant_dialogues import setting

ACTIONS: Mapping[str, Action] = {action.id: action for action in library()}
NOW, REGION, PEOPLE = setting()
CONTEXT = Context(NOW, "zh", PEOPLE, REGION, None)


def test_a_command_may_begin_at_each_clause_and_after_the_courtesies() -> None:
    assert "叫我" in list(begins("中午眯会儿 麻烦你下午一点叫我"))
    assert "记到备忘录里" in list(begins("物业说停水，帮我记到备忘录里"))
    assert "打个车" not in list(begins("跟妈妈说我到了，打个车"))


@pytest.mark.parametrize(
    ("words", "action", "slot", "value"),
    [
        ("老抽买回来了，单子上可以划了", "list.remove", "items", ["老抽"]),
        ("快递取回来了 待办里勾掉吧", "list.remove", "items", ["快递"]),
        ("面粉买着了，把它从清单里去掉", "list.remove", "items", ["面粉"]),
        ("快没纸巾了，还有洗手液，都加进购物清单", "shopping.add", "items", ["纸巾", "洗手液"]),
        ("牙膏用得差不多了 写到清单上吧", "shopping.add", "items", ["牙膏"]),
        ("周日中午十二点在悦来饭店吃满月酒 日历记上", "calendar.add", "title", "吃满月酒"),
        ("周日中午十二点在悦来饭店吃满月酒 日历记上", "calendar.add", "place", "悦来饭店"),
        ("新来的司机叫马德胜，13877665544，存一下", "contact.add", "title", "马德胜"),
        ("隔壁王阿姨电话是13912345678，帮我存通讯录", "contact.add", "title", "隔壁王阿姨"),
        ("物业刚说，下周一停水，帮我记到备忘录里", "note.add", "text", "物业刚说，下周一停水"),
        ("老板让我搞懂增值税怎么报，你给网上搜一下", "web.search", "query", "增值税怎么报"),
        ("三点三刻提醒接孩子放学，我一忙就忘", "reminder.add", "text", "接孩子放学"),
        ("下午四点我得给客户回传合同你到时候叫我一声", "reminder.add", "text", "给客户回传合同"),
        ("下午三点的高铁，一点半提醒我出门", "reminder.add", "time", "2026-03-04T13:30:00+08:00"),
        ("晚上八点有球赛，七点五十叫我一声", "alarm.set", "time", "2026-03-04T19:50:00+08:00"),
        ("我在家乐福门口，打个车回阳光小区", "taxi.book", "origin", "家乐福门口"),
        ("安排一辆明天下午五点由酒店前往机场的专车", "taxi.book", "destination", "机场"),
        ("懒得做饭，叫份炒面外卖，要老王那家的", "takeaway.order", "restaurant", "老王那家"),
        ("微信打开一下 我要扫个码", "app.open", "app", "微信"),
        ("好久没听《同桌的你》了，来一首", "music.play", "query", "《同桌的你》"),
        ("苹果40斤香蕉25斤梨18斤，弄个饼图", "chart.draw", "items", "苹果40，香蕉25，梨18"),
        ("八百块港币换成人民币是几多钱", "convert.currency", "currency_from", "HKD"),
        ("用 WhatsApp 给 Emma 带句话，资料我放前台了", "whatsapp.send", "message", "资料我放前台了"),
        ("孩子病了我得晚点到，替我跟周敏说一嘴", "sms.send", "message", "孩子病了我得晚点到"),
        ("发邮件通知陈志强会议取消，标题写会议变更", "mail.send", "message", "会议取消"),
        ("Tom Hughes那边，WhatsApp告诉他我航班晚点了", "whatsapp.send", "recipient", "+447700900103"),
        ("提醒我下班前把电脑关了，六点吧", "reminder.add", "time", "2026-03-04T18:00:00+08:00"),
        ("定一个两点半的闹钟，睡个午觉", "alarm.set", "time", "2026-03-04T14:30:00+08:00"),
        ("下周一到周三出差上海，写进日历", "calendar.add", "end", "2026-03-11T09:00:00+08:00"),
        ("我想吃麻辣烫了，给我点一份，不要香菜", "takeaway.order", "dish", "麻辣烫"),
        ("帮我叫个肯德基外卖，香辣鸡腿堡套餐", "takeaway.order", "restaurant", "肯德基"),
        ("三亚的酒店，五一住三晚", "hotel.book", "time", "2026-05-01T09:00:00+08:00"),
        ("订一间杭州的民宿，下周五入住，俩人", "hotel.book", "people", 2),
        ("帮我查下月初北京飞三亚的机票", "flight.book", "time", "2026-04-01T09:00:00+08:00"),
        ("在拼多多上找个两百以内的行李箱", "shop.buy", "item", "行李箱"),
        ("清单里的酸奶去掉，已经喝完了", "list.remove", "items", ["酸奶"]),
        ("明天去黄山，那边会下雨不", "weather.show", "place", "黄山"),
        ("订张三人桌，楼外楼，周日中午十一点半", "restaurant.reserve", "restaurant", "楼外楼"),
        ("兹定于周五下午两点召开项目例会，请将其加入日程", "calendar.add", "title", "召开项目例会"),
        ("请于明日九时提醒本人提交季度报表", "reminder.add", "text", "提交季度报表"),
        ("请协助查询北京至成都3月15日航班", "flight.book", "origin", "北京"),
        ("库存报警：A4纸不多了，写到购物单里", "shopping.add", "items", ["A4纸"]),
        ("牛奶，面包，香蕉，购物清单", "shopping.add", "items", ["牛奶", "面包", "香蕉"]),
        ("给宝贝女儿微信说饭在锅里", "wechat.send", "recipient", "宝贝女儿"),
        ("T3航站楼，打车，现在", "taxi.book", "destination", "T3航站楼"),
        ("杭州，明天，天气", "weather.show", "place", "杭州"),
        ("打七折后是多少，原价260", "calculate", "expression", "260*0.7"),
        ("我跟老同学约好了，周六晚上六点在川味轩聚聚，你给订个包间", "restaurant.reserve", "restaurant", "川味轩"),
        ("下个月要去成都玩，帮我看看那边的酒店，10号到13号", "hotel.book", "time", "2026-04-10T09:00:00+08:00"),
        ("订两间20号的大连酒店，住三晚", "hotel.book", "place", "大连"),
        ("我英语不好，帮我看看“保质期”英语怎么说", "translate", "language", "英语"),
        ("要交房租了，三千二乘以三是多少", "calculate", "expression", "3200*3"),
        ("老师让我们做个统计，男生23女生27，画个饼图", "chart.draw", "items", "男生23女生27"),
        ("刚认识一个卖海鲜的，叫吴大勇，电话18022223333，你帮我存上", "contact.add", "title", "吴大勇"),
        ("家里洗发水快用完了，还有沐浴露也没了，帮我加到购物清单里去吧", "shopping.add", "items", ["洗发水", "沐浴露"]),
        ("请发函至王芳，主题：预算，正文：请查收", "mail.send", "message", "请查收"),
    ],
)
def test_a_value_is_found_in_the_clause_that_has_it(words: str, action: str, slot: str, value: Any) -> None:
    assert extract(ACTIONS[action], words, CONTEXT).slots[slot].value == value


@pytest.mark.parametrize("words", ["日历上帮我添个安排", "我要买东西 网上买"])
def test_what_names_nothing_is_missing(words: str) -> None:
    action = ACTIONS["calendar.add" if "日历" in words else "shop.buy"]
    assert {"title", "item"} & set(extract(action, words, CONTEXT).missing)


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        ("一箱奶六十八块五，搬四箱一共多少钱", "68.5*4"),
        ("十二块五一斤，买四斤要多少", "12.5*4"),
        ("每人三十五，八个人一共多少钱", "35*8"),
        ("进价十五卖二十二，卖了八十件，赚了多少", "(22-15)*80"),
        ("成本四块，零售七块五，利润多少", "7.5-4"),
        ("菜一共四十三块六，给了他一百，找我多少", "100-43.6"),
        ("牛奶十二块面包八块五鸡蛋十五块加起来多少", "12+8.5+15"),
        ("一张机票多少钱", None),
        ("三百美金合多少人民币", None),
    ],
)
def test_sums_of_the_shop_are_read(words: str, expression: str | None) -> None:
    assert find_expression(words) == expression


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("问一下赵磊晚上还来不来", "sms.send"),
        ("我走不开，跟妈妈带句话：晚点回", "sms.send"),
        ("微信上问问张三几点到", "wechat.send"),
        ("呼一下我爸", "call.start"),
        ("给我接周敏的电话", "call.start"),
        ("给妈妈打个电话问问", None),
        ("跟谁说都没用", None),
    ],
)
def test_somebody_known_is_told_something(words: str, action: str | None) -> None:
    assert addressed(words, PEOPLE) == action


def test_remarks_after_a_task_are_dropped() -> None:
    assert without_remarks("吃降压药，岁数大了不记事儿") == "吃降压药"
    assert without_remarks("买牛奶，交电费") == "买牛奶，交电费"
