"""Text that is hard on a tokenizer: seeded lines of several scripts, code, odd spaces, emoji and spelled control tokens."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

_WORDS = (
    "the The and of don't we'll I'M it's naïve café straße Ωμέγα привет İstanbul été x_y foo::bar 3.14 2026-11-24 1,000,000"
)
_CHINESE = "我明天下午三点去机场接妈妈记得带上充电器和护照她坐的是国航班机落地后先给爸爸打电话"
_OTHER = "こんにちは、世界。カタカナ한국어도있어요שלום مرحبا नमस्ते ไทย"
_CODE = (
    "def f(x):\n\treturn x**2  # squared",
    "for (int i=0;i<n;++i){a[i]+=b[i];}",
    "<a href='x'>y&amp;z</a>",
    "SELECT * FROM t WHERE a>=1;",
)
_EMOJI = ("🙂", "👩‍👩‍👧‍👦", "🇯🇵", "👍🏽", "❤️", "🏴‍☠️", "e\u0301", "\ufb01")
_SPACES = (" ", "  ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2009", "\u200b", " \n ", "\n\n\n", "\x0b", "\x85")
_PUNCTUATION = (
    "...",
    "!?",
    "—",
    "“quoted”",
    "(a)",
    "[b]",
    "{c}",
    "#1",
    "@you",
    "$5.00",
    "50%",
    "'s",
    "''",
    "'LL",
    "\\n",
    "~",
    "`x`",
)


def hard_lines(count: int, *, special: Sequence[str] = (), seed: int = 0) -> Iterator[str]:
    """`count` lines (some hold line breaks of their own).

    Args:
        special: spellings of control tokens, to be mixed in.
    """
    generator = random.Random(seed)
    words = _WORDS.split()
    makers = (
        lambda: generator.choice(words),
        lambda: "".join(generator.choices(_CHINESE, k=generator.randint(1, 6))),
        lambda: "".join(generator.choices(_OTHER, k=generator.randint(1, 5))),
        lambda: generator.choice(_CODE),
        lambda: generator.choice(_EMOJI),
        lambda: generator.choice(_SPACES),
        lambda: generator.choice(_PUNCTUATION),
        lambda: str(generator.randrange(10 ** generator.randint(1, 12))),
        lambda: chr(
            generator.choice(
                (generator.randrange(0x20, 0x7F), generator.randrange(0xA0, 0xD800), generator.randrange(0x1F300, 0x1FAFF))
            )
        ),
        lambda: generator.choice(special) if special else " ",
    )
    weights = (30, 14, 4, 1, 4, 18, 10, 6, 8, 3)
    for _ in range(count):
        yield "".join(
            maker() + generator.choice(("", " ")) for maker in generator.choices(makers, weights, k=generator.randint(1, 24))
        )
