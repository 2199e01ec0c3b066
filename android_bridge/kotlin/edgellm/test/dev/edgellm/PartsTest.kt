package dev.edgellm

import dev.edgellm.internal.JsonReader
import dev.edgellm.internal.IntentTemplate
import dev.edgellm.internal.part
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals

/** Parts of values, equal to Python's (tests/golden/parts.json). */
class PartsTest {
    private val names = listOf("date", "clock", "hour", "minute", "millis", "seconds", "digits", "lines")

    @Test
    fun `parts are Python's`() {
        for (case in JsonReader(File(System.getProperty("edgellm.golden"), "parts.json").readText()).read() as List<*>) {
            val fields = case as Map<*, *>
            val expected = (fields["parts"] as Map<*, *>).mapValues { it.value.toString() }
            val found = names.associateWith { part(fields["value"], it)?.toString() }.filterValues { it != null }
            assertEquals<Map<*, *>>(expected, found, "${fields["value"]}")
        }
    }

    @Test
    fun `a part that is a number stays one`() {
        val extras = mapOf("hour" to "{time.hour}", "begin" to "{time.millis}", "text" to "at {time.hour}", "none" to "{time.seconds}")
        val spec = IntentTemplate("SET", null, extras, null, "text/plain").fill(mapOf("time" to "1970-01-01T07:05:00Z"))
        assertEquals(IntentSpec("SET", null, mapOf("hour" to 7, "begin" to 25_500_000L, "text" to "at 7"), null, "text/plain"), spec)
    }
}
