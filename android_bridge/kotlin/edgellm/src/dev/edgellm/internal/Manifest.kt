package dev.edgellm.internal

import dev.edgellm.Action
import dev.edgellm.EdgeLlmException
import dev.edgellm.Sampling
import dev.edgellm.internal.storage.hex
import java.io.File
import java.io.IOException
import java.security.MessageDigest

/** `phone.json`, schema version 1, as `edge-llm export` writes it (its JSON Schema is phone.schema.json). */
internal data class Manifest(
    val name: String,
    val format: String,
    val family: String,
    val model: String,
    val contextLength: Int,
    val vocabularySize: Int,
    val kv: KvShape,
    val memory: Memory,
    val requiredOnnxRuntime: String?,
    val tokenizer: TokenizerFile,
    val turns: TurnFormat?,
    val stopTokenIds: Set<Int>,
    val sampling: Sampling,
    val files: Map<String, FileEntry>,
    val actions: List<Map<*, *>>,
    val licence: String?,
)

/** The KV cache: a key and a value of each layer, float32 (1, heads, tokens, headDim). */
internal data class KvShape(val layers: Int, val heads: Int, val headDim: Int)

/** Bytes in memory at the planned context length. */
internal data class Memory(val weightsBytes: Long, val kvBytes: Long, val workingBytes: Long)

internal data class TokenizerFile(val kind: String, val file: String, val bosId: Int?, val specialIds: Set<Int>)

internal data class FileEntry(val size: Long, val sha256: String)

/** Texts between the contents of turns; see [writeTurns]. */
internal data class TurnFormat(
    val opening: String,
    val system: SystemTurn?,
    val userToAssistant: String,
    val assistantToUser: String,
    val answer: String,
    val trim: Boolean,
    val reasoningEnd: String?,
)

internal data class SystemTurn(val before: String, val after: String)

internal const val MANIFEST_NAME = "phone.json"
private const val SCHEMA_VERSION = 1
private const val LARGEST_MANIFEST = 16L shl 20
private const val AGAIN = "Export the model again, or copy it to the device again."

/** Reads the manifest of a directory. Throws [EdgeLlmException.Bundle]. */
internal fun readManifest(directory: File): Manifest {
    val file = File(directory, MANIFEST_NAME)
    if (!file.isFile) throw EdgeLlmException.Bundle("$directory has no $MANIFEST_NAME. Make it with `edge-llm export`.")
    if (file.length() > LARGEST_MANIFEST) throw EdgeLlmException.Bundle("$file is larger than any manifest. $AGAIN")
    try {
        val document = parseJsonObject(file.readText(), MANIFEST_NAME)
        val version = document.int("schema_version")
        if (version < 1) throw JsonException("its schema version is $version")
        if (version > SCHEMA_VERSION) {
            throw EdgeLlmException.Bundle("$file has schema version $version; this app reads $SCHEMA_VERSION. Update the app.")
        }
        return parseManifest(document)
    } catch (error: JsonException) {
        throw EdgeLlmException.Bundle("$file is malformed: ${error.message}. $AGAIN", error)
    } catch (error: EdgeLlmException.InvalidConfig) {
        throw EdgeLlmException.Bundle("$file is malformed: ${error.message} $AGAIN", error)
    } catch (error: IOException) {
        throw EdgeLlmException.Bundle("$file cannot be read: ${error.message}. $AGAIN", error)
    }
}

/**
 * Compares the directory with its manifest. Throws [EdgeLlmException.Bundle], which names the file that differs.
 *
 * @param hashes compare contents, not only sizes.
 */
internal fun verifyFiles(directory: File, manifest: Manifest, hashes: Boolean) {
    for ((name, entry) in manifest.files) {
        val file = File(directory, name)
        if (!file.isFile) throw EdgeLlmException.Bundle("$file is missing. $AGAIN")
        if (file.length() != entry.size) {
            throw EdgeLlmException.Bundle("$file has ${file.length()} bytes and its manifest says ${entry.size}. $AGAIN")
        }
        if (hashes && sha256(file) != entry.sha256) throw EdgeLlmException.Bundle("$file is damaged. $AGAIN")
    }
}

/** The actions that a manifest lists. Throws [EdgeLlmException.Bundle]. */
internal fun readActions(directory: File, manifest: Manifest): List<Action> =
    try {
        parseActions(manifest.actions)
    } catch (error: JsonException) {
        throw EdgeLlmException.Bundle("The actions in $directory are malformed: ${error.message}. $AGAIN", error)
    }

private fun parseManifest(document: JsonObject): Manifest {
    document.onlyKnows(
        "schema_version", "name", "format", "family", "model", "context_length", "vocabulary_size", "kv", "memory", "requires",
        "tokenizer", "turns", "stop_token_ids", "sampling", "files", "actions", "licence", "source",
    )
    val kv = document.nested("kv")
    val memory = document.nested("memory")
    val tokenizer = document.nested("tokenizer")
    val manifest =
        Manifest(
            name = document.text("name"),
            format = document.text("format"),
            family = document.text("family"),
            model = document.text("model"),
            contextLength = document.int("context_length"),
            vocabularySize = document.int("vocabulary_size"),
            kv = KvShape(kv.int("layers"), kv.int("heads"), kv.int("head_dim")),
            memory = Memory(memory.count("weights_bytes"), memory.count("kv_bytes"), memory.count("working_bytes")),
            requiredOnnxRuntime = document.nested("requires").textOrNull("onnxruntime"),
            tokenizer =
                TokenizerFile(
                    tokenizer.text("kind"),
                    tokenizer.text("file"),
                    tokenizer.intOrNull("bos_id"),
                    tokenizer.ints("special_ids").toSet(),
                ),
            turns = document.nestedOrNull("turns")?.let(::parseTurns),
            stopTokenIds = document.ints("stop_token_ids").toSet(),
            sampling = parseSampling(document.nested("sampling")),
            files = parseFiles(document),
            actions = document.list("actions").map { it as? Map<*, *> ?: throw JsonException("an action is not an object") },
            licence = document.textOrNull("licence"),
        )
    if (manifest.model !in manifest.files || manifest.tokenizer.file !in manifest.files) {
        throw JsonException("the model or the tokenizer is not among the files")
    }
    if (minOf(manifest.contextLength, manifest.vocabularySize, kv.int("layers"), kv.int("heads"), kv.int("head_dim")) < 1) {
        throw JsonException("a size is 0")
    }
    return manifest
}

internal fun parseTurns(document: JsonObject): TurnFormat {
    document.onlyKnows("opening", "system", "user_to_assistant", "assistant_to_user", "answer", "trim", "reasoning_end")
    return TurnFormat(
        opening = document.text("opening"),
        system = document.nestedOrNull("system")?.let { SystemTurn(it.text("before"), it.text("after")) },
        userToAssistant = document.text("user_to_assistant"),
        assistantToUser = document.text("assistant_to_user"),
        answer = document.text("answer"),
        trim = document.flag("trim"),
        reasoningEnd = document.textOrNull("reasoning_end"),
    )
}

private fun parseSampling(document: JsonObject): Sampling {
    document.onlyKnows("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "repetition_window")
    return Sampling(
        temperature = document.real("temperature"),
        topK = document.int("top_k"),
        topP = document.real("top_p"),
        minP = document.real("min_p"),
        repetitionPenalty = document.real("repetition_penalty"),
        repetitionWindow = document.int("repetition_window"),
    )
}

private fun parseFiles(document: JsonObject): Map<String, FileEntry> {
    val listed = document.nested("files")
    return listed.names().associateWith { name ->
        if (leavesDirectory(name)) throw JsonException("'$name' is outside the directory")
        val entry = listed.nested(name)
        FileEntry(entry.count("size"), entry.text("sha256"))
    }
}

internal fun leavesDirectory(name: String): Boolean =
    name.isEmpty() || name.startsWith("/") || name.any { it == '\\' || it == ':' || it == '\u0000' } || ".." in name.split("/")

private fun sha256(file: File): String {
    val digest = MessageDigest.getInstance("SHA-256")
    val piece = ByteArray(1 shl 20)
    file.inputStream().use { stream ->
        while (true) {
            requireNotInterrupted()
            val read = stream.read(piece)
            if (read < 0) break
            digest.update(piece, 0, read)
        }
    }
    return hex(digest.digest())
}

/** Loading takes seconds: it ends when its thread is interrupted. */
internal fun requireNotInterrupted() {
    if (Thread.interrupted()) throw InterruptedException("Loading was cancelled.")
}
