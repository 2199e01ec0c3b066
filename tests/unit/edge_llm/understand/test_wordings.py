"""Requests worded in many ways, and what corrections change: no sentence of a manifest or of the labelled set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action, Language
from edge_llm.understand.context import Context
from edge_llm.understand.corrections import correct
from edge_llm.understand.extract import extract
from edge_llm.understand.language import chinese_marks, is_cancel, language_of
from edge_llm.understand.recipients import find_anyone
from edge_llm.understand.units import find_measures
from tests.assistant_dialogues import matches, setting

ACTIONS: Mapping[str, Action] = {action.id: action for action in library()}


def context(language: Language) -> Context:
    now, region, people = setting()
    return Context(now, language, people, region, None)


@pytest.mark.parametrize(
    ("action", "words", "values"),
    [
        ("sms.send", "let Sarah know by text that lunch is at one", {"message": "lunch is at one"}),
        ("sms.send", "跟王芳说一声我晚十分钟到，发短信就行", {"message": "我晚十分钟到"}),
        ("sms.send", "给王芳发短信,说门开着", {"message": "门开着"}),
        ("mail.send", "send Emma an e-mail with the subject Budget saying the numbers are attached",
         {"message": "the numbers are attached"}),
        ("wechat.send", "微信上告诉我爸火车晚点了", {"recipient": "爸爸", "message": "火车晚点了"}),
        ("call.start", "给我接通赵磊", {"recipient": "+8613800138009"}),
        ("meeting.schedule", "set up an hour with Sarah and my boss on Wednesday at 2",
         {"people": ["+447700900104", "+8613800138007"]}),
        ("contact.add", "13811112222 is Mr Green's new number, save it", {"title": "Mr Green", "number": "+8613811112222"}),
        ("contact.add", "13811112222是快递员老刘的电话，存一下", {"title": "快递员老刘"}),
        ("reminder.add", "remind me", {"text": None}),
        ("reminder.add", "Remind me at six to defrost the mince, I'm hopeless at remembering", {"text": "defrost the mince"}),
        ("todo.add", "put renewing my pass on my to-do list, it runs out soon", {"text": "renewing my pass"}),
        ("note.add", "jot down that the meter reads 48213, would you?", {"text": "the meter reads 48213"}),
        ("sms.send", "Would you let Emma know I've arrived safely?", {"message": "I've arrived safely"}),
        ("sms.send", "can you text Emma are you home?", {"message": "are you home?"}),
        ("mail.send", "email Sarah subject holiday cover and say can you do the 12th",
         {"subject": "holiday cover", "message": "can you do the 12th"}),
        ("mail.send", "Write to Anna Lee. Subject: Parking. Text: The car park is shut, sorry.",
         {"subject": "Parking", "message": "The car park is shut, sorry"}),
        ("mail.send", "mail my boss with the subject Sick leave and the text I have a fever",
         {"subject": "Sick leave", "message": "I have a fever"}),
        ("restaurant.reserve", "a table at the Dragon Palace next Friday, five of us, eight in the evening",
         {"restaurant": "the Dragon Palace", "number": 5}),
        ("takeaway.order", "get me cod and chips from Harry's delivered to the office",
         {"dish": "cod and chips", "restaurant": "Harry's", "place": "office"}),
        ("alarm.set", "I'm on lates so wake me at 10 30", {"time": "2026-03-04T10:30+08:00"}),
        ("alarm.set", "I must wake up at seven and quarter tomorrow", {"time": "2026-03-05T07:15+08:00"}),
        ("calendar.add", "add Leo's party to the calendar, Saturday 2 till 4", {"time": "2026-03-07T14:00+08:00"}),
        ("timer.set", "hour and a half on the timer", {"duration": "PT1H30M"}),
        ("timer.set", "timer for an hour twenty", {"duration": "PT1H20M"}),
        ("convert.units", "200 grams, what's that in ounces", {"amount": 200, "to_unit": "ounce"}),
        ("convert.units", "five gallons, how much liters it is", {"to_unit": "liter"}),
        ("alarm.set", "please to wake me tomorrow at seven hours", {"time": "2026-03-05T07:00+08:00"}),
        ("alarm.set", "get me up at ten to five tomorrow", {"time": "2026-03-05T04:50+08:00"}),
        ("reminder.add", "20 minutes before six remind me to put the oven on", {"time": "2026-03-04T17:40+08:00"}),
        ("reminder.add", "remind me to invoice the Patels first thing Monday, 8am", {"text": "invoice the Patels"}),
        ("reminder.add", "remind me to feed the cat at 5pm? She gets grumpy.", {"text": "feed the cat"}),
        ("timer.set", "timer 1 min 30 for the eggs", {"duration": "PT1M30S"}),
        ("whatsapp.send", "send Anna a message on whatsapp, tell her the parcel arrived", {"message": "the parcel arrived"}),
        ("mail.send", "e-mail Emma about Sunday's walk: meet at the gate at nine",
         {"subject": "Sunday's walk", "message": "meet at the gate at nine"}),
        ("hotel.book", "hotel for 3 in Chengdu, one night on the 20th", {"place": "Chengdu", "time": "2026-03-20"}),
        ("flight.book", "two tickets to Hanoi from Shanghai on 3 May", {"people": 2}),
        ("restaurant.reserve", "see if The Anchor can do a table for two at 8 on Friday", {"restaurant": "The Anchor"}),
        ("web.search", "search for how to prune roses in the internet", {"query": "how to prune roses"}),
        ("calculate", "what do I get if I add 4.99, 12.50 and 7", {"expression": "4.99+12.50+7"}),
        ("calculate", "if 5 people share 87.50 how much each", {"expression": "87.50/5"}),
        ("calculate", "I get 11.44 an hour and worked 37 hours, what's that come to", {"expression": "37*11.44"}),
        ("solve.equation", "can you do 2x+5=19 for me", {"expression": "2x+5=19"}),
        ("calculate", "how much is 7 tickets at 13.50 each", {"expression": "7*13.50"}),
        ("calculate", "I spent 12.50 on lunch and 40 on petrol, what's that in total", {"expression": "12.50+40"}),
        ("calculate", "3 coffees at 4.20 and 2 teas at 3", {"expression": None}),
        ("solve.equation", "can you solve 5x + 2 = 17, it's for my homework", {"expression": "5x + 2 = 17"}),
        ("reminder.add", "I must not forget to sign the form by 5pm today, remind me", {"text": "sign the form"}),
        ("alarm.set", "后天早上我要六点起床", {"time": "2026-03-06T06:00+08:00"}),
        ("calendar.add", "I've got a haircut next Tuesday at 4, put it in the diary",
         {"title": "haircut", "time": "2026-03-10T16:00+08:00"}),
        ("map.show", "看下故宫在地图上的位置", {"place": "故宫"}),
        ("directions.show", "导航去南京路", {"destination": "南京路"}),
        ("directions.show", "从家到南站怎么走", {"origin": "家", "destination": "南站"}),
        ("weather.show", "成都后天多少度", {"place": "成都", "time": "2026-03-06"}),
        ("web.search", "find out online who won the match", {"query": "who won the match"}),
        ("share.text", "分享一下：大家新年快乐", {"text": "大家新年快乐"}),
        ("share.text", "share some text", {"text": None}),
        ("shopping.add", "往清单里加点东西", {"items": None}),
        ("list.remove", "奶酪买过了，从清单里去掉", {"items": ["奶酪"]}),
        ("list.remove", "erase return the library books from my tasks", {"items": ["return the library books"]}),
        ("taxi.book", "order a Lyft to 221B Baker Street", {"destination": "221B Baker Street", "app": "Lyft"}),
        ("restaurant.reserve", "今晚七点外婆家订两个人的位子", {"restaurant": "外婆家", "number": 2}),
        ("flight.book", "get me a plane ticket Vienna to Prague on the 12th", {"origin": "Vienna", "destination": "Prague"}),
        ("hotel.book", "帮我在重庆找家民宿，9号入住11号离开", {"place": "重庆", "end": "2026-03-11"}),
        ("translate", 'translate "the bill please" to Italian', {"text": "the bill please"}),
        ("calculate", "how much is a third of 90", {"expression": "(1/3)*90"}),
        ("calculate", "85的20%是多少", {"expression": "(20/100)*85"}),
        ("solve.equation", "5y+2=17求y", {"expression": "5y+2=17"}),
        ("convert.units", "两升有几毫升", {"from_unit": "liter", "to_unit": "milliliter"}),
        ("chart.draw", "plot Monday 12, Tuesday 18 as a bar chart", {"items": {"Monday": 12, "Tuesday": 18}, "label": "bar"}),
        ("contact.add", "save Lily's number 13622223333", {"title": "Lily"}),
        ("contact.add", "通讯录新增徐老师 13622223333", {"title": "徐老师"}),
        ("reminder.add", "reminder: submit expenses, Friday 4pm", {"text": "submit expenses"}),
        ("calendar.add", "周四晚上七点家长会，帮我记到日历里", {"title": "家长会"}),
        ("share.text", 'share the text "all done" via WhatsApp', {"text": "all done"}),
        ("list.remove", "I don't need coffee anymore, remove it from the list", {"items": ["coffee"]}),
        ("takeaway.order", "I feel like ramen, order some", {"dish": "ramen"}),
        ("restaurant.reserve", "can you book Nobu for five people at 8 tomorrow evening", {"restaurant": "Nobu"}),
        ("hotel.book", "桂林酒店，4月3号到4月6号，三个人", {"place": "桂林", "people": 3}),
        ("translate", "瑞典语的晚上好怎么讲", {"text": "晚上好", "language": "瑞典语"}),
        ("calculate", "divide 144 by 12", {"expression": "144 / 12"}),
        ("solve.equation", "solve x + y = 10 and x - y = 2", {"expression": "x + y = 10, x - y = 2"}),
        ("chart.draw", "画周一3周二6周三4的折线图", {"items": {"周一": 3, "周二": 6, "周三": 4}}),
        ("weather.show", "三亚现在热吗", {"place": "三亚"}),
        ("weather.show", "Oslo weather on Sunday", {"place": "Oslo", "time": "2026-03-08"}),
        ("share.text", "share this to Slack: we ship on Monday", {"text": "we ship on Monday", "app": "Slack"}),
        ("timer.set", "timer 8 min peas", {"duration": "PT8M", "label": "peas"}),
        ("timer.set", "1hr 20 timer", {"duration": "PT1H20M"}),
        ("alarm.set", "I've a 6am train tomorrow so wake me at 4:45", {"time": "2026-03-05T04:45+08:00"}),
        ("mail.send", "email my boss, subject Rota, say I'm off Friday", {"subject": "Rota", "message": "I'm off Friday"}),
        ("sms.send", "drop Sarah a text, nothing urgent, just to say that the parcel came", {"message": "the parcel came"}),
        ("whatsapp.send", "let Emma know dinner is at nine on whatsapp", {"message": "dinner is at nine"}),
        ("hotel.book", "a room in Bath from the 3rd of April for two nights", {"time": "2026-04-03", "end": "2026-04-05"}),
        ("hotel.book", "Hotel Vienna 10-12 April", {"place": "Vienna", "time": "2026-04-10", "end": "2026-04-12"}),
        ("calendar.add", "block out tomorrow 2-4pm for deep work", {"title": "deep work", "end": "2026-03-05T16:00+08:00"}),
        ("calendar.add", "the summer fair is on the ninth of May at two in the park, could you put that in my diary",
         {"title": "summer fair", "time": "2026-05-09T14:00+08:00", "place": "park"}),
        ("reminder.add", "make sure I don't forget to bring the ladder in tomorrow", {"text": "bring the ladder in"}),
        ("reminder.add", "give me a shout at half three to fetch the kids", {"text": "fetch the kids"}),
        ("restaurant.reserve", "Table for three, Friday 8pm, Gaucho.", {"restaurant": "Gaucho", "number": 3}),
        ("restaurant.reserve", "reserve the Ivy for two at half seven tomorrow", {"time": "2026-03-05T19:30+08:00"}),
        ("app.open", "open the camera for me please, the fox is back", {"app": "camera"}),
        ("music.play", "play something by Nina Simone while I cook", {"query": "something by Nina Simone"}),
        ("convert.currency", "how much is £20 in dollars", {"currency_from": "GBP", "currency_to": "USD"}),
        ("convert.units", "how many grams in an ounce", {"amount": 1, "from_unit": "ounce"}),
        ("calculate", "20 percent off 60", {"expression": "(1-20/100)*60"}),
        ("calculate", "split 90 between 4", {"expression": "90/4"}),
        ("call.start", "can you get tom hughes on the phone", {"recipient": "+447700900103"}),
        ("call.start", "dial one three six five zero one two three four five six", {"recipient": "+8613650123456"}),
        ("contact.add", "save a new contact, Omar the builder", {"title": "Omar the builder", "number": None}),
        ("translate", "into Greek please: the door is open", {"text": "the door is open"}),
        ("list.remove", "we don't need salt any more so take it off", {"items": ["salt"]}),
    ],
)  # fmt: skip
def test_slots_of_a_wording(action: str, words: str, values: Mapping[str, Any]) -> None:
    found = extract(ACTIONS[action], words, context(language_of(words))).slots
    for name, wanted in values.items():
        value = found.get(name)
        assert (value is None) if wanted is None else (value is not None and matches(value.value, wanted)), (name, value)


class Picking:
    """A model that picks the same words whatever it is asked."""

    def __init__(self, answer: str) -> None:
        self.info = SimpleNamespace(chat=True)
        self.answer = answer

    def chat(self, *_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(text=self.answer)


@pytest.mark.parametrize(
    ("action", "words", "picked", "value"),
    [
        ("whatsapp.send", "whatsapp James please", "James", None),
        ("mail.send", "给老板发一封邮件", "给老板发一封邮件", None),
        ("note.add", "could you take a note for me", "take a note", None),
        ("shopping.add", "we could use some milk", "milk", ["milk"]),
    ],
)
def test_a_model_picks_no_name_and_not_the_request_itself(action: str, words: str, picked: str, value: object) -> None:
    now, region, people = setting()
    asked = Context(now, language_of(words), people, region, Picking(picked))  # type: ignore[arg-type]
    found = extract(ACTIONS[action], words, asked).slots
    slot = next(slot.name for slot in ACTIONS[action].slots if slot.required and slot.role in ("text", "item"))
    assert (found[slot].value if slot in found else None) == value


@pytest.mark.parametrize(
    ("action", "words", "correction", "changed"),
    [
        ("reminder.add", "下午四点提醒我拉伸", "提前到三点", {"time": "2026-03-04T15:00+08:00"}),
        ("reminder.add", "下午四点提醒我拉伸", "四点半吧", {"time": "2026-03-04T16:30+08:00"}),
        ("reminder.add", "remind me to stretch at 4", "can you move it to 5", {"time": "2026-03-04T17:00+08:00"}),
        ("directions.show", "导航到动物园", "说错了,去海洋馆", {"destination": "海洋馆"}),
        ("taxi.book", "五点打车去博物馆", "不去博物馆了，去剧院", {"destination": "剧院"}),
        ("restaurant.reserve", "book a table for 2 at Luigi's tonight at 7", "make it 4 people", {"number": 4}),
        ("flight.book", "flight from Milan to Rome on Friday", "to Naples instead", {"destination": "Naples"}),
        ("translate", "translate good night into French", "into Spanish", {"language": "Spanish"}),
    ],
)
def test_what_a_correction_changes(action: str, words: str, correction: str, changed: Mapping[str, Any]) -> None:
    where = context(language_of(words))
    found = correct(extract(ACTIONS[action], words, where).slots, ACTIONS[action], correction, where)
    assert found is not None
    assert set(found) == set(changed)
    assert all(matches(found[name].value, wanted) for name, wanted in changed.items()), found


@pytest.mark.parametrize(
    "words",
    [
        "算了,不订了",
        "oh wait, don't send anything",
        "on second thoughts, cancel that",
        "stop, I don't want that anymore",
        "actually forget it, I'll walk",
        "oh never mind I'll do it now",
        "nvm",
        "nah it's fine",
        "cancel that, Dave's driving me",
    ],
)
def test_taking_back_in_several_clauses(words: str) -> None:
    assert is_cancel(words)


@pytest.mark.parametrize(
    "words",
    [
        "算了,换成三点",
        "don't send it to Anna, send it to Emma",
        "stop at the bank",
        "no, tomorrow",
        "never mind the bread",
        "cancel my alarm",
        "forget it, call Anna instead",
        "never mind that, make it six",
    ],
)
def test_a_change_is_not_taking_back(words: str) -> None:
    assert not is_cancel(words)


def test_marks_keep_their_place_and_the_persons_form() -> None:
    words = "给王芳发短信,说门开着,密码是a,b"
    assert len(chinese_marks(words)) == len(words)
    assert "a,b" in chinese_marks(words)
    assert extract(ACTIONS["sms.send"], words, context("zh")).slots["message"].value == "门开着,密码是a,b"


def test_anyone_is_found_by_name_and_not_by_sound() -> None:
    people = setting()[2]
    assert [one.text for one in find_anyone("帮我呼叫赵磊和周敏", people)] == ["赵磊", "周敏"]
    assert find_anyone("我想打电话", people) == []


def test_a_number_that_counts_nothing_hides_no_measure() -> None:
    assert [(one.value, one.unit) for one in find_measures("换算一下五英尺")] == [(5, "foot")]


def test_the_clock_of_these_tests_is_a_wednesday_morning() -> None:
    assert setting()[0] == datetime.fromisoformat("2026-03-04T09:00+08:00")
