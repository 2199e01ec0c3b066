package dev.edgellm.internal

import dev.edgellm.Action
import dev.edgellm.Effect
import dev.edgellm.Language

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
        carrier.textOrNull("type"),
    )

private fun bothLanguages(text: JsonObject): Map<Language, String> =
    mapOf(Language.EN to text.text("en"), Language.ZH to text.text("zh"))
