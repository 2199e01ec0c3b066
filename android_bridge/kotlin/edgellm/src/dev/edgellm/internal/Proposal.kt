package dev.edgellm.internal

import dev.edgellm.ActionCall
import dev.edgellm.EdgeLlmException
import dev.edgellm.Engine
import dev.edgellm.Event
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
import java.io.ByteArrayOutputStream

/** A decode loop whose text is held to a grammar: at each step the likeliest token that the grammar allows. */
internal class Proposal(
    private val engine: Engine,
    private val tokenizer: Tokenizer,
    private val grammar: Grammar,
    private val maxTokens: Int,
    private val prompt: () -> IntArray,
    private val read: (String) -> ActionCall,
) {
    fun events(turn: Mutex): Flow<Event> = flow { turn.withLock { run(this) } }

    private suspend fun run(collector: FlowCollector<Event>) {
        val clock = Clock()
        val context = currentCoroutineContext()
        val outcome =
            try {
                val ids = engine.onThread(prompt)
                val promptTokens = ids.size
                var written = Written(ids, grammar.start(), ByteArrayOutputStream())
                while (!written.state.final && written.ids.size - promptTokens < maxTokens) {
                    context.ensureActive()
                    written = engine.onThread { next(written, clock) { context.isActive } } ?: return context.ensureActive()
                }
                val text = written.bytes.toByteArray().toString(Charsets.UTF_8)
                val whole = written.state.final
                val reason = if (whole) StopReason.STOP else StopReason.LENGTH
                val done = Event.Done(text, reason, clock.stats(promptTokens, written.ids.size - promptTokens))
                if (whole) listOf(Event.ToolCall(read(text)), done) else listOf(done)
            } catch (error: EdgeLlmException) {
                listOf(Event.Failed(error))
            }
        outcome.forEach { collector.emit(it) }
    }

    private fun next(written: Written, clock: Clock, proceed: () -> Boolean): Written? {
        val step = engine.advance(written.ids, proceed)
        clock.advanced(step)
        val logits = step.logits ?: return null
        val (token, state) = likeliestAllowed(logits, written.state)
        clock.sampled()
        written.bytes.write(tokenizer.bytesOf(token))
        return Written(written.ids + token, state, written.bytes)
    }

    private fun likeliestAllowed(logits: FloatArray, state: Grammar.State): Pair<Int, Grammar.State> {
        for (count in intArrayOf(FIRST_LOOK, logits.size)) {
            for (token in likeliest(logits, count)) {
                val bytes = tokenizer.bytesOf(token)
                if (bytes.isEmpty()) continue
                state.after(bytes)?.let { return token to it }
            }
        }
        throw EdgeLlmException.Unsupported("The model's vocabulary cannot write what the action's parameters demand.")
    }

    private class Written(val ids: IntArray, val state: Grammar.State, val bytes: ByteArrayOutputStream)

    private companion object {
        /** Candidates looked at before the whole vocabulary is put in order. */
        const val FIRST_LOOK = 64
    }
}
