package dev.edgellm.internal

import dev.edgellm.EdgeLlmException
import dev.edgellm.Sampling
import java.security.SecureRandom
import kotlin.math.exp
import kotlin.math.ln

/** Chooses the tokens of one answer, as the Python library does: the same filters in the same order, the same stream. */
internal class Sampler(private val sampling: Sampling) {
    private val random by lazy { Pcg64(sampling.seed ?: (SecureRandom().nextLong() ushr 1)) }

    /**
     * The next token id.
     *
     * @param logits one row; -inf marks a token that must not be chosen. Not changed.
     * @param history token ids so far, prompt included; only the repetition penalty reads them.
     */
    fun sample(logits: FloatArray, history: IntArray): Int {
        val scores = penalised(logits, history)
        val best = largest(scores)
        if (!scores[best].isFinite()) {
            throw EdgeLlmException.RuntimeFailed(
                "The model gave the logit ${scores[best]} for token $best. Its file is damaged or its numbers overflow; export it again.",
            )
        }
        if (sampling.temperature == 0.0 || sampling.topK == 1) return best
        var ids = keptByTopKAndTopP(scores, best)
        if (sampling.minP > 0) {
            val lowest = scores[best] + ln(sampling.minP).toFloat()
            ids = ids.filter { scores[it] >= lowest }.toIntArray()
        }
        return ids[draw(ids, scores, scores[best])]
    }

    private fun penalised(logits: FloatArray, history: IntArray): FloatArray {
        val penalty = sampling.repetitionPenalty.toFloat()
        if (sampling.repetitionPenalty == 1.0 || history.isEmpty()) return logits
        val first = if (sampling.repetitionWindow == 0) 0 else maxOf(0, history.size - sampling.repetitionWindow)
        val scores = logits.copyOf()
        for (id in history.slice(first until history.size).toSet()) {
            scores[id] = if (scores[id] > 0) scores[id] / penalty else scores[id] * penalty
        }
        return scores
    }

    private fun keptByTopKAndTopP(scores: FloatArray, best: Int): IntArray {
        if (sampling.topK == 0 && sampling.topP == 1.0) return scores.indices.filter { scores[it] > Float.NEGATIVE_INFINITY }.toIntArray()
        if (sampling.topP == 1.0) return likeliest(scores, sampling.topK)
        if (sampling.topK > 0) {
            val ids = likeliest(scores, sampling.topK)
            val total = ids.sumOf { weight(scores[it], scores[best]) }
            return reaching(ids, scores, scores[best], sampling.topP * total)
        }
        val wanted = sampling.topP * scores.sumOf { weight(it, scores[best]) }
        var count = FIRST_GUESS
        while (true) {
            val ids = likeliest(scores, count)
            if (count >= scores.size || ids.sumOf { weight(scores[it], scores[best]) } >= wanted) {
                return reaching(ids, scores, scores[best], wanted)
            }
            count *= GROWTH
        }
    }

    /** The fewest of [ids], from the front, whose weights reach [wanted]. */
    private fun reaching(ids: IntArray, scores: FloatArray, best: Float, wanted: Double): IntArray {
        var sum = 0.0
        for ((index, id) in ids.withIndex()) {
            sum += weight(scores[id], best)
            if (sum >= wanted) return ids.copyOf(index + 1)
        }
        return ids
    }

    /** An index into [ids], drawn from softmax(scores / temperature). */
    private fun draw(ids: IntArray, scores: FloatArray, best: Float): Int {
        val cumulative = DoubleArray(ids.size)
        var sum = 0.0
        for ((index, id) in ids.withIndex()) {
            sum += exp((scores[id] - best).toDouble() / sampling.temperature)
            cumulative[index] = sum
        }
        val wanted = random.nextUniform() * sum
        val found = cumulative.indexOfFirst { it > wanted }
        return if (found < 0) ids.size - 1 else found
    }

    private companion object {
        /** Candidates looked at first for top-p: nearly always enough. */
        const val FIRST_GUESS = 512
        const val GROWTH = 16
    }
}

/** The place of the largest value, the first among equals; that of a NaN where there is one. */
internal fun largest(values: FloatArray): Int {
    var best = 0
    for (index in values.indices) {
        if (values[index].isNaN()) return index
        if (values[index] > values[best]) best = index
    }
    return best
}

/** Ids of the [count] largest scores above -inf, largest first, equals in order of their ids. */
internal fun likeliest(scores: FloatArray, count: Int): IntArray {
    val order = compareByDescending<Int> { scores[it] }.thenBy { it }
    if (count >= scores.size) {
        return scores.indices.filter { scores[it] > Float.NEGATIVE_INFINITY }.sortedWith(order).toIntArray()
    }
    val kept = java.util.PriorityQueue(count + 1, order.reversed())
    for (id in scores.indices) {
        if (scores[id] == Float.NEGATIVE_INFINITY) continue
        if (kept.size == count && scores[id] <= scores[kept.peek()]) continue
        kept.add(id)
        if (kept.size > count) kept.poll()
    }
    return kept.sortedWith(order).toIntArray()
}

/** A probability up to a common factor, rounded to 32 bits as numpy's is. */
private fun weight(score: Float, best: Float): Double = exp((score - best).toDouble()).toFloat().toDouble()
