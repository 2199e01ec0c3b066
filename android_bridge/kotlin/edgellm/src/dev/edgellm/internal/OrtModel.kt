package dev.edgellm.internal

import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtLoggingLevel
import ai.onnxruntime.OrtSession
import dev.edgellm.EdgeLlmException
import dev.edgellm.Kernels
import java.io.File
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.LongBuffer

/**
 * The graph in ONNX Runtime and its KV cache: token ids in, one row of logits out. The only file that calls native code.
 *
 * One buffer a layer is bound as past and as present, so attention appends in place; it grows in steps up to the context
 * length. Used by one thread at a time; only [terminate] may be called from another.
 */
internal class OrtModel(
    private val directory: File,
    private val manifest: Manifest,
    private val contextLength: Int,
    threads: Int,
    kernels: Kernels,
) : AutoCloseable {
    private val environment = openEnvironment()
    private val session: OrtSession
    private val names =
        (0 until manifest.kv.layers).flatMap { layer -> listOf("$layer.key", "$layer.value") }
    private val logits = direct(manifest.vocabularySize)
    private val logitsTensor: OnnxTensor
    private var buffers: List<FloatBuffer> = emptyList()
    private var cache: Map<String, OnnxTensor> = emptyMap()
    private var held = 0

    @Volatile private var running: OrtSession.RunOptions? = null

    /** Tokens in the KV cache. */
    var position = 0
        private set

    init {
        requireVersion()
        session = openSession(threads, kernels)
        logitsTensor = OnnxTensor.createTensor(environment, logits, longArrayOf(1, 1, manifest.vocabularySize.toLong()))
        try {
            checkSignature()
            reserve(minOf(STEP, contextLength))
        } catch (error: Throwable) {
            close()
            throw error
        }
    }

    /**
     * Appends token ids and returns the logits of the last one.
     *
     * When it throws, nothing was appended. [proceed] is asked before each chunk; when it says no, what was appended so far
     * stays and null is returned.
     */
    fun feed(ids: IntArray, proceed: () -> Boolean): FloatArray? {
        if (position + ids.size > contextLength) throw EdgeLlmException.ContextOverflow(position + ids.size, contextLength)
        reserve(position + ids.size)
        var start = 0
        while (start < ids.size) {
            if (!proceed()) return null
            val end = minOf(start + CHUNK, ids.size)
            if (!run(ids.copyOfRange(start, end))) return null
            position += end - start
            start = end
        }
        return FloatArray(manifest.vocabularySize).also { logits.duplicate().get(it) }
    }

    /** Drops the tail of the cache, so that [to] tokens stay. */
    fun rewind(to: Int) {
        require(to in 0..position)
        position = to
    }

    /** Ends a run that is under way in another thread as soon as the runtime notices: within one operator. */
    fun terminate() {
        val options = running ?: return
        synchronized(this) { if (running === options) options.setTerminate(true) }
    }

    override fun close() {
        cache.values.forEach(OnnxTensor::close)
        cache = emptyMap()
        buffers = emptyList()
        logitsTensor.close()
        session.close()
    }

    /** One pass over a chunk; false when it was terminated. */
    private fun run(chunk: IntArray): Boolean {
        val total = position + chunk.size
        val ids = LongBuffer.wrap(LongArray(chunk.size) { chunk[it].toLong() })
        val mask = LongBuffer.wrap(LongArray(total) { 1L })
        val options = OrtSession.RunOptions()
        synchronized(this) { running = options }
        try {
            OnnxTensor.createTensor(environment, ids, longArrayOf(1, chunk.size.toLong())).use { idsTensor ->
                OnnxTensor.createTensor(environment, mask, longArrayOf(1, total.toLong())).use { maskTensor ->
                    val inputs = HashMap<String, OnnxTensor>(2 * names.size)
                    val outputs = HashMap<String, OnnxTensor>(2 * names.size)
                    inputs["input_ids"] = idsTensor
                    inputs["attention_mask"] = maskTensor
                    outputs["logits"] = logitsTensor
                    for ((name, tensor) in cache) {
                        inputs["past_key_values.$name"] = tensor
                        outputs["present.$name"] = tensor
                    }
                    session.run(inputs, emptySet(), outputs, options).close()
                }
            }
            return true
        } catch (error: OrtException) {
            if (synchronized(this) { terminated(error) }) return false
            throw EdgeLlmException.RuntimeFailed(
                "ONNX Runtime failed on ${chunk.size} tokens: ${error.message}. Nothing was added; try a shorter context.",
                error,
            )
        } finally {
            synchronized(this) { running = null }
            options.close()
        }
    }

    private fun terminated(error: OrtException) = error.message?.contains("terminate", ignoreCase = true) == true

    /** Makes the KV buffers hold [tokens], keeping what they hold. */
    private fun reserve(tokens: Int) {
        if (tokens <= held) return
        val length = minOf(maxOf((tokens + STEP - 1) / STEP * STEP, held + held / 2), contextLength)
        val (_, heads, headDim) = manifest.kv
        val grown =
            List(names.size) { index ->
                val larger = direct(heads * length * headDim)
                buffers.getOrNull(index)?.let { copyHeads(it, larger, heads, headDim, length) }
                larger
            }
        cache.values.forEach(OnnxTensor::close)
        buffers = grown
        val shape = longArrayOf(1, heads.toLong(), length.toLong(), headDim.toLong())
        cache = names.zip(grown).associate { (name, buffer) -> name to OnnxTensor.createTensor(environment, buffer, shape) }
        held = length
    }

    private fun copyHeads(from: FloatBuffer, to: FloatBuffer, heads: Int, headDim: Int, length: Int) {
        for (head in 0 until heads) {
            val source = from.duplicate()
            source.window(head * held * headDim, head * held * headDim + position * headDim)
            val target = to.duplicate()
            target.window(head * length * headDim, to.capacity())
            target.put(source)
        }
    }

    /** On Buffer, since Android's FloatBuffer has had no `position` of its own before API 28. */
    private fun Buffer.window(start: Int, end: Int) {
        limit(end)
        position(start)
    }

    private fun openSession(threads: Int, kernels: Kernels): OrtSession {
        try {
            OrtSession.SessionOptions().use { options ->
                options.setIntraOpNumThreads(threads)
                options.setInterOpNumThreads(1)
                options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL)
                if (kernels == Kernels.FAITHFUL) options.addConfigEntry("mlas.disable_kleidiai", "1")
                return environment.createSession(File(directory, manifest.model).path, options)
            }
        } catch (error: OrtException) {
            throw EdgeLlmException.RuntimeFailed(
                "ONNX Runtime ${environment.version} cannot load $directory: ${error.message}. Export the model again.",
                error,
            )
        }
    }

    private fun requireVersion() {
        val oldest = manifest.requiredOnnxRuntime ?: return
        if (compareVersions(environment.version, oldest) < 0) {
            throw EdgeLlmException.Unsupported(
                "${manifest.name} needs ONNX Runtime $oldest and this app has ${environment.version}. Update onnxruntime-android.",
            )
        }
    }

    private fun checkSignature() {
        val wanted = setOf("input_ids", "attention_mask") + names.map { "past_key_values.$it" }
        if (session.inputNames != wanted || session.outputNames != setOf("logits") + names.map { "present.$it" }) {
            throw EdgeLlmException.Bundle("The graph in $directory is not one that edge-llm exported. Export the model again.")
        }
    }

    private companion object {
        /** Most tokens of one run: a long prompt is given up, when asked, at most this much later. */
        const val CHUNK = 64

        /** KV positions the buffers grow by, at least. */
        const val STEP = 256

        fun openEnvironment(): OrtEnvironment =
            try {
                OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL).apply { setTelemetry(false) }
            } catch (error: UnsatisfiedLinkError) {
                throw EdgeLlmException.Unsupported("ONNX Runtime's native library is missing. Add onnxruntime-android to the app.", error)
            } catch (error: ExceptionInInitializerError) {
                throw EdgeLlmException.Unsupported("ONNX Runtime's native library does not load: ${error.cause?.message}.", error)
            }

        fun direct(floats: Int): FloatBuffer = ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder()).asFloatBuffer()
    }
}

/** Compares dotted versions by their numbers. */
internal fun compareVersions(left: String, right: String): Int {
    val pairs = parts(left).zipLonger(parts(right))
    return pairs.firstOrNull { (a, b) -> a != b }?.let { (a, b) -> a.compareTo(b) } ?: 0
}

private fun parts(version: String): List<Int> = version.split(".", "-", "+").map { it.toIntOrNull() ?: 0 }

private fun List<Int>.zipLonger(other: List<Int>): List<Pair<Int, Int>> =
    List(maxOf(size, other.size)) { (getOrElse(it) { 0 }) to (other.getOrElse(it) { 0 }) }
