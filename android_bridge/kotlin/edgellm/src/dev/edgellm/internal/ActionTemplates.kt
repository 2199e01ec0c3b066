package dev.edgellm.internal

import dev.edgellm.IntentSpec

/** An intent with `{slot}` in its parts. */
internal class IntentTemplate(
    private val action: String,
    private val data: String?,
    private val extras: Map<String, String>,
    private val packageName: String?,
    private val type: String? = null,
) {
    fun fill(arguments: Map<String, Any?>): IntentSpec =
        IntentSpec(
            action,
            data?.let { fill(it, arguments, ::escapeUri) },
            extras.mapValues { (_, template) -> extra(template, arguments) }.filterValues { it != "" },
            packageName,
            type,
        )
}

/** A template that is one part and nothing else keeps that part's type. */
private fun extra(template: String, arguments: Map<String, Any?>): Any {
    val only = PLACE.matchEntire(template)
    if (only != null && only.groupValues[2].isNotEmpty()) return part(arguments[only.groupValues[1]], only.groupValues[2]) ?: ""
    return fill(template, arguments) { it }
}

/** `{slot}` replaced by its value's text, `{slot.part}` by that part's, `{{` and `}}` by a brace; what has no value is empty. */
internal fun fill(template: String, arguments: Map<String, Any?>, escape: (String) -> String): String =
    PLACE.replace(template) { match ->
        when (match.value) {
            "{{" -> "{"
            "}}" -> "}"
            else -> {
                val (_, slot, piece) = match.groupValues
                escape(shown(if (piece.isEmpty()) arguments[slot] else part(arguments[slot], piece)))
            }
        }
    }

private val PLACE = Regex("\\{\\{|\\}\\}|\\{([A-Za-z_][A-Za-z0-9_]*)(?:\\.([a-z]+))?\\}")

internal fun shown(value: Any?): String = if (value == null) "" else value as? String ?: write(value)

/** Percent-encodes everything but RFC 3986's unreserved characters, so that a value can end no part of a URI. */
internal fun escapeUri(text: String): String {
    val written = StringBuilder()
    for (byte in text.toByteArray()) {
        val symbol = byte.toInt().toChar()
        if (byte > 0 && (symbol.isLetterOrDigit() || symbol in "-._~")) written.append(symbol) else written.append("%%%02X".format(byte))
    }
    return written.toString()
}
