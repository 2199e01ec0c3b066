package dev.edgellm

import dev.edgellm.internal.write
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.File
import kotlin.random.Random

/**
 * Cancels answers and closes engines at random moments under a slow collector: `DIRECTORY ROUNDS SEED`.
 *
 * Each round begins an answer and after a random while cancels its collection or, one time in ten, closes the engine under it and
 * opens another. Fails when text was lost or made up, or when a closed engine's answer ends in anything but Closed or Done. Prints
 * a line of JSON: how many of each, and the resident memory besides Java's heap, in bytes, at eleven moments.
 */
fun main(arguments: Array<String>) {
    val directory = File(arguments[0])
    val rounds = arguments[1].toInt()
    val random = Random(arguments[2].toInt())
    val seconds = Random(arguments[2].toInt() + 1) // the collector's own: it draws in another thread
    var engine = EdgeLlm.open(directory, Config(verify = false))
    val whole = runBlocking { engine.generate(PROMPT, maxTokens = TOKENS).toList() }.filterIsInstance<Event.Text>().joinToString("") { it.text }
    var cancelled = 0
    var closed = 0
    var finished = 0
    val resident = ArrayList<Long>()
    for (round in 0 until rounds) {
        if (round % maxOf(1, rounds / 10) == 0) resident.add(nativeBytes())
        val events = ArrayList<Event>()
        runBlocking {
            val using = engine
            val job =
                launch(Dispatchers.Default) {
                    using.generate(PROMPT, maxTokens = TOKENS).collect {
                        events.add(it)
                        if (seconds.nextInt(4) == 0) delay(seconds.nextLong(4))
                    }
                }
            delay(random.nextLong(LONGEST_MS))
            if (random.nextInt(10) == 0) {
                engine.close()
                job.join()
                check(events.lastOrNull().let { it is Event.Done || it is Event.Failed && it.error is EdgeLlmException.Closed }) { "$events" }
                engine = EdgeLlm.open(directory, Config(verify = false))
                closed++
            } else {
                job.cancelAndJoin()
                cancelled++
            }
        }
        val shown = events.filterIsInstance<Event.Text>().joinToString("") { it.text }
        check(whole.startsWith(shown)) { "round $round: '$shown' is not how '$whole' begins" }
        (events.lastOrNull() as? Event.Done)?.let {
            check(it.text == shown && shown == whole) { "round $round: '$shown' of '$whole'" }
            finished++
        }
    }
    resident.add(nativeBytes())
    engine.close()
    val counts = mapOf("cancelled" to cancelled.toLong(), "closed" to closed.toLong(), "finished" to finished.toLong())
    println(write(counts + mapOf("resident" to resident)))
}

/** What is resident besides Java's heap: a collection frees the tensors that nothing refers to any more. */
private fun nativeBytes(): Long {
    System.gc()
    return File("/proc/self/statm").readText().split(" ")[1].toLong() * 4096 - Runtime.getRuntime().totalMemory()
}

private const val PROMPT = "Count from one to ten: one, two,"
private const val TOKENS = 24
private const val LONGEST_MS = 250L
