package dev.edgellm.internal.tokenizer

/**
 * SentencePiece's unigram model (Kudo, arXiv:1804.10959) as the `tokenizers` library does it: the split of a word whose
 * pieces' log-probabilities sum to the most; a character without a piece costs the worst score and ten more, and neighbours
 * of this kind become one unknown piece.
 */
internal class Unigram(
    override val pieces: Array<String?>,
    private val scores: DoubleArray,
    private val unknownId: Int?,
    private val byteFallback: Boolean,
) : PieceModel {
    private val ids = HashMap<String, Int>(pieces.size * 2).also { for ((id, piece) in pieces.withIndex()) it[piece.orEmpty()] = id }
    private val longest = pieces.maxOfOrNull { it.orEmpty().length } ?: 0
    private val unknownScore = (scores.minOrNull() ?: 0.0) - UNKNOWN_PENALTY

    override fun encode(word: String, into: IntList) {
        for (piece in split(word)) {
            val id = ids[piece]
            val bytes = if (id == null && byteFallback) bytesOf(piece) else null
            when {
                id != null -> into.add(id)
                bytes != null -> bytes.forEach(into::add)
                unknownId != null -> into.add(unknownId)
            }
        }
    }

    private fun split(word: String): List<String> {
        val best = DoubleArray(word.length + 1) { Double.NEGATIVE_INFINITY }
        val start = IntArray(word.length + 1) { NONE }
        val known = BooleanArray(word.length + 1)
        best[0] = 0.0
        var from = 0
        while (from < word.length) {
            val character = Character.charCount(word.codePointAt(from))
            var single = false
            for (end in from + 1..minOf(word.length, from + longest)) {
                val id = ids[word.substring(from, end)] ?: continue
                improve(best, start, known, from, end, best[from] + scores[id], id != unknownId)
                if (end - from == character) single = true
            }
            if (!single) improve(best, start, known, from, from + character, best[from] + unknownScore, false)
            from += character
        }
        return backwards(word, start, known)
    }

    private fun improve(
        best: DoubleArray,
        start: IntArray,
        known: BooleanArray,
        from: Int,
        end: Int,
        score: Double,
        isKnown: Boolean,
    ) {
        if (start[end] != NONE && score <= best[end]) return
        best[end] = score
        start[end] = from
        known[end] = isKnown
    }

    /** The pieces of the best split, unknown neighbours joined. */
    private fun backwards(word: String, start: IntArray, known: BooleanArray): List<String> {
        val found = ArrayList<String>()
        var end = word.length
        while (end > 0) {
            var from = start[end]
            if (!known[end]) while (from > 0 && !known[from]) from = start[from]
            found.add(word.substring(from, end))
            end = from
        }
        return found.asReversed()
    }

    private fun bytesOf(piece: String): List<Int>? = piece.toByteArray().map { ids[bytePiece(it)] ?: return null }

    private companion object {
        const val NONE = -1
        const val UNKNOWN_PENALTY = 10.0
    }
}
