package dev.edgellm.android

import dev.edgellm.ActionCall
import dev.edgellm.EdgeLlmException
import dev.edgellm.IntentSpec
import dev.edgellm.android.internal.firstStarted
import dev.edgellm.internal.JsonReader
import dev.edgellm.internal.parseActions
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Intents and consent as data; the cases are Python's (tests/golden/actions.json). */
class IntentsTest {
    private val golden = JsonReader(File(System.getProperty("edgellm.golden"), "actions.json").readText()).read() as Map<*, *>
    private val actions = parseActions((golden["actions"] as List<*>).map { it as Map<*, *> })

    private fun calls(): List<Pair<ActionCall, List<*>>> =
        (golden["cases"] as List<*>).map { case ->
            val fields = case as Map<*, *>
            val arguments = (fields["arguments"] as Map<*, *>).entries.associate { (name, value) -> name.toString() to value }
            ActionCall(actions.first { it.id == fields["action"] }, arguments) to fields["intents"] as List<*>
        }

    private fun call(id: String) = calls().first { (call, _) -> call.action.id == id }.first

    @Test
    fun `intents are the goldens' own`() {
        var compared = 0
        for ((call, intents) in calls()) {
            val built = call.intents().map(Intents::intent)
            assertEquals(intents.size, built.size)
            for ((expected, intent) in intents.zip(built)) {
                val spec = expected as Map<*, *>
                assertEquals(spec["action"], intent.action)
                assertEquals(spec["data"], intent.data?.text)
                assertEquals(spec["package"], intent.packageName)
                assertEquals(spec["type"], intent.type)
                assertEquals(spec["extras"], intent.extras.mapValues { (_, value) -> (value as? Int)?.toLong() ?: value })
                assertEquals(0x10000000, intent.flags) // a task of its own, and no right to read or write a URI
                compared++
            }
        }
        assertTrue(compared > 5)
    }

    @Test
    fun `numbers are of the types that Android asks for`() {
        val extras = Intents.intent(call("alarm.set").intents().first()).extras
        assertEquals(15, extras["android.intent.extra.alarm.HOUR"])
        assertEquals(30, extras["android.intent.extra.alarm.MINUTES"])
        assertEquals(600, extras["android.intent.extra.alarm.LENGTH"])
        assertEquals(1_795_505_400_000L, extras["beginTime"])
    }

    @Test
    fun `an approval is of one call, once`() {
        val call = call("sms.send")
        val consent = Consent(call)
        assertTrue(consent.outward)
        assertEquals(call.intents(), consent.intents)
        val approval = consent.approve()
        assertNull(consent.approve())
        assertEquals(call, approval?.use())
        assertNull(approval?.use())
        assertNull(Consent(call).also { it.deny() }.approve())
    }

    @Test
    fun `an approval does not last`() {
        var now = 0L
        val call = call("sms.send")
        val late = Approval(call) { now }
        val early = Approval(call) { now }
        now = 119_000_000_000
        assertEquals(call, early.use())
        now = 121_000_000_000
        assertNull(late.use())
    }

    @Test
    fun `the ladder goes down until an app answers`() {
        val call = call("alarm.set")
        val tried = ArrayList<IntentSpec>()
        val started = firstStarted(Approval(call, System::nanoTime)) { spec -> tried.add(spec).let { true } }
        assertEquals(call.intents().first(), started)
        assertEquals(1, tried.size)
        assertFailsWith<EdgeLlmException.Unsupported> { firstStarted(Approval(call, System::nanoTime)) { false } }
        assertFailsWith<EdgeLlmException.Unsupported> { firstStarted(Approval(call("note.add"), System::nanoTime)) { true } }
        val used = Approval(call, System::nanoTime).also { it.use() }
        assertFailsWith<EdgeLlmException.InvalidConfig> { firstStarted(used) { true } }
    }
}
