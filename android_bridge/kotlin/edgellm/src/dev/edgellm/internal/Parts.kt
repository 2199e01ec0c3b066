package dev.edgellm.internal

import java.time.DateTimeException
import java.time.OffsetDateTime

/**
 * A part of a canonical value, for apps that want it in another form: `{time.hour}`, `{recipient.digits}`. The same parts as
 * Python's (tests/golden/parts.json): text, an Int, or for `millis` a Long; null where the value has none.
 */
internal fun part(value: Any?, name: String): Any? =
    when (name) {
        "date" -> time(value)?.let { it.groupValues[1] }
        "clock" -> time(value)?.let { "${it.groupValues[2]}:${it.groupValues[3]}" }
        "hour" -> time(value)?.let { it.groupValues[2].toInt() }
        "minute" -> time(value)?.let { it.groupValues[3].toInt() }
        "millis" -> time(value)?.let { millis(it) }
        "seconds" -> (value as? String)?.let { DURATION.matchEntire(it) }?.let { seconds(it) }
        "digits" -> (value as? String)?.filter { it in '0'..'9' }
        "lines" -> (value as? List<*>)?.takeIf { items -> items.all { it is String } }?.joinToString("\n")
        else -> throw JsonException("a template names the part '$name', which is none")
    }

private val TIME =
    Regex("([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?")
private val DURATION =
    Regex("P(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?)?")
private val SECONDS = listOf(604_800, 86_400, 3_600, 60, 1)
private const val LONGEST = Int.MAX_VALUE.toLong()

private fun time(value: Any?): MatchResult? = (value as? String)?.let { TIME.matchEntire(it) }

private fun millis(time: MatchResult): Long? {
    val (date, hour, minute, second, offset) = time.destructured
    if (offset.isEmpty()) return null
    return try {
        OffsetDateTime.parse("${date}T$hour:$minute:${second.ifEmpty { "00" }}$offset").toEpochSecond() * 1000
    } catch (_: DateTimeException) { // the 31st of June
        null
    }
}

private fun seconds(duration: MatchResult): Int? {
    val counts = duration.groupValues.drop(1)
    if (counts.all { it.isEmpty() }) return null
    val total = counts.zip(SECONDS) { count, seconds -> count.ifEmpty { "0" }.toLong() * seconds }.sum()
    return if (total > LONGEST) null else total.toInt()
}
