"""Chat templates as data: equal to the template, or an error that says where they part."""

from __future__ import annotations

import pytest

from android_bridge.manifest import SystemTurn
from android_bridge.turn_format import Conversation, Render, compile_turns, write_turns
from edge_llm.messages import Message
from edge_llm.template import ChatTemplate
from runtimes.errors import TemplateError

CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "<|im_start|>system\nYou are helpful.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for message in messages %}<start_of_turn>{{ 'model' if message['role'] == 'assistant' else 'user' }}\n"
    "{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
SYSTEM_INSIDE_USER = (
    "{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}{{ bos_token }}"
    "{% for message in rest %}{% if message['role'] == 'user' %}[INST] {{ first if loop.first else '' }}"
    "{{ message['content'] }} [/INST]{% else %} {{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
REASONING = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' and '</think>' in message['content'] %}"
    "{{ message['content'].split('</think>')[-1].lstrip('\n') }}{% else %}{{ message['content'] }}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
COUNTS_TURNS = "{% for message in messages %}#{{ loop.index }} {{ message['content'] }}\n{% endfor %}>"
SHOUTS = "{% for message in messages %}{{ message['content'] | upper }}\n{% endfor %}>"
FORGETS = "{{ messages[-1]['content'] }}>"


def renderer(source: str) -> Render:
    template = ChatTemplate(source, bos_token="<s>", eos_token="</s>")

    def render(conversation: Conversation) -> str:
        return template.render([Message(role, content) for role, content in conversation])  # type: ignore[arg-type]

    return render


@pytest.mark.parametrize("source", [CHATML, GEMMA, SYSTEM_INSIDE_USER, REASONING])
def test_what_is_compiled_writes_what_the_template_writes(source: str) -> None:
    render = renderer(source)
    turns = compile_turns(render)
    conversation = [("user", " 你好\n"), ("assistant", "<think>a</think>\n\nHi <b> "), ("user", "{{ x }} <|im_end|>")]
    assert write_turns(turns, conversation) == render(conversation)
    if turns.system is not None:
        with_system = [("system", "Be brief. "), *conversation]
        assert write_turns(turns, with_system) == render(with_system)


def test_what_the_texts_are() -> None:
    turns = compile_turns(renderer(CHATML))
    assert turns.opening == "<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\n"
    assert turns.system == SystemTurn("<|im_start|>system\n", "<|im_end|>\n<|im_start|>user\n")
    assert turns.answer == "<|im_end|>\n<|im_start|>assistant\n"
    assert (turns.trim, turns.reasoning_end) == (False, None)


def test_trimming_and_reasoning_are_found() -> None:
    assert compile_turns(renderer(GEMMA)).trim
    assert compile_turns(renderer(GEMMA)).system is None
    assert compile_turns(renderer(REASONING)).reasoning_end == "</think>"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (COUNTS_TURNS, "depends on|fixed texts"),
        (SHOUTS, "each turn once and in order"),
        (FORGETS, "each turn once and in order"),
    ],
)
def test_what_cannot_be_said_is_an_error_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        compile_turns(renderer(source))


def test_turns_that_do_not_alternate_are_refused() -> None:
    turns = compile_turns(renderer(GEMMA))
    with pytest.raises(TemplateError, match="no system turn"):
        write_turns(turns, [("system", "a"), ("user", "b")])
    for wrong in ([], [("assistant", "a")], [("user", "a"), ("user", "b"), ("user", "c")], [("user", "a"), ("assistant", "b")]):
        with pytest.raises(TemplateError, match="alternate"):
            write_turns(turns, wrong)
