"""Vectors and embedders: speed, recall, memory and the first query of an encrypted store.

    python -m tests.bench.bench_memory_vectors [--count N] [--million] [--texts FILE] [--home DIR] [--json]

Measures, each in a process of its own:
  search    p50 and p95 of one query for ten among N vectors in RAM, recall@10 against exact float32; for vectors in 200 loose
            clusters, and for vectors without any structure, which no text gives and nothing is harder for;
  open      seconds from a closed store to its first answer, with a query vector at hand and with the default embedder;
  memory    peak resident memory from before the store was opened until all codes are computed and 100 queries answered;
  embed     milliseconds a text, alone and among many, and seconds until the first.

Exit code 1 when a bound is not met. Needs the memory extra. Close everything else first: a busy machine doubles the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
DIMENSIONS = 384
K = 10
SEARCH_MS = {100_000: 1.5, 1_000_000: 8.0}
RECALL = 0.99
FIRST_QUERY_S = 0.6
MEMORY_MB = 80.0
"""Peak memory beyond the vectors' own int8 codes."""
CLUSTERS = 200
BENCH_MODEL = "bench"


@dataclass(frozen=True)
class Figure:
    """One measured number and its bound."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool:
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)


def draw(count: int, dimensions: int, kind: str, seed: int) -> np.ndarray:
    """Unit vectors, of one distribution for all seeds."""
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((count, dimensions), np.float32)
    if kind == "clustered":
        centres = np.random.default_rng(0).standard_normal((CLUSTERS, dimensions), np.float32)
        vectors += 0.7 * centres[generator.integers(0, CLUSTERS, count)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def portions(count: int, size: int = 2048) -> Iterator[tuple[int, int]]:
    """Where each portion begins, and how many it has."""
    for start in range(0, count, size):
        yield start, min(size, count - start)


def best_of(vectors: Callable[[int, int], np.ndarray], count: int, queries: np.ndarray) -> list[set[int]]:
    """The K nearest of each query by exact float32, as rows."""
    scores, rows = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    for start, size in portions(count, 20_000):
        scores = np.concatenate([scores, queries @ vectors(start, size).T], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(np.arange(start, start + size), (len(queries), size))], axis=1)
        best = np.argpartition(-scores, K - 1, axis=1)[:, :K]
        scores, rows = np.take_along_axis(scores, best, 1), np.take_along_axis(rows, best, 1)
    return [set(row.tolist()) for row in rows]


def measure_search(count: int, kind: str, queries: int) -> list[Figure]:
    """The search in RAM alone."""
    from edge_llm.memory.vector_matrix import VectorMatrix
    from edge_llm.memory.vector_store import Segment, quantize

    def vectors(start: int, size: int) -> np.ndarray:
        parts = [draw(each, DIMENSIONS, kind, 1 + (start + at)) for at, each in portions(size, 2000)]
        return np.concatenate(parts)

    matrix = VectorMatrix(DIMENSIONS)
    matrix.reserve(count)
    for start, size in portions(count, 2000):
        matrix.add(Segment(np.arange(start, start + size), *quantize(vectors(start, size))))
    begun = time.perf_counter()
    while matrix.unsketched:
        matrix.sketch_more(4096)
    sketched_s = time.perf_counter() - begun
    asked = draw(queries, DIMENSIONS, kind, 1_000_003)
    matrix.search(asked[0], K)
    found, took = [], []
    for query in asked:
        begun = time.perf_counter()
        ids, _ = matrix.search(query, K)
        took.append(time.perf_counter() - begun)
        found.append(set(ids.tolist()))
    some = min(queries, 100)
    expected = best_of(vectors, count, asked[:some])
    recall = statistics.mean(len(one & other) / K for one, other in zip(found, expected, strict=False))
    bounded = kind == "clustered"
    name = f"{count:,} x {DIMENSIONS} {kind}"
    return [
        Figure(f"{name}: p50", 1e3 * statistics.median(took), "ms", most=SEARCH_MS.get(count) if bounded else None),
        Figure(f"{name}: p95", 1e3 * float(np.quantile(took, 0.95)), "ms"),
        Figure(f"{name}: recall@{K}", recall, "", least=RECALL if bounded else None),
        Figure(f"{name}: computing all codes", sketched_s, "s"),
    ]


def build_store(path: Path, count: int) -> None:
    """A store of `count` short items with vectors of two models: 384 dimensions, and the default embedder's."""
    from edge_llm.memory import vector_store
    from edge_llm.memory.embedders import open_embedder
    from edge_llm.memory.items import Draft
    from edge_llm.memory.keys import RawKey
    from edge_llm.memory.store import Store

    default = open_embedder()
    sources, each = 20, count // 20
    with Store.open(path, RawKey(KEY)) as store:
        for source in range(sources):
            drafts = (Draft(f"message {number} of conversation {source}", "message", str(number)) for number in range(each))
            ids = np.array(store.put(f"conversation {source}", "bench", drafts).added, np.int64)
            found = store.source(f"conversation {source}")
            assert found is not None
            for model_id, dimensions in ((BENCH_MODEL, DIMENSIONS), (default.model_id, default.dimensions)):
                for start, size in portions(len(ids)):
                    drawn = draw(size, dimensions, "clustered", 7 + source * 100_000 + start)
                    segment = vector_store.Segment(ids[start : start + size], *vector_store.quantize(drawn))
                    with store.writing() as connection:
                        model = vector_store.add_model(connection, model_id, dimensions)
                        vector_store.append(connection, store, model, found.id, segment)
                        vector_store.use_model(connection, model)  # the last, which is the default embedder's


def measure_open(path: Path, how: str) -> list[Figure]:
    """Seconds from a closed store to the first answer: of the vectors alone, of an embedder and them, of the whole memory."""
    from edge_llm.memory.embedders import open_embedder
    from edge_llm.memory.keys import RawKey
    from edge_llm.memory.memory import Memory
    from edge_llm.memory.store import Store
    from edge_llm.memory.vectors import VectorIndex

    question = "what was message 12 of conversation 7?"  # the items' own words: a question about nothing here has no answer
    begun = time.perf_counter()
    if how == "memory":
        with Memory.open(path, key=KEY) as memory:
            found = len(memory.search(question, k=K))
            took = time.perf_counter() - begun
    else:
        with (
            Store.open(path, RawKey(KEY)) as store,
            open_embedder() as embedder,
            VectorIndex(store, embedder.model_id if how == "embedder" else BENCH_MODEL) as index,
        ):
            index.prefetch()
            query = embedder.embed([question])[0] if how == "embedder" else draw(1, DIMENSIONS, "clustered", 5)[0]
            found = index.search(query, K)[0].size
            took = time.perf_counter() - begun
    assert found == K
    words = {
        "vectors": f"of the vectors ({DIMENSIONS} dimensions) to a query vector",
        "embedder": "of the vectors (512) to a question, default embedder included",
        "memory": "of Memory.search to a question, default embedder included",
    }
    return [Figure(f"opening and the first answer {words[how]}", took, "s", most=FIRST_QUERY_S)]


def measure_memory(path: Path, count: int) -> list[Figure]:
    """Peak memory of loading, computing codes and searching."""
    from edge_llm.memory import blas, vectors
    from edge_llm.memory.keys import RawKey
    from edge_llm.memory.store import Store

    with blas.one_blas_thread():  # libraries are loaded before the first look
        before = peak_mb()
    with Store.open(path, RawKey(KEY)) as store, vectors.VectorIndex(store, BENCH_MODEL) as index:
        query = draw(1, DIMENSIONS, "clustered", 5)[0]
        index.search(query, K)
        loaded = peak_mb()
        index.wait()
        for seed in range(100):
            index.search(draw(1, DIMENSIONS, "clustered", seed)[0], K)
        after = peak_mb()
    codes = count * DIMENSIONS / 2**20
    return [
        Figure("int8 codes of the vectors", codes, "MB"),
        Figure("peak memory before the store was opened", before, "MB"),
        Figure("  and when the first query was answered", loaded, "MB"),
        Figure("  and with all codes computed", after, "MB"),
        Figure("peak memory beyond the codes and what was there before", after - before - codes, "MB", most=MEMORY_MB),
        Figure("peak memory of the whole process beyond the codes", after - codes, "MB"),
    ]


def peak_mb() -> float:
    """Peak resident memory of this process."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def sentences(path: Path | None) -> list[str]:
    """Texts to embed: of a file, or of this repository's own documentation."""
    files = [path] if path is not None else [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    parts = (part.strip() for part in re.split(r"(?<=[.!?。！？])\s+|\n{2,}", text))
    return [part for part in dict.fromkeys(parts) if 20 <= len(part) <= 1000]


def measure_embedding(name: str, home: Path | None, texts: Path | None) -> list[Figure]:
    """Speed of one embedder."""
    from edge_llm.home import Home
    from edge_llm.memory.embedders import open_embedder

    lines = sentences(texts)[:2000]
    with open_embedder(name, home=Home(home)) as embedder:
        begun = time.perf_counter()
        embedder.embed(["when is the dentist?"])
        first = time.perf_counter() - begun
        alone = []
        for line in lines[:200]:
            begun = time.perf_counter()
            embedder.embed([line[:40]])
            alone.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        embedder.embed(lines)
        each = (time.perf_counter() - begun) / len(lines)
    return [
        Figure(f"{name}: first text", first, "s"),
        Figure(f"{name}: a short text alone, p50", 1e3 * statistics.median(alone), "ms"),
        Figure(f"{name}: a text of {statistics.mean(map(len, lines)):.0f} characters among {len(lines)}", 1e3 * each, "ms"),
        Figure(f"{name}: peak memory of the process", peak_mb(), "MB"),
    ]


def apart(*arguments: object) -> list[Figure]:
    """Measure in a process of its own, so that nothing is loaded or resident before."""
    command = [sys.executable, "-m", "tests.bench.bench_memory_vectors", "--only", *map(str, arguments)]
    # an installed package has its bytecode; the first of several rounds makes it here
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return [Figure(**figure) for figure in json.loads(done.stdout)]


def run_one(words: Sequence[str]) -> list[Figure]:
    """What `apart` asked for."""
    what, *rest = words
    if what == "search":
        return measure_search(int(rest[0]), rest[1], int(rest[2]))
    if what == "build":
        build_store(Path(rest[0]), int(rest[1]))
        return []
    if what == "open":
        return measure_open(Path(rest[0]), rest[1])
    if what == "memory":
        return measure_memory(Path(rest[0]), int(rest[1]))
    return measure_embedding(rest[0], Path(rest[1]) if rest[1] else None, Path(rest[2]) if rest[2] else None)


def fastest(rounds: int, *arguments: object) -> list[Figure]:
    """The round whose first figure was the smallest."""
    return min((apart(*arguments) for _ in range(rounds)), key=lambda figures: figures[0].value)


def main() -> int:
    """Measure, print, and say by the exit code whether every bound was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="vectors, and items of the store")
    parser.add_argument("--million", action="store_true", help="search among a million too (minutes, 1 GB)")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many is shown; other programs only slow down")
    parser.add_argument("--texts", type=Path, help="UTF-8 text whose sentences are embedded; else the documentation's")
    parser.add_argument("--home", type=Path, help="where all-minilm-l6-v2 was pulled to; else it is left out")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps([asdict(figure) for figure in run_one(options.only)]))
        return 0
    rounds, texts = options.rounds, options.texts or ""
    figures = fastest(rounds, "search", options.count, "clustered", options.queries)
    figures += fastest(rounds, "search", options.count, "random", options.queries)
    if options.million:
        figures += fastest(rounds, "search", 1_000_000, "clustered", options.queries)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "memory"
        apart("build", store, options.count)
        for how in ("vectors", "embedder", "memory"):
            figures += fastest(rounds, "open", store, how)
        figures += apart("memory", store, options.count)
    figures += fastest(rounds, "embed", "use", "", texts)
    if options.home is not None:
        figures += fastest(rounds, "embed", "all-minilm-l6-v2", options.home, texts)
    show(figures, as_json=options.json)
    return 0 if all(figure.met for figure in figures) else 1


def show(figures: Sequence[Figure], *, as_json: bool) -> None:
    """Print the figures."""
    if as_json:
        rows: list[dict[str, Any]] = [{**asdict(figure), "met": figure.met} for figure in figures]
        print(json.dumps({"cores": os.cpu_count(), "figures": rows}, indent=2))
        return
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        bound = f"<= {figure.most:g}" if figure.most is not None else f">= {figure.least:g}" if figure.least is not None else ""
        verdict = "" if not bound else "ok" if figure.met else "MISSED"
        print(f"{figure.name:<{width}}  {figure.value:>10.3f} {figure.unit:<2}  {bound:<8} {verdict}")


if __name__ == "__main__":
    sys.exit(main())
