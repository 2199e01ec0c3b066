package dev.edgellm

import dev.edgellm.internal.visible
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.AfterClass
import org.junit.BeforeClass
import java.io.File
import java.nio.file.Files
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue

/** The exported model, run for real: the directory is named by the runner. */
class EngineTest {
    private fun text(events: List<Event>) = events.filterIsInstance<Event.Text>().joinToString("") { it.text }

    @Test
    fun `a question is answered and the turn is kept`() =
        runBlocking<Unit> {
            val chat = engine.chat()
            val events = chat.send("What is the capital of Japan?").toList()
            val done = assertIs<Event.Done>(events.last())
            assertTrue("Tokyo" in done.text, done.text)
            assertEquals(done.text, text(events))
            assertEquals(StopReason.STOP, done.reason)
            assertEquals(listOf("user" to "What is the capital of Japan?", "assistant" to done.text), chat.messages)
        }

    @Test
    fun `what the cache holds is not fed again`() =
        runBlocking<Unit> {
            val chat = engine.chat()
            chat.send("What is 2 + 2?", maxTokens = 8).toList()
            val done = assertIs<Event.Done>(chat.send("And 3 + 3?", maxTokens = 8).toList().last())
            assertTrue(done.stats.cachedTokens > done.stats.promptTokens / 2, done.stats.toString())
        }

    @Test
    fun `a conversation goes on in another chat`() =
        runBlocking<Unit> {
            val chat = engine.chat()
            chat.send("What is the capital of Japan?").toList()
            val before = chat.messages
            val first = assertIs<Event.Done>(chat.send("And of France?", maxTokens = 4).toList().last())
            val told = engine.chat(messages = before)
            val second = assertIs<Event.Done>(told.send("And of France?", maxTokens = 4).toList().last())
            assertEquals(first.stats.promptTokens, second.stats.promptTokens)
            assertEquals(second.stats.promptTokens - 1, second.stats.cachedTokens) // the same tokens: all but the last are held
            assertEquals(before, told.messages.take(2))
            for (roles in listOf(listOf("user"), listOf("assistant", "user"), listOf("system", "user"))) {
                assertFailsWith<EdgeLlmException.InvalidConfig> { engine.chat(messages = roles.map { it to "a" }) }
            }
        }

    @Test
    fun `the same conversation gives the same answer, whatever the cache held`() =
        runBlocking<Unit> {
            val first = text(engine.chat().send("Name three fruits.", maxTokens = 24).toList())
            engine.generate("Once upon a time", maxTokens = 8).toList()
            assertEquals(first, text(engine.chat().send("Name three fruits.", maxTokens = 24).toList()))
        }

    @Test
    fun `a stop string ends the answer and is not shown`() =
        runBlocking<Unit> {
            val done = assertIs<Event.Done>(engine.chat().send("What is the capital of Japan?", stop = listOf("Tok")).toList().last())
            assertEquals("The capital of Japan is ", done.text)
            assertEquals(StopReason.STOP, done.reason)
        }

    @Test
    fun `a cancelled collection keeps what was shown`() =
        runBlocking<Unit> {
            val chat = engine.chat()
            val shown = chat.send("Tell me a long story.").first { it is Event.Text } as Event.Text
            assertEquals(listOf("user" to "Tell me a long story.", "assistant" to shown.text), chat.messages)
        }

    @Test
    fun `errors are events, and leave no trace`() =
        runBlocking<Unit> {
            val chat = engine.chat()
            assertIs<EdgeLlmException.InvalidPrompt>(assertIs<Event.Failed>(chat.send(" \n").toList().single()).error)
            assertIs<EdgeLlmException.InvalidPrompt>(assertIs<Event.Failed>(chat.send("half \uD83D").toList().single()).error)
            val long = assertIs<Event.Failed>(chat.send("word ".repeat(5000)).toList().single())
            val overflow = assertIs<EdgeLlmException.ContextOverflow>(long.error)
            assertEquals(engine.contextLength, overflow.contextLength)
            assertTrue(overflow.neededTokens > 5000)
            assertEquals(emptyList(), chat.messages)
            assertFailsWith<EdgeLlmException.InvalidConfig> { chat.send("a", maxTokens = 0) }
            assertFailsWith<EdgeLlmException.InvalidConfig> { chat.send("a", stop = listOf("")) }
        }

    @Test
    fun `two chats on one engine take turns and do not mix`() =
        runBlocking<Unit> {
            val alone = text(engine.chat().send("What is the capital of France?", maxTokens = 12).toList())
            val results = arrayOfNulls<String>(2)
            val jobs =
                (0..1).map { index ->
                    launch { results[index] = text(engine.chat().send("What is the capital of France?", maxTokens = 12).toList()) }
                }
            jobs.forEach { it.join() }
            assertEquals(listOf<String?>(alone, alone), results.toList())
        }

    @Test
    fun `no text is lost or made up under random cancels and a slow collector`() =
        runBlocking<Unit> {
            // a question on which 4 bits are decided: elsewhere the answer hangs on what was cached, by rounding
            val whole = text(engine.chat().send("What is the capital of Japan?", maxTokens = 32).toList())
            val random = Random(7)
            var settled = 0L
            repeat(Integer.getInteger("edgellm.cancels", 30)) { turn ->
                val shown = StringBuilder()
                val job =
                    launch {
                        engine.chat().send("What is the capital of Japan?", maxTokens = 32).collect { event ->
                            if (event is Event.Text) shown.append(event.text)
                            if (random.nextInt(4) == 0) delay(1)
                        }
                    }
                delay(random.nextLong(60))
                job.cancel()
                job.join()
                assertTrue(whole.startsWith(shown.toString()), "'$shown' is not how '$whole' begins")
                if (turn == 9) settled = nativeBytes()
            }
            val grown = nativeBytes() - settled
            println("native memory grew by $grown bytes")
            assertTrue(grown < 64 shl 20, "native memory grew by $grown bytes")
        }

    @Test
    fun `closing ends the answer under way, twice is once, and nothing runs afterwards`() =
        runBlocking<Unit> {
            val own = EdgeLlm.open(directory)
            val events = ArrayList<Event>()
            val job = launch { own.chat().send("Tell me a very long story.").collect { events.add(it) } }
            while (events.isEmpty()) delay(5)
            own.close()
            own.close()
            job.join()
            assertIs<EdgeLlmException.Closed>(assertIs<Event.Failed>(events.last()).error)
            assertIs<EdgeLlmException.Closed>(assertIs<Event.Failed>(own.chat().send("Hello").toList().single()).error)
        }

    @Test
    fun `a load that is cancelled leaves nothing behind`() =
        runBlocking<Unit> {
            val random = Random(11)
            var settled = 0L
            repeat(12) { turn ->
                var loaded: Engine? = null
                val job = launch(Dispatchers.Default) { loaded = EdgeLlm.load(directory) }
                delay(random.nextLong(700))
                job.cancelAndJoin()
                loaded?.use { engine -> assertIs<Event.Done>(engine.generate("One, two,", maxTokens = 2).toList().last()) }
                if (turn == 3) settled = nativeBytes()
            }
            val grown = nativeBytes() - settled
            assertTrue(grown < File(directory, "model.onnx.data").length() / 2, "$grown more bytes are resident") // of eight loads
        }

    /** What is resident besides Java's heap: a collection frees the tensors that nothing refers to any more. */
    private fun nativeBytes(): Long {
        System.gc()
        return File("/proc/self/statm").readText().split(" ")[1].toLong() * 4096 - Runtime.getRuntime().totalMemory()
    }

    @Test
    fun `the choice of kernels is for Arm, and on x86 nothing depends on it`() =
        runBlocking<Unit> {
            assertEquals(Kernels.FAITHFUL, Config().kernels)
            val expected = text(engine.generate("One, two,", maxTokens = 8).toList())
            EdgeLlm.open(directory, Config(verify = false, kernels = Kernels.TUNED)).use { own ->
                assertEquals(expected, text(own.generate("One, two,", maxTokens = 8).toList()))
            }
        }

    @Test
    fun `an action that the model cannot be held to is refused before it runs`() =
        runBlocking<Unit> {
            val edited = Files.createTempDirectory("edgellm").toFile()
            for (file in directory.listFiles().orEmpty()) Files.createSymbolicLink(File(edited, file.name).toPath(), file.toPath())
            val manifest = File(edited, "phone.json")
            val text = manifest.readText()
            val schema = Regex("\"maxLength\": 4000")
            assertTrue(schema in text)
            manifest.delete()
            manifest.writeText(schema.replace(text, "\"pattern\": \"a+\""))
            EdgeLlm.open(edited, Config(verify = false)).use { own ->
                assertFailsWith<EdgeLlmException.Unsupported> { own.chat().propose("Text Anna.") }
                assertFailsWith<EdgeLlmException.InvalidConfig> { own.chat().propose("Text Anna.", listOf("no.such")) }
            }
        }

    @Test
    fun `a proposal is one of the actions, with arguments as the schema says`() =
        runBlocking<Unit> {
            val events = engine.chat().propose("Text Anna that I am ten minutes late.", listOf("sms.send")).toList()
            val call = assertIs<Event.ToolCall>(events.first(), events.toString()).call
            assertIs<Event.Done>(events.last())
            assertTrue(call.action in engine.actions)
            assertEquals(setOf("recipient", "message"), call.arguments.keys)
            assertTrue(call.arguments.values.all { it is String })
            val preview = call.preview(Language.EN)
            assertTrue(call.arguments.values.all { visible(it as String) in preview }, preview)
        }

    @Test
    fun `all actions are offered at once, and a call that does not end is none`() =
        runBlocking<Unit> {
            val events = engine.chat().propose("Set a timer for ten minutes.").toList()
            val done = assertIs<Event.Done>(events.last(), events.toString())
            assertTrue(done.stats.promptTokens < engine.contextLength / 2, done.stats.toString())
            if (done.reason == StopReason.STOP) assertTrue(assertIs<Event.ToolCall>(events.first()).call.action in engine.actions)
            val cut = engine.chat().propose("Set a timer for ten minutes.", maxTokens = 3).toList().single()
            assertEquals(StopReason.LENGTH, assertIs<Event.Done>(cut).reason)
        }

    companion object {
        private val directory = File(System.getProperty("edgellm.model"))
        private lateinit var engine: Engine

        @BeforeClass
        @JvmStatic
        fun open() {
            engine = EdgeLlm.open(directory)
        }

        @AfterClass
        @JvmStatic
        fun close() = engine.close()
    }
}
