"""What the dialogue says of a plan and of what was done, in English and Chinese. Knows the results of the standard actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edge_llm.actions.execute import Outcome
from edge_llm.actions.manifest import Language, Text
from edge_llm.actions.values import Call
from edge_llm.hidden import show_hidden

if TYPE_CHECKING:
    from edge_llm.actions.policy import Review

_DONE = Text("Done: {name}.", "已完成：{name}。")
_MADE = Text("Done: {name}. The file is {path}", "已完成：{name}。文件在 {path}")
_HANDED = Text("{name}: opened. You finish it there.", "{name}：已打开，请在那里完成。")
_COPIED = Text("{name}: the text is on the clipboard and the app was opened.", "{name}：内容已复制到剪贴板，应用已打开。")
_TRIED = Text("Would do: {what}", "将会执行：{what}")
_FAILED = Text("{name} did not work: {why}", "{name}没有成功：{why}")
_SAID: Mapping[str, Text] = {
    "cancelled": Text("All right, I leave it.", "好的，不做了。"),
    "denied": Text("Not done.", "没有执行。"),
    "no undo": Text("There is nothing that I can take back.", "没有可以撤销的操作。"),
    "rest": Text("Not done: {names}", "没有执行：{names}"),
    "which": Text("Do you mean: {names}?", "你是想：{names}？"),
    "plan": Text("{count} steps:", "共 {count} 步："),
}
_NOTHING = Text("Nothing there.", "没有内容。")
_MOST = 20


def report(call: Call, outcome: Outcome, language: Language) -> str:
    """One outcome in words."""
    name = call.action.name.in_language(language)
    if outcome.status == "failed":
        return show_hidden(_FAILED.in_language(language).format(name=name, why=outcome.error or "?"))
    if outcome.status == "tried":
        return show_hidden(_TRIED.in_language(language).format(what=outcome.description))
    if outcome.status == "handed over":
        said = _COPIED if outcome.carrier is not None and outcome.carrier.kind == "clipboard" else _HANDED
        return said.in_language(language).format(name=name)
    result = outcome.result
    if isinstance(result, Mapping):
        teller = _TOLD.get(call.action.id)
        if teller is not None:
            return show_hidden(teller(result, language))
        if isinstance(result.get("path"), str):
            return show_hidden(_MADE.in_language(language).format(name=name, path=result["path"]))
    elif isinstance(result, str) and result:
        return show_hidden(result)
    return _DONE.in_language(language).format(name=name)


def show_plan(reviews: Sequence[Review], language: Language) -> str:
    """All steps of a plan, each with its preview and why it asks."""
    texts = ["\n".join([one.preview.text, *(f"? {reason}" for reason in one.reasons)]) for one in reviews]
    if len(texts) == 1:
        return texts[0]
    numbered = [f"{number}. {text}" for number, text in enumerate(texts, 1)]
    return "\n".join([say("plan", language, count=len(texts)), *numbered])


def say(what: str, language: Language, **values: object) -> str:
    """One of the dialogue's own sentences: "cancelled", "denied", "no undo", "rest", "which", "plan"."""
    return _SAID[what].in_language(language).format(**values)


def _calculated(result: Mapping[str, Any], language: Language) -> str:  # noqa: ARG001  (numbers need no language)
    return f"{result['expression']} = {result['result']}"


def _converted(result: Mapping[str, Any], language: Language) -> str:  # noqa: ARG001
    return f"{result['from']} = {result['result']} {result['unit']}"


def _exchanged(result: Mapping[str, Any], language: Language) -> str:
    told = Text("{amount} {currency} (rate {rate} of {date})", "{amount} {currency}（{date} 的汇率 {rate}）")
    return told.in_language(language).format(**{key: result[key] for key in ("amount", "currency", "rate", "date")})


def _solved(result: Mapping[str, Any], language: Language) -> str:
    solutions = result["solutions"]
    if not solutions:
        return "无解。" if language == "zh" else "There is no solution."
    either = " 或 " if language == "zh" else " or "
    return either.join(
        ", ".join(f"{name} = {value}" for name, value in one.items()) if isinstance(one, Mapping) else str(one)
        for one in solutions
    )


def _listed(result: Mapping[str, Any], language: Language) -> str:
    items = result["items"]
    if not items:
        return _NOTHING.in_language(language)
    return "\n".join(f"• {item}" for item in items[:_MOST]) + ("\n…" if len(items) > _MOST else "")


def _added(result: Mapping[str, Any], language: Language) -> str:
    joined = ("、" if language == "zh" else ", ").join(map(str, result["items"]))
    return f"已添加：{joined}" if language == "zh" else f"Added: {joined}"


def _day(result: Mapping[str, Any], language: Language) -> str:
    events = result["events"]
    if not events:
        return f"{result['day']}：没有安排。" if language == "zh" else f"{result['day']}: nothing in your calendar."
    lines = [f"• {(event['time'] or '')[11:16]} {event['title'] or event['text']}" for event in events[:_MOST]]
    return f"{result['day']}\n" + "\n".join(lines)


_TOLD: Mapping[str, Callable[[Mapping[str, Any], Language], str]] = {
    "calculate": _calculated, "convert.units": _converted, "convert.currency": _exchanged, "solve.equation": _solved,
    "shopping.show": _listed, "todo.show": _listed, "note.show": _listed, "calendar.show": _day,
    "note.add": _added, "shopping.add": _added, "todo.add": _added,
}  # fmt: skip
