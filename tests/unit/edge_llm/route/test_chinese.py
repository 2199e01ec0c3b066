"""Chinese commands that name their action, talk that asks for none, and several requests in one sentence."""

from __future__ import annotations

import pytest

from edge_llm.route import split_requests
from edge_llm.route.heads import action_of, is_told


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("半个小时后叫我关火", "reminder.add"),
        ("明早六点半喊我起来", "alarm.set"),
        ("我这儿蒸着鱼呢，劳驾给我计个时，八分钟", "timer.set"),
        ("麻烦给周敏打个电话，我找她有点事情", "call.start"),
        ("微信张三：晚上吃饭不", "wechat.send"),
        ("告诉王芳我五分钟后到", "sms.send"),
        ("邮件给赵磊，标题请假", "mail.send"),
        ("提醒我给妈妈发微信", "reminder.add"),
        ("待办加一条交电费", "todo.add"),
        ("把卫生纸加清单里", "shopping.add"),
        ("清单里那个洗发水不用了", "list.remove"),
        ("往日历上添一条：周五体检", "calendar.add"),
        ("我后天有事没", "calendar.show"),
        ("滴滴，公司到浦东机场", "taxi.book"),
        ("饿死了 美团点个黄焖鸡", "takeaway.order"),
        ("网易云给我放点民谣", "music.play"),
        ("今天用不用带伞", "weather.show"),
        ("周围有没有停车场", "map.show"),
        ("淘宝买条围巾", "shop.buy"),
        ("百度一下糖尿病吃什么", "web.search"),
        ("上回小李发给我的那个做法，给我找出来", "memory.search"),
        ("孩子昨晚发烧今天去不了，跟王芳说一声请个假", "sms.send"),
        ("手机没电了，劳烦微信上喊李伟下来拿快递", "wechat.send"),
        ("炖汤要一个半小时，帮我掐个表", "timer.set"),
        ("我一忙就忘，三点半提醒接孩子", "reminder.add"),
        ("我还有几件事没办，给我列出来", "todo.show"),
        ("懒得下楼，给我整份肠粉", "takeaway.order"),
        ("今天天儿不错，带我去最近的公园", "directions.show"),
        ("派一辆下午五点从酒店去机场的专车", "taxi.book"),
        ("一件衬衫一百二十八，买三件多少钱", "calculate"),
        ("到货了跟李伟说一声，让他来仓库提", "sms.send"),
        ("赵磊，电话", "call.start"),
        ("给王芳发短信说提醒我明天带U盘", "sms.send"),
        ("提醒我给王芳发微信说生日快乐", "reminder.add"),
        ("给张三打微信电话", "call.start"),
        ("约一下王芳和周敏，周三下午两点，讨论新品发布", "meeting.schedule"),
        ("帮我在网易云搜一首后来", "music.play"),
        ("五点半喊我一声，接孙子放学", "reminder.add"),
        ("五点半叫我一声", "alarm.set"),
        ("女儿用的是WhatsApp，帮我跟婷婷说签证下来了", "whatsapp.send"),
        ("人家只收邮件 刘经理 告诉她我的体检报告下周到", "mail.send"),
        ("日历打开我看看", "calendar.show"),
        ("别让我忘了退掉那双童鞋，添到待办去", "todo.add"),
        ("取消今晚的订位", None),
        ("微信怎么备份", None),
    ],
)
def test_the_shape_of_a_command_names_the_action(words: str, action: str | None) -> None:
    assert action_of(words) == action


@pytest.mark.parametrize(
    "words",
    ["闹钟响了三遍我都没听见，服了", "我妈又在微信群里发养生文章了 无语", "刚打车花了五十多", "刚给我妈打完电话",
     "机票又涨价了", "我妈不会用微信", "打车软件越来越贵了", "昨晚的外卖好难吃", "给我讲个冷笑话",
     "今天闹钟没响差点迟到", "这天气真让人受不了", "微信群消息太多了", "购物清单有什么用啊", "刚打车花了八十", "机票涨了三百",
     "提醒功能是干嘛用的", "我觉得外卖没有自己做的好吃", "高铁票比飞机票还贵", "这歌听了一百遍了", "谁还用短信啊",
     "翻译软件翻得乱七八糟", "闹钟真是个反人类的发明", "下雨天最适合睡觉了",
     "今年的机票比去年贵一倍", "在网上买的鞋码数不对", "天气预报从来没准过", "前天订的酒店离景区太远", "我每天六点就醒了",
     "他微信把我删了", "会议拖到七点才结束", "弟弟把闹钟调快了半小时", "待办越积越多，愁死了"],
)  # fmt: skip
def test_talk_asks_for_nothing(words: str) -> None:
    assert is_told(words)
    assert action_of(words) is None


@pytest.mark.parametrize(
    "words",
    [
        "孩子发烧了，跟王芳说一声请个假",
        "五点四十五把我叫起来",
        "报税弄完了，勾掉",
        "十五分钟到了告诉我",
        "咖啡又没了，加到清单里",
        "我妈让我三点打给她，提醒我",
        "周末天气好不好",
        "把这句发出去：服了",
    ],
)
def test_a_request_within_talk_is_one(words: str) -> None:
    assert not is_told(words)


@pytest.mark.parametrize(
    ("words", "requests"),
    [
        ("发微信跟妈妈说我出门了，顺便打个车去高铁站", ["发微信跟妈妈说我出门了", "打个车去高铁站"]),
        ("微信周敏：我出发了。再叫辆滴滴去国贸", ["微信周敏：我出发了", "叫辆滴滴去国贸"]),
        ("先打给赵磊，再定个20分钟的计时器", ["先打给赵磊", "定个20分钟的计时器"]),
        ("给妈妈发微信说你先走，然后打车回来", ["给妈妈发微信说你先走，然后打车回来"]),
        ("提醒我买菜，顺便给妈妈打个电话", ["提醒我买菜，顺便给妈妈打个电话"]),
        ("把周四的面试加到日历，并在当天九点提醒我带简历", ["把周四的面试加到日历", "在当天九点提醒我带简历"]),
        ("打个车去软件园，另外微信周敏说我十点到", ["打个车去软件园", "微信周敏说我十点到"]),
        ("明天上午十点提醒我开会，下午三点提醒我取快递", ["明天上午十点提醒我开会", "下午三点提醒我取快递"]),
        ("微信告诉周敏我到了，再给王芳打个电话", ["微信告诉周敏我到了", "给王芳打个电话"]),
        ("提醒我一下，给奶奶打电话", ["提醒我一下，给奶奶打电话"]),
        ("给客户回电话这事，下午两点提醒我", ["给客户回电话这事，下午两点提醒我"]),
        ("鸡蛋吃完了，酱油也快见底了，都给我记到购物单上", ["鸡蛋吃完了，酱油也快见底了，都给我记到购物单上"]),
    ],
)
def test_requests_are_cut_where_a_command_begins(words: str, requests: list[str]) -> None:
    assert split_requests(words) == requests
