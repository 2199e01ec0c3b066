package dev.edgellm.internal

import dev.edgellm.EdgeLlmException
import dev.edgellm.internal.tokenizer.IntList
import dev.edgellm.internal.tokenizer.Tokenizer

/** A turn of a conversation: "system", "user" or "assistant", and what it says. */
internal data class Turn(val role: String, val content: String)

/**
 * The text of a conversation up to where the answer begins.
 *
 * @param conversation perhaps a system turn, then user and assistant in turn, a user turn last.
 */
internal fun writeTurns(format: TurnFormat, conversation: List<Turn>): String {
    val system = conversation.firstOrNull()?.takeIf { it.role == "system" }
    val rest = if (system == null) conversation else conversation.drop(1)
    require(rest.size % 2 == 1 && rest.withIndex().all { (index, turn) -> turn.role == if (index % 2 == 0) "user" else "assistant" })
    val text = StringBuilder()
    if (system == null) {
        text.append(format.opening)
    } else {
        val around =
            format.system ?: throw EdgeLlmException.Unsupported(
                "This model takes no system message. Put what it says into the first user message.",
            )
        text.append(around.before).append(trimmed(format, system.content)).append(around.after)
    }
    for ((index, turn) in rest.withIndex()) {
        if (turn.role == "assistant") {
            text.append(format.userToAssistant).append(trimmed(format, withoutReasoning(format, turn.content)))
            text.append(format.assistantToUser)
        } else {
            text.append(trimmed(format, turn.content))
        }
        if (index == rest.lastIndex) text.append(format.answer)
    }
    return text.toString()
}

private fun trimmed(format: TurnFormat, content: String): String = if (format.trim) content.trim() else content

private fun withoutReasoning(format: TurnFormat, content: String): String {
    val end = format.reasoningEnd ?: return content
    val at = content.lastIndexOf(end)
    return if (at < 0) content else content.substring(at + end.length).trimStart('\n')
}

/**
 * Writes conversations as token ids. The fixed texts may spell control tokens and become those; what people and models wrote
 * must not gain that power, so a control token spelled in a message stays plain text.
 */
internal class PromptWriter(private val format: TurnFormat, private val tokenizer: Tokenizer) {
    private val control =
        (tokenizer.specialTexts.filter { it.isNotEmpty() } + listOf(OPEN, CLOSE))
            .distinct()
            .sortedByDescending { it.length }
            .joinToString("|", transform = Regex::escape)
            .toRegex()

    fun encode(conversation: List<Turn>): IntArray {
        val spelled = ArrayList<String>()
        val marked =
            conversation.map { turn ->
                turn.copy(
                    content =
                        control.replace(turn.content) { match ->
                            spelled.add(match.value)
                            "$OPEN${spelled.size - 1}$CLOSE"
                        },
                )
            }
        val text = writeTurns(format, marked)
        val ids = IntList()
        var start = 0
        for (match in STAND_IN.findAll(text)) {
            tokenizer.encode(text.substring(start, match.range.first)).forEach(ids::add)
            tokenizer.encode(spelled[match.groupValues[1].toInt()], special = false).forEach(ids::add)
            start = match.range.last + 1
        }
        tokenizer.encode(text.substring(start)).forEach(ids::add)
        return ids.toArray()
    }

    private companion object {
        // noncharacters, which no text that is exchanged contains (Unicode 23.7)
        const val OPEN = "\uFDD0"
        const val CLOSE = "\uFDD1"
        val STAND_IN = Regex("$OPEN([0-9]+)$CLOSE")
    }
}
