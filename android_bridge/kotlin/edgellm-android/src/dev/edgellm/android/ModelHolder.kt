package dev.edgellm.android

import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/**
 * A model that is loaded when it is needed and given up when Android asks for memory: one for the whole app.
 *
 * Nothing is taken from whoever uses it: what is to be freed goes when the last [use] ends, and the next one loads it again
 * (give a chat its earlier messages then: `engine.chat(messages = ...)`).
 *
 * @param M what is loaded: [dev.edgellm.Engine].
 * @param open loads it: `{ EdgeLlm.load(directory, config) }`. What it throws is thrown by [use], and nothing is kept.
 */
class ModelHolder<M : AutoCloseable>(private val open: suspend () -> M) {
    private val opening = Mutex()
    private var model: M? = null
    private var users = 0
    private var unwanted = false

    /** Whether the model is in memory. */
    val loaded: Boolean get() = synchronized(this) { model != null }

    /** Runs [work] with the model, which is loaded first where it is not in memory. */
    suspend fun <T> use(work: suspend (M) -> T): T {
        val held = opening.withLock { taken() ?: open().also(::keep) }
        try {
            return work(held)
        } finally {
            synchronized(this) {
                users--
                unneeded()
            }?.close()
        }
    }

    /** Gives the model up as soon as nobody uses it. */
    fun free() {
        synchronized(this) {
            unwanted = true
            unneeded()
        }?.close()
    }

    /** Does what `ComponentCallbacks2.onTrimMemory` asks for: see [MemoryCallbacks]. */
    fun trim(level: Int) {
        if (level >= BACKGROUND || level == RUNNING_CRITICAL) free()
    }

    private fun taken(): M? = synchronized(this) { model?.also { took() } }

    private fun keep(opened: M) =
        synchronized(this) {
            model = opened
            took()
        }

    private fun took() {
        users++
        unwanted = false
    }

    private fun unneeded(): M? = if (unwanted && users == 0) model.also { model = null } else null

    private companion object {
        /** ComponentCallbacks2.TRIM_MEMORY_RUNNING_CRITICAL: in front, and the system is about to kill others. */
        const val RUNNING_CRITICAL = 15

        /** ComponentCallbacks2.TRIM_MEMORY_BACKGROUND: on the list of processes to kill; levels above are nearer to its head. */
        const val BACKGROUND = 40
    }
}
