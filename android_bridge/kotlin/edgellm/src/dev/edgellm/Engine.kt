package dev.edgellm

import dev.edgellm.internal.Answer
import dev.edgellm.internal.Grammar
import dev.edgellm.internal.Manifest
import dev.edgellm.internal.OrtModel
import dev.edgellm.internal.PromptWriter
import dev.edgellm.internal.Proposal
import dev.edgellm.internal.Step
import dev.edgellm.internal.Turn
import dev.edgellm.internal.tokenizer.IntList
import dev.edgellm.internal.tokenizer.Tokenizer
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.sync.Mutex
import java.util.concurrent.CancellationException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.TimeUnit
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

/**
 * One model in memory; get one from [EdgeLlm.open]. Safe to use from any thread.
 *
 * One thread of its own runs the model. It answers one request at a time: a second chat's answer waits for the first one's
 * end. Whatever a conversation shares with what the KV cache still holds is not fed again.
 */
class Engine internal constructor(
    private val manifest: Manifest,
    private val tokenizer: Tokenizer,
    private val model: OrtModel,
    /** Most tokens of one conversation. */
    val contextLength: Int,
    /** What the model may propose, as the export lists it. */
    val actions: List<Action>,
) : AutoCloseable {
    private val thread: ExecutorService =
        Executors.newSingleThreadExecutor { work -> Thread(work, "edgellm").apply { isDaemon = true } }
    private val turn = Mutex()
    private var fed = IntArray(0) // touched by the engine's thread only

    @Volatile private var closed = false

    /** What the model is called. */
    val name: String get() = manifest.name

    /** The licence of the model, where its source told. */
    val licence: String? get() = manifest.licence

    /** How tokens are chosen where a request does not say. */
    val sampling: Sampling get() = manifest.sampling

    internal val prompts: PromptWriter? = manifest.turns?.let { PromptWriter(it, tokenizer) }

    /**
     * A new conversation.
     *
     * @param system said to the model before everything else; null leaves it to the model's own default.
     * @param messages an earlier conversation to go on with, as [Chat.messages] gives it: who said what, "user" and "assistant"
     * in turn. So a conversation outlives an engine that was closed to free its memory.
     * @throws EdgeLlmException.Unsupported the model was not made for conversations.
     * @throws EdgeLlmException.InvalidConfig messages that do not alternate, or do not end with the assistant's.
     */
    fun chat(system: String? = null, messages: List<Pair<String, String>> = emptyList()): Chat {
        val prompts = prompts ?: throw EdgeLlmException.Unsupported("$name was not made for conversations; use generate.")
        val alternate = messages.withIndex().all { (index, message) -> message.first == if (index % 2 == 0) "user" else "assistant" }
        if (!alternate || messages.size % 2 != 0) {
            throw EdgeLlmException.InvalidConfig("Messages must alternate: \"user\", \"assistant\", and so on, an answer last.")
        }
        return Chat(this, prompts, system, messages.map { (role, content) -> Turn(role, content) })
    }

    /**
     * Continues a text as it is. The model runs while the flow is collected; cancelling the collection stops it within one
     * token. Errors come as [Event.Failed].
     *
     * @param maxTokens most tokens of the continuation; null goes on until the model stops or the context is full.
     * @param stop texts that end it and are not part of it.
     */
    fun generate(
        prompt: String,
        sampling: Sampling = this.sampling,
        maxTokens: Int? = null,
        stop: List<String> = emptyList(),
    ): Flow<Event> =
        answer(sampling, maxTokens, stop) {
            val ids = IntList()
            manifest.tokenizer.bosId?.let(ids::add)
            tokenizer.encode(prompt).forEach(ids::add)
            ids.toArray()
        }

    /** Ends the answer under way ([Event.Failed]) and frees the model. Idempotent; waits for the engine's thread to finish. */
    override fun close() {
        if (closed) return
        closed = true
        model.terminate()
        try {
            thread.execute(model::close)
        } catch (_: RejectedExecutionException) {
            return // another thread was faster
        }
        thread.shutdown()
        if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
            throw EdgeLlmException.RuntimeFailed("The engine did not stop within $CLOSE_SECONDS seconds.")
        }
    }

    internal fun answer(sampling: Sampling, maxTokens: Int?, stop: List<String>, prompt: () -> IntArray): Flow<Event> =
        Answer(this, tokenizer, manifest.stopTokenIds, sampling, maxTokens, stop, prompt).events(turn)

    internal fun propose(grammar: Grammar, maxTokens: Int, prompt: () -> IntArray, read: (String) -> ActionCall): Flow<Event> =
        Proposal(this, tokenizer, grammar, maxTokens, prompt, read).events(turn)

    /** Runs [work] on the engine's thread. A cancelled caller goes at once, and the run under way is ended. */
    internal suspend fun <T> onThread(work: () -> T): T =
        suspendCancellableCoroutine { waiting ->
            try {
                thread.execute {
                    val result = runCatching { if (waiting.isActive) work() else throw CancellationException("cancelled") }
                    result.fold(waiting::resume, waiting::resumeWithException)
                }
            } catch (error: RejectedExecutionException) {
                waiting.resumeWithException(EdgeLlmException.Closed(error))
            }
            waiting.invokeOnCancellation { model.terminate() }
        }

    /**
     * The logits after [ids], on the engine's thread.
     *
     * @param proceed asked before each chunk; when it says no, null is returned.
     */
    internal fun advance(ids: IntArray, proceed: () -> Boolean): Step {
        if (closed) throw EdgeLlmException.Closed()
        if (ids.isEmpty()) throw EdgeLlmException.InvalidPrompt("The prompt is empty. Write something to continue.")
        if (ids.size > contextLength) throw EdgeLlmException.ContextOverflow(ids.size, contextLength)
        val shared = fed.zip(ids).takeWhile { (held, wanted) -> held == wanted }.size
        val kept = minOf(shared, ids.size - 1)
        model.rewind(kept)
        val logits = model.feed(ids.copyOfRange(kept, ids.size)) { !closed && proceed() }
        fed = ids.copyOf(model.position)
        if (logits == null && closed) throw EdgeLlmException.Closed()
        return Step(logits, kept, model.position - kept)
    }

    private companion object {
        const val CLOSE_SECONDS = 30L
    }
}
