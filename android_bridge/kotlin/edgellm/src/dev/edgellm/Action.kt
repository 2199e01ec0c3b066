package dev.edgellm

import dev.edgellm.internal.JsonException
import dev.edgellm.internal.JsonObject
import dev.edgellm.internal.write

/** Languages that action manifests are written in. */
enum class Language { EN, ZH }

/** What an action may touch: nothing, this device, another person, or money. */
enum class Effect { READ, LOCAL, MESSAGE, PURCHASE }

/**
 * Something the app lets the model propose: an entry of the manifest's `actions`.
 *
 * @property id such as `sms.send`.
 * @property outward it reaches beyond this device, so a person must agree each time.
 */
class Action internal constructor(
    val id: String,
    val effect: Effect,
    private val name: Map<Language, String>,
    private val description: Map<Language, String>,
    private val preview: Map<Language, String>,
    internal val parameters: Map<*, *>,
    private val intents: List<IntentTemplate>,
) {
    val outward: Boolean get() = effect == Effect.MESSAGE || effect == Effect.PURCHASE

    /** What it is called. */
    fun name(language: Language): String = name.getValue(language)

    /** What it does, in a sentence. */
    fun description(language: Language): String = description.getValue(language)

    internal fun previewOf(arguments: Map<String, Any?>, language: Language): String {
        val template = preview.getValue(language)
        if (template.isEmpty()) return arguments.entries.joinToString("\n", "${name(language)}\n") { "${it.key}: ${shown(it.value)}" }
        return fill(template, arguments) { it }
    }

    internal fun intentsOf(arguments: Map<String, Any?>): List<IntentSpec> = intents.map { it.fill(arguments) }

    override fun toString(): String = "Action($id)"
}

/**
 * An action with its arguments, as the model proposed it. Carrying it out is the app's work, once the person agreed.
 *
 * @property arguments plain values by name: String, Long, Double, Boolean, List, Map or null.
 */
class ActionCall internal constructor(val action: Action, val arguments: Map<String, Any?>) {
    /** The arguments as compact JSON. */
    val json: String get() = write(arguments)

    /** What the person is asked to agree to: every argument is in it, with control and direction characters made visible. */
    fun preview(language: Language): String {
        val text = action.previewOf(arguments, language)
        val untold = arguments.filterValues { shown(it) !in text }
        val rest = untold.entries.joinToString("") { "\n${it.key}: ${shown(it.value)}" }
        return visible(text + rest)
    }

    /** The intents that carry it out, the preferred one first; empty for an action that Android has none for. */
    fun intents(): List<IntentSpec> = action.intentsOf(arguments)

    override fun equals(other: Any?): Boolean = other is ActionCall && other.action.id == action.id && other.arguments == arguments

    override fun hashCode(): Int = 31 * action.id.hashCode() + arguments.hashCode()

    override fun toString(): String = "ActionCall(${action.id}, $json)"
}

/**
 * An Android intent as data: what `Intent(action, Uri.parse(data))` with these extras is.
 *
 * @property packageName the package that must answer; null lets the person choose.
 */
data class IntentSpec(val action: String, val data: String?, val extras: Map<String, String>, val packageName: String?)

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

private fun shown(value: Any?): String = if (value == null) "" else value as? String ?: write(value)

/** Percent-encodes everything but RFC 3986's unreserved characters, so that a value can end no part of a URI. */
internal fun escapeUri(text: String): String {
    val written = StringBuilder()
    for (byte in text.toByteArray()) {
        val symbol = byte.toInt().toChar()
        if (byte > 0 && (symbol.isLetterOrDigit() || symbol in "-._~")) written.append(symbol) else written.append("%%%02X".format(byte))
    }
    return written.toString()
}

/** Control, direction and zero-width characters as their code points: what a person agrees to must be what is there. */
internal fun visible(text: String): String =
    buildString {
        var at = 0
        while (at < text.length) {
            val code = text.codePointAt(at)
            if (isHidden(code)) append("<U+%04X>".format(code)) else appendCodePoint(code)
            at += Character.charCount(code)
        }
    }

private fun isHidden(code: Int): Boolean =
    when (Character.getType(code).toByte()) {
        Character.CONTROL -> code != '\n'.code
        Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE, Character.PRIVATE_USE -> true
        else -> false
    }

/** The actions of a phone manifest. Throws [JsonException]. */
internal fun parseActions(documents: List<Map<*, *>>): List<Action> = documents.map { parseAction(JsonObject(it, "action")) }

private fun parseAction(document: JsonObject): Action {
    val slots = document.nested("slots")
    val names = slots.names()
    val effect = document.text("effect")
    return Action(
        id = document.text("id"),
        effect = Effect.entries.firstOrNull { it.name.lowercase() == effect } ?: throw JsonException("the effect '$effect' is unknown"),
        name = bothLanguages(document.nested("name")),
        description = bothLanguages(document.nested("description")),
        preview = bothLanguages(document.nested("preview")),
        parameters =
            mapOf(
                "type" to "object",
                "properties" to names.associateWith { slots.nested(it).map("schema") },
                "required" to names.filter { slots.nested(it).flagOr("required", true) },
            ),
        intents =
            document.list("carriers").map { JsonObject(it as? Map<*, *> ?: throw JsonException("a carrier is not an object"), "carrier") }
                .filter { it.text("kind") == "intent" }
                .map { parseIntent(it) },
    )
}

private fun parseIntent(carrier: JsonObject): IntentTemplate =
    IntentTemplate(
        carrier.text("target"),
        carrier.textOrNull("data"),
        carrier.nestedOrNull("extras")?.let { extras -> extras.names().associateWith { extras.text(it) } }.orEmpty(),
        carrier.textOrNull("package"),
    )

private fun bothLanguages(text: JsonObject): Map<Language, String> =
    mapOf(Language.EN to text.text("en"), Language.ZH to text.text("zh"))
