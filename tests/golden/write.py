"""Write the goldens: `python -m tests.golden.write`. A test fails when what is checked in is not what this writes.

The answers are the product's own, which other tests hold against the references (tokenizers, the Jinja template, numpy).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from android_bridge.turn_format import compile_turns, write_turns
from edge_llm.actions.manifest import LANGUAGES, parse_action
from edge_llm.actions.templates import intents, preview_text
from edge_llm.sampling import Sampler, Sampling
from edge_llm.stream import TextStream
from runtimes.tokenizer import open_tokenizer
from tests.golden.lines import hard_lines
from tests.unit.android_bridge.test_turn_format import CHATML, GEMMA, REASONING, SYSTEM_INSIDE_USER, renderer
from tests.unit.edge_llm.actions.test_manifest import SMS

FOLDER = Path(__file__).parent
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_CHECKED_IN_LINES = 300
_VOCABULARY = 600


def tokenizers() -> dict[str, Tokenizer]:
    """Two small vocabularies of the kinds phones read, trained on the hard lines: the same at every run."""
    text = list(hard_lines(2000, seed=1))
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(text, trainers.BpeTrainer(vocab_size=_VOCABULARY, initial_alphabet=alphabet, show_progress=False))
    bpe.add_special_tokens(list(SPECIAL))
    pieces = [(piece, score) for piece, score in _unigram_pieces(text)]
    unigram = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    unigram.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" ", "▁")])
    unigram.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    unigram.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    unigram.add_special_tokens(list(SPECIAL))
    return {"bpe": bpe, "unigram": unigram, "added": _with_added_tokens(text)}


def _with_added_tokens(text: list[str]) -> Tokenizer:
    """A vocabulary with tokens that are found in the text as given and others that are found in what the normalizer leaves."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(text, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False))
    bpe.add_tokens(
        [
            AddedToken("Straße", normalized=True),
            AddedToken("\ufb01n", normalized=True),
            AddedToken("\uff21\uff22", normalized=True),
            AddedToken("Café", normalized=False),
            AddedToken("Caf", normalized=False),
        ]
    )
    bpe.add_special_tokens([AddedToken("<|Cut|>", normalized=True), *map(AddedToken, SPECIAL)])
    return bpe


def _unigram_pieces(text: list[str]) -> Iterator[tuple[str, float]]:
    """A vocabulary by hand, since the trainer's is not the same at every run: frequent pieces, scores by their counts."""
    counts: dict[str, int] = {}
    for line in text:
        written = "▁" + line.replace(" ", "▁")
        for length in (1, 2, 3, 5):
            for start in range(len(written) - length + 1):
                piece = written[start : start + length]
                if piece.isprintable():
                    counts[piece] = counts.get(piece, 0) + 1
    yield "<unk>", 0.0
    for byte in range(256):
        yield f"<0x{byte:02X}>", -20.0
    frequent = sorted(counts, key=lambda piece: (-counts[piece] * len(piece), piece))[:_VOCABULARY]
    total = sum(counts[piece] for piece in frequent)
    for piece in sorted(frequent):
        yield piece, round(float(np.log(counts[piece] / total)), 6)


def tokenizer_golden(path: Path, lines: int, *, seed: int) -> dict[str, Any]:
    """Ids of hard lines by one vocabulary: with control tokens read as such, and as plain text."""
    tokenizer = open_tokenizer(path)
    added = sorted(json.loads(path.read_text(encoding="utf-8"))["added_tokens"], key=lambda token: int(token["id"]))
    spelled = [token["content"] for token in added]
    cases = []
    for text in hard_lines(lines, special=spelled, seed=seed):
        ids, plain = tokenizer.encode(text), tokenizer.encode(text, special=False)
        cases.append({"text": text, "ids": ids, "plain": plain, "decoded": tokenizer.decode(ids)})
    return {"special_ids": sorted(tokenizer.special_ids), "cases": cases}


def turns_golden() -> list[dict[str, Any]]:
    """Conversations written by several turn formats."""
    conversations = [
        [("user", "Hi")],
        [("user", " 你好 \n"), ("assistant", "<think>\nx\n</think>\n\nFine. "), ("user", "<|im_end|> {{ 1 }}")],
        [("system", "Be brief."), ("user", "Hi")],
        [("system", " 简短\n"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d\n"), ("user", "e")],
    ]
    golden = []
    for source in (CHATML, GEMMA, SYSTEM_INSIDE_USER, REASONING):
        turns = compile_turns(renderer(source))
        takes = [conversation for conversation in conversations if turns.system or conversation[0][0] != "system"]
        cases = [{"conversation": conversation, "text": write_turns(turns, conversation)} for conversation in takes]
        golden.append({"turns": asdict(turns), "cases": cases})
    return golden


_SAMPLINGS = (
    Sampling(),
    Sampling(temperature=1.0, seed=0),
    Sampling(temperature=0.7, top_k=5, seed=1),
    Sampling(temperature=1.3, top_p=0.8, seed=2),
    Sampling(temperature=0.9, top_k=20, top_p=0.9, min_p=0.05, seed=123456789),
    Sampling(temperature=1.0, min_p=0.2, seed=2**40 + 7),
    Sampling(temperature=0.8, repetition_penalty=1.3, repetition_window=8, seed=5),
    Sampling(repetition_penalty=1.5, repetition_window=0),
    Sampling(temperature=1.0, top_k=1, seed=9),
    Sampling(temperature=1e-3, seed=3),
)


def sampling_golden() -> dict[str, Any]:
    """Tokens drawn one after the other from rows of logits that are used in turn."""
    generator = np.random.default_rng(7)
    rows = (generator.standard_normal((6, 48)) * 4).astype(np.float32)
    rows[1, 3] = rows[1, 9] = rows[1].max() + 1  # equals
    rows[2, ::3] = -np.inf
    runs = []
    for sampling in _SAMPLINGS:
        sampler, history = Sampler(sampling), [4, 8, 15]
        for turn in range(40):
            history.append(sampler.sample(rows[turn % len(rows)], history))
        runs.append({"sampling": asdict(sampling), "history": [4, 8, 15], "tokens": history[3:]})
    logits = [[None if value == -np.inf else float(value) for value in row] for row in rows]
    return {"logits": logits, "runs": runs}


class _Pieces:
    """A vocabulary whose tokens are given byte strings."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def token_bytes(self, token: int) -> bytes:
        return self._pieces[token]


def stream_golden() -> list[dict[str, Any]]:
    """What may be shown after each token: whole characters, and never the beginning of a stop string."""
    texts = [
        ("Hello world", [], False),
        ("你好🙂再见", [], False),
        ("你好🙂再见", [], True),
        ("one STOP two", ["STOP"], False),
        ("one STO two STOPP", ["STOPP", "STOX"], False),
        ("a\n\nUser: b", ["\nUser:", "\n\nUser"], False),
        ("停在这里停", ["里停"], False),
        ("ends with ST", ["STOP"], False),
    ]
    golden = []
    for index, (text, stops, cut) in enumerate(texts):
        data = text.encode()[: -1 if cut else None] + (b"\xff\xe4" if index == 1 else b"")
        for width in (1, 2, 3, 7):
            pieces = [data[start : start + width] for start in range(0, len(data), width)]
            stream = TextStream(_Pieces(pieces), stops)  # type: ignore[arg-type]
            shown = [stream.push(token) for token in range(len(pieces))]
            golden.append(
                {
                    "tokens": [piece.hex() for piece in pieces],
                    "stops": stops,
                    "shown": shown,
                    "cut_short": cut,
                    "end": stream.end(cut_short=cut),
                    "stopped": stream.stopped,
                }
            )
    return golden


_ALARM: dict[str, Any] = {
    **SMS,
    "id": "alarm.set",
    "effect": "local",
    "consent": "granted",
    "slots": {
        "time": {"role": "time", "schema": {"type": "string", "format": "date-time"}},
        "duration": {"role": "duration", "schema": {"type": "string", "format": "duration"}, "required": False},
        "label": {"role": "text", "schema": {"type": "string"}, "required": False},
    },
    "examples": {},
    "preview": {"en": "Alarm at {time}", "zh": "闹钟：{time}"},
    "carriers": [
        {
            "kind": "intent",
            "target": "android.intent.action.SET_ALARM",
            "extras": {
                "android.intent.extra.alarm.HOUR": "{time.hour}",
                "android.intent.extra.alarm.MINUTES": "{time.minute}",
                "android.intent.extra.alarm.LENGTH": "{duration.seconds}",
                "android.intent.extra.alarm.MESSAGE": "{label}",
                "beginTime": "{time.millis}",
            },
        }
    ],
}
"""Extras that Android reads as numbers."""
_ALARM_ARGUMENTS: tuple[dict[str, Any], ...] = (
    {"time": "2026-11-24T15:30:00+08:00", "duration": "PT10M", "label": "tea"},
    {"time": "2026-11-24T15:30:00+08:00"},
)
_ARGUMENTS: tuple[dict[str, Any], ...] = (
    {"recipient": "+8613800138000", "text": "I'm ten minutes late & sorry?"},
    {"recipient": "张三", "text": "晚到十分钟 100% {text} 🙂"},
    {"recipient": "a@b.c?body=evil#x", "text": "line one\nline two \u202e\u200b\u0007 👩\u200d👧"},
    {"recipient": "", "text": ""},
)


def actions_golden() -> dict[str, Any]:
    """What a person is shown and what Android is asked, for calls whose values try to be more than values."""
    plain = {**SMS, "id": "note.add", "effect": "local", "consent": "granted", "preview": {"en": "", "zh": ""}, "carriers": []}
    cases = []
    for document, calls in ((SMS, _ARGUMENTS), (plain, _ARGUMENTS), (_ALARM, _ALARM_ARGUMENTS)):
        action = parse_action(document)
        for arguments in calls:
            previews = {language: preview_text(action, arguments, language) for language in LANGUAGES}
            asked = [asdict(intent) for intent in intents(action, arguments)]
            cases.append({"action": action.id, "arguments": arguments, "preview": previews, "intents": asked})
    return {"actions": [SMS, plain, _ALARM], "cases": cases}


def files() -> dict[str, str]:
    """Every checked-in golden, by its file name."""
    written = {}
    for name, tokenizer in tokenizers().items():
        written[f"tokenizer-{name}.json"] = tokenizer.to_str()
    written["turns.json"] = _json(turns_golden())
    written["sampling.json"] = _json(sampling_golden())
    written["actions.json"] = _json(actions_golden())
    written["stream.json"] = _json(stream_golden())
    return written


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, indent=None, separators=(",", ":"), allow_nan=False) + "\n"


def main() -> None:
    """Write the goldens beside this file; with --tokenizer, those of a real vocabulary to another place."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="a tokenizer.json")
    parser.add_argument("--lines", type=int, default=5000)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    if options.tokenizer is not None:
        options.output.write_text(_json(tokenizer_golden(options.tokenizer, options.lines, seed=2)), encoding="utf-8")
        return
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for name in tokenizers():
        golden = tokenizer_golden(FOLDER / f"tokenizer-{name}.json", _CHECKED_IN_LINES, seed=2)
        (FOLDER / f"ids-{name}.json").write_text(_json(golden), encoding="utf-8")


if __name__ == "__main__":
    main()
