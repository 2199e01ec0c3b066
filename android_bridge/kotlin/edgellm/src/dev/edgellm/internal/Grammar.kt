package dev.edgellm.internal

import dev.edgellm.EdgeLlmException

/**
 * The texts a JSON Schema allows, as an automaton over bytes: compact JSON, fields in the schema's order.
 *
 * Understands type, properties, required, enum, const, items, minItems, maxItems, minLength, maxLength, anchored patterns
 * ([patternNode]), the formats date-time, date, time and duration, and whole numbers between two bounds that are not far
 * apart; with or without `additionalProperties: false`. Annotations (description, title, default, examples) say nothing about
 * texts. Anything else is [EdgeLlmException.Unsupported]: a keyword that was passed over would allow what it forbids.
 */
internal class Grammar private constructor(private val root: Node) {
    /** The state before the first byte. */
    fun start(): State = State(close(root, null))

    /** What may follow some bytes. A state is never changed. */
    class State internal constructor(private val threads: List<Thread>) {
        /** The text may end here. */
        val complete: Boolean get() = threads.any { it.node === End }

        /** Nothing may follow: the text is complete and whole. */
        val final: Boolean get() = threads.isNotEmpty() && threads.all { it.node === End }

        /** The state after these bytes, or null where the schema does not allow them. */
        fun after(bytes: ByteArray): State? = bytes.fold<State?>(this) { state, byte -> state?.after(byte) }

        private fun after(byte: Byte): State? {
            val next = ArrayList<Thread>(threads.size)
            for (thread in threads) thread.node.step(byte.toInt() and 0xFF, thread.rest, next)
            return if (next.isEmpty()) null else State(next.distinct())
        }
    }

    /** One way of reading the bytes so far: what is expected now, and what comes after it. */
    internal data class Thread(val node: Node, val rest: Rest?)

    /** A list of nodes that are still to come. */
    internal data class Rest(val node: Node, val next: Rest?)

    /** Something a text may hold. */
    internal sealed interface Node {
        /** Adds what may follow [byte], when this node is expected and takes it. */
        fun step(byte: Int, rest: Rest?, into: MutableList<Thread>)
    }

    private data object End : Node {
        override fun step(byte: Int, rest: Rest?, into: MutableList<Thread>) = Unit
    }

    internal data class Literal(val text: String, val at: Int = 0) : Node {
        private val bytes = text.toByteArray()
        val size: Int get() = bytes.size

        override fun step(byte: Int, rest: Rest?, into: MutableList<Thread>) {
            if (bytes[at].toInt() and 0xFF != byte) return
            if (at + 1 < bytes.size) into.add(Thread(Literal(text, at + 1), rest)) else into.addAll(following(rest))
        }
    }

    internal data class Sequence(val nodes: List<Node>) : Node {
        override fun step(byte: Int, rest: Rest?, into: MutableList<Thread>) = error("a sequence is opened before it is read")
    }

    internal data class Choice(val nodes: List<Node>) : Node {
        override fun step(byte: Int, rest: Rest?, into: MutableList<Thread>) = error("a choice is opened before it is read")
    }

    /** One byte out of a set. */
    internal data class OneOf(val bytes: Set<Int>) : Node {
        override fun step(byte: Int, rest: Rest?, into: MutableList<Thread>) {
            if (byte in bytes) into.addAll(following(rest))
        }
    }

    /** [item], from [least] to [most] times; it takes at least a byte each time. */
    internal data class Repeat(val item: Node, val least: Int, val most: Int) : Node {
        override fun step(byte: Int, rest: Rest?, into: MutableList<Thread>) = error("a repetition is opened before it is read")
    }

    /**
     * Behind the opening quote of a string.
     *
     * @property room characters that may still come.
     * @property least characters that must still come.
     * @property escape 0 outside an escape, 1 behind the backslash, 2 to 5 before the last hexadecimal digits.
     * @property more bytes that the character under way still lacks.
     */
    private data class Inside(
        val room: Int,
        val least: Int,
        val escape: Int = 0,
        val more: Int = 0,
        val lowest: Int = 0x80,
        val highest: Int = 0xBF,
    ) : Node {
        override fun step(byte: Int, rest: Rest?, into: MutableList<Thread>) {
            when {
                more > 0 -> if (byte in lowest..highest) into.add(Thread(Inside(room, least, 0, more - 1), rest))
                escape == 1 -> afterBackslash(byte, rest, into)
                escape > 1 -> if (byte.toChar() in HEXADECIMAL) into.add(Thread(Inside(room, least, (escape + 1) % 6), rest))
                byte == '"'.code -> if (least <= 0) into.addAll(following(rest))
                room == 0 || byte < 0x20 -> Unit
                byte == '\\'.code -> into.add(Thread(taken(escape = 1), rest))
                else -> character(byte)?.let { into.add(Thread(it, rest)) }
            }
        }

        private fun afterBackslash(byte: Int, rest: Rest?, into: MutableList<Thread>) {
            if (byte == 'u'.code) into.add(Thread(Inside(room, least, 2), rest))
            if (byte.toChar() in "\"\\/bfnrt") into.add(Thread(Inside(room, least), rest))
        }

        /** What the first byte of a character leads to: well-formed UTF-8 only (Unicode table 3-7). */
        private fun character(byte: Int): Inside? =
            when (byte) {
                in 0x20..0x7F -> taken()
                in 0xC2..0xDF -> taken(more = 1)
                0xE0 -> taken(more = 2, lowest = 0xA0)
                0xED -> taken(more = 2, highest = 0x9F)
                in 0xE1..0xEF -> taken(more = 2)
                0xF0 -> taken(more = 3, lowest = 0x90)
                0xF4 -> taken(more = 3, highest = 0x8F)
                in 0xF1..0xF3 -> taken(more = 3)
                else -> null
            }

        private fun taken(escape: Int = 0, more: Int = 0, lowest: Int = 0x80, highest: Int = 0xBF) =
            Inside(room - 1, maxOf(least - 1, 0), escape, more, lowest, highest)
    }

    /** A number under way, RFC 8259 section 6; [part] names the last thing read. */
    private data class Number(val whole: Boolean, val part: Part = Part.START, val digits: Int = 0) : Node {
        enum class Part { START, MINUS, ZERO, INTEGER, POINT, FRACTION, EXPONENT, SIGN, POWER }

        val mayEnd: Boolean get() = part in setOf(Part.ZERO, Part.INTEGER, Part.FRACTION, Part.POWER)

        override fun step(byte: Int, rest: Rest?, into: MutableList<Thread>) {
            val next = next(byte.toChar())
            if (next != null && digits < MOST_DIGITS) into.addAll(close(Number(whole, next, digits + 1), rest))
        }

        private fun next(symbol: Char): Part? {
            val digit = symbol in '0'..'9'
            return when (part) {
                Part.START -> if (symbol == '-') Part.MINUS else leading(symbol)
                Part.MINUS -> leading(symbol)
                Part.ZERO -> afterInteger(symbol)
                Part.INTEGER -> if (digit) Part.INTEGER else afterInteger(symbol)
                Part.POINT -> if (digit) Part.FRACTION else null
                Part.FRACTION -> if (digit) Part.FRACTION else exponent(symbol)
                Part.EXPONENT -> if (digit) Part.POWER else if (symbol == '+' || symbol == '-') Part.SIGN else null
                Part.SIGN, Part.POWER -> if (digit) Part.POWER else null
            }
        }

        private fun leading(symbol: Char) = if (symbol == '0') Part.ZERO else if (symbol in '1'..'9') Part.INTEGER else null

        private fun afterInteger(symbol: Char) = if (whole) null else if (symbol == '.') Part.POINT else exponent(symbol)

        private fun exponent(symbol: Char) = if (!whole && (symbol == 'e' || symbol == 'E')) Part.EXPONENT else null
    }

    companion object {
        private const val MOST_DIGITS = 32
        private const val LONGEST_STRING = 256
        private const val USUAL_ITEMS = 16
        private const val MOST_ITEMS = 1000
        private const val WIDEST_RANGE = 1000
        private const val HEXADECIMAL = "0123456789abcdefABCDEF"
        private val ANNOTATIONS = setOf("description", "title", "default", "examples", "additionalProperties", "\$comment")

        /** The automaton of a schema. Throws [EdgeLlmException.Unsupported]. */
        fun of(schema: Map<*, *>): Grammar = Grammar(node(schema))

        /** The automaton of one of several named calls: `{"action":"ID","arguments":{...}}`. */
        fun ofCalls(parametersById: Map<String, Map<*, *>>): Grammar =
            Grammar(
                Choice(
                    parametersById.map { (id, schema) ->
                        Sequence(listOf(Literal("{\"action\":${quote(id)},\"arguments\":"), node(schema), Literal("}")))
                    },
                ),
            )

        private fun following(rest: Rest?): List<Thread> = if (rest == null) listOf(Thread(End, null)) else close(rest.node, rest.next)

        /** The nodes that read the next byte when [node] is expected: sequences and choices opened, optional ends taken. */
        private fun close(node: Node, rest: Rest?): List<Thread> =
            when (node) {
                is Sequence -> node.nodes.foldRight(rest) { part, tail -> Rest(part, tail) }.let(::following)
                is Choice -> node.nodes.flatMap { close(it, rest) }
                is Repeat -> once(node, rest) + if (node.least == 0) following(rest) else emptyList()
                is Literal -> if (node.size == 0) following(rest) else listOf(Thread(node, rest))
                is Number -> listOf(Thread(node, rest)) + if (node.mayEnd) following(rest) else emptyList()
                else -> listOf(Thread(node, rest))
            }

        /** The item that comes next in a repetition, with what is left of it behind. */
        private fun once(repeat: Repeat, rest: Rest?): List<Thread> {
            if (repeat.most == 0) return emptyList()
            return close(repeat.item, Rest(Repeat(repeat.item, maxOf(repeat.least - 1, 0), repeat.most - 1), rest))
        }

        private fun node(schema: Map<*, *>): Node {
            schema["const"]?.let { return Literal(write(it)) }
            (schema["enum"] as? List<*>)?.let { values ->
                only(schema, "enum", "type")
                return Choice(values.map { Literal(write(it)) })
            }
            return when (val type = schema["type"]) {
                "string" -> string(schema)
                "integer" -> whole(schema)
                "number" -> Number(whole = false).also { only(schema, "type") }
                "boolean" -> Choice(listOf(Literal("true"), Literal("false"))).also { only(schema, "type") }
                "null" -> Literal("null").also { only(schema, "type") }
                "array" -> array(schema)
                "object" -> fields(schema)
                else -> unsupported("the type $type")
            }
        }

        private fun string(schema: Map<*, *>): Node {
            val quote = Literal("\"")
            val format = schema["format"] as? String
            val pattern = if (format == null) schema["pattern"] as? String else formatPattern(format) ?: unsupported("the format $format")
            if (pattern != null) {
                only(schema, "type", if (format == null) "pattern" else "format")
                return Sequence(listOf(quote, patternNode(pattern) ?: unsupported("the pattern $pattern"), quote))
            }
            only(schema, "type", "minLength", "maxLength")
            val least = (schema["minLength"] as? Long)?.toInt() ?: 0
            val most = (schema["maxLength"] as? Long)?.toInt() ?: maxOf(LONGEST_STRING, least)
            if (least > most) unsupported("a string of $least to $most characters")
            return Sequence(listOf(quote, Inside(most, least)))
        }

        private fun whole(schema: Map<*, *>): Node {
            only(schema, "type", "minimum", "maximum")
            val least = schema["minimum"] as? Long
            val most = schema["maximum"] as? Long
            if (least == null && most == null) return Number(whole = true)
            if (least == null || most == null || most < least || most - least > WIDEST_RANGE) {
                unsupported("a whole number from $least to $most")
            }
            return Choice((least..most).map { Literal(it.toString()) })
        }

        private fun array(schema: Map<*, *>): Node {
            only(schema, "type", "items", "minItems", "maxItems")
            val item = node(schema["items"] as? Map<*, *> ?: unsupported("an array without items"))
            val least = (schema["minItems"] as? Long)?.toInt() ?: 0
            val most = (schema["maxItems"] as? Long)?.toInt() ?: maxOf(USUAL_ITEMS, least)
            if (most > MOST_ITEMS || least > most) unsupported("an array of $least to $most items")
            val further = Repeat(Sequence(listOf(Literal(","), item)), maxOf(least - 1, 0), most - 1)
            val some = if (most > 0) listOf(Sequence(listOf(item, further))) else emptyList()
            val none = if (least == 0) listOf(Literal("")) else emptyList()
            return Sequence(listOf(Literal("["), Choice(some + none), Literal("]")))
        }

        private fun fields(schema: Map<*, *>): Node {
            only(schema, "type", "properties", "required")
            if (schema["additionalProperties"] == true) unsupported("additional properties")
            val properties = (schema["properties"] as? Map<*, *>).orEmpty()
            val required = (schema["required"] as? List<*>).orEmpty().toSet()
            val entries =
                properties.map { (name, value) ->
                    val field = node(value as? Map<*, *> ?: unsupported("a property that is no schema"))
                    Triple(quote(name.toString()), field, name in required)
                }
            return Sequence(listOf(Literal("{"), afterBrace(entries)))
        }

        /** The fields in order, those that are not required perhaps left out, and the closing brace. */
        private fun afterBrace(entries: List<Triple<String, Node, Boolean>>): Node {
            var asFirst: Node = Literal("}") // what may come from here on when no field was written yet
            var asLater: Node = Literal("}")
            for ((name, value, required) in entries.asReversed()) {
                val first = Sequence(listOf(Literal("$name:"), value, asLater))
                val later = Sequence(listOf(Literal(",$name:"), value, asLater))
                asFirst = if (required) first else Choice(listOf(first, asFirst))
                asLater = if (required) later else Choice(listOf(later, asLater))
            }
            return asFirst
        }

        private fun only(schema: Map<*, *>, vararg known: String) {
            val unknown = schema.keys - known.toSet() - ANNOTATIONS
            if (unknown.isNotEmpty()) unsupported("the keyword '${unknown.first()}'")
        }

        private fun unsupported(what: String): Nothing =
            throw EdgeLlmException.Unsupported("An action's parameters use $what, which this library cannot keep a model to.")
    }
}

/** Compact JSON of a plain value. */
internal fun write(value: Any?): String =
    when (value) {
        is String -> quote(value)
        is Map<*, *> -> value.entries.joinToString(",", "{", "}") { (name, item) -> "${quote(name.toString())}:${write(item)}" }
        is List<*> -> value.joinToString(",", "[", "]") { write(it) }
        else -> value.toString()
    }

private fun quote(text: String): String {
    val written = StringBuilder("\"")
    for (character in text) {
        when {
            character == '"' || character == '\\' -> written.append('\\').append(character)
            character < ' ' -> written.append("\\u%04x".format(character.code))
            else -> written.append(character)
        }
    }
    return written.append('"').toString()
}
