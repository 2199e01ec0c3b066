"""Which tokens of a GGUF vocabulary end a turn.

GGUF names one or two of them; chat models end their turn with others too. The texts and the rules are those of
llama.cpp's end-of-generation set (llama-vocab.cpp), so that both runtimes stop at the same tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtimes.gguf import GGUFHeader

_EOS = "tokenizer.ggml.eos_token_id"
_NAMED = (
    _EOS,
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",
    "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_rep_token_id",
    "tokenizer.ggml.fim_sep_token_id",
)

_TURN_ENDS = frozenset(
    {
        "<|eot_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<|flush|>",
        "<|calls|>",
        "<end_of_turn>",
        "<|endoftext|>",
        "</s>",
        "<|eom_id|>",
        "<EOT>",
        "_<EOT>",
        "[EOT]",
        "[EOS]",
        "<|end_of_text|>",
        "<end_of_utterance>",
        "<eos>",
        "<turn|>",
        "<|tool_response>",
        "<｜end▁of▁sentence｜>",
        "[e~[",
    }
)

# Padding and separators of fill-in-the-middle training: a model that emits one has lost its way. One text of each kind counts.
_FILL_IN_MIDDLE = (
    ("tokenizer.ggml.fim_pad_token_id", ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]")),
    ("tokenizer.ggml.fim_rep_token_id", ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>")),
    ("tokenizer.ggml.fim_sep_token_id", ("<|file_sep|>",)),
)


def find_stop_tokens(header: GGUFHeader) -> tuple[int, ...]:
    """Ids that end generation, EOS first and the others ascending. Raises SourceError when the file names no integer."""
    texts = header.strings("tokenizer.ggml.tokens")
    # like llama.cpp, a named token outside the vocabulary counts as not named
    named = {key: token for key in _NAMED if (token := header.integer(key)) is not None and 0 <= token < len(texts)}
    if _EOS not in named and header.text("tokenizer.ggml.model") == "llama" and len(texts) > 2:
        named[_EOS] = 2  # SentencePiece's usual </s>, which llama.cpp assumes too
    return stops_among(enumerate(texts), named)


def stops_among(tokens: Iterable[tuple[int, str]], named: Mapping[str, int]) -> tuple[int, ...]:
    """Ids that end generation, EOS first and the others ascending: the named ones, and those whose text says so.

    Args:
        tokens: ids and texts of a vocabulary, or only of its special tokens.
        named: ids the model's files name, by GGUF's key.
    """
    wanted = _TURN_ENDS.union(*(group for _, group in _FILL_IN_MIDDLE))
    found = {text: index for index, text in tokens if text in wanted}
    stops = {index for text, index in found.items() if text in _TURN_ENDS}.union(named.values())
    for key, group in _FILL_IN_MIDDLE:
        if key not in named:
            stops.update([index for text, index in found.items() if text in group][:1])
    return tuple(sorted(stops - _only_separators(found), key=lambda token: (token != named.get(_EOS), token)))


def _only_separators(found: dict[str, int]) -> set[int]:
    """Texts that are a separator or plain text, not an end, beside others of the same vocabulary."""
    harmony = {"<|return|>", "<|call|>"} <= found.keys()
    solar = "<|flush|>" in found and not found.keys().isdisjoint({"<|call|>", "<|calls|>"})
    names = {"<|end|>"} if harmony or solar else set()
    if "<|tool_response>" in found:
        names.add("</s>")
    return {found[name] for name in names if name in found}
