"""An action manifest: what is read is what was written, and what breaks a rule is named."""

from __future__ import annotations

from typing import Any

import pytest

from edge_llm.actions.manifest import action_document, parse_action, placeholders, schema
from edge_llm.actions.values import Call, Provenance, SlotValue
from runtimes.errors import ManifestError

SMS: dict[str, Any] = {
    "schema_version": 1,
    "id": "sms.send",
    "version": 2,
    "name": {"en": "Send a text message", "zh": "发短信"},
    "description": {"en": "Sends a text message to one person.", "zh": "给一个人发短信。"},
    "effect": "message",
    "consent": "always",
    "slots": {
        "recipient": {
            "role": "recipient",
            "schema": {"type": "string"},
            "required": True,
            "description": {"en": "who gets it", "zh": "收件人"},
            "ask": {"en": "Who should get it?", "zh": "发给谁？"},
        },
        "text": {
            "role": "text",
            "schema": {"type": "string", "maxLength": 1000},
            "required": True,
            "description": {"en": "what it says", "zh": "内容"},
        },
    },
    "examples": {"en": ["text {recipient} that {text}"], "zh": ["给{recipient}发短信说{text}"]},
    "negatives": {"en": ["I got a text from mum"], "zh": []},
    "preview": {"en": "Text {recipient}: {text}", "zh": "发短信给{recipient}：{text}"},
    "carriers": [
        {"kind": "uri", "target": "sms:{recipient}?body={text}"},
        {
            "kind": "intent",
            "target": "android.intent.action.SENDTO",
            "data": "smsto:{recipient}",
            "extras": {"sms_body": "{text}"},
            "package": "com.example",
            "verified": "2026-11-24",
        },
    ],
    "undo": None,
}


def call(recipient: str = "+8613800138000", text: str = "我到了") -> Call:
    typed = Provenance("typed")
    return Call(
        parse_action(SMS), {"text": SlotValue(text, text, typed), "recipient": SlotValue(recipient, "Zhang San", typed)}
    )


def test_a_manifest_comes_back_as_it_was() -> None:
    assert action_document(parse_action(SMS)) == SMS


def test_the_schema_says_what_the_reader_says() -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema())
    assert not list(validator.iter_errors(SMS))
    assert list(validator.iter_errors({**SMS, "surprise": 1}))
    assert list(validator.iter_errors({**SMS, "effect": "destroy"}))


def test_one_language_stands_for_both() -> None:
    action = parse_action({**SMS, "name": "Text"})
    assert action.name.in_language("zh") == action.name.in_language("en") == "Text"


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"id": "Send SMS"}, "lower-case words"),
        ({"schema_version": 2}, "schema version 2"),
        ({"surprise": 1}, "unknown fields surprise"),
        ({"effect": "destroy"}, "effect 'destroy'"),
        ({"consent": "none"}, "needs consent"),
        ({"name": {"en": "only English"}}, "both languages"),
        ({"examples": {"en": ["text {nobody}"]}}, "nobody, which is no slot"),
        ({"examples": {"en": ["text {recipient!r}"]}}, "not the name of a slot"),
        ({"examples": {"en": ["text {0}"]}}, "not the name of a slot"),
        ({"examples": {"fr": ["bonjour"]}}, "examples in fr"),
        ({"examples": {"en": ["x"] * 257}}, "more than 256"),
        ({"carriers": [{"kind": "shell", "target": "rm"}]}, "kind 'shell'"),
        ({"carriers": [{"kind": "uri", "target": "sms:{number}"}]}, "number, which is no slot"),
        ({"carriers": [{"kind": "uri"}]}, "'target' is missing"),
        ({"slots": {"a b": {"role": "text", "schema": {}}}}, "no name for a slot"),
        ({"slots": {"a": {"role": "magic", "schema": {}}}}, "role 'magic'"),
        ({"slots": 5}, "malformed"),
    ],
)
def test_what_breaks_a_rule_is_named(change: dict[str, Any], fact: str) -> None:
    with pytest.raises(ManifestError, match=fact):
        parse_action({**SMS, **change})


@pytest.mark.parametrize("document", [None, 5, [], {}, {"id": "a"}])
def test_what_is_no_manifest_is_refused(document: object) -> None:
    with pytest.raises(ManifestError):
        parse_action(document)


def test_placeholders_are_names_and_nothing_else() -> None:
    assert placeholders("a {b} {{c}} {d}") == ("b", "d")
    for template in ("{a.b}", "{a[0]}", "{}", "{a:>10}", "{a", "a}"):
        with pytest.raises(ValueError, match=r"."):
            placeholders(template)


def test_a_digest_is_of_the_action_its_version_and_every_argument() -> None:
    first = call()
    assert first.digest == Call(first.action, dict(reversed(first.slots.items()))).digest
    assert len({first.digest, call(text="我到了。").digest, call(recipient="+8613800138001").digest}) == 3
    newer = Call(parse_action({**SMS, "version": 3}), first.slots)
    assert newer.digest != first.digest


def test_what_is_missing_is_known() -> None:
    whole = call()
    assert whole.missing == ()
    assert Call(whole.action, {"text": whole.slots["text"]}).missing == ("recipient",)
    assert whole.action.parameters()["required"] == ["recipient", "text"]
    assert whole.action.outward
