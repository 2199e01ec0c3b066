package dev.edgellm.sample

import dev.edgellm.ActionCall
import dev.edgellm.EdgeLlmException
import dev.edgellm.Event
import dev.edgellm.Language
import dev.edgellm.Stats
import dev.edgellm.StopReason
import dev.edgellm.android.Approval
import dev.edgellm.internal.JsonReader
import dev.edgellm.internal.parseActions
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOf
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The sample's screen without a screen: nothing is carried out that was not agreed to. */
class ConversationTest {
    private val golden = JsonReader(File(System.getProperty("edgellm.golden"), "actions.json").readText()).read() as Map<*, *>
    private val sms = parseActions((golden["actions"] as List<*>).map { it as Map<*, *> }).first { it.id == "sms.send" }
    private val call = ActionCall(sms, mapOf("recipient" to "Anna", "text" to "late"))
    private val done = Event.Done("", StopReason.STOP, Stats(1, 0, 1, null, null, null))
    private val started = ArrayList<ActionCall>()
    private var screen = Screen()
    private var answers: (String) -> Flow<Event> = { flowOf(Event.Text("Hi "), Event.Text("you"), done) }

    private val conversation =
        Conversation(
            CoroutineScope(Dispatchers.Unconfined),
            send = { answers(it) },
            propose = { flowOf(Event.ToolCall(call), done) },
            start = ::start,
            show = { screen = it },
        )

    private fun start(approval: Approval): String {
        started.add(approval.use() ?: throw EdgeLlmException.InvalidConfig("used"))
        return "Opened."
    }

    @Test
    fun `an answer grows into one line`() {
        conversation.say("Hello")
        assertEquals(listOf(Speaker.PERSON to "Hello", Speaker.MODEL to "Hi you"), screen.lines)
        assertTrue(!screen.busy)
        conversation.say(" ")
        assertEquals(2, screen.lines.size)
    }

    @Test
    fun `what is approved is done once`() {
        conversation.ask("Text Anna that I am late.")
        assertEquals("Text Anna: late", assertNotNull(screen.consent).preview(Language.EN))
        assertEquals(emptyList(), started)
        conversation.approve()
        conversation.approve()
        assertEquals(listOf(call), started)
        assertEquals(Speaker.APP to "Opened.", screen.lines.last())
    }

    @Test
    fun `what is denied, or asked over, is never done`() {
        conversation.ask("Text Anna.")
        val denied = assertNotNull(screen.consent)
        conversation.deny()
        assertNull(screen.consent)
        assertNull(denied.approve())
        conversation.ask("Text Anna.")
        val left = assertNotNull(screen.consent)
        conversation.say("Never mind.")
        assertNull(left.approve())
        conversation.approve()
        assertEquals(emptyList(), started)
    }

    @Test
    fun `stopping keeps what was shown, and one answer runs at a time`() {
        answers = { flow { emit(Event.Text("Once")).also { awaitCancellation() } } }
        conversation.say("A story")
        assertTrue(screen.busy)
        conversation.say("Another")
        assertEquals(2, screen.lines.size)
        conversation.stop()
        assertTrue(!screen.busy)
        assertEquals(Speaker.MODEL to "Once", screen.lines.last())
    }

    @Test
    fun `errors are shown, those of loading too`() {
        answers = { flowOf(Event.Failed(EdgeLlmException.InvalidPrompt("Empty."))) }
        conversation.say("x")
        assertEquals(Speaker.APP to "Empty.", screen.lines.last())
        answers = { throw EdgeLlmException.NotEnoughMemory(2, 1) }
        conversation.say("y")
        assertTrue("2 bytes" in screen.lines.last().second)
        assertTrue(!screen.busy)
    }
}
