"""Charts: pictures of the kind that was asked, with their words in them, and refusals where a picture would lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_llm.actions.tools.chart import Charts, chart_kind, draw_chart
from edge_llm.memory import Memory
from runtimes.errors import InputError
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

pytest.importorskip("matplotlib")

ROWS = [{"label": "rent", "value": 900}, {"label": "food $x$", "value": 400.5}, {"label": "fun", "value": 150}]


@pytest.mark.parametrize("kind", ["bar", "line", "pie"])
def test_a_chart_has_its_words(tmp_path: Path, kind: str) -> None:
    made = Charts(tmp_path, format="svg").draw_chart(ROWS, kind, "Costs & more")
    text = Path(made["path"]).read_text(encoding="utf-8")
    assert (made["kind"], made["rows"]) == (kind, 3)
    for words in ("rent", "food $x$", "fun", "Costs &amp; more"):
        assert words in text


def test_a_png_is_one_and_the_same_each_time(tmp_path: Path) -> None:
    first, second = (Path(Charts(tmp_path).draw_chart(ROWS)["path"]).read_bytes() for _ in range(2))
    assert first == second
    assert first.startswith(b"\x89PNG")


def test_chinese_is_never_drawn_as_boxes(tmp_path: Path) -> None:
    made = Path(Charts(tmp_path).draw_chart([{"label": "房租", "value": 1}], "饼图", "开销")["path"])
    from edge_llm.actions.tools.chart import _cjk_font

    if _cjk_font() is None:
        assert "房租" in made.read_text(encoding="utf-8")
    else:
        assert made.suffix == ".png"


@pytest.mark.parametrize(
    ("words", "kind"), [(None, "bar"), ("a pie chart", "pie"), ("柱状图", "bar"), ("折线图", "line"), ("Line", "line")]
)
def test_a_kind_as_people_say_it(words: str | None, kind: str) -> None:
    assert chart_kind(words) == kind


@pytest.mark.parametrize(
    ("rows", "kind", "fact"),
    [
        ([], "bar", "0 rows"),
        (ROWS * 400, "bar", "1200 rows"),
        ([{"label": "a", "value": -1}], "pie", "shares of a whole"),
        ([{"label": "a", "value": "much"}], "bar", "'much', of 'a'"),
        ([{"label": "a", "value": True}], "bar", "no number"),
        ([{"label": "a", "value": float("nan")}], "bar", "no number"),
        (ROWS, "radar", "'radar' is no kind"),
        ("my spending", "bar", "No figures"),
    ],
)
def test_what_cannot_be_drawn(tmp_path: Path, rows: list[dict[str, Any]] | str, kind: str, fact: str) -> None:
    with pytest.raises(InputError, match=fact):
        Charts(tmp_path).draw_chart(rows, kind)
    assert not list(tmp_path.iterdir())


def test_a_table_in_memory_is_drawn(tmp_path: Path) -> None:
    table = tmp_path / "spending.csv"
    table.write_text('Month,Rent,Spending\nJan,900,1200.5\nFeb,900,"1,100"\n', encoding="utf-8")
    with Memory.open(tmp_path / "m.db", key=bytes(32), embedder=WordEmbedder()) as memory:
        memory.add(table)
        made = Charts(tmp_path, memory, format="svg").draw_chart("spending by month", "line")
    assert (made["rows"], made["source"]) == (2, str(table))
    assert "Feb" in Path(made["path"]).read_text(encoding="utf-8")


def test_figures_that_were_said_need_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_LLM_HOME", str(tmp_path))
    made = draw_chart("rent 900, food 400", "pie")
    assert (made["kind"], made["rows"], made["source"]) == ("pie", 2, None)
    assert Path(made["path"]).parent == tmp_path / "made"
