package dev.edgellm

import dev.edgellm.internal.OrtModel
import dev.edgellm.internal.readManifest
import dev.edgellm.internal.write
import java.io.DataOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * What the model makes of given tokens: `DIRECTORY SEQUENCES OUT TOKENS`.
 *
 * Each line of SEQUENCES is `prompt ids | answer ids`. The prompt is fed at once and the answer one token at a time; where no
 * answer is given it is the likeliest one, of at most TOKENS and up to a stop token. The logits that chose each token of the
 * answer go to OUT as little-endian float32, and the answer's ids are printed as a line of JSON. The property edgellm.kernels
 * names the kernels, where they are not the default ones.
 */
fun main(arguments: Array<String>) {
    val (directory, sequences, out, tokens) = arguments
    val manifest = readManifest(File(directory))
    DataOutputStream(File(out).outputStream().buffered()).use { stream ->
        OrtModel(File(directory), manifest, manifest.contextLength, threads = 1, askedKernels()).use { model ->
            for (line in File(sequences).readLines()) {
                val (prompt, forced) = line.split("|").map { side -> side.split(" ").filter(String::isNotEmpty).map(String::toInt) }
                println(write(follow(model, manifest.stopTokenIds, prompt, forced, tokens.toInt(), stream).map(Int::toLong)))
            }
        }
    }
}

private fun follow(model: OrtModel, stops: Set<Int>, prompt: List<Int>, forced: List<Int>, tokens: Int, out: DataOutputStream): List<Int> {
    val answer = ArrayList<Int>()
    model.rewind(0)
    var next = prompt
    while (answer.size < (if (forced.isEmpty()) tokens else forced.size)) {
        val logits = model.feed(next.toIntArray()) { true } ?: error("the model gave up")
        val bytes = ByteBuffer.allocate(4 * logits.size).order(ByteOrder.LITTLE_ENDIAN)
        bytes.asFloatBuffer().put(logits)
        out.write(bytes.array())
        val chosen = forced.getOrNull(answer.size) ?: logits.indices.maxBy { logits[it] }
        answer.add(chosen)
        if (forced.isEmpty() && chosen in stops) break
        next = listOf(chosen)
    }
    return answer
}

/** What edgellm.kernels says, and without it what an app gets that says nothing. */
internal fun askedKernels(): Kernels = System.getProperty("edgellm.kernels")?.let(Kernels::valueOf) ?: Config().kernels
