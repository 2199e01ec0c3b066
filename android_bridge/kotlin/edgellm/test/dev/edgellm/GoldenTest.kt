package dev.edgellm

import dev.edgellm.internal.JsonObject
import dev.edgellm.internal.JsonReader
import dev.edgellm.internal.Sampler
import dev.edgellm.internal.TextStream
import dev.edgellm.internal.Turn
import dev.edgellm.internal.parseTurns
import dev.edgellm.internal.tokenizer.Tokenizer
import dev.edgellm.internal.writeTurns
import java.io.File
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals

/** What Python answers, answered here: the files are written by tests/golden/write.py. */
class GoldenTest {
    private val folder = File(System.getProperty("edgellm.golden"))

    private fun read(file: File): Any? = JsonReader(file.readText()).read()

    private fun objects(value: Any?): List<JsonObject> = (value as List<*>).map { JsonObject(it as Map<*, *>, "golden") }

    private fun checkTokenizer(vocabulary: File, golden: File) {
        val tokenizer = Tokenizer.open(vocabulary)
        val document = JsonObject(read(golden) as Map<*, *>, golden.name)
        assertEquals(document.ints("special_ids").toSet(), tokenizer.specialIds)
        for (case in objects(document.list("cases"))) {
            val text = case.text("text")
            assertContentEquals(case.ints("ids").toIntArray(), tokenizer.encode(text), "ids of ${golden.name}: '$text'")
            assertContentEquals(case.ints("plain").toIntArray(), tokenizer.encode(text, special = false), "plain ids: '$text'")
            assertEquals(case.text("decoded"), tokenizer.decode(tokenizer.encode(text)))
        }
    }

    @Test
    fun `byte-level BPE gives the reference's ids`() = checkTokenizer(File(folder, "tokenizer-bpe.json"), File(folder, "ids-bpe.json"))

    @Test
    fun `unigram gives the reference's ids`() =
        checkTokenizer(File(folder, "tokenizer-unigram.json"), File(folder, "ids-unigram.json"))

    @Test
    fun `added tokens are found as given or as normalized`() =
        checkTokenizer(File(folder, "tokenizer-added.json"), File(folder, "ids-added.json"))

    /** The exported model's own vocabulary over thousands of lines, where the runner names both files. */
    @Test
    fun `the exported vocabulary gives the reference's ids`() {
        val vocabulary = System.getProperty("edgellm.tokenizer") ?: return
        checkTokenizer(File(vocabulary), File(System.getProperty("edgellm.ids")))
    }

    @Test
    fun `turns are written as the template writes them`() {
        for (golden in objects(read(File(folder, "turns.json")))) {
            val format = parseTurns(golden.nested("turns"))
            for (case in objects(golden.list("cases"))) {
                val turns = case.list("conversation").map { Turn((it as List<*>)[0] as String, it[1] as String) }
                assertEquals(case.text("text"), writeTurns(format, turns))
            }
        }
    }

    @Test
    fun `the same seed draws the same tokens`() {
        val document = JsonObject(read(File(folder, "sampling.json")) as Map<*, *>, "sampling")
        val rows = document.list("logits").map { row -> FloatArray((row as List<*>).size) { row[it].toLogit() } }
        for (run in objects(document.list("runs"))) {
            val options = run.nested("sampling")
            val sampling =
                Sampling(
                    options.real("temperature"),
                    options.int("top_k"),
                    options.real("top_p"),
                    options.real("min_p"),
                    options.real("repetition_penalty"),
                    options.int("repetition_window"),
                    if ("seed" in options.names()) options.seed() else null,
                )
            val sampler = Sampler(sampling)
            var history = run.ints("history").toIntArray()
            for ((turn, expected) in run.ints("tokens").withIndex()) {
                val token = sampler.sample(rows[turn % rows.size], history)
                assertEquals(expected, token, "token $turn of $sampling")
                history += token
            }
        }
    }

    private fun JsonObject.seed(): Long? = runCatching { count("seed") }.getOrNull()

    private fun Any?.toLogit(): Float =
        when (this) {
            null -> Float.NEGATIVE_INFINITY
            is Long -> toFloat()
            else -> (this as Double).toFloat()
        }

    @Test
    fun `text is held back until it is whole and no stop string`() {
        for (case in objects(read(File(folder, "stream.json")))) {
            val stream = TextStream(case.list("stops").map { it as String })
            for ((token, shown) in case.list("tokens").zip(case.list("shown"))) {
                assertEquals(shown, stream.push(hex(token as String)))
            }
            assertEquals(case.text("end"), stream.end(cutShort = case.flag("cut_short")))
            assertEquals(case.flag("stopped"), stream.stopped)
        }
    }

    private fun hex(text: String) = ByteArray(text.length / 2) { text.substring(2 * it, 2 * it + 2).toInt(16).toByte() }
}
