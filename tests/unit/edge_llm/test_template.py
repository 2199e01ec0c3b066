"""Chat templates: the text that transformers gives, and bounds that no template gets around."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.messages import Message
from edge_llm.template import OUTPUT_LIMIT, SOURCE_LIMIT, ChatTemplate
from runtimes.errors import TemplateError
from runtimes.gguf import read_header

CONVERSATIONS = {
    "one question": [Message("user", 'Hello <there> & "you"')],
    "with a system message": [Message("system", "Be brief.\n"), Message("user", " 你好 🙂 ")],
    "several turns": [
        Message("system", "Be brief."),
        Message("user", "2 + 2?"),
        Message("assistant", "<think>\nsum\n</think>\n\n4"),
        Message("user", "  Sure?\n"),
        Message("assistant", "Yes.  "),
        Message("user", ""),
    ],
}

# Written for this test, each with the constructs of the family it is named for.
TEMPLATES = {
    "chatml": """{% for message in messages %}
{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}
{%- endfor -%}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}""",
    "llama 2": """{% if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% set intro = messages[0]['content'] %}
{% else %}{% set turns = messages %}{% set intro = false %}{% endif %}
{% for m in turns %}
    {% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}
    {% if loop.index0 == 0 and intro != false %}{% set text = '<<SYS>>\\n' + intro + '\\n<</SYS>>\\n\\n' + m['content'] %}
    {% else %}{% set text = m['content'] %}{% endif %}
    {% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + text.strip() + ' [/INST]' }}
    {% elif m['role'] == 'assistant' %}{{ ' ' + text.strip() + ' ' + eos_token }}{% endif %}
{% endfor %}""",
    "llama 3": """{{- bos_token }}
{%- if not date_string is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{%- if messages[0].role == 'system' %}{%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system_message = "" %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{{- "Today Date: " + date_string + "\n\n" }}
{%- if tools is not none %}{% for t in tools %}{{- t | tojson(indent=4) }}{% endfor %}{% endif %}
{{- system_message }}{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}""",
    "qwen 3": """{%- if tools %}{{- 'tools' }}{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string
        and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == "assistant" %}
        {%- set content = message.content %}{%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}{%- set reasoning_content = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>assistant\n<think>\n' + reasoning_content.strip('\n') + '\n</think>\n\n' + content }}
        {%- else %}{{- '<|im_start|>' + message.role + '\n' + content }}{%- endif %}
    {%- else %}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}""",
    "zephyr": """{% for message in messages %}\n{% if message['role'] == 'user' %}
{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}
{% generation %}{{ '<|assistant|>\n'  + message['content'] + eos_token }}{% endgeneration %}\n{% endif %}
{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}""",
    "macros and filters": """{%- macro turn(role, text, upper=false) -%}
[{{ role|upper if upper else role|capitalize }}] {{ text|replace('<', '(')|trim|default('-', true) }}
{% endmacro -%}
{%- for role, group in messages|groupby('role') %}{{ role }}={{ group|length }};{% endfor %}
{% for m in messages if m.role != 'system' %}{% if loop.index > 4 %}{% break %}{% endif %}
{{ turn(m.role, m.content, upper=loop.first) }}{{ loop.cycle('a', 'b') }}{{ loop.length }}{{ loop.revindex }}
{% else %}nobody{% endfor %}
{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join(' | ') }}
{{ messages|map(attribute='role')|unique|list }} {{ (messages|last).role }} {{ messages|first|tojson }} {{ '%s-%d' % ('a', 3) }}
{{ '{} {:>5}'.format('x', 2.5) }} {{ 'ab' ~ 1 ~ none ~ missing }} {{ 7 // 2 ** 2 }} {{ [1, 2] + [3] }}
{{ {'a': [1, (2,)]}|items|list }}
{% set caption %}<{{ bos_token }}>{% endset %}{{ caption|length }}{{ caption }}{% filter upper %}shout{% endfilter %}
{%- macro framed() %}({{ caller() }}){% endmacro %}{% call framed() %}inside{% endcall %}
{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ messages[0]['nothing'] is defined }}""",
    "recursive loop": """{% for item in [1, [2, [3, 4]]] recursive %}
{% if item is iterable %}<{{ loop(item) }}>{% else %}{{ item }}@{{ loop.depth }}{% endif %}{% endfor %}""",
}

HOSTILE = {
    "loops": (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}"
    ),
    "a loop that never takes a turn": "{% set l = range(99999)|list %}{% for a in l if a < 0 and a in l %}{% endfor %}" * 300,
    "a condition that is never true": (
        "{% set l = range(99999)|map('string')|list %}{% for a in l if 'x' ~ a in l %}{% endfor %}"
    ),
    "a test over a list over a list": "{% set l = range(99999)|list %}{{ l|select('in', l)|list|length }}",
    "macros without end": "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "macros that branch": "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "a loop inside itself": "{% for x in [1] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "a block inside itself": "{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}",
    "a caller of callers": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call m() %}" * 18
    + "x"
    + "{% endcall %}" * 18,
    "a string times a number": "{{ 'a' * 10 ** 9 }}",
    "a list times a number": "{{ ([0] * 10 ** 9)|length }}",
    "a string doubled by ~": "{% set n = namespace(s='ab') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "a string doubled by +": "{% set n = namespace(s='ab') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "lists of the same list": (
        "{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}"
    ),
    "tuples compared": "{% set n = namespace(a=(), b=()) %}{% for i in range(60) %}"
    "{% set n.a = (n.a, n.a) %}{% set n.b = (n.b, n.b) %}{% endfor %}{{ n.a == n.b }}",
    "dicts of the same dict": (
        "{% set n = namespace(s={}) %}{% for i in range(60) %}{% set n.s = dict(a=n.s, b=n.s) %}{% endfor %}{{ n.s|tojson }}"
    ),
    "arguments of arguments": "{% macro f() %}{{ f(varargs, varargs) }}{% endmacro %}{{ f(1) }}",
    "a power": "{{ 10 ** (10 ** 10) }}",
    "a square of squares": "{% set n = namespace(x=3) %}{% for i in range(999) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "a filter that pads": "{{ 'a'|center(10 ** 9) }}",
    "a filter that pads, by name": "{{ ['a']|map('center', 10 ** 9)|list }}",
    "a filter that indents": "{{ ('a\\n' * 9999)|indent('x' * 9999) }}",
    "a filter that fills": "{{ [1]|batch(10 ** 9, 'x')|list }}",
    "a method that pads": "{{ 'a'.ljust(10 ** 9) }}",
    "a method that pads markup": "{{ ('a'|safe).zfill(10 ** 9) }}",
    "a number's method": "{{ (1).to_bytes(10 ** 9, 'big') }}",
    "a format width": "{{ '%999999999d' % 1 }}",
    "a format width by name": "{{ '%(a)999999999d' % {'a': 1} }}",
    "a format width by argument": "{{ '%*d' % (999999999, 1) }}",
    "a format precision": "{{ '%.999999999f'|format(1) }}",
    "a format field": "{{ '{:>999999999}'.format(1) }}",
    "a format field in a field": "{{ '{:>{}}'.format(1, 999999999) }}",
    "a format method by name": "{{ ('{:>999999999}'|attr('format'))(1) }}",
    "a format method, fetched": "{{ '{:>999999999}'['format'](1) }}",
    "many format fields": "{{ ('{0}' * 99999).format('a' * 99999) }}",
    "a replacement": "{{ ('a' * 999999).replace('a', 'b' * 99999) }}",
    "a replacement by keyword": "{{ ('a' * 999999)|replace(new='b' * 99999, old='a') }}",
    "a replacement of nothing": "{{ ('a' * 999999)|replace('', 'b' * 99999) }}",
    "a join": "{{ (['a'] * 99999).join('b' * 99999) }}{{ ('b' * 99999).join(['a'] * 99999) }}",
    "a join by keyword": "{{ (['a'] * 99999)|join(d='b' * 99999) }}",
    "a join of what is not a list yet": "{{ (['a'] * 99999)|map('string')|join('b' * 99999) }}",
    "a sum of lists": "{{ ([[1]] * 99999)|sum(start=[]) }}",
    "deep JSON": (
        "{% set n = namespace(a=[1] * 900) %}{% for i in range(900) %}{% set n.a = [n.a] %}{% endfor %}"
        "{{ n.a|tojson(indent=99) }}"
    ),
    "text written over and over": "{% macro m() %}"
    + "x" * 60000
    + "{% endmacro %}{% for i in range(99999) %}{% set q = m() %}{% endfor %}",
    "many large values": "{% set a = 'a' * 999999 %}" + "".join(f"{{% set b{i} = a ~ {i} %}}" for i in range(2000)),
    "a large output": "{% for i in range(99999) %}0123456789ABCDEF{% endfor %}",
    "a strip of many characters": "{{ ('a' * 900000).strip('b' * 900000 ~ 'a')|length }}",
    "a trim of many characters": "{{ ('a' * 900000)|trim('b' * 900000 ~ 'a')|length }}",
    "numbers of the same hash": "{{ range(0, 99999 * 2305843009213693951, 2305843009213693951)|unique|list }}",
    "a number of a million digits": "{% set a = ('f' * 900000)|int(base=16) %}{{ a // 3 }}",
    "a number that doubles": "{% set n = namespace(x=1) %}{% for i in range(99999) %}{% set n.x = n.x - (-n.x) %}{% endfor %}",
    "a format that is slow to check": "{{ ('1' * 900000) % 1 }}{{ ('%(' * 400000) % 1 }}",
    "a large range": "{{ range(10 ** 12)|list }}",
    "hashes of a large tuple": "{% set t = (1,) * 300000 %}{% set d = {} %}" + "{{ d[t] }}" * 7000,
    "another file": "{% include '/etc/passwd' %}",
    "another module": "{% import 'os' as os %}",
    "Python's classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "Python's globals": "{{ raise_exception.__globals__['json'] }}",
    "a changed message": "{% set _ = messages.append(1) %}",
    "an error of its own": "{{ raise_exception('no tools here') }}",
    "an undefined name": "{{ nothing.at.all }}",
    "a division by zero": "{{ 1 // 0 }}",
    "deep brackets": "{{ " + "[" * 9000 + "]" * 9000 + " }}",
    "deep conditions": "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
    "many brackets": "{{" * 30000,
    "a long number": "{{ " + "9" * 60000 + " }}",
    "a long sum": "{{ " + "1+" * 20000 + "1 }}",
    "no end": "{% for m in messages %}",
    "too long": "x" * (SOURCE_LIMIT + 1),
}


def reference(source: str, messages: list[Message], *, add_generation_prompt: bool) -> str:
    from transformers.utils.chat_template_utils import render_jinja_template

    turns = [message.to_json() for message in messages]
    rendered, _ = render_jinja_template(
        [turns], chat_template=source, add_generation_prompt=add_generation_prompt, bos_token="<s>", eos_token="</s>"
    )
    return str(rendered[0])


@pytest.mark.parametrize("add_generation_prompt", [True, False])
@pytest.mark.parametrize("messages", CONVERSATIONS.values(), ids=CONVERSATIONS)
@pytest.mark.parametrize("source", TEMPLATES.values(), ids=TEMPLATES)
def test_renders_what_transformers_renders(source: str, messages: list[Message], add_generation_prompt: bool) -> None:
    template = ChatTemplate(source, bos_token="<s>", eos_token="</s>")
    expected = reference(source, messages, add_generation_prompt=add_generation_prompt)
    assert template.render(messages, add_generation_prompt=add_generation_prompt) == expected


def test_renders_the_default_models_own_template(smol_gguf: Path) -> None:
    source = read_header(smol_gguf).text("tokenizer.chat_template")
    assert source is not None
    for messages in CONVERSATIONS.values():
        assert ChatTemplate(source).render(messages) == reference(source, messages, add_generation_prompt=True)


def test_renders_llama_cpp_pythons_templates() -> None:
    formats = pytest.importorskip("llama_cpp.llama_chat_format")
    names = [name for name in dir(formats) if name.endswith("CHAT_TEMPLATE")]
    assert len(names) >= 3
    turns = CONVERSATIONS["one question"]
    for source in (getattr(formats, name) for name in names):
        template = ChatTemplate(source, bos_token="<s>", eos_token="</s>")
        assert template.render(turns) == reference(source, turns, add_generation_prompt=True)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_messages_are_written_as_they_are(contents: list[str]) -> None:
    template = ChatTemplate("{% for m in messages %}[{{ m.content }}]{% endfor %}")
    expected = "".join(f"[{content}]" for content in contents)
    assert template.render([Message("user", content) for content in contents]) == expected


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_hostile_templates_end_in_an_error_and_soon(source: str) -> None:
    began = time.perf_counter()
    with pytest.raises(TemplateError) as caught:
        ChatTemplate(source, time_limit_s=0.5).render([Message("user", "hello")])
    assert time.perf_counter() - began < 10  # a few seconds, on a machine that does other things too
    assert len(str(caught.value)) < 600


def test_namespaces_in_namespaces_are_not_written_out() -> None:
    source = "{% set n = namespace(s=1) %}{% for i in range(60) %}{% set n.s = namespace(a=n.s, b=n.s) %}{% endfor %}{{ n.s }}"
    assert ChatTemplate(source).render([Message("user", "hello")]) == "<Namespace>"


def test_hostile_templates_need_little_memory() -> None:
    """All of them in one process, whose address space has room for a few hundred megabytes."""
    code = (
        "import resource, runpy\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))\n"
        f"cases = runpy.run_path({__file__!r})\n"
        "for source in cases['HOSTILE'].values():\n"
        "    try:\n"
        "        cases['ChatTemplate'](source, time_limit_s=0.3).render([cases['Message']('user', 'hello')])\n"
        "    except cases['TemplateError'] as error:\n"
        "        assert not isinstance(error.__cause__, MemoryError), source[:80]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr


def test_a_template_can_be_used_again_after_it_ran_out_of_time() -> None:
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    source = f"{{% for m in messages %}}{{% if m.content == 'loop' %}}{endless}{{% endif %}}{{{{ m.content }}}}{{% endfor %}}"
    template = ChatTemplate(source, time_limit_s=0.2)
    with pytest.raises(TemplateError, match="seconds"):
        template.render([Message("user", "loop")])
    assert template.render([Message("user", "fine")]) == "fine"


def test_a_render_in_another_thread_gives_no_more_time() -> None:
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    source = f"{{% for m in messages %}}{{% if m.content == 'loop' %}}{endless}{{% endif %}}{{{{ m.content }}}}{{% endfor %}}"
    template = ChatTemplate(source, time_limit_s=0.3)

    def render_endlessly() -> None:
        with pytest.raises(TemplateError, match="seconds"):
            template.render([Message("user", "loop")])

    thread = threading.Thread(target=render_endlessly)
    began = time.perf_counter()
    thread.start()
    while thread.is_alive() and time.perf_counter() - began < 10:
        assert template.render([Message("user", "fine")]) == "fine"
    assert time.perf_counter() - began < 10


def test_a_conversation_longer_than_the_output_limit_is_rendered() -> None:
    content = "word " * (OUTPUT_LIMIT // 4)
    template = ChatTemplate("{% for m in messages %}{{ '<' + m.content|trim + '>' }}{% endfor %}")
    assert template.render([Message("user", content)] * 2) == f"<{content.strip()}>" * 2


def test_the_error_says_why_and_what_to_do() -> None:
    with pytest.raises(TemplateError, match=r"no tools here\. Check the roles"):
        ChatTemplate("{{ raise_exception('no tools here') }}").render([Message("user", "a")])
    with pytest.raises(TemplateError, match=r"line 2: .*endfor"):
        ChatTemplate("\n{% for a in b %}")
