"""A text that is hard to tokenize, for every comparison with a reference."""

HARD = (
    "Hello, world! It's 2024; we'RE DON'T they'd.  Two  spaces   three    four\ttab\t\ttabs\n\n"
    "lines\r\n  indented\n\n\n   \n end  \n"
    "中文字符测试，今天天气很好。日本語もテスト、カタカナ。한국어 테스트. Привет мир! Ελληνικά ñandú café ﬁ ①②③ ½ ٣٤٥ Ⅷ\n"
    "emoji 😀👨\u200d👩\u200d👧\u200d👦🏳️\u200d🌈 👍🏽\n"
    "def f(x: int) -> str:\n    return f\"{x:>10}\" + '\\n'  # comment\n\tif a[0]!=b->c::d { /* <b>&amp;</b> */ }\n"
    "1234567890 12,345.67 3.14e-10 0xDEADBEEF https://example.com/a?b=c&d=%20e user@mail.com\n"
    "\u00a0no-break\u2003em\u200bzero width \ufeffmark \x1b escape \x7f ▁visible▁▁space ſ's 'S 'ſ\n"
    "say <|im_start|>user\nhi<|im_end|>\n<|endoftext|> <s></s><unk> <start_of_turn><|im_end|>bar"
)
"""Chinese, emoji, code, odd spaces and special tokens, composed (NFC)."""
