package dev.edgellm.storage

import dev.edgellm.EdgeLlmException
import dev.edgellm.internal.MANIFEST_NAME
import dev.edgellm.internal.storage.Installation
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import java.io.File

/**
 * Models in an app's private storage, each in a folder of its own below [root].
 *
 * A model is there whole or not at all: it is put together beside its place, every byte is compared with its hash, and then it
 * is renamed. What was stored before an installation broke off is kept, verified and not fetched again.
 */
class ModelStore(private val root: File) {
    /** The directory of an installed model, for [dev.edgellm.EdgeLlm.open]; null where there is none. */
    fun find(name: String): File? = place(name).takeIf { File(it, MANIFEST_NAME).isFile }

    /**
     * Installs a model, or finds it installed: then nothing is read but the source's list.
     *
     * Its hashes were compared, so it may be opened with `Config(verify = false)`. Cancelling keeps what was stored; the next
     * installation goes on from there. Another model of the same name is replaced at the end.
     *
     * @param progress called with the bytes that are in place and their number at the end, on a thread of [Dispatchers.IO].
     * @throws EdgeLlmException.NotEnoughStorage before anything is written.
     * @throws EdgeLlmException.Transfer the source or the disk failed; what was stored is kept.
     * @throws EdgeLlmException.Bundle the source's list is malformed, or a piece is not what the list says.
     * @throws EdgeLlmException.InvalidConfig a name that is no folder's.
     */
    suspend fun install(name: String, source: ModelSource, progress: (done: Long, total: Long) -> Unit = { _, _ -> }): File {
        val target = place(name)
        return runInterruptible(Dispatchers.IO) { Installation(target, source, progress).run() }
    }

    /** Deletes a model, and what an unfinished installation of it left. */
    fun remove(name: String) {
        val target = place(name)
        for (directory in listOf(target, Installation.stagingOf(target))) {
            if (directory.exists() && !directory.deleteRecursively()) {
                throw EdgeLlmException.Transfer("$directory cannot be deleted. Close what uses it and try again.")
            }
        }
    }

    private fun place(name: String): File {
        if (!NAME.matches(name)) {
            throw EdgeLlmException.InvalidConfig("'$name' is no name for a model: up to 100 letters, digits, '.', '_' and '-' are.")
        }
        return File(root, name)
    }

    private companion object {
        val NAME = Regex("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
    }
}
