package dev.edgellm

/**
 * How a model is opened.
 *
 * @property threads threads for the products of matrices; null takes as many as the device has fast cores for.
 * @property contextLength most tokens of one conversation; null takes what the export was planned for. Never more than that.
 * @property availableMemoryBytes memory the app may use for the model, in bytes, measured by the caller (on Android:
 * `ActivityManager.MemoryInfo.availMem`); null does not check. A model that needs more is refused before it is loaded.
 * @property verify compare the SHA-256 of every file with the manifest's. Off, only the sizes are compared: for files that
 * the app itself verified when it stored them.
 * @property kernels whose products an Arm CPU runs. It matters to models of 4 bits.
 * @throws EdgeLlmException.InvalidConfig a number is out of range.
 */
data class Config(
    val threads: Int? = null,
    val contextLength: Int? = null,
    val availableMemoryBytes: Long? = null,
    val verify: Boolean = true,
    val kernels: Kernels = Kernels.FAITHFUL,
) {
    init {
        requireRange(threads == null || threads in 1..64) { "threads is $threads; it must be from 1 to 64." }
        requireRange(contextLength == null || contextLength > 0) { "contextLength is $contextLength; it must be above 0." }
        requireRange(availableMemoryBytes == null || availableMemoryBytes >= 0) {
            "availableMemoryBytes is $availableMemoryBytes; it must not be negative."
        }
    }
}

/**
 * Whose products of matrices run on an Arm CPU. ONNX Runtime 1.25 and later offers the choice; 1.24 takes [TUNED] whatever it is
 * asked for, and 1.23 does not have them.
 */
enum class Kernels {
    /** ONNX Runtime's own, which round activations as on x86, a scale for every 32: the answers of a desktop. */
    FAITHFUL,

    /**
     * Arm's KleidiAI, made for speed: products of 4-bit weights give a whole row of activations one scale, and now and then
     * another word is the likeliest. On a CPU without the dot product, and for 8 bits, the same as [FAITHFUL].
     */
    TUNED,
}

/**
 * How the next token is chosen. The filters run in this order: repetition penalty, top-k, top-p, min-p, temperature.
 *
 * @property temperature 0 takes the likeliest token; 1 samples the model's own distribution; more is flatter.
 * @property topK keep the k likeliest tokens; 0 keeps all.
 * @property topP keep the fewest likeliest tokens whose probability sums to at least this.
 * @property minP drop tokens less likely than this share of the likeliest one.
 * @property repetitionPenalty divides the positive and multiplies the negative logits of recent tokens; 1 does nothing.
 * @property repetitionWindow how many of the last tokens count as recent; 0 counts all.
 * @property seed the same seed chooses the same tokens from the same logits; null takes a new one for each answer.
 * @throws EdgeLlmException.InvalidConfig a number is out of range.
 */
data class Sampling(
    val temperature: Double = 0.0,
    val topK: Int = 0,
    val topP: Double = 1.0,
    val minP: Double = 0.0,
    val repetitionPenalty: Double = 1.0,
    val repetitionWindow: Int = 64,
    val seed: Long? = null,
) {
    init {
        requireRange(temperature >= 0 && temperature.isFinite()) { "temperature is $temperature; it must be at least 0." }
        requireRange(topP in 0.0..1.0) { "topP is $topP; it must be from 0 to 1." }
        requireRange(minP in 0.0..1.0) { "minP is $minP; it must be from 0 to 1." }
        requireRange(repetitionPenalty > 0 && repetitionPenalty.isFinite()) {
            "repetitionPenalty is $repetitionPenalty; it must be above 0 (1 does nothing)."
        }
        requireRange(topK >= 0) { "topK is $topK; it must be at least 0." }
        requireRange(repetitionWindow >= 0) { "repetitionWindow is $repetitionWindow; it must be at least 0." }
        requireRange(seed == null || seed >= 0) { "seed is $seed; it must be at least 0." }
    }
}

private inline fun requireRange(met: Boolean, message: () -> String) {
    if (!met) throw EdgeLlmException.InvalidConfig(message())
}
