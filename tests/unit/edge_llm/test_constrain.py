"""Constraints on the fake runtime: what an answer may be, whatever the model says."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_llm import Done, Message, Sampling, TextDelta
from edge_llm.constrain import Constraint
from edge_llm.constrain_schema import read_answer
from edge_llm.context import Context
from edge_llm.generate import generate
from edge_llm.mask import MaskMaker
from runtimes.errors import AnswerError, ConfigError, ConstraintError
from runtimes.fake import FakeSession

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_llm.events import EventStream, Result
    from runtimes.contract import Logits
    from tests.unit.edge_llm.conftest import ModelMaker

QUESTION = [Message("user", "Who?")]
PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "minimum": 0, "maximum": 120}},
    "required": ["name"],
}
END = 256
ROW_COST = 0.3
SAMPLINGS = (
    Sampling(),
    Sampling(temperature=1.5),
    Sampling(temperature=1.0, top_k=40, top_p=0.9, min_p=0.01, repetition_penalty=1.3),
)
many = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])

short_texts = st.fixed_dictionaries({"type": st.just("string"), "maxLength": st.integers(0, 6)})
numbers = st.integers(-99, 99).flatmap(
    lambda least: st.integers(least, 199).map(lambda most: {"type": "integer", "minimum": least, "maximum": most})
)
constants = st.lists(st.sampled_from(["red", "红", 'a"\\', 7, None, True]), min_size=1, unique=True).map(
    lambda these: {"enum": these}
)
leaves = st.one_of(short_texts, numbers, constants, st.just({"type": "boolean"}))


def _object(parts: dict[str, Any], required: list[bool]) -> dict[str, Any]:
    names = [name for name, needed in zip(parts, required, strict=False) if needed]
    return {"type": "object", "properties": parts, "required": names}


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda items, most: {"type": "array", "items": items, "maxItems": most}, inner, st.integers(0, 2)),
        st.builds(
            _object,
            st.dictionaries(st.sampled_from(["a", "b c", "名", '"']), inner, min_size=1, max_size=3),
            st.lists(st.booleans(), min_size=3, max_size=3),
        ),
        st.lists(inner, min_size=1, max_size=2).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=5,
)


class ByteTokenizer:
    """A token is a byte; 256 ends the turn."""

    vocabulary_size = 257
    bos_id = None
    special_ids = frozenset([END])

    def encode(self, text: str, *, bos: bool = False, special: bool = True) -> list[int]:
        return list(text.encode())

    def decode(self, ids: list[int]) -> str:
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", "replace")

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id]) if token_id < END else b""

    def token_text(self, token_id: int) -> str:
        return "<end>" if token_id == END else chr(token_id)


class Ascii(ByteTokenizer):
    """Has no token for anything else, and none that ends the turn."""

    vocabulary_size = 128
    special_ids = frozenset()

    def encode(self, text: str, *, bos: bool = False, special: bool = True) -> list[int]:
        return [byte for byte in text.encode() if byte < 128]


class Recorder(FakeSession):
    """Repeats itself, as its logits hang on the last two tokens only; remembers what it was fed."""

    def __init__(self, *, seed: int = 0, context_length: int = 2048) -> None:
        super().__init__(257, context_length, seed=seed)
        self._capabilities = replace(self._capabilities, row_cost=ROW_COST)
        self.feeds: list[list[int]] = []

    def _append(self, ids: npt.NDArray[np.int64], rows: int) -> Logits:
        self.feeds.append(ids.tolist())
        return super()._append(ids, rows)

    def _seeded_row(self, history: list[int]) -> npt.NDArray[np.float32]:
        row = super()._seeded_row(history[-2:])
        row[ord("a") : ord("d")] += 2  # a small alphabet, so that texts repeat themselves
        return row


def answer(session: FakeSession, constraint: Constraint, **options: Any) -> Result:
    tokenizer: Any = ByteTokenizer()
    mask = MaskMaker(tokenizer, [END]).start(constraint)
    prompt = list(b"abcabc")
    *_, last = generate(Context(session), tokenizer, prompt, stop_token_ids=[END], mask=mask, **options)
    assert isinstance(last, Done)
    return last.result


@many
@given(schema=schemas, seed=st.integers(0, 9), sampling=st.sampled_from(SAMPLINGS))
def test_nonsense_is_written_as_the_schema_says(schema: dict[str, Any], seed: int, sampling: Sampling) -> None:
    sampling = replace(sampling, seed=seed)
    result = answer(Recorder(seed=seed), Constraint.json_schema(schema), sampling=sampling)
    jsonschema.validate(read_answer(schema, result.text), schema)
    assert result.stop_reason == "stop"
    as_it_says = answer(Recorder(seed=seed), Constraint.json_schema(schema, optional="omit"), sampling=sampling)
    jsonschema.validate(json.loads(as_it_says.text), schema)


def test_every_property_is_written_in_order_and_on_one_line(make_model: ModelMaker) -> None:
    model = make_model(['{"name": "Bo", "age": null}'])
    result = model.generate("x", constraint=Constraint.json_schema(PERSON))
    assert result.text == '{"name": "Bo", "age": null}'
    assert read_answer(PERSON, result.text) == {"name": "Bo"}


@pytest.mark.parametrize(
    ("pattern", "answers"),
    [
        (r"\+[0-9]{2} [0-9]{4}", ["+86 1234"]),
        (r"a/b\n?", ["a/b", "a/b\n"]),
        (r"(东京|京都)市?", ["东京", "京都市"]),
        (r"[^\x00-\x7F]{1,3}", ["é", "东京🗼"]),
    ],
)
def test_a_pattern_is_matched_as_a_whole(make_model: ModelMaker, pattern: str, answers: list[str]) -> None:
    for wanted in answers:
        assert make_model([wanted]).generate("x", constraint=Constraint.regex(pattern)).text == wanted
    for seed in range(5):
        assert re.fullmatch(pattern, make_model(seed=seed).generate("x", constraint=Constraint.regex(pattern)).text)


CHOICES = ["call", "call back", "set timer", "set alarm", 'say "é\\n\x01"', "打车"]


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_is_one_of_them(make_model: ModelMaker, choice: str) -> None:
    assert make_model([choice]).generate("x", constraint=Constraint.choices(CHOICES)).text == choice
    assert make_model(seed=len(choice)).generate("x", constraint=Constraint.choices(CHOICES)).text in CHOICES


def test_a_grammar_of_several_rules(make_model: ModelMaker) -> None:
    grammar = Constraint.lark('start: pair ("," pair)*\npair: KEY "=" /[0-9]+/\nKEY: /[a-z]+/')
    assert make_model(["a=1,bc=23"]).generate("x", constraint=grammar).text == "a=1,bc=23"


def test_what_the_constraint_determines_is_not_sampled(make_model: ModelMaker) -> None:
    session = Recorder(seed=1)
    result = answer(session, Constraint.json_schema(PERSON), speculate=False)
    name, age = json.loads(result.text).values()
    assert result.text.startswith('{"name": "')
    free = len(result.token_ids) - result.usage.forced_tokens
    assert free <= len(json.dumps(name, ensure_ascii=False).encode()) + len(json.dumps(age)) + 1
    assert len(session.feeds) == free  # one feed for each token that was sampled
    assert session.feeds[0] == list(b'abcabc{"name": "')
    assert session.feeds[-1][-8:] != list(b'"age": 0')  # nor is the end fed, which nothing follows


def test_one_possible_answer_needs_no_model() -> None:
    session = Recorder()
    result = answer(session, Constraint.choices(["only this"]))
    assert (result.text, result.stop_reason, session.feeds) == ("only this", "stop", [])
    assert result.usage.forced_tokens == result.usage.completion_tokens == 9
    assert result.timings.first_token_s is None


@many
@given(seed=st.integers(0, 99), temperature=st.sampled_from([0.0, 0.7]), maximum=st.integers(1, 40))
def test_speculation_obeys_and_changes_nothing(seed: int, temperature: float, maximum: int) -> None:
    schema = {
        "type": "array",
        "items": {"type": "string", "pattern": "^[abcd]*$", "maxLength": maximum},
        "minItems": 4,
        "maxItems": 6,
    }
    constraint = Constraint.json_schema(schema)
    sampling = Sampling(temperature=temperature, seed=seed)
    plain, drafting = Recorder(seed=seed), Recorder(seed=seed)
    result = answer(plain, constraint, sampling=sampling, speculate=False)
    assert answer(drafting, constraint, sampling=sampling, speculate=True).token_ids == result.token_ids
    tokenizer: Any = ByteTokenizer()
    for feed in drafting.feeds[1:]:
        assert set(feed) <= set(b'[]", abcd'), "a draft that the constraint does not allow was fed"
    assert MaskMaker(tokenizer, [END]).start(constraint).allowed_of(list(b'["x')) == 2


def test_speculation_saves_feeds_under_a_constraint() -> None:
    constraint = Constraint.regex("(abc){40,60}")
    session = Recorder(seed=4)
    result = answer(session, constraint, speculate=True)
    assert len(session.feeds) < len(result.token_ids) / 3


def test_a_limit_that_cuts_it_short_is_an_error(make_model: ModelMaker) -> None:
    model = make_model(seed=3)
    with pytest.raises(AnswerError, match="5 tokens") as caught:
        model.generate("x", constraint=Constraint.json_schema(PERSON), max_tokens=5)
    assert caught.value.text == '{"nam'
    small = make_model(seed=3, context_length=12)
    with pytest.raises(AnswerError, match="context"):
        small.generate("x", constraint=Constraint.json_schema(PERSON))
    assert model.generate("x", constraint=Constraint.choices(["fine"]), max_tokens=4).text == "fine"


def test_a_limit_where_the_answer_may_end_is_none(make_model: ModelMaker) -> None:
    result = make_model(["aaaaaa"]).generate("x", constraint=Constraint.regex("a+"), max_tokens=3)
    assert (result.text, result.stop_reason) == ("aaa", "length")


def test_cancelling_ends_it_without_an_error(make_model: ModelMaker) -> None:
    cancel = threading.Event()
    events = make_model(seed=3).stream("x", constraint=Constraint.json_schema(PERSON), cancel=cancel)
    assert isinstance(next(events), TextDelta)
    cancel.set()
    *_, last = events
    assert isinstance(last, Done)
    assert last.result.stop_reason == "cancelled"


def test_a_model_without_a_stop_token_goes_on_while_it_may() -> None:
    tokenizer: Any = Ascii()
    mask = MaskMaker(tokenizer, []).start(Constraint.regex("[a-c]{2,6}"))
    *_, last = generate(Context(FakeSession(300, 64, seed=1)), tokenizer, [1], mask=mask)
    assert isinstance(last, Done)
    assert re.fullmatch("[a-c]{6}", last.result.text)


def test_constraints_are_compiled_once_and_share_no_state(make_model: ModelMaker) -> None:
    model = make_model(seed=2)
    constraint = Constraint.json_schema(PERSON)
    model.clear_cache()
    first = model.generate("x", constraint=constraint)
    with pytest.raises(AnswerError):
        model.generate("x", constraint=constraint, max_tokens=3)
    for number in range(20):  # more than are kept
        assert model.generate("x", constraint=Constraint.choices([f"choice {number}"])).text == f"choice {number}"
    assert model.generate("x", constraint=constraint).text == first.text
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda _: model.generate("x", constraint=constraint).text, range(8)))
    assert set(texts) == {first.text}


@many
@given(turns=st.lists(st.sampled_from(["one", "other", "score", "free"]), max_size=40), seed=st.integers(0, 9))
def test_answers_in_turn_do_not_disturb_each_other(make_model: ModelMaker, turns: list[str], seed: int) -> None:
    model = make_model(seed=seed)
    sampling = Sampling(temperature=1.0, seed=seed)
    asked = {"one": ("abc", Constraint.json_schema(PERSON)), "other": ("abd", Constraint.choices(CHOICES)), "free": ("x", None)}

    def stream(name: str) -> EventStream:
        prompt, constraint = asked[name]
        return model.stream(prompt, constraint=constraint, sampling=sampling, max_tokens=60)

    alone = {name: [event.text for event in stream(name) if isinstance(event, TextDelta)] for name in asked}
    running = {name: stream(name) for name in asked}
    shown: dict[str, list[str]] = {name: [] for name in asked}
    for name in turns:
        if name == "score":
            model.score("ab", ["c", "cab"])
        elif isinstance(event := next(running[name], None), TextDelta):
            shown[name].append(event.text)
    for name, events in running.items():
        shown[name] += [event.text for event in events if isinstance(event, TextDelta)]
    assert shown == alone


@pytest.mark.parametrize("keyword", ["not", "if", "dependentRequired", "uniqueItems", "contains", "propertyNames"])
def test_an_unsupported_keyword_is_named_with_its_place(keyword: str) -> None:
    schema = {"type": "object", "properties": {"slots": {"type": "array", "items": {keyword: {}}}}}
    with pytest.raises(ConstraintError, match=rf'"{keyword}" at \$\.properties\.slots\.items'):
        Constraint.json_schema(schema)
    Constraint.json_schema({"type": "object", "properties": {keyword: {"type": "string"}}})  # a name is no keyword


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "wat"},
        {"properties": 3},
        {"required": 3, "properties": {}},
        {"enum": []},
        {"type": "integer", "minimum": 3, "maximum": 1},
        {"type": "string", "format": "nope"},
        {"type": "string", "pattern": "(a"},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.org/schema"},
        {"type": "object", "properties": {"a": {}}, "anyOf": 3},
        {"const": object()},
        "a schema",
    ],
)
def test_what_is_no_schema(schema: Any) -> None:
    with pytest.raises(ConstraintError, match=r"schema"):
        Constraint.json_schema(schema)


def test_a_schema_as_deep_as_it_can_be_is_an_error() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100_000):
        schema = {"items": schema}
    with pytest.raises(ConstraintError):
        Constraint.json_schema(schema)


def test_what_is_no_constraint(make_model: ModelMaker) -> None:
    for texts in ([], ["a", ""], "abc", ["\ud800"]):
        with pytest.raises(ConstraintError, match="choices"):
            Constraint.choices(texts)
    for pattern in ("(a", "a(?=b)"):
        with pytest.raises(ConstraintError, match="pattern"):
            Constraint.regex(pattern)
    for grammar in ("", "start: nothing", "start: 'a"):
        with pytest.raises(ConstraintError, match="grammar"):
            Constraint.lark(grammar)
    for nothing in (Constraint.regex(""), Constraint.regex(r"[^\s\S]")):
        with pytest.raises(ConstraintError, match="no answer"):
            make_model().generate("x", constraint=nothing)
    with pytest.raises(ConfigError, match="stop"):
        make_model().generate("x", constraint=Constraint.choices(["a"]), stop=["b"])


def test_a_text_the_vocabulary_cannot_write_is_an_error() -> None:
    tokenizer: Any = Ascii()
    mask = MaskMaker(tokenizer, []).start(Constraint.lark('start: /[ab]/ "é" /[ab]/'))
    with pytest.raises(ConstraintError, match="by this model"):
        list(generate(Context(FakeSession(128, 64, seed=1)), tokenizer, [1], mask=mask))


def test_a_grammar_that_explodes_is_an_error() -> None:
    numbers = range(3000)
    rules = [f"r{number}: /a{{0,{number}}}b{number}/ r{number}" for number in numbers]
    explosive = Constraint.lark("\n".join([f"start: {' | '.join(f'r{number}' for number in numbers)}", *rules]))
    with pytest.raises(ConstraintError, match=r"too|max"):
        answer(Recorder(), explosive)


def test_logprobs_are_the_models_own() -> None:
    plain = FakeSession(257, 512, seed=6)
    prompt = list(b"abcabc")
    result = answer(FakeSession(257, 512, seed=6), Constraint.json_schema(PERSON), logprobs=3)
    assert [its.token for its in result.logprobs] == list(result.token_ids)
    assert sum(its.forced for its in result.logprobs) == result.usage.forced_tokens
    row = plain.feed(prompt)[0].astype(np.float64)
    for its in result.logprobs:
        logprobs = row - np.log(np.exp(row).sum())
        assert its.logprob == pytest.approx(logprobs[its.token], abs=1e-5)
        assert its.logprob <= its.allowed_logprob + 1e-6 <= 2e-6
        assert [one.logprob for one in its.alternatives] == sorted((one.logprob for one in its.alternatives), reverse=True)
        for one in its.alternatives:
            assert one.logprob == pytest.approx(logprobs[one.token], abs=1e-5)
        if not its.forced:
            assert its.alternatives[0].token == its.token  # greedy
        row = plain.feed([its.token])[0].astype(np.float64)
    assert not answer(FakeSession(257, 512, seed=6), Constraint.json_schema(PERSON)).logprobs


@pytest.mark.parametrize("count", [1, 4, 999])
def test_logprobs_without_a_constraint(make_model: ModelMaker, count: int) -> None:
    result = make_model(["Tokyo"]).generate("x", logprobs=count)
    assert "".join(its.text for its in result.logprobs) == "Tokyo"
    assert all(its.allowed_logprob == 0 and its.logprob > -0.01 for its in result.logprobs)
    assert all(len(its.alternatives) == min(count, 259) for its in result.logprobs)
    with pytest.raises(ConfigError, match="logprobs"):
        make_model().generate("x", logprobs=-1)


def test_asking_for_logprobs_changes_no_token() -> None:
    for seed in range(10):
        sampling = Sampling(temperature=1.0, seed=seed)
        one, other = (
            answer(Recorder(seed=seed), Constraint.json_schema(PERSON), sampling=sampling, logprobs=count) for count in (0, 2)
        )
        assert one.token_ids == other.token_ids
        assert one.usage.forced_tokens == other.usage.forced_tokens
