package dev.edgellm.internal

import dev.edgellm.EdgeLlmException
import dev.edgellm.Engine
import dev.edgellm.Event
import dev.edgellm.Sampling
import dev.edgellm.Stats
import dev.edgellm.StopReason
import dev.edgellm.internal.tokenizer.Tokenizer
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.FlowCollector
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.isActive
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** The only decode loop: a prompt in, events out. */
internal class Answer(
    private val engine: Engine,
    private val tokenizer: Tokenizer,
    private val stopTokenIds: Set<Int>,
    private val sampling: Sampling,
    private val maxTokens: Int?,
    private val stop: List<String>,
    private val prompt: () -> IntArray,
) {
    init {
        if (maxTokens != null && maxTokens < 1) throw EdgeLlmException.InvalidConfig("maxTokens is $maxTokens; it must be at least 1.")
    }

    /** Every event is emitted and waited for: a slow collector slows the model down, and nothing is dropped. */
    fun events(turn: Mutex): Flow<Event> {
        TextStream(stop) // says at once when a stop string cannot be
        return flow { turn.withLock { run(this) } }
    }

    private suspend fun run(collector: FlowCollector<Event>) {
        val clock = Clock()
        val text = TextStream(stop)
        val sampler = Sampler(sampling)
        val shown = StringBuilder()
        val context = currentCoroutineContext()

        suspend fun show(piece: String) {
            if (piece.isEmpty()) return
            shown.append(piece)
            collector.emit(Event.Text(piece))
        }

        var reason = StopReason.LENGTH
        // only what the engine does is caught: an error of the collector's own is the collector's
        val ids = failing(collector) { engine.onThread { GrowingIds(prompt()) } } ?: return
        val room = engine.contextLength - ids.size + 1 // the last token need not be fed
        val limit = if (maxTokens == null) room else minOf(room, maxTokens)
        val promptTokens = ids.size
        while (clock.sampled < limit) {
            val token =
                failing(collector) {
                    engine.onThread {
                        val step = engine.advance(ids.toArray()) { context.isActive }
                        clock.advanced(step)
                        step.logits?.let { sampler.sample(it, ids.toArray()).also { clock.sampled() } }
                    }
                } ?: return context.ensureActive()
            if (token in stopTokenIds) {
                reason = StopReason.STOP
                break
            }
            ids.add(token)
            show(text.push(tokenizer.bytesOf(token)))
            if (text.stopped) {
                reason = StopReason.STOP
                break
            }
            context.ensureActive()
        }
        if (limit < 1) return collector.emit(Event.Failed(EdgeLlmException.ContextOverflow(promptTokens, engine.contextLength)))
        show(text.end(cutShort = reason != StopReason.STOP))
        collector.emit(Event.Done(shown.toString(), reason, clock.stats(promptTokens, ids.size - promptTokens)))
    }

    private suspend fun <T> failing(collector: FlowCollector<Event>, work: suspend () -> T): T? {
        val error =
            try {
                return work()
            } catch (error: EdgeLlmException) {
                error
            }
        collector.emit(Event.Failed(error))
        return null
    }
}

/** A prompt and the tokens sampled after it. */
private class GrowingIds(private var items: IntArray) {
    var size = items.size
        private set

    fun add(id: Int) {
        if (size == items.size) items = items.copyOf(maxOf(16, size * 2))
        items[size++] = id
    }

    fun toArray(): IntArray = items.copyOf(size)
}

/** What feeding came to: [logits] of the last token, or null when it was given up; tokens [cached] before, and [fed]. */
internal class Step(val logits: FloatArray?, val cached: Int, val fed: Int)

/** Where the time of an answer went. */
internal class Clock {
    private val began = System.nanoTime()
    private var firstToken: Double? = null
    private var lastToken = 0.0
    private var prefilled = 0
    private var prefillSeconds = 0.0
    private var cached = 0

    @Volatile var sampled = 0
        private set

    fun advanced(step: Step) {
        if (sampled > 0) return
        prefilled += step.fed
        prefillSeconds = seconds()
        cached = step.cached
    }

    fun sampled() {
        sampled++
        lastToken = seconds()
        if (firstToken == null) firstToken = lastToken
    }

    fun stats(promptTokens: Int, completionTokens: Int): Stats {
        val first = firstToken
        val decodeSeconds = if (first == null) 0.0 else lastToken - first
        return Stats(
            promptTokens,
            cached,
            completionTokens,
            first,
            if (prefilled > 0 && prefillSeconds > 0) prefilled / prefillSeconds else null,
            if (sampled > 1 && decodeSeconds > 0) (sampled - 1) / decodeSeconds else null,
        )
    }

    private fun seconds(): Double = (System.nanoTime() - began) / 1e9
}
