package dev.edgellm.internal.tokenizer

/** A token that is found in the text before the vocabulary's own pieces are; [normalized] ones in what the normalizer leaves. */
internal data class AddedToken(val id: Int, val text: String, val special: Boolean, val normalized: Boolean)

/**
 * Splits a text at its added tokens: leftmost first, and of those that begin at one place the longest.
 *
 * As the `tokenizers` library has it: first the tokens that are found in the text as it was given; then what lies between them
 * is normalized, and the others are found there, by their own normalized spelling.
 */
internal class AddedTokens(val tokens: List<AddedToken>, private val normalizer: Normalizer) {
    val ids: List<Int> = tokens.map { it.id }
    val specialIds: Set<Int> = tokens.filter { it.special }.map { it.id }.toSet()
    val specialTexts: List<String> = tokens.filter { it.special }.map { it.text }

    private val added = ids.toSet()
    private val all = Finders(tokens, normalizer)
    private val plain = Finders(tokens.filter { !it.special }, normalizer)

    fun isAdded(id: Int): Boolean = id in added

    /**
     * Calls [found] with each piece of normalized text and each token, in order; `special = false` leaves control tokens in
     * the text.
     */
    fun split(text: String, special: Boolean, found: (text: String, token: Int?) -> Unit) {
        val finders = if (special) all else plain
        finders.given.split(text) { part, token ->
            if (token != null) found(part, token) else finders.normalized.split(normalizer.normalize(part), found)
        }
    }

    private class Finders(tokens: List<AddedToken>, normalizer: Normalizer) {
        val given = Finder(tokens.filter { !it.normalized }.map { it.text to it.id })
        val normalized = Finder(tokens.filter { it.normalized }.map { normalizer.normalize(it.text) to it.id })
    }

    private class Finder(tokens: List<Pair<String, Int>>) {
        private val byFirst =
            tokens
                .filter { (text, _) -> text.isNotEmpty() }
                .sortedByDescending { (text, _) -> text.length }
                .groupBy { (text, _) -> text[0] }

        fun split(text: String, found: (text: String, token: Int?) -> Unit) {
            var start = 0
            var at = 0
            while (at < text.length) {
                val token = at(text, at)
                if (token == null) {
                    at++
                    continue
                }
                if (at > start) found(text.substring(start, at), null)
                found(token.first, token.second)
                at += token.first.length
                start = at
            }
            if (start < text.length) found(text.substring(start), null)
        }

        private fun at(text: String, index: Int) = byFirst[text[index]]?.firstOrNull { (token, _) -> text.startsWith(token, index) }
    }
}
