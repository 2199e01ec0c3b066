package dev.edgellm

import dev.edgellm.internal.Grammar
import dev.edgellm.internal.JsonReader
import dev.edgellm.internal.PromptWriter
import dev.edgellm.internal.Turn
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/**
 * A conversation that remembers; get one from [Engine.chat]. One message at a time: a second [send] waits for the first.
 *
 * A turn is kept when it was answered, and when its collection was cancelled after some of the answer was shown: then with
 * what was shown. A turn that failed leaves no trace.
 */
class Chat internal constructor(
    private val engine: Engine,
    private val prompts: PromptWriter,
    private val system: String?,
    @Volatile private var turns: List<Turn>,
) {
    /** The conversation so far: who ("user", "assistant") said what. */
    val messages: List<Pair<String, String>> get() = turns.map { it.role to it.content }

    /** Forgets the conversation; the system message stays. */
    fun reset() {
        turns = emptyList()
    }

    /**
     * Says something. The model runs while the flow is collected, and each collection says it anew; cancelling the collection
     * stops the model within one token. Errors come as [Event.Failed].
     *
     * @param maxTokens most tokens of the answer; null goes on until the model stops or the context is full.
     * @param stop texts that end the answer and are not part of it.
     */
    fun send(
        message: String,
        sampling: Sampling = engine.sampling,
        maxTokens: Int? = null,
        stop: List<String> = emptyList(),
    ): Flow<Event> {
        val answer = engine.answer(sampling, maxTokens, stop) { prompts.encode(conversation(message)) }
        return flow {
            val shown = StringBuilder()
            var failed = false
            try {
                answer.collect { event ->
                    if (event is Event.Text) shown.append(event.text)
                    failed = failed || event is Event.Failed
                    if (event is Event.Done) keep(message, event.text).also { shown.clear() }
                    emit(event)
                }
            } finally {
                if (shown.isNotEmpty() && !failed) keep(message, shown.toString())
            }
        }
    }

    /**
     * Lets the model propose one of the engine's actions for a request: [Event.ToolCall], then [Event.Done]. Whatever the
     * model is, the call is of one of these actions and its arguments are as the action's schema says. Nothing is carried
     * out, and the conversation is not changed. A model that does not come to an end gives [Event.Done] with
     * [StopReason.LENGTH] and no call.
     *
     * @param actionIds the actions to choose from; null is all of them.
     * @param maxTokens most tokens of the call.
     * @throws EdgeLlmException.Unsupported a schema uses what the library cannot keep a model to.
     * @throws EdgeLlmException.InvalidConfig an id that the export does not list, or no action at all.
     */
    fun propose(request: String, actionIds: List<String>? = null, maxTokens: Int = 256): Flow<Event> {
        if (maxTokens < 1) throw EdgeLlmException.InvalidConfig("maxTokens is $maxTokens; it must be at least 1.")
        val offered =
            actionIds?.map { id ->
                engine.actions.firstOrNull { it.id == id } ?: throw EdgeLlmException.InvalidConfig("The export has no action '$id'.")
            } ?: engine.actions
        if (offered.isEmpty()) throw EdgeLlmException.InvalidConfig("There is no action to choose from.")
        val grammar = Grammar.ofCalls(offered.associate { it.id to it.parameters })
        return engine.propose(grammar, maxTokens, { prompts.encode(asking(request, offered)) }) { text ->
            val call = JsonReader(text).read() as Map<*, *>
            val action = offered.first { it.id == call["action"] }
            ActionCall(action, (call["arguments"] as Map<*, *>).entries.associate { (name, value) -> name.toString() to value })
        }
    }

    private fun conversation(message: String): List<Turn> {
        requireText(message)
        return listOfNotNull(system?.let { Turn("system", it) }) + turns + Turn("user", message)
    }

    private fun asking(request: String, offered: List<Action>): List<Turn> {
        requireText(request)
        val listed = offered.joinToString("\n") { "${it.id}(${it.slots.joinToString(", ")}): ${it.description(Language.EN)}" }
        val instruction = "Actions:\n$listed\n\nRequest: $request\n\nAnswer with the JSON of the action that does what is requested."
        return listOf(Turn("user", instruction))
    }

    private fun requireText(message: String) {
        if (message.isBlank()) throw EdgeLlmException.InvalidPrompt("The message is empty. Write something to answer.")
        if (!Charsets.UTF_8.newEncoder().canEncode(message)) {
            throw EdgeLlmException.InvalidPrompt("The message holds half of a character (a lone surrogate). Read it as UTF-8.")
        }
    }

    private fun keep(message: String, answer: String) {
        turns = turns + Turn("user", message) + Turn("assistant", answer)
    }
}
