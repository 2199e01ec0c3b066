package dev.edgellm

import dev.edgellm.internal.OrtModel
import dev.edgellm.internal.readActions
import dev.edgellm.internal.readManifest
import dev.edgellm.internal.requireNotInterrupted
import dev.edgellm.internal.tokenizer.Tokenizer
import dev.edgellm.internal.verifyFiles
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import java.io.File
import java.util.concurrent.CancellationException

/** Opens models that `edge-llm export` wrote. */
object EdgeLlm {
    /**
     * Loads a model: verifies its files, checks the memory it will take, then opens it. Blocks for as long as that takes
     * (hashing reads every byte); call it off the main thread.
     *
     * ONNX Runtime 1.29 and later reports usage to its vendor unless the environment variable `ORT_DISABLE_TELEMETRY` is 1
     * when its library loads. The Android module sets it; a program on a plain JVM must be started with it.
     *
     * @param directory the exported directory, with `phone.json` in it.
     * @throws EdgeLlmException what is wrong, and what to do.
     * @throws InterruptedException the thread was interrupted; nothing stays loaded. [load] is the same for coroutines.
     */
    fun open(directory: File, config: Config = Config()): Engine {
        val manifest = readManifest(directory)
        if (manifest.format != "onnx") {
            throw EdgeLlmException.Unsupported("${manifest.name} is in ${manifest.format} format; open it with llama.cpp.")
        }
        val contextLength = config.contextLength ?: manifest.contextLength
        if (contextLength > manifest.contextLength) {
            throw EdgeLlmException.InvalidConfig(
                "contextLength is $contextLength; ${manifest.name} was exported for ${manifest.contextLength}.",
            )
        }
        val memory = manifest.memory
        val needed = memory.weightsBytes + memory.workingBytes + memory.kvBytes * contextLength / manifest.contextLength
        val available = config.availableMemoryBytes
        if (available != null && needed > available) throw EdgeLlmException.NotEnoughMemory(needed, available)
        verifyFiles(directory, manifest, config.verify)
        val tokenizer = Tokenizer.open(File(directory, manifest.tokenizer.file))
        val actions = readActions(directory, manifest)
        requireNotInterrupted()
        val model = OrtModel(directory, manifest, contextLength, config.threads ?: defaultThreads(), config.kernels)
        if (Thread.interrupted()) {
            model.close()
            throw InterruptedException("Loading ${manifest.name} was cancelled.")
        }
        return Engine(manifest, tokenizer, model, contextLength, actions)
    }

    /**
     * [open] on a thread of [Dispatchers.IO]. Cancelling ends it at once while files are compared; once ONNX Runtime reads the
     * model, as soon as it has, and then the model is freed again.
     */
    suspend fun load(directory: File, config: Config = Config()): Engine {
        var opened: Engine? = null
        try {
            return runInterruptible(Dispatchers.IO) { open(directory, config).also { opened = it } }
        } catch (error: CancellationException) {
            opened?.close() // it was cancelled after the last moment at which open could notice
            throw error
        }
    }

    /** Half of the processors: on a phone the fast cores, where more threads only wait for the slow ones. */
    private fun defaultThreads(): Int = (Runtime.getRuntime().availableProcessors() / 2).coerceIn(1, 4)
}
