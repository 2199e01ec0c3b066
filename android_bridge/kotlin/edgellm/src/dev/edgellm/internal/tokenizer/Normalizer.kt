package dev.edgellm.internal.tokenizer

import dev.edgellm.internal.JsonException
import dev.edgellm.internal.JsonObject
import java.text.Normalizer.Form

/** What is done to a text before it is split. */
internal fun interface Normalizer {
    fun normalize(text: String): String
}

/** The normalizer that a tokenizer.json describes. Throws [UnknownPartException]. */
internal fun parseNormalizer(part: JsonObject?): Normalizer {
    if (part == null) return Normalizer { it }
    return when (val type = part.text("type")) {
        "Sequence" -> {
            val steps = part.list("normalizers").map { parseNormalizer(step(it)) }
            Normalizer { text -> steps.fold(text) { value, step -> step.normalize(value) } }
        }
        "NFC" -> unicode(Form.NFC)
        "NFKC" -> unicode(Form.NFKC)
        "Lowercase" -> Normalizer { it.lowercase() }
        "Prepend" -> {
            val prefix = part.text("prepend")
            Normalizer { if (it.isEmpty()) it else prefix + it }
        }
        "Replace" -> {
            val pattern = parsePattern(part.nested("pattern"))
            val content = part.text("content")
            Normalizer { text -> pattern.replace(text, Regex.escapeReplacement(content)) }
        }
        else -> throw UnknownPartException("the normalizer $type")
    }
}

/** `{"String": ...}` or `{"Regex": ...}` as a pattern of this platform's. */
internal fun parsePattern(part: JsonObject): Regex {
    part.textOrNull("String")?.let { return Regex(Regex.escape(it)) }
    return compilePattern(part.text("Regex"))
}

internal fun step(value: Any?): JsonObject = JsonObject(value as? Map<*, *> ?: throw JsonException("a step is not an object"), "step")

private fun unicode(form: Form) = Normalizer { java.text.Normalizer.normalize(it, form) }
