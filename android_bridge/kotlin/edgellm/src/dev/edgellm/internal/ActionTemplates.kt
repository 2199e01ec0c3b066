package dev.edgellm.internal

import dev.edgellm.IntentSpec

/** An intent with `{slot}` in its parts. */
internal class IntentTemplate(
    private val action: String,
    private val data: String?,
    private val extras: Map<String, String>,
    private val packageName: String?,
) {
    fun fill(arguments: Map<String, Any?>): IntentSpec =
        IntentSpec(
            action,
            data?.let { fill(it, arguments, ::escapeUri) },
            extras.mapValues { (_, template) -> fill(template, arguments) { it } }.filterValues { it.isNotEmpty() },
            packageName,
        )
}

/** `{slot}` replaced by its value's text, `{{` and `}}` by a brace; a slot without a value is empty. */
internal fun fill(template: String, arguments: Map<String, Any?>, escape: (String) -> String): String =
    PLACE.replace(template) { match ->
        when (match.value) {
            "{{" -> "{"
            "}}" -> "}"
            else -> escape(shown(arguments[match.groupValues[1]]))
        }
    }

private val PLACE = Regex("\\{\\{|\\}\\}|\\{([A-Za-z_][A-Za-z0-9_]*)\\}")

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
