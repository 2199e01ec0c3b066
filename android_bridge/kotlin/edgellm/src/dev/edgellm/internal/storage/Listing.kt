package dev.edgellm.internal.storage

import dev.edgellm.EdgeLlmException
import dev.edgellm.internal.JsonException
import dev.edgellm.internal.JsonObject
import dev.edgellm.internal.MANIFEST_NAME
import dev.edgellm.internal.leavesDirectory
import dev.edgellm.internal.parseJsonObject
import java.io.InputStream
import java.security.MessageDigest

/** A model's files, as its source lists them. */
internal class Listing(val files: List<ListedFile>) {
    val size: Long get() = files.sumOf { it.size }
}

/** A file in pieces that follow each other from its first byte to its last. */
internal class ListedFile(val name: String, val pieces: List<Piece>) {
    val size: Long get() = pieces.sumOf { it.size }
}

/** Bytes from [offset] on, which are checked together; [address] is where the source has them. */
internal class Piece(val offset: Long, val size: Long, val sha256: String, val address: String)

/** `packs.json`: parts of files, each an asset. Throws [EdgeLlmException.Bundle]. */
internal fun parsePacks(text: ByteArray, place: String): Listing =
    parsed(text, place) { document ->
        val parts = document.list("packs").flatMap { objectOf(it).list("parts") }.map(::objectOf)
        parts.groupBy { it.text("file") }.map { (name, own) ->
            name to own.map { Piece(it.count("offset"), it.count("size"), hash(it.text("sha256")), inside(it.text("asset"))) }
        }
    }

/** `download.json`: files in ranges of one length. Throws [EdgeLlmException.Bundle]. */
internal fun parseDownload(text: ByteArray, place: String): Listing =
    parsed(text, place) { document ->
        val base = document.text("base_url")
        val length = document.count("range_bytes").coerceAtLeast(1)
        document.list("files").map(::objectOf).map { file ->
            val name = file.text("name")
            val size = file.count("size")
            val hashes = file.list("ranges").map { hash(it) }
            if (hashes.size.toLong() != (size + length - 1) / length) throw JsonException("'$name' has ${hashes.size} ranges")
            name to hashes.mapIndexed { index, sha256 ->
                val offset = index * length
                Piece(offset, minOf(length, size - offset), sha256, base + inside(name))
            }
        }
    }

/** `phone.json` itself: every file it names is an asset in one piece, and so is the manifest. */
internal fun parseDirectory(text: ByteArray, folder: String): Listing =
    parsed(text, MANIFEST_NAME) { document ->
        val files = document.nested("files")
        val listed =
            files.names().map { name ->
                val entry = files.nested(name)
                name to listOf(Piece(0, entry.count("size"), hash(entry.text("sha256")), "$folder/${inside(name)}"))
            }
        listed + (MANIFEST_NAME to listOf(Piece(0, text.size.toLong(), sha256(text), "$folder/$MANIFEST_NAME")))
    }

/** The bytes of a list. Throws [EdgeLlmException.Bundle] for more than any list has. */
internal fun readAtMost(stream: InputStream, place: String): ByteArray {
    val bytes = java.io.ByteArrayOutputStream()
    val piece = ByteArray(1 shl 16)
    while (true) {
        val read = stream.read(piece)
        if (read < 0) return bytes.toByteArray()
        bytes.write(piece, 0, read)
        if (bytes.size() > LARGEST) throw EdgeLlmException.Bundle("$place is larger than any list of files.")
    }
}

internal fun sha256(bytes: ByteArray): String = hex(MessageDigest.getInstance("SHA-256").digest(bytes))

internal fun hex(digest: ByteArray): String = digest.joinToString("") { "%02x".format(it) }

private const val LARGEST = 16 shl 20
private const val SCHEMA_VERSION = 1

private fun parsed(text: ByteArray, place: String, read: (JsonObject) -> List<Pair<String, List<Piece>>>): Listing {
    try {
        val document = parseJsonObject(text.toString(Charsets.UTF_8), place)
        val version = document.int("schema_version")
        if (version > SCHEMA_VERSION) {
            throw EdgeLlmException.Bundle("$place has schema version $version; this app reads $SCHEMA_VERSION. Update the app.")
        }
        val files = read(document).map { (name, pieces) -> ListedFile(inside(name), pieces.sortedBy { it.offset }) }
        files.forEach(::requireWhole)
        if (files.none { it.name == MANIFEST_NAME }) throw JsonException("$MANIFEST_NAME is not listed")
        if (files.distinctBy { it.name }.size != files.size) throw JsonException("a file is listed twice")
        return Listing(files)
    } catch (error: JsonException) {
        throw EdgeLlmException.Bundle("$place is malformed: ${error.message}. Export the model again.", error)
    }
}

private fun requireWhole(file: ListedFile) {
    var end = 0L
    for (piece in file.pieces) {
        if (piece.offset != end) throw JsonException("'${file.name}' has a gap at byte $end")
        end += piece.size
    }
}

private fun objectOf(value: Any?): JsonObject = JsonObject(value as? Map<*, *> ?: throw JsonException("an entry is not an object"), "entry")

private fun hash(value: Any?): String =
    (value as? String)?.takeIf { it.length == 64 } ?: throw JsonException("'$value' is no SHA-256")

private fun inside(name: String): String = if (leavesDirectory(name)) throw JsonException("'$name' is outside the directory") else name
