package dev.edgellm.internal.tokenizer

import java.util.PriorityQueue

/** A merge of two pieces: the lower its rank, the earlier it is made. */
internal class Merge(val rank: Int, val id: Int)

internal fun pairKey(left: Int, right: Int): Long = (left.toLong() shl 32) or right.toLong()

/**
 * Byte-pair encoding (Sennrich et al., arXiv:1508.07909) as the `tokenizers` library does it: of all merges that can be made
 * the one of the lowest rank is made first, the leftmost of equals.
 */
internal class Bpe(
    private val vocabulary: Map<String, Int>,
    private val merges: Map<Long, Merge>,
    private val unknownId: Int?,
    private val fuseUnknown: Boolean,
    private val byteFallback: Boolean,
    private val ignoreMerges: Boolean,
) : PieceModel {
    override val pieces: Array<String?> =
        arrayOfNulls<String>((vocabulary.values.maxOrNull() ?: -1) + 1).also { for ((piece, id) in vocabulary) it[id] = piece }

    override fun encode(word: String, into: IntList) {
        if (ignoreMerges) {
            vocabulary[word]?.let {
                into.add(it)
                return
            }
        }
        val symbols = symbols(word)
        if (symbols.size == 1) into.add(symbols[0]) else Merging(symbols).appendTo(into)
    }

    /** The ids a word begins as, one for each character, or for each byte of a character that has none. */
    private fun symbols(word: String): IntArray {
        val found = IntList()
        var unknownBefore = false
        var at = 0
        while (at < word.length) {
            val end = at + Character.charCount(word.codePointAt(at))
            val id = vocabulary[word.substring(at, end)]
            val bytes = if (id == null && byteFallback) bytesOf(word.substring(at, end)) else null
            when {
                id != null -> found.add(id)
                bytes != null -> bytes.forEach(found::add)
                unknownId != null && !(fuseUnknown && unknownBefore) -> found.add(unknownId)
            }
            unknownBefore = id == null && (bytes == null || unknownBefore)
            at = end
        }
        return found.toArray()
    }

    private fun bytesOf(character: String): List<Int>? =
        character.toByteArray().map { vocabulary[bytePiece(it)] ?: return null }

    /** The symbols of one word as a linked list, and the merges that can be made in it. */
    private inner class Merging(private val ids: IntArray) {
        private val next = IntArray(ids.size) { it + 1 }
        private val previous = IntArray(ids.size) { it - 1 }
        private val gone = BooleanArray(ids.size)
        private val possible = PriorityQueue<Possible>()

        fun appendTo(into: IntList) {
            for (place in 0 until ids.size - 1) offer(place)
            while (true) {
                val best = possible.poll() ?: break
                if (!gone[best.place] && mergeAt(best.place)?.id == best.merged && ids[best.place] == best.left) merge(best)
            }
            var place = 0
            while (place < ids.size) {
                into.add(ids[place])
                place = next[place]
            }
        }

        private fun merge(best: Possible) {
            val right = next[best.place]
            ids[best.place] = best.merged
            gone[right] = true
            next[best.place] = next[right]
            if (next[right] < ids.size) previous[next[right]] = best.place
            if (previous[best.place] >= 0) offer(previous[best.place])
            offer(best.place)
        }

        private fun offer(place: Int) {
            mergeAt(place)?.let { possible.add(Possible(it.rank, place, ids[place], it.id)) }
        }

        private fun mergeAt(place: Int): Merge? {
            val right = next[place]
            return if (right < ids.size) merges[pairKey(ids[place], ids[right])] else null
        }
    }

    private class Possible(val rank: Int, val place: Int, val left: Int, val merged: Int) : Comparable<Possible> {
        override fun compareTo(other: Possible): Int = if (rank != other.rank) rank.compareTo(other.rank) else place.compareTo(other.place)
    }
}
