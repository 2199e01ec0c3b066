"""English requests that do not begin with what they ask, and replies that say more than their value."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.understand.answers import answer_slot
from edge_llm.understand.asking import plain_request, plain_words
from edge_llm.understand.context import Context
from edge_llm.understand.corrections import correct
from edge_llm.understand.courtesy import without_remark
from edge_llm.understand.taking_back import is_left_for_a_reason
from tests.assistant_dialogues import setting

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=timezone(timedelta(hours=8)))
ACTIONS = {action.id: action for action in library()}


@pytest.mark.parametrize(
    ("words", "request_made"),
    [
        ("Out of toothpaste again, pop it on the shopping list", "pop toothpaste on the shopping list"),
        ("there's hardly any rice left so add that to the list", "add rice to the list"),
        ("The kettle descaler's run out. Could you put it on the shopping list?", "put kettle descaler on the shopping list?"),
        ("we need stamps and envelopes, stick them on my list", "stick stamps and envelopes on my list"),
        ("light bulbs should really go on the shopping list", "put light bulbs on the shopping list"),
        ("It rained all day, so fixing the gutter needs to go on my to-do list", "put fixing the gutter on my to-do list"),
        ("I've bought the paint, cross it off the list", "remove paint from the list"),
        ("Optician, Tuesday at 3, pop it in my calendar", "pop Optician in my calendar, Tuesday at 3"),
        ("The choir concert starts at 7 on Friday, can you put that in my diary",
         "put The choir concert in my diary, at 7 on Friday"),
        ("I keep forgetting to feed the cat. Could you remind me at seven?", "remind me at seven to feed the cat"),
        ("I've got to ring the garage at three, give me a shout", "remind me to ring the garage at three"),
        ("a bit of Miles Davis would be nice, put him on", "play Miles Davis"),
        ("Some jazz would go down well while I iron", "play jazz"),
        ("We're all in, so if you could take us to the zoo that would be great", "We're all in, take us to the zoo"),
        ("For the weekend I need buns and charcoal so get those on the list", "get buns and charcoal on the list"),
        ("We still have plenty of rice. Remove it from the shopping list.", "remove rice from the shopping list"),
        ("Some Edith Piaf, please.", "play Edith Piaf"),
        ("the recipe needs saffron and I don't have any, add it to my shopping list", "add saffron to my shopping list"),
        ("we've run out of nappies again so they need to go on the list", "put nappies on the list"),
        ("I should really sort out my pension, put it on the to-do list", "put sort out my pension on the to-do list"),
        ("Got any Nina Simone? Play some", "play Nina Simone"),
        # these stay as they are
        ("text Anna we're out of milk, put it on the list", None),
        ("a little patience would be nice", None),
        ("book a table at Luigi's at 7 and add it to my calendar", None),
        ("my mum put my name on the list for the choir", None),
        ("remind me at six to call mum", None),
        ("What should go on the shopping list?", None),
    ],
)  # fmt: skip
def test_what_a_sentence_asks_for(words: str, request_made: str | None) -> None:
    assert " ".join(plain_request(words, NOW).split()) == (request_made or words)


@pytest.mark.parametrize(
    ("words", "is_left"),
    [
        ("oh she'll be asleep, leave it", True),
        ("omg stop don't send that", True),
        ("Actually I've found some leftovers, don't bother", True),
        ("oh wait it's a bank holiday, no need", True),
        ("my brother's driving me after all so cancel that", True),
        ("the shop's shut, forget it", True),
        ("I'm late, make it seven instead", False),
        ("leave it at seven", False),
        ("nah I'll walk", True),
        ("just found a bottle, ignore that", True),
        ("We have changed our plans, thank you, no table needed.", True),
        ("no wait, I've just done it", True),
        ("no wait don't, I'll go in", True),
        ("on reflection I'd rather take the metro. Cancel the taxi.", True),
        ("You know what, I'll cook something myself.", True),
        ("Ha, just did it. The reminder can go", True),
        ("no, I'll have the burger", False),
        ("actually I'll take the blue one", False),
        ("no I'll take the 5 o'clock one", False),
        ("she's at work, call her mobile", False),
        ("it's the second one", False),
    ],
)
def test_a_reason_before_taking_back(words: str, is_left: bool) -> None:
    assert is_left_for_a_reason(words) is is_left


@pytest.mark.parametrize(
    ("action", "slots", "words", "changed"),
    [
        ("taxi.book", {"destination": "Gate 3 of the stadium"}, "wait, it's Gate 5", {"destination": "Gate 5 of the stadium"}),
        ("taxi.book", {"destination": "Pier 2"}, "sorry Pier 4, that's where ours leaves from", {"destination": "Pier 4"}),
        ("note.add", {"text": "the car is on Level 3"}, "oh no, we're on Level 4", {"text": "the car is on Level 4"}),
        ("reminder.add", {"text": "collect the twins", "time": "2026-03-04T16:00:00+08:00"},
         "oh, they've got swimming, make it half five", {"time": "2026-03-04T17:30:00+08:00"}),
        ("alarm.set", {"time": "2026-03-05T07:00:00+08:00"}, "hm the bus goes at seven, quarter past six then",
         {"time": "2026-03-05T06:15:00+08:00"}),
        ("timer.set", {"duration": "PT40M"}, "no it's a big one, 55", {"duration": "PT55M"}),
        ("restaurant.reserve", {"restaurant": "Rosa's", "time": "2026-03-07T19:00:00+08:00", "number": 4},
         "Jill's coming too so that's five", {"number": 5}),
        ("restaurant.reserve", {"restaurant": "Nonna's", "time": "2026-03-07T19:00:00+08:00", "number": 2},
         "Can it be three people, and eight o'clock?", {"number": 3, "time": "2026-03-07T20:00:00+08:00"}),
        ("hotel.book", {"place": "Bath", "time": "2026-04-03T09:00:00+08:00", "end": "2026-04-06T09:00:00+08:00"},
         "make it the 4th to the 7th", {"time": "2026-04-04T09:00:00+08:00", "end": "2026-04-07T09:00:00+08:00"}),
        ("mail.send", {"message": "it is off"}, "and put the subject as Monday", {"subject": "Monday"}),
        ("meeting.schedule", {"time": "2026-03-10T10:00:00+08:00"}, "Wednesday works better",
         {"time": "2026-03-11T10:00:00+08:00"}),
        ("taxi.book", {"destination": "Renmin Road"}, "Renmin Square, sorry, my mistake", {"destination": "Renmin Square"}),
        ("reminder.add", {"text": "call the plumber"}, "it's the electrician I need, not the plumber",
         {"text": "call the electrician"}),
        ("shopping.add", {"items": ["bread", "jam"]}, "Oh, honey too!", {"items": ["bread", "jam", "honey"]}),
        ("list.remove", {"items": ["rice", "candles"]}, "leave the candles on, we're short", {"items": ["rice"]}),
        ("weather.show", {"place": "Leeds"}, "York, I should have said.", {"place": "York"}),
        ("music.play", {"query": "Miles Davis"}, "Not him. Bill Evans.", {"query": "Bill Evans"}),
        ("calendar.add", {"title": "haircut", "time": "2026-03-10T09:00:00+08:00"},
         "My mistake, it doesn't start until 9:40", {"time": "2026-03-10T09:40:00+08:00"}),
        ("sms.send", {"message": "I can't make it"}, "Let me rephrase that: could I come on Monday?",
         {"message": "could I come on Monday?"}),
        ("hotel.book", {"place": "Bath", "time": "2026-03-20T09:00:00+08:00", "end": "2026-03-22T09:00:00+08:00"},
         "we've found a sitter, so we can stay until the 23rd", {"end": "2026-03-23T09:00:00+08:00"}),
        ("restaurant.reserve", {"restaurant": "Rosa's", "time": "2026-03-07T19:00:00+08:00", "number": 3},
         "make that five, the twins are coming along", {"number": 5}),
        ("timer.set", {"duration": "PT15M"}, "the packet says 18", {"duration": "PT18M"}),
        ("shopping.add", {"items": ["sausages", "eggs"]}, "veggie sausages, I should have said",
         {"items": ["veggie sausages", "eggs"]}),
        ("sms.send", {"message": "the code is 4417"}, "oops 4471", {"message": "the code is 4471"}),
        ("music.play", {"query": "Mozart"}, "Actually Beethoven suits my mood better", {"query": "Beethoven"}),
        ("alarm.set", {"time": "2026-03-05T07:00:00+08:00"}, "set a timer for pasta, ten minutes", None),
        ("alarm.set", {"time": "2026-03-05T07:00:00+08:00"}, "I slept badly, I was up at four", None),
    ],
)  # fmt: skip
def test_a_reply_that_says_why(action: str, slots: dict[str, object], words: str, changed: dict[str, object] | None) -> None:
    held = {name: SlotValue(value, str(value), Provenance("typed")) for name, value in slots.items()}
    found = correct(held, ACTIONS[action], words, Context(NOW, "en"))
    assert (found and {name: value.value for name, value in found.items()}) == changed


@pytest.mark.parametrize(
    ("action", "slot", "words", "value"),
    [
        ("flight.book", "origin", "From Leeds I go", "Leeds"),
        ("flight.book", "destination", "Shanghai to Osaka on 2 April", "Osaka"),
        ("hotel.book", "place", "in Bath, 3rd to the 5th of April", "Bath"),
        ("taxi.book", "destination", "to the harbour, right away", "harbour"),
        ("flight.book", "origin", "I will fly from Shanghai", "Shanghai"),
        ("flight.book", "origin", "we're flying out of Gatwick I think", "Gatwick"),
        ("taxi.book", "destination", "to the docks please", "docks"),
        ("takeaway.order", "dish", "hmm, maybe a burger", "a burger"),
        ("flight.book", "origin", "on the 22nd, from Hangzhou", "Hangzhou"),
        ("takeaway.order", "dish", "chicken tikka masala I suppose", "chicken tikka masala"),
        ("music.play", "query", "Nina Simone would be lovely", "Nina Simone"),
        ("reminder.add", "text", "to water the ferns, thanks", "water the ferns"),
        ("sms.send", "message", "call me please", "call me please"),
    ],
)
def test_a_reply_that_says_more_than_its_value(action: str, slot: str, words: str, value: str) -> None:
    found = answer_slot(ACTIONS[action].slot(slot), words, Context(NOW, "en"), action=ACTIONS[action])
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    ("words", "request_made"),
    [
        ("Anna Lee needs to know the gate is locked, text her that", "text Anna Lee that the gate is locked"),
        ("I must speak to Sarah Miller, call her please", "call Sarah Miller please"),
        ("email Anna Lee and tell her it's signed", "email Anna Lee and tell her it's signed"),
        ("she's late again, tell her off", "she's late again, tell her off"),
    ],
)
def test_somebody_who_was_named_before(words: str, request_made: str) -> None:
    now, region, people = setting()
    assert plain_words(words, Context(now, "en", people, region)) == request_made


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("phone the insurance people, I keep putting it off", "phone the insurance people"),
        ("defrost the mince, I'm hopeless at remembering", "defrost the mince"),
        ("cancel the gym - it's costing me a fortune. Honestly, I never go", "cancel the gym"),
        ("buy a card before I forget", "buy a card"),
        ("milk, eggs and bread", "milk, eggs and bread"),
        ("ask Tom if he's coming", "ask Tom if he's coming"),
    ],
)
def test_remarks_are_left_out(words: str, kept: str) -> None:
    assert without_remark(words) == kept
