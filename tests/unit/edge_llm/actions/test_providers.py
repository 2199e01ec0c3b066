"""How calls leave: links without a shell and of listed schemes only, functions that were meant for it, the clipboard."""

from __future__ import annotations

import importlib
import inspect
import os
import stat
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Carrier
from edge_llm.actions.providers.clipboard import ClipboardProvider
from edge_llm.actions.providers.desktop import Desktop
from edge_llm.actions.providers.intent import IntentProvider
from edge_llm.actions.providers.python import MAKING, STANDARD, PythonProvider
from edge_llm.actions.providers.uri import SCHEMES, UriProvider, fill_link
from edge_llm.actions.values import Call
from runtimes.errors import CarrierUnavailableError, InputError, RuntimeFailedError
from tests.unit.edge_llm.actions.desk_samples import action, call, value

posix = pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")


class Programs:
    """A folder of stand-ins for a desktop's programs; each writes its arguments and its input to a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.handlers = folder / "handlers"
        self.handlers.write_text("sms\nweixin\n", encoding="utf-8")

    def add(self, name: str, *, ends: int = 0, script: str | None = None) -> Programs:
        text = script or (
            f"import pathlib, sys; pathlib.Path({str(self.folder / (name + '.args'))!r}).write_text('\\n'.join(sys.argv[1:]));"
            f"pathlib.Path({str(self.folder / (name + '.input'))!r}).write_bytes(sys.stdin.buffer.read()); sys.exit({ends})"
        )
        program = self.folder / name
        program.write_text(f"#!{sys.executable}\n{text}\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return self

    def told(self, name: str) -> str:
        return (self.folder / f"{name}.args").read_text()

    def given(self, name: str) -> bytes:
        return (self.folder / f"{name}.input").read_bytes()

    def desktop(self, platform: str = "linux", **environment: str) -> Desktop:
        return Desktop(
            platform, {"PATH": str(self.folder), **({"DISPLAY": ":1"} if platform == "linux" else {}), **environment}
        )


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    made = Programs(tmp_path / "bin")
    known = f"open({str(made.handlers)!r}).read().split()"
    mime = f"import sys; print('x.desktop' if sys.argv[3].split('/')[1] in {known} else '')"
    return made.add("xdg-open").add("xdg-mime", script=mime)


def uri(target: str) -> Carrier:
    return Carrier("uri", target)


SMS = uri("sms:{recipient}?body={text}")


@posix
def test_a_link_is_handed_to_the_opener_as_one_argument(programs: Programs) -> None:
    provider = UriProvider(desktop=programs.desktop())
    odd = call(text=value("$(touch /tmp/x); `id` \"quoted\" 'too' & | > \n --help 你好"))
    assert provider.obstacle(SMS, odd) is None
    assert provider.run(SMS, odd).handed_over
    told = programs.told("xdg-open")
    assert told == provider.describe(SMS, odd) == fill_link(SMS.target, odd)
    assert told.startswith("sms:%2B8613800138000?body=%24%28touch")
    assert "\n" not in told
    assert unquote(told.partition("body=")[2]) == odd.arguments["text"]


@given(st.text(st.characters(exclude_categories=[]), max_size=40))
def test_a_value_ends_no_part_of_a_link(text: str) -> None:
    link = fill_link("https://example.org/a?q={text}&r=1", call(text=value(text)))
    assert link.startswith("https://example.org/a?q=")
    assert link.endswith("&r=1")
    assert not set(link[len("https://example.org/a?q=") : -len("&r=1")]) & set(" \n\r\t/?#&=:@\"'<>\\|;`$()")


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("file:///etc/passwd", "scheme file: are not opened"),
        ("javascript:alert({text})", "scheme javascript:"),
        ("JavaScript:alert(1)", "scheme javascript:"),
        ("http://example.org/?q={text}", "scheme http:"),
        ("ms-msdt:/id {text}", "scheme ms-msdt:"),
        ("intent:#Intent;end", "scheme intent:"),
        ("{text}", "does not begin with a scheme"),
        ("{text}:x", "does not begin with a scheme"),
        ("//example.org", "does not begin with a scheme"),
        ("-version", "does not begin with a scheme"),
        ("https://{text}/", "leaves it to a value"),
        ("https://{text}.example.org/", "leaves it to a value"),
        ("https://user:{text}@example.org/", "leaves it to a value"),
        ("https://example.org/ a", "characters that no link has"),
        ("https://example.org/\n", "characters that no link has"),
        ("https://例子.com/", "characters that no link has"),
    ],
)
@posix
def test_what_is_no_link_of_a_listed_scheme_is_not_opened(programs: Programs, target: str, why: str) -> None:
    provider = UriProvider(desktop=programs.desktop())
    assert why in str(provider.obstacle(uri(target), call()))
    with pytest.raises(CarrierUnavailableError):
        provider.run(uri(target), call())
    assert not (programs.folder / "xdg-open.args").exists()


def test_no_listed_scheme_runs_anything() -> None:
    assert not {"file", "javascript", "data", "vbscript", "http", "ftp", "intent", "content", "shell", "about"} & SCHEMES
    assert not any(scheme.startswith(("ms-", "search", "view-source")) for scheme in SCHEMES)


@posix
def test_a_long_text_falls_to_the_next_carrier(programs: Programs) -> None:
    long = call(text=value("x" * 9_000))
    assert "9" in str(UriProvider(desktop=programs.desktop()).obstacle(SMS, long))


@posix
def test_an_app_that_is_not_here_is_said_before_anything_is_opened(programs: Programs) -> None:
    provider = UriProvider(desktop=programs.desktop())
    assert provider.obstacle(uri("tel:{recipient}"), call()) == "No app on this computer opens tel: links."
    assert provider.obstacle(uri("https://example.org/"), call()) is None, "the opener finds a browser by itself"


@posix
def test_without_a_desktop_nothing_is_opened(programs: Programs, tmp_path: Path) -> None:
    assert "No desktop" in str(programs.desktop(DISPLAY="").cannot_open("sms"))
    assert programs.desktop(DISPLAY="", WAYLAND_DISPLAY="wayland-0").cannot_open("sms") is None
    assert "no xdg-open" in str(Desktop("linux", {"PATH": str(tmp_path), "DISPLAY": ":1"}).cannot_open("sms"))
    assert "no open" in str(Desktop("darwin", {"PATH": str(tmp_path)}).cannot_open("sms"))


@posix
def test_an_opener_that_fails_did_nothing(programs: Programs) -> None:
    programs.add("xdg-open", ends=3)
    with pytest.raises(CarrierUnavailableError, match="ended with 3"):
        UriProvider(desktop=programs.desktop()).run(SMS, call())


@posix
def test_a_mac_opens_with_open(programs: Programs) -> None:
    programs.add("open")
    UriProvider(desktop=programs.desktop("darwin")).run(SMS, call())
    assert programs.told("open").startswith("sms:")


def test_windows_opens_without_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(os, "startfile", opened.append, raising=False)
    UriProvider(desktop=Desktop("win32", {})).run(SMS, call())
    assert opened == [fill_link(SMS.target, call())]

    def refuse(_: str) -> None:
        raise OSError("no app")

    monkeypatch.setattr(os, "startfile", refuse, raising=False)
    with pytest.raises(CarrierUnavailableError):
        UriProvider(desktop=Desktop("win32", {})).run(SMS, call())


WECHAT = Carrier("clipboard", "{text}", data="weixin://")


@posix
def test_text_is_copied_and_the_app_opened(programs: Programs) -> None:
    programs.add("xclip")
    provider = ClipboardProvider(desktop=programs.desktop())
    assert provider.obstacle(WECHAT, call()) is None
    assert provider.describe(WECHAT, call(text=value("a\u202eb"))) == "copy 'a\\\\u202eb', open weixin://"
    assert provider.run(WECHAT, call(text=value("我到家了 🙂"))).handed_over
    assert programs.given("xclip").decode() == "我到家了 🙂"
    assert programs.told("xclip") == "-selection\nclipboard"
    assert programs.told("xdg-open") == "weixin://"


@posix
@pytest.mark.parametrize(
    ("platform", "program", "environment"),
    [
        ("linux", "wl-copy", {"WAYLAND_DISPLAY": "w"}),
        ("linux", "xsel", {}),
        ("darwin", "pbcopy", {}),
        ("win32", "clip.exe", {}),
    ],
)
def test_each_desktop_has_its_clipboard(programs: Programs, platform: str, program: str, environment: dict[str, str]) -> None:
    programs.add(program)
    programs.desktop(platform, **environment).copy("你好")
    assert programs.given(program).decode("utf-16" if platform == "win32" else "utf-8") == "你好"


@posix
def test_what_the_clipboard_cannot_do_is_said(programs: Programs) -> None:
    provider = ClipboardProvider(desktop=programs.desktop())
    assert "install wl-clipboard, xclip or xsel" in str(provider.obstacle(WECHAT, call()))
    programs.add("xclip")
    assert provider.obstacle(WECHAT, call(text=value(" "))) == "There is no text to copy."
    assert "not opened" in str(provider.obstacle(Carrier("clipboard", "{text}", data="file:///x"), call()))
    assert provider.obstacle(Carrier("clipboard", "{text}"), call()) is None
    programs.add("xclip", ends=1)
    with pytest.raises(CarrierUnavailableError, match="clipboard"):
        provider.run(WECHAT, call())
    assert not (programs.folder / "xdg-open.args").exists()


def test_a_desktop_has_no_intents_and_says_what_they_would_be() -> None:
    sending = Carrier("intent", "android.intent.action.SENDTO", data="smsto:{recipient}", extras={"sms_body": "{text}"})
    provider = IntentProvider()
    assert "phones" in str(provider.obstacle(sending, call()))
    said = provider.describe(sending, call())
    assert said == 'intent android.intent.action.SENDTO smsto:%2B8613800138000 sms_body="I\'m late"'
    with pytest.raises(CarrierUnavailableError):
        provider.run(sending, call())


TOOLS = "edge_llm.actions.tools"


def python(target: str = "app:send") -> Carrier:
    return Carrier("python", target)


def test_a_function_of_the_app_is_called_with_the_canonical_arguments() -> None:
    seen: list[dict[str, Any]] = []

    def send(recipient: str, text: str) -> dict[str, str]:
        seen.append({"recipient": recipient, "text": text})
        return {"id": "7"}

    provider = PythonProvider({"app:send": send})
    assert provider.obstacle(python(), call()) is None
    assert provider.run(python(), call()).result == {"id": "7"}
    assert seen == [call().arguments]
    assert provider.describe(python(), call()) == 'app:send(recipient="+8613800138000", text="I\'m late")'


@pytest.mark.parametrize(
    "target",
    [
        "os:system", "subprocess:run", "builtins:eval", "edge_llm.memory.erase:forget",
        *(f"{TOOLS}{rest}" for rest in (":x", ".calculate:_private", ".calculate:json", ".nowhere:f", ".calculate:")),
        f"{TOOLS}.calculate", f"{TOOLS}..calculate:calculate", f"{TOOLS}.events:write_new", "",
    ],
)  # fmt: skip
def test_a_manifest_cannot_name_any_other_function(target: str) -> None:
    provider = PythonProvider()
    assert provider.obstacle(python(target), call())
    with pytest.raises(CarrierUnavailableError):
        provider.run(python(target), call())


def test_a_function_that_takes_other_arguments_is_not_called() -> None:
    assert "does not take these" in str(PythonProvider({"app:send": lambda recipient: None}).obstacle(python(), call()))


def test_what_a_function_raises_is_told_once() -> None:
    def broken(recipient: str, text: str) -> None:
        raise ValueError("odd")

    def foreseen(recipient: str, text: str) -> None:
        raise InputError("give rates")

    with pytest.raises(RuntimeFailedError, match="app:send failed: ValueError: odd"):
        PythonProvider({"app:send": broken}).run(python(), call())
    with pytest.raises(InputError, match="give rates"):
        PythonProvider({"app:send": foreseen}).run(python(), call())


def test_a_result_is_json_or_a_path() -> None:
    assert PythonProvider({"app:send": lambda **_: Path("a")}).run(python(), call()).result == "a"
    for bad in (object(), float("nan"), {1, 2}):
        with pytest.raises(RuntimeFailedError, match="no JSON"):
            PythonProvider({"app:send": lambda bad=bad, **_: bad}).run(python(), call())


@pytest.mark.parametrize(
    ("computing", "of", "untrusted"),
    [
        (["app:send"], call(), False),
        (["app:send"], call(text=value("a", "memory")), True),
        ([], call(), True),
    ],
)
def test_a_result_is_somebody_elses_words_unless_it_is_made_of_the_persons(
    computing: list[str], of: Call, untrusted: bool
) -> None:
    provider = PythonProvider({"app:send": lambda **_: "x"}, computing=computing)
    assert provider.run(python(), of).untrusted == untrusted


def test_every_function_that_a_standard_action_names_may_be_called_and_is_there() -> None:
    named = {carrier.target for one in library() for carrier in one.carriers if carrier.kind == "python"}
    assert named <= STANDARD
    for target in STANDARD:
        module, _, name = target.partition(":")
        assert inspect.isfunction(getattr(importlib.import_module(module), name))


def test_what_is_read_from_memory_is_never_taken_for_the_persons_words() -> None:
    assert not {target for target in MAKING if ".find:" in target or ":show_" in target or ".chart:" in target}


def test_the_standard_functions_are_found() -> None:
    standard = action("calculate", effect="read", consent="none", slots={"expression": {"role": "data", "schema": {}}},
                      preview="", carriers=[{"kind": "python", "target": f"{TOOLS}.calculate:calculate"}])  # fmt: skip
    pytest.importorskip("sympy")
    asked = call(standard, expression=value("6*7"))
    provider = PythonProvider()
    assert provider.obstacle(standard.carriers[0], asked) is None
    done = provider.run(standard.carriers[0], asked)
    assert "42" in str(done.result)
    assert not done.untrusted
