package dev.edgellm.internal.tokenizer

import dev.edgellm.internal.JsonObject

/** Cuts a normalized text into the words that the model works on one by one. */
internal fun interface PreTokenizer {
    /** @param first the text is the first of what is being encoded: no token stands before it. */
    fun split(text: String, first: Boolean): List<String>
}

/** The pre-tokenizer that a tokenizer.json describes. Throws [UnknownPartException]. */
internal fun parsePreTokenizer(part: JsonObject?): PreTokenizer {
    if (part == null) return PreTokenizer { text, _ -> if (text.isEmpty()) emptyList() else listOf(text) }
    return when (val type = part.text("type")) {
        "Sequence" -> sequence(part.list("pretokenizers").map { parsePreTokenizer(step(it)) })
        "Split" -> splitting(parsePattern(part.nested("pattern")), part.text("behavior"), part.flagOr("invert", false))
        "Digits" -> digits(part.flag("individual_digits"))
        "ByteLevel" -> byteLevel(part.flag("add_prefix_space"), part.flagOr("use_regex", true))
        "Metaspace" -> metaspace(part)
        else -> throw UnknownPartException("the pre-tokenizer $type")
    }
}

/** GPT-2's own pattern (openai/gpt-2, encoder.py), which the library uses where a file asks for a regex and names none. */
private const val GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/**
 * A pattern of Rust's or Oniguruma's dialect as Java's. White space is Unicode's in those; Java's `\s` is ASCII's, so it is
 * spelled out (White_Space of Unicode 15; UNICODE_CHARACTER_CLASS does the same on the JVM but is always on, and not a flag,
 * on Android).
 */
internal fun compilePattern(pattern: String): Regex {
    val translated = StringBuilder(pattern.length)
    var at = 0
    var inClass = false
    while (at < pattern.length) {
        val symbol = pattern[at]
        val next = pattern.getOrNull(at + 1)
        when {
            symbol == '\\' && next == 's' -> translated.append(if (inClass) SPACE else "[$SPACE]")
            symbol == '\\' && next == 'S' -> translated.append("[^$SPACE]")
            symbol == '\\' && next != null -> translated.append(symbol).append(next)
            else -> translated.append(symbol)
        }
        if (symbol == '\\') {
            at += 2
        } else {
            if (symbol == '[') inClass = true
            if (symbol == ']') inClass = false
            at++
        }
    }
    return Regex(translated.toString())
}

private const val SPACE = "\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"

private fun sequence(steps: List<PreTokenizer>) =
    PreTokenizer { text, first ->
        steps.fold(if (text.isEmpty()) emptyList() else listOf(text)) { words, step ->
            words.flatMapIndexed { index, word -> step.split(word, first && index == 0) }
        }
    }

private fun splitting(pattern: Regex, behavior: String, invert: Boolean): PreTokenizer {
    if (behavior !in setOf("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")) {
        throw UnknownPartException("the split behaviour $behavior")
    }
    return PreTokenizer { text, _ -> cut(text, pattern, behavior, invert) }
}

private fun cut(text: String, pattern: Regex, behavior: String, invert: Boolean): List<String> {
    val parts = ArrayList<Pair<String, Boolean>>() // the text and whether it is a delimiter
    var start = 0
    for (match in pattern.findAll(text)) {
        if (match.value.isEmpty()) continue
        if (match.range.first > start) parts.add(text.substring(start, match.range.first) to invert)
        parts.add(match.value to !invert)
        start = match.range.last + 1
    }
    if (start < text.length) parts.add(text.substring(start) to invert)
    return when (behavior) {
        "Removed" -> parts.filter { !it.second }.map { it.first }
        "MergedWithPrevious" -> merge(parts) { before, part -> part.second && !before.second }
        "MergedWithNext" -> merge(parts) { before, part -> before.second && !part.second }
        "Contiguous" -> merge(parts) { before, part -> before.second == part.second }
        else -> parts.map { it.first }
    }
}

private fun merge(
    parts: List<Pair<String, Boolean>>,
    joins: (Pair<String, Boolean>, Pair<String, Boolean>) -> Boolean,
): List<String> {
    val words = ArrayList<String>()
    var before: Pair<String, Boolean>? = null
    for (part in parts) {
        if (before != null && joins(before, part)) words[words.lastIndex] += part.first else words.add(part.first)
        before = part
    }
    return words
}

private fun digits(individual: Boolean): PreTokenizer {
    val pattern = Regex(if (individual) "\\p{N}" else "\\p{N}+")
    return PreTokenizer { text, _ -> cut(text, pattern, "Isolated", invert = false) }
}

private fun byteLevel(prefixSpace: Boolean, useRegex: Boolean): PreTokenizer {
    val pattern = compilePattern(GPT2)
    return PreTokenizer { text, _ ->
        val spaced = if (prefixSpace && text.isNotEmpty() && !text.startsWith(' ')) " $text" else text
        val words = if (useRegex) cut(spaced, pattern, "Isolated", invert = false) else listOf(spaced)
        words.filter { it.isNotEmpty() }.map(ByteAlphabet::write)
    }
}

private fun metaspace(part: JsonObject): PreTokenizer {
    val mark = part.text("replacement")
    val scheme = part.textOrNull("prepend_scheme") ?: if (part.flagOr("add_prefix_space", true)) "always" else "never"
    val split = part.flagOr("split", true)
    if (scheme !in setOf("always", "never", "first")) throw UnknownPartException("the prepend scheme $scheme")
    return PreTokenizer { text, first ->
        val marked = text.replace(" ", mark)
        val wanted = scheme == "always" || (scheme == "first" && first)
        val prefixed = if (wanted && !marked.startsWith(mark)) mark + marked else marked
        if (split) cut(prefixed, Regex(Regex.escape(mark)), "MergedWithNext", invert = false) else listOf(prefixed)
    }
}

/** GPT-2's printable character for each byte: Latin-1's visible ones stand for themselves, the others follow from U+0100. */
internal object ByteAlphabet {
    private val characters = CharArray(256)
    private val bytes = HashMap<Char, Byte>()

    init {
        var hidden = 0
        for (byte in 0..255) {
            val visible = byte in 0x21..0x7E || byte in 0xA1..0xAC || byte in 0xAE..0xFF
            val character = if (visible) byte.toChar() else (0x100 + hidden++).toChar()
            characters[byte] = character
            bytes[character] = byte.toByte()
        }
    }

    fun write(text: String): String {
        val encoded = text.toByteArray()
        return String(CharArray(encoded.size) { characters[encoded[it].toInt() and 0xFF] })
    }

    /** The bytes a piece spells, or null when it holds something else than bytes. */
    fun read(piece: String): ByteArray? {
        val read = ByteArray(piece.length)
        for ((index, character) in piece.withIndex()) read[index] = bytes[character] ?: return null
        return read
    }
}
