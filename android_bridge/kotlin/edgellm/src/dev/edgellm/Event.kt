package dev.edgellm

/** What a running answer says: any number of [Text], perhaps one [ToolCall], then one [Done] or one [Failed]. */
sealed interface Event {
    /** The next piece of the answer: whole characters, never part of a stop string. */
    data class Text(val text: String) : Event

    /**
     * The model proposes an action. Nothing was done: show [ActionCall.preview] to the person, and carry it out only when
     * they agree.
     */
    data class ToolCall(val call: ActionCall) : Event

    /** The answer is over. */
    data class Done(val text: String, val reason: StopReason, val stats: Stats) : Event

    /** The answer ended in an error. What was shown before it is not kept in the conversation. */
    data class Failed(val error: EdgeLlmException) : Event
}

/** Why an answer ended. */
enum class StopReason {
    /** The model ended its turn, or a stop string did. */
    STOP,

    /** The token limit or the end of the context. */
    LENGTH,
}

/**
 * What an answer cost.
 *
 * @property promptTokens tokens of the conversation.
 * @property cachedTokens how many of them were still in the KV cache and were not fed again.
 * @property completionTokens tokens of the answer; the one that ends the turn is not counted.
 * @property firstTokenSeconds from the call to the first sampled token; null when none was sampled.
 * @property prefillTokensPerSecond prompt tokens fed per second of feeding them; null when none was fed.
 * @property decodeTokensPerSecond tokens sampled after the first per second since the first; null when there was no second.
 */
data class Stats(
    val promptTokens: Int,
    val cachedTokens: Int,
    val completionTokens: Int,
    val firstTokenSeconds: Double?,
    val prefillTokensPerSecond: Double?,
    val decodeTokensPerSecond: Double?,
)
