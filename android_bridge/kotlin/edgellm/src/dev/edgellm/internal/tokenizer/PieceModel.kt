package dev.edgellm.internal.tokenizer

import dev.edgellm.internal.JsonException
import dev.edgellm.internal.JsonObject

/** Turns one word into ids. */
internal interface PieceModel {
    /** Spelling by id; null where an id has none. */
    val pieces: Array<String?>

    /** Appends the ids of [word]. */
    fun encode(word: String, into: IntList)
}

/** The model that a tokenizer.json describes. Throws [JsonException] or [UnknownPartException]. */
internal fun parseModel(part: JsonObject): PieceModel =
    when (val type = part.text("type")) {
        "BPE" -> parseBpe(part)
        "Unigram" -> parseUnigram(part)
        else -> throw UnknownPartException("a vocabulary of the type $type")
    }

/** SentencePiece's spelling of a byte that no piece has: <0x0A>. */
internal fun bytePiece(byte: Byte): String = "<0x%02X>".format(byte.toInt() and 0xFF)

/** The byte that a piece like <0x0A> spells, or null for any other piece. */
internal fun byteOf(piece: String): Byte? =
    if (piece.length == 6 && piece.startsWith("<0x") && piece.endsWith(">")) piece.substring(3, 5).toIntOrNull(16)?.toByte() else null

private fun parseBpe(part: JsonObject): Bpe {
    for (name in listOf("continuing_subword_prefix", "end_of_word_suffix")) {
        if (!part.textOrNull(name).isNullOrEmpty()) throw UnknownPartException("a vocabulary with $name")
    }
    val vocabulary = HashMap<String, Int>()
    for ((piece, id) in part.map("vocab")) {
        vocabulary[piece.toString()] = (id as? Long)?.toInt()?.takeIf { it >= 0 } ?: throw JsonException("an id is no number")
    }
    val merges = HashMap<Long, Merge>()
    for ((rank, value) in part.list("merges").withIndex()) {
        val (left, right) = pairOf(value)
        val leftId = vocabulary[left] ?: throw JsonException("the merge '$left $right' is of no pieces")
        val rightId = vocabulary[right] ?: throw JsonException("the merge '$left $right' is of no pieces")
        val merged = vocabulary[left + right] ?: throw JsonException("the merge '$left $right' gives no piece")
        merges[pairKey(leftId, rightId)] = Merge(rank, merged)
    }
    return Bpe(
        vocabulary,
        merges,
        unknownId = part.textOrNull("unk_token")?.let { vocabulary[it] },
        fuseUnknown = part.flagOr("fuse_unk", false),
        byteFallback = part.flagOr("byte_fallback", false),
        ignoreMerges = part.flagOr("ignore_merges", false),
    )
}

private fun pairOf(value: Any?): Pair<String, String> {
    val parts = if (value is String) value.split(" ") else value as? List<*>
    if (parts?.size != 2) throw JsonException("a merge is not of two pieces")
    return parts[0].toString() to parts[1].toString()
}

private fun parseUnigram(part: JsonObject): Unigram {
    val entries = part.list("vocab").map { it as? List<*> ?: throw JsonException("a piece has no score") }
    val scores =
        DoubleArray(entries.size) { index ->
            when (val score = entries[index].getOrNull(1)) {
                is Double -> score
                is Long -> score.toDouble()
                else -> throw JsonException("piece $index has no score")
            }
        }
    val pieces = Array<String?>(entries.size) { entries[it][0] as? String ?: throw JsonException("piece $it is no text") }
    return Unigram(pieces, scores, part.intOrNull("unk_id"), part.flagOr("byte_fallback", false))
}

/** Bytes of a vocabulary's pieces, as its decoder has them. */
internal fun interface Spelling {
    fun bytesOf(piece: String): ByteArray
}

/** How the vocabulary spells bytes, read off its decoder. Throws [UnknownPartException]. */
internal fun parseSpelling(part: JsonObject?): Spelling {
    val steps = part?.let(::flatSteps) ?: throw UnknownPartException("no decoder")
    val kinds = steps.map { it.text("type") }.toSet()
    if (kinds == setOf("ByteLevel")) return Spelling { ByteAlphabet.read(it) ?: it.toByteArray() }
    val unknown = kinds - setOf("Replace", "ByteFallback", "Fuse", "Strip", "Metaspace")
    if (unknown.isNotEmpty()) throw UnknownPartException("the decoder ${unknown.first()}")
    val spellings = steps.mapNotNull(::spelling)
    val fallback = "ByteFallback" in kinds
    return Spelling { piece ->
        val byte = if (fallback) byteOf(piece) else null
        if (byte != null) {
            byteArrayOf(byte)
        } else {
            spellings.fold(piece) { text, (written, meant) -> text.replace(written, meant) }.toByteArray()
        }
    }
}

private fun flatSteps(part: JsonObject): List<JsonObject> =
    if (part.text("type") == "Sequence") part.list("decoders").flatMap { flatSteps(step(it)) } else listOf(part)

private fun spelling(part: JsonObject): Pair<String, String>? =
    when (part.text("type")) {
        "Metaspace" -> part.text("replacement") to " "
        "Replace" -> part.nested("pattern").textOrNull("String")?.let { it to part.text("content") }
        else -> null
    }
