package dev.edgellm.internal

import dev.edgellm.EdgeLlmException
import java.nio.ByteBuffer
import java.nio.CharBuffer
import java.nio.charset.CodingErrorAction

/**
 * Bytes of sampled tokens in, text that may be shown out.
 *
 * Two things are held back: the bytes of a character that is not whole yet, and text that may turn out to be the beginning
 * of a stop string. The answer ends at the stop string that is completed first; of several completed by the same character
 * the longest counts. Nothing of it is shown.
 */
internal class TextStream(private val stops: List<String>) {
    private val longest = stops.maxOfOrNull { it.length } ?: 0
    private val decoder =
        Charsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE)
    private var pending = ByteArray(0)
    private var held = ""

    /** A stop string was found: no more text will come. */
    var stopped = false
        private set

    init {
        if (stops.any { it.isEmpty() }) throw EdgeLlmException.InvalidConfig("A stop string is empty.")
    }

    /** The text that can be shown once these bytes are known; often empty. */
    fun push(bytes: ByteArray): String = take(decode(bytes, last = false))

    /**
     * The rest of the text, when no more tokens come.
     *
     * @param cutShort the answer was not finished, so a character whose last bytes are missing is left out; otherwise it is
     * U+FFFD, as any other bytes that are no UTF-8.
     */
    fun end(cutShort: Boolean): String {
        val shown = if (cutShort) "" else take(decode(ByteArray(0), last = true))
        if (stopped) return shown
        return (shown + held).also { held = "" }
    }

    private fun decode(bytes: ByteArray, last: Boolean): String {
        val input = ByteBuffer.wrap(pending + bytes)
        val output = CharBuffer.allocate(input.remaining() + 1)
        decoder.decode(input, output, last)
        if (last) decoder.flush(output)
        pending = ByteArray(input.remaining()).also { input.get(it) }
        return String(output.array(), 0, output.position())
    }

    private fun take(new: String): String {
        if (stopped || new.isEmpty()) return ""
        val known = held.length
        val text = held + new
        val found = findStop(text, known)
        if (found != null) {
            stopped = true
            held = ""
            return text.substring(0, found)
        }
        val keep = possibleStop(text)
        held = text.substring(text.length - keep)
        return text.substring(0, text.length - keep)
    }

    /** Where the first stop string to be completed begins. None ends within the [known] characters. */
    private fun findStop(text: String, known: Int): Int? =
        stops
            .mapNotNull { stop ->
                val begin = text.indexOf(stop, maxOf(0, known - stop.length + 1))
                if (begin < 0) null else begin + stop.length to begin
            }.minWithOrNull(compareBy({ it.first }, { it.second }))
            ?.second

    /** Length of the longest end of [text] that a stop string begins with. */
    private fun possibleStop(text: String): Int =
        (minOf(text.length, longest - 1) downTo 1).firstOrNull { length ->
            stops.any { it.length > length && text.regionMatches(text.length - length, it, 0, length) }
        } ?: 0
}
