"""How byte-level BPE vocabularies cut text into words, by the name GGUF gives in `tokenizer.ggml.pre`.

A table, no logic: each name stands for the expressions of that model's own tokenizer.json, applied one after the
other, in the syntax of Oniguruma (which `tokenizers` uses). The names are llama.cpp's (llama-vocab.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass

_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_WORD = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_SYMBOLS = r" ?[^\s\p{L}\p{N}]+[\r\n]*"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""OpenAI GPT-2's expression, which `tokenizers` has built in."""
DIGIT = r"\p{N}"
"""Each digit alone, which `tokenizers` has built in too."""

_CL100K = "|".join((_CONTRACTION, _WORD, r"\p{N}{1,3}", _SYMBOLS, _SPACES))
_QWEN2 = "|".join((_CONTRACTION, _WORD, DIGIT, _SYMBOLS, _SPACES))

_TITLE = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
_CAPITALS = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
_PATH_SYMBOLS = r" ?[^\s\p{L}\p{N}]+[\r\n/]*"
_O200K = "|".join((f"{_TITLE}{_CONTRACTION}?", f"{_CAPITALS}{_CONTRACTION}?", r"\p{N}{1,3}", _PATH_SYMBOLS, _SPACES))
_TEKKEN = "|".join((_TITLE, _CAPITALS, DIGIT, _PATH_SYMBOLS, _SPACES))

_ASCII_PUNCTUATION = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"
_DEEPSEEK3 = (
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    "|".join((rf"{_ASCII_PUNCTUATION}[A-Za-z]+", r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+", r" ?[\p{P}\p{S}]+[\r\n]*", _SPACES)),
)
_FALCON_PUNCTUATION = r"[\p{P}\$\+<=>\^~\|`]+"
_BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+"


@dataclass(frozen=True)
class PreTokenizer:
    """How one family of vocabularies cuts text."""

    patterns: tuple[str, ...]
    ignore_merges: bool = False
    """A whole word that is a token is taken as it is, whatever the merges would make of it."""
    nfc: bool = False
    """The model's own tokenizer composes characters first (Unicode NFC); llama.cpp leaves that out."""
    adds_bos: bool = False
    """BOS stands before a prompt unless the file says otherwise."""


_GPT2 = PreTokenizer((GPT2,))
_DIGITS_GPT2 = PreTokenizer((DIGIT, GPT2))
_LLAMA3 = PreTokenizer((_CL100K,), ignore_merges=True, adds_bos=True)
_QWEN = PreTokenizer((_QWEN2,), nfc=True)
_PLAIN_QWEN = PreTokenizer((_QWEN2,))
_DEEPSEEK_V3 = PreTokenizer(_DEEPSEEK3)
_GPT4O = PreTokenizer((_O200K,))
_BLOOM_LIKE = PreTokenizer((_BLOOM,))

PRE_TOKENIZERS = {
    "default": PreTokenizer((r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]")),
    **dict.fromkeys(("llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"), _LLAMA3),
    "jina-v5-nano": _LLAMA3,
    **dict.fromkeys(("dbrx", "smaug-bpe", "chatglm-bpe"), PreTokenizer((_CL100K,))),
    **dict.fromkeys(("glm4", "glm5"), PreTokenizer((_CL100K,), ignore_merges=True)),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen"), _QWEN),
    **dict.fromkeys(("stablelm2", "hunyuan", "megrez", "kormo", "f2llmv2", "solar-open", "grok-2"), _PLAIN_QWEN),
    "qwen35": PreTokenizer(
        (_QWEN2.replace(r"?\p{L}+", r"?[\p{L}\p{M}]+").replace(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}\p{M}\p{N}]"),), nfc=True
    ),
    **dict.fromkeys(("gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0"), _GPT2),
    **dict.fromkeys(("mellum", "modern-bert", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4"), _GPT2),
    **dict.fromkeys(("jina-v1-en", "jina-v2-code", "roberta-bpe"), _GPT2),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"), _DIGITS_GPT2),
    "mellum2": _DIGITS_GPT2,
    **dict.fromkeys(("gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"), _GPT4O),
    "tekken": PreTokenizer((_TEKKEN,), ignore_merges=True, adds_bos=True),
    **dict.fromkeys(("deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"), _DEEPSEEK_V3),
    "deepseek-coder": PreTokenizer((r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+", DIGIT)),
    "falcon": PreTokenizer((_FALCON_PUNCTUATION, GPT2, "[0-9][0-9][0-9]")),
    **dict.fromkeys(("poro-chat", "bloom", "gpt3-finnish"), _BLOOM_LIKE),
    "viking": PreTokenizer((_BLOOM, DIGIT)),
    "seed-coder": PreTokenizer(("|".join((_CONTRACTION, _WORD, r"\p{N}{1}", r" ?[^\s\p{L}\p{N}\r\n]+", _SPACES)),)),
    **dict.fromkeys(
        ("bailingmoe", "bailingmoe2", "llada-moe"),
        PreTokenizer(
            (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",)
        ),
    ),
    "minicpm5": PreTokenizer(
        (r"\p{N}{1,3}", "|".join((_CONTRACTION, _WORD, r"\p{N}+", _SYMBOLS, _SPACES))), ignore_merges=True
    ),
}
