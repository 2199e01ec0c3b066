package dev.edgellm.internal

/**
 * Text whose hidden characters (controls, direction overrides, zero-width ones) are written out, as in `\u202e`: what a
 * person agrees to must be what is there. The same characters as Python's edge_llm/hidden.py; joiners and
 * selectors within emoji stay.
 */
internal fun visible(text: String): String =
    buildString {
        var at = 0
        var before = 0
        while (at < text.length) {
            val code = text.codePointAt(at)
            val end = at + Character.charCount(code)
            val joins = code == JOINER && isEmoji(before) && end < text.length && isEmoji(text.codePointAt(end))
            if (isHidden(code) && !joins && !selects(code, before, text, end)) append(escaped(code)) else appendCodePoint(code)
            before = code
            at = end
        }
    }

private const val JOINER = 0x200D
private const val VARIATION = 0xFE0F
private const val TEXT_VARIATION = 0xFE0E
private const val KEYCAP = 0x20E3
private val EMOJI_BELOW = setOf(0xA9, 0xAE, 0x203C, 0x2049, 0x2122, 0x2139, 0x3030, 0x303D, 0x3297, 0x3299)

private val HIDDEN =
    listOf(
        0x00..0x08, 0x0B..0x1F, 0x7F..0x9F, 0xAD..0xAD, 0x34F..0x34F, 0x61C..0x61C, 0x115F..0x1160, 0x17B4..0x17B5,
        0x180B..0x180F, 0x200B..0x200F, 0x2028..0x202E, 0x2060..0x206F, 0x3164..0x3164, 0xFE00..0xFE0F, 0xFEFF..0xFEFF,
        0xFFA0..0xFFA0, 0xFFF0..0xFFFB, 0x1BCA0..0x1BCA3, 0x1D173..0x1D17A, 0xE0000..0xE0FFF,
    )

private fun isHidden(code: Int): Boolean = HIDDEN.any { code in it }

private fun isEmoji(code: Int): Boolean = code >= 0x1F000 || code in 0x2190..0x2BFF || code == VARIATION

/** Whether this is the one selector that says how the emoji or the keycap before it is drawn: more of them carry hidden text. */
private fun selects(code: Int, before: Int, text: String, end: Int): Boolean {
    if (code != VARIATION && code != TEXT_VARIATION) return false
    if (before.toChar() in "0123456789#*" && before < 0x80) return end < text.length && text.codePointAt(end) == KEYCAP
    return before in EMOJI_BELOW || (before != VARIATION && isEmoji(before))
}

private fun escaped(code: Int): String =
    when {
        code <= 0xFF -> "\\x%02x".format(code)
        code <= 0xFFFF -> "\\u%04x".format(code)
        else -> "\\U%08x".format(code)
    }
