package dev.edgellm.internal

/**
 * JSON as strictly as RFC 8259 has it, into plain values: Map, List, String, Long or Double, Boolean, null.
 *
 * Android has a JSON reader and the JVM has another; this one is the same on both, bounded in depth, and refuses what it
 * does not know instead of guessing.
 */
internal class JsonReader(private val text: String) {
    private var at = 0

    /** The one value of the text. Throws [JsonException] for anything else. */
    fun read(): Any? {
        val value = value(0)
        skipSpace()
        if (at != text.length) fail("text after the end")
        return value
    }

    private fun value(depth: Int): Any? {
        if (depth > MAX_DEPTH) fail("nested more than $MAX_DEPTH deep")
        skipSpace()
        return when (peek()) {
            '{' -> members(depth)
            '[' -> elements(depth)
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> number()
        }
    }

    private fun members(depth: Int): Map<String, Any?> {
        val found = LinkedHashMap<String, Any?>()
        at++
        skipSpace()
        if (peek() == '}') return found.also { at++ }
        while (true) {
            skipSpace()
            if (peek() != '"') fail("a name was expected")
            val name = string()
            skipSpace()
            expect(':')
            if (found.put(name, value(depth + 1)) != null) fail("'$name' is there twice")
            skipSpace()
            if (peek() == '}') return found.also { at++ }
            expect(',')
        }
    }

    private fun elements(depth: Int): List<Any?> {
        val found = ArrayList<Any?>()
        at++
        skipSpace()
        if (peek() == ']') return found.also { at++ }
        while (true) {
            found.add(value(depth + 1))
            skipSpace()
            if (peek() == ']') return found.also { at++ }
            expect(',')
        }
    }

    private fun string(): String {
        at++
        val plainEnd = plainEnd(at)
        if (text.getOrNull(plainEnd) == '"') return text.substring(at, plainEnd).also { at = plainEnd + 1 }
        val built = StringBuilder(text.length.coerceAtMost(64))
        while (true) {
            val end = plainEnd(at)
            built.append(text, at, end)
            at = end
            when (peek()) {
                '"' -> return built.toString().also { at++ }
                '\\' -> built.append(escaped())
                else -> fail("a control character in a string")
            }
        }
    }

    private fun plainEnd(start: Int): Int {
        var end = start
        while (end < text.length && text[end] != '"' && text[end] != '\\' && text[end] >= ' ') end++
        return end
    }

    private fun escaped(): Char {
        at++
        val found = peek()
        at++
        return when (found) {
            '"', '\\', '/' -> found
            'b' -> '\b'
            'f' -> '\u000C'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> {
                if (at + 4 > text.length) fail("half an escape")
                val code = text.substring(at, at + 4).toIntOrNull(16) ?: fail("no hexadecimal escape")
                at += 4
                code.toChar()
            }
            else -> fail("an unknown escape")
        }
    }

    private fun number(): Any {
        val match = NUMBER.matchAt(text, at) ?: fail("a value was expected")
        at = match.range.last + 1
        return if (match.groupValues[1].isEmpty()) match.value.toLongOrNull() ?: match.value.toDouble() else match.value.toDouble()
    }

    private fun <T> word(word: String, value: T): T {
        if (!text.startsWith(word, at)) fail("a value was expected")
        at += word.length
        return value
    }

    private fun skipSpace() {
        while (at < text.length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) at++
    }

    private fun peek(): Char = if (at < text.length) text[at] else fail("the text ends too early")

    private fun expect(wanted: Char) {
        if (peek() != wanted) fail("'$wanted' was expected")
        at++
    }

    private fun fail(fact: String): Nothing = throw JsonException("$fact (character $at)")

    private companion object {
        const val MAX_DEPTH = 64
        val NUMBER = Regex("-?(?:0|[1-9][0-9]*)((?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
    }
}

/** The text is not the JSON that was expected; says the fact and the place. */
internal class JsonException(message: String) : Exception(message)

/** A JSON object whose fields are asked for by name and type; an absent or differently typed one is a [JsonException]. */
internal class JsonObject(private val fields: Map<*, *>, private val place: String) {
    fun names(): Set<String> = fields.keys.map { it.toString() }.toSet()

    fun text(name: String): String = fields[name] as? String ?: wrong(name, "text")

    fun textOrNull(name: String): String? = if (fields[name] == null) null else text(name)

    fun count(name: String): Long = (fields[name] as? Long)?.takeIf { it >= 0 } ?: wrong(name, "a number")

    fun int(name: String): Int = count(name).takeIf { it <= Int.MAX_VALUE }?.toInt() ?: wrong(name, "a number below 2^31")

    fun intOrNull(name: String): Int? = if (fields[name] == null) null else int(name)

    fun real(name: String): Double =
        when (val value = fields[name]) {
            is Double -> value
            is Long -> value.toDouble()
            else -> wrong(name, "a number")
        }

    fun flag(name: String): Boolean = fields[name] as? Boolean ?: wrong(name, "true or false")

    fun flagOr(name: String, absent: Boolean): Boolean = if (fields[name] == null) absent else flag(name)

    fun nested(name: String): JsonObject = JsonObject(fields[name] as? Map<*, *> ?: wrong(name, "an object"), "$place.$name")

    fun nestedOrNull(name: String): JsonObject? = if (fields[name] == null) null else nested(name)

    fun list(name: String): List<Any?> = fields[name] as? List<*> ?: wrong(name, "a list")

    fun ints(name: String): List<Int> =
        list(name).map { (it as? Long)?.takeIf { value -> value in 0..Int.MAX_VALUE }?.toInt() ?: wrong(name, "numbers") }

    fun map(name: String): Map<*, *> = fields[name] as? Map<*, *> ?: wrong(name, "an object")

    /** Refuses fields this version does not know: reading past them could misread the file. */
    fun onlyKnows(vararg known: String) {
        val unknown = names() - known.toSet()
        if (unknown.isNotEmpty()) throw JsonException("$place has the unknown field '${unknown.first()}'")
    }

    private fun wrong(name: String, wanted: String): Nothing = throw JsonException("$place.$name is missing or not $wanted")
}

/** The object a text holds. Throws [JsonException]. */
internal fun parseJsonObject(text: String, place: String): JsonObject =
    JsonObject(JsonReader(text).read() as? Map<*, *> ?: throw JsonException("$place is not an object"), place)
