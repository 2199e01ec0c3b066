package dev.edgellm

import dev.edgellm.internal.Grammar
import dev.edgellm.internal.JsonReader
import dev.edgellm.internal.escapeUri
import dev.edgellm.internal.parseActions
import dev.edgellm.internal.visible
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Actions as data: what a person is shown and what Android is asked, equal to Python's (tests/golden/actions.json). */
class ActionTest {
    private val golden = JsonReader(File(System.getProperty("edgellm.golden"), "actions.json").readText()).read() as Map<*, *>
    private val actions = parseActions((golden["actions"] as List<*>).map { it as Map<*, *> })

    @Test
    fun `previews and intents are Python's`() {
        for (case in golden["cases"] as List<*>) {
            val fields = case as Map<*, *>
            val arguments = (fields["arguments"] as Map<*, *>).entries.associate { (name, value) -> name.toString() to value }
            val call = ActionCall(actions.first { it.id == fields["action"] }, arguments)
            assertEquals((fields["preview"] as Map<*, *>)["en"], call.preview(Language.EN))
            assertEquals((fields["preview"] as Map<*, *>)["zh"], call.preview(Language.ZH))
            val expected =
                (fields["intents"] as List<*>).map { intent ->
                    val spec = intent as Map<*, *>
                    val extras = (spec["extras"] as Map<*, *>).entries.associate { it.key.toString() to it.value }
                    listOf(spec["action"], spec["data"], extras, spec["package"], spec["type"])
                }
            val written = call.intents().map { listOf(it.action, it.data, it.extras.mapValues(::inJson), it.packageName, it.type) }
            assertEquals(expected, written)
        }
    }

    private fun inJson(extra: Map.Entry<String, Any>): Any = (extra.value as? Int)?.toLong() ?: extra.value

    @Test
    fun `a value can end no part of a URI`() {
        assertEquals("a%20b%26c%3D%2F%3F%23%25%7B%7D%E4%BD%A0", escapeUri("a b&c=/?#%{}你"))
        assertEquals("AZaz09-._~", escapeUri("AZaz09-._~"))
    }

    @Test
    fun `what hides is shown`() {
        assertEquals("a\\u202eb\\u200bc\\x07\nd你🙂", visible("a\u202Eb\u200Bc\u0007\nd你🙂"))
        assertEquals("pay\\ufe0f\\ufe01 1\\ufe0f", visible("pay\uFE0F\uFE01 1\uFE0F"))
        assertEquals("\u2764\uFE0F 1\uFE0F\u20E3 \u00A9\uFE0F", visible("\u2764\uFE0F 1\uFE0F\u20E3 \u00A9\uFE0F"))
    }

    @Test
    fun `the standard actions can be proposed`() {
        val file = System.getProperty("edgellm.standard") ?: return
        val standard = parseActions((JsonReader(File(file).readText()).read() as List<*>).map { it as Map<*, *> })
        assertTrue(standard.size > 15)
        val start = Grammar.ofCalls(standard.associate { it.id to it.parameters }).start()
        val alarm = """{"action":"alarm.set","arguments":{"time":"2026-11-24T15:30:00+08:00"}}"""
        assertTrue(start.after(alarm.toByteArray())?.final == true)
        for (action in standard) {
            assertTrue(start.after("""{"action":"${action.id}","arguments":{"""".toByteArray()) != null, action.id)
        }
    }

    @Test
    fun `outward actions are known as such`() {
        assertTrue(actions.first { it.id == "sms.send" }.outward)
    }
}
