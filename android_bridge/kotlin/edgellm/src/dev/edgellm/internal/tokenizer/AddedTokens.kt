package dev.edgellm.internal.tokenizer

/** A token that is found in the text before anything else happens to it. */
internal data class AddedToken(val id: Int, val text: String, val special: Boolean)

/**
 * Splits a text at its added tokens: leftmost first, and of those that begin at one place the longest.
 *
 * The text is looked at as it was given, before any normalizer (the files with `normalized: true` tokens that need more are
 * of models this library was not made for; SentencePiece models list none).
 */
internal class AddedTokens(val tokens: List<AddedToken>) {
    val ids: List<Int> = tokens.map { it.id }
    val specialIds: Set<Int> = tokens.filter { it.special }.map { it.id }.toSet()
    val specialTexts: List<String> = tokens.filter { it.special }.map { it.text }

    private val added = ids.toSet()
    private val all = Finder(tokens)
    private val plain = Finder(tokens.filter { !it.special })

    fun isAdded(id: Int): Boolean = id in added

    /** Calls [found] with each piece of text and each token, in order; `special = false` leaves control tokens in the text. */
    fun split(text: String, special: Boolean, found: (text: String, token: Int?) -> Unit) {
        val finder = if (special) all else plain
        var start = 0
        var at = 0
        while (at < text.length) {
            val token = finder.at(text, at)
            if (token == null) {
                at++
                continue
            }
            if (at > start) found(text.substring(start, at), null)
            found(token.text, token.id)
            at += token.text.length
            start = at
        }
        if (start < text.length) found(text.substring(start), null)
    }

    private class Finder(tokens: List<AddedToken>) {
        private val byFirst = tokens.filter { it.text.isNotEmpty() }.sortedByDescending { it.text.length }.groupBy { it.text[0] }

        fun at(text: String, index: Int): AddedToken? = byFirst[text[index]]?.firstOrNull { text.startsWith(it.text, index) }
    }
}
