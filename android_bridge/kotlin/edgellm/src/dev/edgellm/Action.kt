package dev.edgellm

import dev.edgellm.internal.IntentTemplate
import dev.edgellm.internal.fill
import dev.edgellm.internal.shown
import dev.edgellm.internal.visible
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
    /** Names of its arguments, in order. */
    internal val slots: List<String> get() = (parameters["properties"] as? Map<*, *>).orEmpty().keys.map { it.toString() }

    val outward: Boolean get() = effect == Effect.MESSAGE || effect == Effect.PURCHASE

    /** What it is called. */
    fun name(language: Language): String = name.getValue(language)

    /** What it does, in a sentence. */
    fun description(language: Language): String = description.getValue(language)

    internal fun previewOf(arguments: Map<String, Any?>, language: Language): String {
        val template = preview.getValue(language)
        val text = if (template.isEmpty()) name(language) else fill(template, arguments) { it }
        val untold = arguments.filterValues { shown(it) !in text }
        return visible(text + untold.entries.joinToString("") { "\n${it.key}: ${shown(it.value)}" })
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
    fun preview(language: Language): String = action.previewOf(arguments, language)

    /** The intents that carry it out, the preferred one first; empty for an action that Android has none for. */
    fun intents(): List<IntentSpec> = action.intentsOf(arguments)

    override fun equals(other: Any?): Boolean = other is ActionCall && other.action.id == action.id && other.arguments == arguments

    override fun hashCode(): Int = 31 * action.id.hashCode() + arguments.hashCode()

    override fun toString(): String = "ActionCall(${action.id}, $json)"
}

/**
 * An Android intent as data: what `Intent(action, Uri.parse(data))` with these extras is.
 *
 * @property extras by name: a String, an Int, or a Long.
 * @property packageName the package that must answer; null lets the person choose.
 * @property type the MIME type of what it hands over, where it has no data.
 */
data class IntentSpec(
    val action: String,
    val data: String?,
    val extras: Map<String, Any>,
    val packageName: String?,
    val type: String? = null,
)
