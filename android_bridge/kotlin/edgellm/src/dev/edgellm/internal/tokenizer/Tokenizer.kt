package dev.edgellm.internal.tokenizer

import dev.edgellm.EdgeLlmException
import dev.edgellm.internal.JsonException
import dev.edgellm.internal.JsonObject
import dev.edgellm.internal.parseJsonObject
import java.io.File

/**
 * Hugging Face's tokenizer.json: normalizer, pre-tokenizer, a BPE or Unigram model, added tokens. Ids are those of the
 * `tokenizers` library; a part this does not know is an error when the file is opened, never wrong ids.
 */
internal class Tokenizer private constructor(
    private val addedTokens: AddedTokens,
    private val preTokenizer: PreTokenizer,
    private val model: PieceModel,
    private val pieces: Array<String?>,
    private val spelling: Spelling,
) {
    /** Number of ids, those without a token among them. */
    val size: Int get() = pieces.size

    /** Ids of control tokens. */
    val specialIds: Set<Int> get() = addedTokens.specialIds

    /** Spellings of the control tokens. */
    val specialTexts: List<String> get() = addedTokens.specialTexts

    /**
     * Token ids of a text.
     *
     * @param special text that spells a control token becomes that token; false keeps it plain text.
     */
    fun encode(text: String, special: Boolean = true): IntArray {
        val ids = IntList()
        var first = true
        addedTokens.split(text, special) { part, token ->
            if (token != null) {
                ids.add(token)
            } else {
                for (word in preTokenizer.split(part, first)) model.encode(word, ids)
            }
            first = false
        }
        return ids.toArray()
    }

    /** What one token adds in the middle of a text, perhaps part of a character; empty for control tokens. */
    fun bytesOf(id: Int): ByteArray {
        val piece = pieces.getOrNull(id) ?: return ByteArray(0)
        if (id in addedTokens.specialIds) return ByteArray(0)
        return if (addedTokens.isAdded(id)) piece.toByteArray() else spelling.bytesOf(piece)
    }

    /** The text of some ids, U+FFFD standing for bytes that are no UTF-8. */
    fun decode(ids: IntArray): String {
        val bytes = java.io.ByteArrayOutputStream()
        for (id in ids) bytes.write(bytesOf(id))
        return bytes.toByteArray().toString(Charsets.UTF_8)
    }

    companion object {
        private const val LARGEST = 256L shl 20

        /** Opens a tokenizer.json. Throws [EdgeLlmException.Bundle] or [EdgeLlmException.Unsupported]. */
        fun open(file: File): Tokenizer {
            if (file.length() > LARGEST) throw EdgeLlmException.Bundle("$file is larger than any vocabulary.")
            try {
                return parse(parseJsonObject(file.readText(), file.name))
            } catch (error: JsonException) {
                throw EdgeLlmException.Bundle("$file is malformed: ${error.message}. Export the model again.", error)
            } catch (error: UnknownPartException) {
                throw EdgeLlmException.Unsupported("$file uses ${error.message}, which this library does not have.", error)
            }
        }

        private fun parse(document: JsonObject): Tokenizer {
            val modelPart = document.nested("model")
            val model = parseModel(modelPart)
            val normalizer = parseNormalizer(document.nestedOrNull("normalizer"))
            val added = AddedTokens(document.list("added_tokens").map(::parseAdded), normalizer)
            val size = maxOf(model.pieces.size, (added.ids.maxOrNull() ?: -1) + 1)
            val pieces = model.pieces.copyOf(size)
            for (token in added.tokens) pieces[token.id] = token.text
            return Tokenizer(
                added,
                parsePreTokenizer(document.nestedOrNull("pre_tokenizer")),
                model,
                pieces,
                parseSpelling(document.nestedOrNull("decoder")),
            )
        }

        private fun parseAdded(value: Any?): AddedToken {
            val token = JsonObject(value as? Map<*, *> ?: throw JsonException("an added token is not an object"), "added_tokens")
            if (token.flagOr("single_word", false)) throw UnknownPartException("added tokens that are single words")
            if (token.flagOr("lstrip", false) || token.flagOr("rstrip", false)) {
                throw UnknownPartException("added tokens that take the spaces around them")
            }
            val special = token.flag("special")
            return AddedToken(token.int("id"), token.text("content"), special, token.flagOr("normalized", !special))
        }
    }
}

/** A part of tokenizer.json that this library does not implement; the message names it. */
internal class UnknownPartException(message: String) : Exception(message)

/** A growing list of ids. */
internal class IntList {
    private var items = IntArray(64)
    private var size = 0

    fun add(id: Int) {
        if (size == items.size) items = items.copyOf(size * 2)
        items[size++] = id
    }

    fun toArray(): IntArray = items.copyOf(size)
}
