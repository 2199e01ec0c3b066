package dev.edgellm.internal.storage

import dev.edgellm.EdgeLlmException
import dev.edgellm.internal.MANIFEST_NAME
import dev.edgellm.storage.ModelSource
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.RandomAccessFile
import java.nio.channels.OverlappingFileLockException
import java.security.MessageDigest

/**
 * One model on its way into the storage: what is kept of an earlier try, what is still to be had, piece by piece.
 *
 * Runs on the caller's thread and stops between buffers when that is interrupted.
 */
internal class Installation(
    private val target: File,
    private val source: ModelSource,
    private val progress: (done: Long, total: Long) -> Unit,
) {
    private val staging = stagingOf(target)
    private val buffer = ByteArray(1 shl 16)
    private var done = 0L
    private var total = 0L

    fun run(): File {
        val listing = source.listing()
        if (isInstalled(listing)) return target
        total = listing.size
        return storing { alone { assemble(listing) } }
    }

    private fun assemble(listing: Listing): File {
        if (!staging.isDirectory && !staging.mkdirs()) throw IOException("$staging cannot be made")
        dropOthers(listing)
        val kept = listing.files.associateWith { keptPieces(it) }
        done = kept.entries.sumOf { (file, pieces) -> file.pieces.take(pieces).sumOf { it.size } }
        requireRoom(total - done)
        progress(done, total)
        for ((file, pieces) in kept) store(file, pieces)
        if (target.exists() && !target.deleteRecursively()) throw IOException("$target cannot be replaced")
        if (!staging.renameTo(target)) throw IOException("$staging cannot be renamed to $target")
        return target
    }

    /** The manifest holds the hash of every other file: who has it, and files of the right sizes, has the model. */
    private fun isInstalled(listing: Listing): Boolean =
        listing.files.all { File(target, it.name).length() == it.size } &&
            listing.files.filter { it.name == MANIFEST_NAME }.all { matching(File(target, it.name), it) == it.pieces.size }

    /** How many pieces of an earlier try are whole; what follows them is cut off. */
    private fun keptPieces(file: ListedFile): Int {
        val stored = File(staging, file.name)
        if (!stored.isFile) return 0
        val pieces = matching(stored, file)
        RandomAccessFile(stored, "rw").use { it.setLength(file.pieces.take(pieces).sumOf { piece -> piece.size }) }
        return pieces
    }

    private fun matching(stored: File, file: ListedFile): Int {
        if (!stored.isFile) return 0
        val length = stored.length()
        stored.inputStream().use { stream ->
            return file.pieces.takeWhile { it.offset + it.size <= length && digestOf(stream, it) == it.sha256 }.size
        }
    }

    private fun digestOf(stream: InputStream, piece: Piece): String {
        val digest = MessageDigest.getInstance("SHA-256")
        transfer(stream, piece.size) { bytes, count -> digest.update(bytes, 0, count) }
        return hex(digest.digest())
    }

    private fun store(file: ListedFile, kept: Int) {
        val stored = File(staging, file.name)
        stored.parentFile?.mkdirs()
        RandomAccessFile(stored, "rw").use { output ->
            var next = kept
            while (next < file.pieces.size) {
                val before = next
                next = storePieces(file, next, output)
                // A piece that arrived wrong is asked for once more: what is wrong twice is wrong at its source.
                if (next == before) next = storePieces(file, next, output)
                if (next == before) {
                    val piece = file.pieces[next]
                    throw EdgeLlmException.Bundle(
                        "${piece.address} is damaged: from byte ${piece.offset} on it is not as listed. Export or upload it again.",
                    )
                }
            }
            output.fd.sync()
        }
    }

    /** Stores pieces from one stream until one is not as listed; returns the first that is not stored. */
    private fun storePieces(file: ListedFile, from: Int, output: RandomAccessFile): Int {
        reading(file) { source.open(file, from) }.use { stream ->
            for (index in from until file.pieces.size) {
                val piece = file.pieces[index]
                val digest = MessageDigest.getInstance("SHA-256")
                output.seek(piece.offset)
                transfer(stream, piece.size, { reading(file, it) }) { bytes, count ->
                    digest.update(bytes, 0, count)
                    output.write(bytes, 0, count)
                }
                if (hex(digest.digest()) != piece.sha256) return index
                done += piece.size
                progress(done, total)
            }
        }
        return file.pieces.size
    }

    private fun transfer(
        stream: InputStream,
        size: Long,
        read: (() -> Int) -> Int = { it() },
        take: (bytes: ByteArray, count: Int) -> Unit,
    ) {
        var left = size
        while (left > 0) {
            if (Thread.interrupted()) throw InterruptedException("The installation was cancelled.")
            val count = read { stream.read(buffer, 0, minOf(left, buffer.size.toLong()).toInt()).also(::requireMore) }
            take(buffer, count)
            left -= count
        }
    }

    private fun requireMore(count: Int) {
        if (count < 0) throw IOException("it ends too early")
    }

    private fun <T> reading(file: ListedFile, work: () -> T): T =
        try {
            work()
        } catch (error: IOException) {
            if (Thread.interrupted() || error is java.io.InterruptedIOException && error !is java.net.SocketTimeoutException) {
                throw InterruptedException("The installation was cancelled.")
            }
            throw EdgeLlmException.Transfer(
                "${file.name} cannot be fetched: ${error.message}. What was stored is kept; install the model again to go on.",
                error,
            )
        }

    private fun <T> storing(work: () -> T): T =
        try {
            work()
        } catch (error: IOException) {
            throw EdgeLlmException.Transfer("$target cannot be stored: ${error.message}. Free some storage and try again.", error)
        }

    private fun requireRoom(bytes: Long) {
        val available = staging.usableSpace
        if (bytes > available) throw EdgeLlmException.NotEnoughStorage(bytes, available)
    }

    private fun dropOthers(listing: Listing) {
        val names = listing.files.map { File(staging, it.name) }.toSet()
        staging.walkBottomUp().filter { it.isFile && it !in names }.forEach { it.delete() }
    }

    /** Two installations of one model at a time would write into each other's files. */
    private fun alone(work: () -> File): File {
        target.absoluteFile.parentFile?.mkdirs()
        RandomAccessFile(File(target.parentFile, ".${target.name}.lock"), "rw").use { file ->
            val lock =
                try {
                    file.channel.tryLock()
                } catch (_: OverlappingFileLockException) {
                    null
                }
            if (lock == null) throw EdgeLlmException.Transfer("$target is being installed already. Wait for that to end.")
            return work()
        }
    }

    companion object {
        fun stagingOf(target: File): File = File(target.parentFile, ".${target.name}.partial")
    }
}
