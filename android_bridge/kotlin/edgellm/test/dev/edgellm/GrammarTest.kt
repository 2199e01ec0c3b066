package dev.edgellm

import dev.edgellm.internal.Grammar
import dev.edgellm.internal.JsonReader
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The automaton takes what the schema allows, all of it and nothing else. */
class GrammarTest {
    private fun grammar(schema: String) = Grammar.of(JsonReader(schema).read() as Map<*, *>)

    private fun takes(schema: String, text: String): Boolean = grammar(schema).start().after(text.toByteArray())?.complete == true

    private fun check(schema: String, taken: List<String>, refused: List<String>) {
        for (text in taken) assertTrue(takes(schema, text), "$schema should take $text")
        for (text in refused) assertTrue(!takes(schema, text), "$schema should refuse $text")
    }

    @Test
    fun strings() =
        check(
            """{"type":"string","maxLength":3}""",
            listOf("\"\"", "\"abc\"", "\"你好吗\"", "\"\\n\\u00e9🙂\"", "\"\\\"\\\\/\""),
            listOf("\"abcd\"", "abc", "\"a", "\"a\nb\"", "\"\\x\"", "\"\\u12\"", "\"a\"b"),
        )

    @Test
    fun numbers() {
        check("""{"type":"integer"}""", listOf("0", "-1", "120"), listOf("01", "1.0", "1e3", "-", "+1", ""))
        check("""{"type":"number"}""", listOf("0", "-0.5", "1e3", "1.25E-7"), listOf(".5", "1.", "1e", "--1", "0x1"))
    }

    @Test
    fun `choices and constants`() {
        val taken = listOf("\"red\"", "\"green\"", "5", "null", "true")
        check("""{"enum":["red","green",5,null,true]}""", taken, listOf("\"re\"", "6", "red"))
        check("""{"const":{"a":[1,"b"]}}""", listOf("""{"a":[1,"b"]}"""), listOf("""{"a":[1]}"""))
        check("""{"type":"boolean"}""", listOf("true", "false"), listOf("True", "1", "tru"))
    }

    @Test
    fun `objects keep their order and may lack what is not required`() {
        val schema = """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"},"c":{"type":"null"}},"required":["b"]}"""
        check(
            schema,
            listOf("""{"b":true}""", """{"a":1,"b":true}""", """{"b":false,"c":null}""", """{"a":-3,"b":true,"c":null}"""),
            listOf("{}", """{"a":1}""", """{"b":true,"a":1}""", """{"b":true,}""", """{ "b":true}""", """{"b":true,"d":1}"""),
        )
    }

    @Test
    fun arrays() {
        val schema = """{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}"""
        check(schema, listOf("[1]", "[1,2,3]"), listOf("[]", "[1,2,3,4]", "[1,]", "[,1]", "[1 ,2]"))
    }

    @Test
    fun `long arrays`() {
        val schema = """{"type":"array","items":{"type":"boolean"},"maxItems":50}"""
        check(schema, listOf("[]", "[true" + ",true".repeat(49) + "]"), listOf("[true" + ",true".repeat(50) + "]"))
    }

    @Test
    fun `bounded strings and numbers`() {
        val taken = listOf("\"ab\"", "\"你好\"", "\"\\n\\n\"")
        check("""{"type":"string","minLength":2,"maxLength":3}""", taken, listOf("\"\"", "\"a\"", "\"你\"", "\"abcd\""))
        check("""{"type":"integer","minimum":-1,"maximum":12}""", listOf("-1", "0", "7", "12"), listOf("-2", "13", "1.0", "01"))
    }

    @Test
    fun patterns() {
        fun checkPattern(pattern: String, taken: List<String>, refused: List<String>) =
            check("""{"type":"string","pattern":"$pattern"}""", taken.map { "\"$it\"" }, refused.map { "\"$it\"" } + "12")

        checkPattern("^[0-9]+(\\\\.[0-9]+)?$", listOf("1", "12.50"), listOf("", ".5", "1.", "1,5"))
        checkPattern("^[A-Z]{3}$", listOf("CNY"), listOf("cny", "CN", "CNYX"))
        checkPattern("^(a|bc)*x-?[_\\\\d-]{1,2}$", listOf("x1", "abcax-_-"), listOf("x", "bx1", "x123"))
    }

    @Test
    fun formats() {
        val times = listOf("\"2026-11-24T15:00:00+08:00\"", "\"2026-01-31T23:59:59Z\"")
        val others = listOf("\"2026-13-24T15:00:00Z\"", "\"2026-11-24\"", "\"2026-11-24T15:00:00\"", "\"tomorrow\"")
        check("""{"type":"string","format":"date-time"}""", times, others)
        val durations = listOf("\"PT10M\"", "\"PT1H30M\"", "\"P1DT2H\"", "\"P2W\"")
        check("""{"type":"string","format":"duration"}""", durations, listOf("\"P\"", "\"PT\"", "\"PT0M\"", "\"10M\""))
    }

    @Test
    fun `only well-formed UTF-8 is taken`() {
        val start = assertNotNull(grammar("""{"type":"string"}""").start().after("\"".toByteArray()))
        for (bad in listOf("80", "c080", "c1bf", "e08080", "eda080", "f0808080", "f4908080", "f5", "ff")) {
            assertNull(start.after(bytes(bad)), bad)
        }
        for (good in listOf("c280", "e0a080", "ed9fbf", "f0908080", "f48fbfbf")) assertNotNull(start.after(bytes(good)), good)
    }

    @Test
    fun `a schema that cannot be kept to is refused`() {
        for (schema in listOf(
            """{"type":"string","pattern":"a+"}""",
            """{"type":"integer","minimum":3}""",
            """{"oneOf":[{"type":"string"}]}""",
            """{"type":"array"}""",
            """{"type":"array","items":{"type":"string"},"maxItems":100000}""",
            """{"type":"string","pattern":"^(a?)+$"}""",
            """{"type":"string","pattern":"^[^a]$"}""",
            """{"type":"string","pattern":"^\\\\w$"}""",
            """{"type":"string","format":"email"}""",
            """{"type":"string","format":"date","maxLength":5}""",
            """{"type":"string","minLength":5,"maxLength":4}""",
            """{"type":"integer","minimum":0,"maximum":100000}""",
            """{"type":"object","additionalProperties":true}""",
            """{"${'$'}ref":"#/x"}""",
            "{}",
        )) {
            assertFailsWith<EdgeLlmException.Unsupported>(schema) { grammar(schema) }
        }
    }

    @Test
    fun `whatever a random walk writes is JSON of the schema`() {
        val schema =
            """{"type":"object","properties":{"s":{"type":"string","maxLength":8},"n":{"type":"number"},"l":{"type":"array","items":""" +
                """{"enum":["x","yy"]},"maxItems":2},"o":{"type":"object","properties":{"p":{"type":"boolean"}}}},"required":["s","l"]}"""
        val random = Random(3)
        repeat(200) {
            var state = grammar(schema).start()
            val written = ArrayList<Byte>()
            while (!state.final) {
                val allowed = (0..255).map(Int::toByte).mapNotNull { byte -> state.after(byteArrayOf(byte))?.let { byte to it } }
                val (byte, next) = allowed[random.nextInt(allowed.size)]
                written.add(byte)
                state = next
            }
            val value = JsonReader(written.toByteArray().toString(Charsets.UTF_8)).read() as Map<*, *>
            assertTrue(value.keys.containsAll(setOf("s", "l")))
            assertTrue((value["l"] as List<*>).all { it == "x" || it == "yy" })
        }
    }

    @Test
    fun `a call names one of the actions`() {
        val parameters = JsonReader("""{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}""").read() as Map<*, *>
        val start = Grammar.ofCalls(mapOf("x.y" to parameters, "z" to parameters)).start()
        assertTrue(assertNotNull(start.after("""{"action":"z","arguments":{"a":1}}""".toByteArray())).final)
        assertNull(start.after("""{"action":"q""".toByteArray()))
    }

    @Test
    fun `json is read strictly`() {
        assertEquals(mapOf("a" to listOf(1L, 2.5, "x\n", null, true)), JsonReader("""{"a":[1,2.5,"x\n",null,true]}""").read())
        for (bad in listOf("", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "\"\u0001\"", "nul", "1 2", "{a:1}")) {
            assertFailsWith<dev.edgellm.internal.JsonException>(bad) { JsonReader(bad).read() }
        }
    }

    private fun bytes(hex: String) = ByteArray(hex.length / 2) { hex.substring(2 * it, 2 * it + 2).toInt(16).toByte() }
}
