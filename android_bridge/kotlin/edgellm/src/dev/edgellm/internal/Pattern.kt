package dev.edgellm.internal

import dev.edgellm.internal.Grammar.Choice
import dev.edgellm.internal.Grammar.Literal
import dev.edgellm.internal.Grammar.Node
import dev.edgellm.internal.Grammar.OneOf
import dev.edgellm.internal.Grammar.Repeat
import dev.edgellm.internal.Grammar.Sequence

/**
 * The texts that a regular expression allows, or null for one this does not know.
 *
 * It must be anchored at both ends (JSON Schema's patterns search). Known are printable ASCII characters but the quote and the
 * backslash, `\d`, escaped punctuation, classes such as `[A-Z0-9_-]`, groups, `|`, and `?`, `*`, `+`, `{n}`, `{n,m}` behind
 * something that is never empty.
 */
internal fun patternNode(pattern: String): Node? =
    try {
        if (pattern.startsWith("^") && pattern.endsWith("$")) PatternReader(pattern.substring(1, pattern.length - 1)).read() else null
    } catch (_: UnknownPattern) {
        null
    }

/** A format of JSON Schema as a pattern, RFC 3339; null for one this does not know. */
internal fun formatPattern(format: String): String? =
    when (format) {
        "date-time" -> "^${DATE}T$TIME$"
        "date" -> "^$DATE$"
        "time" -> "^$TIME$"
        "duration" -> "^P($COUNT(D|W)|(${COUNT}D)?T($COUNT(H|M|S)|${COUNT}H${COUNT}M|${COUNT}M${COUNT}S))$"
        else -> null
    }

private const val COUNT = "[1-9]\\d{0,3}"
private const val DATE = "\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])"
private const val TIME = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)"

private class UnknownPattern : Exception()

/** Reads an expression from left to right. */
private class PatternReader(private val text: String) {
    private var at = 0

    fun read(): Node = alternatives().node.also { if (at != text.length) throw UnknownPattern() }

    /** A node, and whether it takes the empty text. */
    private class Part(val node: Node, val empty: Boolean)

    private fun alternatives(): Part {
        val parts = ArrayList<Part>()
        do parts.add(sequence()) while (skip('|'))
        return Part(if (parts.size == 1) parts[0].node else Choice(parts.map { it.node }), parts.any { it.empty })
    }

    private fun sequence(): Part {
        val parts = ArrayList<Part>()
        while (at < text.length && text[at] != '|' && text[at] != ')') parts.add(repeated(single()))
        return Part(Sequence(parts.map { it.node }), parts.all { it.empty })
    }

    private fun single(): Part {
        val symbol = next()
        return when (symbol) {
            '(' -> alternatives().also { if (!skip(')')) throw UnknownPattern() }
            '[' -> Part(OneOf(members()), false)
            '\\' -> Part(OneOf(escaped()), false)
            in "^$.?*+{}]\"" -> throw UnknownPattern()
            else -> Part(Literal(plain(symbol).toChar().toString()), false)
        }
    }

    private fun repeated(part: Part): Part {
        val (least, most) =
            when {
                skip('?') -> 0 to 1
                skip('*') -> 0 to MOST
                skip('+') -> 1 to MOST
                skip('{') -> bounds()
                else -> return part
            }
        if (part.empty || most > MOST || least > most) throw UnknownPattern()
        return Part(Repeat(part.node, least, most), least == 0)
    }

    private fun bounds(): Pair<Int, Int> {
        val least = number()
        val most = if (skip(',')) number() else least
        if (!skip('}')) throw UnknownPattern()
        return least to most
    }

    private fun number(): Int {
        val start = at
        while (at < text.length && text[at] in '0'..'9') at++
        return text.substring(start, at).toIntOrNull() ?: throw UnknownPattern()
    }

    private fun members(): Set<Int> {
        val found = HashSet<Int>()
        while (!skip(']')) {
            val symbol = next()
            if (symbol == '^' || symbol == '[') throw UnknownPattern()
            if (symbol == '\\') {
                found.addAll(escaped())
                continue
            }
            val first = plain(symbol)
            val isRange = text.getOrNull(at) == '-' && text.getOrNull(at + 1) != ']'
            if (isRange) at++
            val last = if (isRange) plain(next()) else first
            found.addAll(first..last)
        }
        if (found.isEmpty() || '"'.code in found || '\\'.code in found) throw UnknownPattern()
        return found
    }

    private fun escaped(): Set<Int> {
        val symbol = next()
        if (symbol == 'd') return ('0'.code..'9'.code).toSet()
        if (symbol.isLetterOrDigit() || symbol == '\\' || symbol == '"') throw UnknownPattern()
        return setOf(plain(symbol))
    }

    private fun plain(symbol: Char): Int = symbol.code.takeIf { it in 0x20..0x7E } ?: throw UnknownPattern()

    private fun next(): Char = text.getOrNull(at++) ?: throw UnknownPattern()

    private fun skip(symbol: Char): Boolean = (text.getOrNull(at) == symbol).also { if (it) at++ }

    private companion object {
        const val MOST = 64
    }
}
