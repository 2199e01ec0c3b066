package dev.edgellm

import dev.edgellm.internal.write
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import java.io.File

/**
 * Answers each prompt in a chat of its own and prints a line of JSON: `DIRECTORY TOKENS PROMPT...`. The property edgellm.kernels
 * is that of Logits.
 */
fun main(arguments: Array<String>) {
    EdgeLlm.open(File(arguments[0]), Config(kernels = askedKernels())).use { engine ->
        for (prompt in arguments.drop(2)) {
            val events = runBlocking { engine.chat().send(prompt, maxTokens = arguments[1].toInt()).toList() }
            val last = events.last() as? Event.Done ?: error("$prompt: ${events.last()}")
            println(write(mapOf("text" to last.text, "tokens" to last.stats.completionTokens.toLong())))
        }
    }
}
