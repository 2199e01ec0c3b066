package dev.edgellm

/**
 * Everything the library throws on purpose. The message names the file, the fact and the next step.
 *
 * The tree is sealed, so `when` over it is complete.
 */
sealed class EdgeLlmException(message: String, cause: Throwable? = null) : Exception(message, cause) {
    /** The model's directory is damaged, incomplete, or made by a newer version. */
    class Bundle(message: String, cause: Throwable? = null) : EdgeLlmException(message, cause)

    /** The model, or something asked of it, is of a kind this library or the installed ONNX Runtime cannot do. */
    class Unsupported(message: String, cause: Throwable? = null) : EdgeLlmException(message, cause)

    /** The model would not fit into the memory there is. Nothing was loaded. */
    class NotEnoughMemory(
        /** Bytes the model takes at its context length. */
        val neededBytes: Long,
        /** Bytes the device can spare. */
        val availableBytes: Long,
    ) : EdgeLlmException(
            "The model needs $neededBytes bytes of memory and the device can spare $availableBytes. " +
                "Close other apps, open it with a shorter context, or export a smaller model.",
        )

    /** The model would not fit into the storage there is. Nothing was written. */
    class NotEnoughStorage(
        /** Bytes that are still to be stored. */
        val neededBytes: Long,
        /** Bytes that are free. */
        val availableBytes: Long,
    ) : EdgeLlmException(
            "The model needs $neededBytes more bytes of storage and $availableBytes are free. Free some storage and try again.",
        )

    /** A model could not be fetched or stored. What was stored is kept, and the next installation goes on from there. */
    class Transfer(message: String, cause: Throwable? = null) : EdgeLlmException(message, cause)

    /** A value is outside its range. */
    class InvalidConfig(message: String) : EdgeLlmException(message)

    /** What was said cannot be given to the model: it is blank, or not valid Unicode. */
    class InvalidPrompt(message: String) : EdgeLlmException(message)

    /** The conversation is longer than the context. Nothing was cut and nothing was fed. */
    class ContextOverflow(
        /** Tokens the conversation takes. */
        val neededTokens: Int,
        /** Tokens the engine was opened for. */
        val contextLength: Int,
    ) : EdgeLlmException(
            "The conversation needs $neededTokens tokens and the context holds $contextLength. " +
                "Start a new chat, or open the model with a longer context.",
        )

    /** The engine was closed. */
    class Closed(cause: Throwable? = null) : EdgeLlmException("The engine is closed. Open the model again.", cause)

    /** The runtime failed while loading or running. */
    class RuntimeFailed(message: String, cause: Throwable? = null) : EdgeLlmException(message, cause)
}
