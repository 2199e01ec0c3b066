"""Chinese chat lines from a seed, and what to ask for in them. Real-looking; nobody real, nothing copied."""

from __future__ import annotations

import random
from dataclasses import dataclass

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟"
    "汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文辉云莉鑫宇浩欣怡梓涵诗雨晨曦子轩思远志强海燕春梅晓东"
    "小龙佳琪嘉豪婷雪松柏岩峰岚"
)
_PLACES = (
    "朝阳公园", "图书馆", "火车站", "人民医院", "咖啡馆", "体育场", "电影院", "博物馆", "菜市场", "会议室", "办公室",
    "幼儿园", "健身房", "游泳馆", "飞机场", "停车场",
)  # fmt: skip
_THINGS = (
    "手机", "电脑", "钥匙", "护照", "合同", "发票", "礼物", "雨伞", "眼镜", "行李", "照片", "药品", "简历", "报告",
    "账单", "车票", "门票", "火锅", "饺子", "面条", "咖啡", "奶茶", "蛋糕", "水果", "书包", "衣服", "鞋子", "耳机",
    "相机", "键盘",
)  # fmt: skip
_TIMES = (
    "昨天", "今天", "明天", "上周三", "周末", "下个月", "晚上八点", "中午", "早上", "国庆节", "春节", "去年夏天",
)  # fmt: skip
_DOING = (
    "一起去了{place}", "在{place}等我", "把{thing}忘在{place}了", "买了新的{thing}", "送给我{thing}",
    "问起{thing}的事", "说{thing}已经寄出去了", "要我带上{thing}", "约了在{place}见面", "弄丢了{thing}",
    "推荐了{place}旁边的店", "正在修{thing}", "还没收到{thing}",
)  # fmt: skip
_ENDINGS = (
    "", "，你记得吗", "，太开心了", "，真麻烦", "，下次再说吧", "，请回复我", "，大概要三百块钱", "，后来下雨了",
    "，里面有点乱", "，头发都湿了", "，台风要来了", "，干净多了",
)  # fmt: skip
_COLLOQUIAL = (
    "哈哈", "好的", "知道了", "没问题", "对了", "其实", "我觉得", "听说", "",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A chat line, in simplified characters; `stored` may be in traditional ones."""

    plain: str
    stored: str


def name(chance: random.Random) -> str:
    """A family name and one or two characters."""
    return chance.choice(_SURNAMES) + "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2, 2))))


def lines(count: int, seed: int) -> list[Line]:
    """Chat lines; every third is stored in traditional characters, as OpenCC writes them."""
    from opencc import OpenCC

    chance, traditional = random.Random(seed), OpenCC("s2t")
    people = [name(chance) for _ in range(max(20, count // 25))]
    made = []
    for number in range(count):
        doing = chance.choice(_DOING).format(place=chance.choice(_PLACES), thing=chance.choice(_THINGS))
        start = chance.choice(_COLLOQUIAL)
        who = "和".join(chance.sample(people, chance.choice((1, 1, 2))))
        plain = f"{start}{'，' if start else ''}{chance.choice(_TIMES)}{who}{doing}{chance.choice(_ENDINGS)}"
        made.append(Line(plain, traditional.convert(plain) if number % 3 == 0 else plain))
    return made


def queries(made: list[Line], count: int, seed: int) -> dict[str, list[str]]:
    """What is asked, by kind: two characters from anywhere in a line, words, names, and the beginnings of longer names."""
    chance = random.Random(seed)
    anywhere = []
    while len(anywhere) < count:
        line = chance.choice(made).plain
        at = chance.randrange(len(line) - 1)
        if "，" not in line[at : at + 2]:
            anywhere.append(line[at : at + 2])
    long_names = [full for _ in range(count) if len(full := name(chance)) == 3]
    return {
        "two characters": anywhere,
        "words": [*_THINGS, *_PLACES],
        "names": [name(chance) for _ in range(count)],
        "names in longer names": [full[:2] for full in long_names] + [full[1:] for full in long_names],
        "one character": [chance.choice(chance.choice(made).plain.replace("，", "")) for _ in range(count // 4)],
    }
