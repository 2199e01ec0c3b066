package dev.edgellm.internal

/**
 * Text whose hidden characters (controls, direction overrides, zero-width ones) are written out, as in `\u202e`: what a
 * person agrees to must be what is there. The same characters as Python's edge_llm/hidden.py; joiners within emoji stay.
 */
internal fun visible(text: String): String =
    buildString {
        var at = 0
        var before = 0
        while (at < text.length) {
            val code = text.codePointAt(at)
            val end = at + Character.charCount(code)
            val joins = code == JOINER && isEmoji(before) && end < text.length && isEmoji(text.codePointAt(end))
            if (isHidden(code) && !joins) append(escaped(code)) else appendCodePoint(code)
            before = code
            at = end
        }
    }

private const val JOINER = 0x200D
private const val VARIATION = 0xFE0F

private val HIDDEN =
    listOf(
        0x00..0x08, 0x0B..0x1F, 0x7F..0x9F, 0xAD..0xAD, 0x34F..0x34F, 0x61C..0x61C, 0x115F..0x1160, 0x17B4..0x17B5,
        0x180B..0x180F, 0x200B..0x200F, 0x2028..0x202E, 0x2060..0x206F, 0x3164..0x3164, 0xFEFF..0xFEFF, 0xFFA0..0xFFA0,
        0xFFF9..0xFFFB, 0xE0000..0xE0FFF,
    )

private fun isHidden(code: Int): Boolean = HIDDEN.any { code in it }

private fun isEmoji(code: Int): Boolean = code >= 0x1F000 || code in 0x2190..0x2BFF || code == VARIATION

private fun escaped(code: Int): String =
    when {
        code <= 0xFF -> "\\x%02x".format(code)
        code <= 0xFFFF -> "\\u%04x".format(code)
        else -> "\\U%08x".format(code)
    }
