package dev.edgellm.storage

import dev.edgellm.EdgeLlmException
import dev.edgellm.internal.MANIFEST_NAME
import dev.edgellm.internal.storage.HttpFiles
import dev.edgellm.internal.storage.ListedFile
import dev.edgellm.internal.storage.Listing
import dev.edgellm.internal.storage.parseDirectory
import dev.edgellm.internal.storage.parseDownload
import dev.edgellm.internal.storage.parsePacks
import dev.edgellm.internal.storage.readAtMost
import dev.edgellm.internal.storage.sha256
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.io.SequenceInputStream

/** Where a model comes from. */
sealed class ModelSource {
    /** What the source holds. Throws [EdgeLlmException]. */
    internal abstract fun listing(): Listing

    /** The bytes of a file from a piece of it on, to its end. Throws [IOException] or [EdgeLlmException.Transfer]. */
    internal abstract fun open(file: ListedFile, from: Int): InputStream
}

/**
 * An app's own assets, as they are in an APK or in Play's asset packs (`edge-llm export --packs`).
 *
 * @param folder the folder with `phone.json`, or with the packs' parts.
 * @param open opens an asset by its path: `AssetManager.open`, or a file below a pack's `assetsPath`.
 */
class Assets(private val folder: String, private val open: (path: String) -> InputStream) : ModelSource() {
    override fun listing(): Listing {
        text("$folder/$PACKS_NAME")?.let { return parsePacks(it, PACKS_NAME) }
        val manifest = text("$folder/$MANIFEST_NAME")
        if (manifest == null) {
            throw EdgeLlmException.Bundle("The assets have neither $folder/$MANIFEST_NAME nor $folder/$PACKS_NAME. Add what was exported.")
        }
        return parseDirectory(manifest, folder)
    }

    override fun open(file: ListedFile, from: Int): InputStream {
        val parts = file.pieces.drop(from).iterator()
        return SequenceInputStream(
            object : java.util.Enumeration<InputStream> {
                override fun hasMoreElements() = parts.hasNext()

                override fun nextElement(): InputStream = parts.next().let { LazyStream { open(it.address) } }
            },
        )
    }

    private fun text(path: String): ByteArray? =
        try {
            open(path).use { readAtMost(it, path) }
        } catch (_: FileNotFoundException) {
            null
        } catch (error: IOException) {
            throw EdgeLlmException.Transfer("The asset $path cannot be read: ${error.message}.", error)
        }

    private companion object {
        const val PACKS_NAME = "packs.json"
    }
}

/**
 * A download over HTTPS in ranges, as `edge-llm export --download URL` lists them. What arrived is never fetched twice, but for
 * the range that was under way. This is the only part of the library that opens a connection.
 *
 * @param url the address of `download.json`.
 * @param listSha256 SHA-256 of `download.json`, in hexadecimal: with it the app gets the model it was built for, whoever runs
 * the server. Null trusts the server.
 * @throws EdgeLlmException.InvalidConfig not an https address, or no SHA-256.
 */
class Download internal constructor(private val url: String, private val listSha256: String?, private val http: HttpFiles) :
    ModelSource() {
    constructor(url: String, listSha256: String? = null) : this(url, listSha256, HttpFiles()) {
        if (!url.startsWith("https://")) throw EdgeLlmException.InvalidConfig("$url is not an https address.")
        if (listSha256 != null && !SHA256.matches(listSha256)) {
            throw EdgeLlmException.InvalidConfig("listSha256 is '$listSha256', which is no SHA-256 in hexadecimal.")
        }
    }

    override fun listing(): Listing {
        val text =
            try {
                http.open(url, 0).use { readAtMost(it, url) }
            } catch (error: IOException) {
                throw EdgeLlmException.Transfer("$url cannot be fetched: ${error.message}. Try again when there is a connection.", error)
            }
        if (listSha256 != null && sha256(text) != listSha256.lowercase()) {
            throw EdgeLlmException.Bundle("$url is not the list this app was built for. Update the app, or the server's files.")
        }
        val listing = parseDownload(text, url)
        val scheme = url.substringBefore("//")
        val elsewhere = listing.files.flatMap { it.pieces }.firstOrNull { !it.address.startsWith("$scheme//") }
        if (elsewhere != null) throw EdgeLlmException.Bundle("$url lists ${elsewhere.address}, which is not at a $scheme address.")
        return listing
    }

    override fun open(file: ListedFile, from: Int): InputStream = file.pieces[from].let { http.open(it.address, it.offset) }

    private companion object {
        val SHA256 = Regex("[0-9a-fA-F]{64}")
    }
}

/** Opens at the first read, so that a sequence of parts holds one open at a time and its errors come where it is read. */
private class LazyStream(private val opener: () -> InputStream) : InputStream() {
    private var opened: InputStream? = null

    private fun stream(): InputStream = opened ?: opener().also { opened = it }

    override fun read(): Int = stream().read()

    override fun read(bytes: ByteArray, offset: Int, length: Int): Int = stream().read(bytes, offset, length)

    override fun close() {
        opened?.close()
    }
}
