package dev.edgellm.android

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield
import java.io.IOException
import java.util.concurrent.atomic.AtomicInteger
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** One model for many users, given up under pressure and never under anybody's hands. */
class ModelHolderTest {
    private val opened = AtomicInteger()
    private val closed = AtomicInteger()

    private inner class Model : AutoCloseable {
        @Volatile var open = true

        override fun close() {
            assertTrue(open, "closed twice")
            open = false
            closed.incrementAndGet()
        }
    }

    private val holder =
        ModelHolder {
            yield()
            opened.incrementAndGet()
            Model()
        }

    @Test
    fun `it is opened once and kept`() =
        runBlocking {
            val jobs = List(5) { launch { holder.use { assertTrue(it.open) } } }
            jobs.forEach { it.join() }
            assertEquals(1 to 0, opened.get() to closed.get())
            assertTrue(holder.loaded)
        }

    @Test
    fun `pressure frees what is idle, and mild pressure does not`() =
        runBlocking {
            holder.use { }
            for (mild in listOf(5, 10, 20)) holder.trim(mild)
            assertTrue(holder.loaded)
            for (strong in listOf(15, 40, 60, 80)) {
                holder.trim(strong)
                assertTrue(!holder.loaded)
                holder.use { assertTrue(it.open) }
            }
            assertEquals(5 to 4, opened.get() to closed.get())
        }

    @Test
    fun `what is in use goes when the last user ends`() =
        runBlocking {
            val gate = CompletableDeferred<Unit>()
            val job = launch { holder.use { model -> gate.await().also { assertTrue(model.open) } } }
            while (!holder.loaded) yield()
            holder.free()
            assertEquals(0, closed.get())
            gate.complete(Unit)
            job.join()
            assertEquals(1, closed.get())
        }

    @Test
    fun `a new user keeps what was to be freed`() =
        runBlocking {
            holder.use { model ->
                holder.free()
                holder.use { assertTrue(it === model) }
                assertTrue(model.open)
            }
            assertEquals(0, closed.get())
        }

    @Test
    fun `what cannot be opened is tried again`() =
        runBlocking {
            var fails = true
            val flaky = ModelHolder { if (fails) throw IOException("not now") else Model() }
            assertFailsWith<IOException> { flaky.use { } }
            fails = false
            flaky.use { assertTrue(it.open) }
        }

    @Test
    fun `any order of uses, cancels and pressure leaves no model behind`() {
        val random = Random(5)
        runBlocking(Dispatchers.Default) {
            repeat(300) {
                val pause = random.nextLong(3)
                val job = launch { holder.use { model -> delay(pause).also { assertTrue(model.open) } } }
                if (random.nextInt(3) == 0) launch { delay(pause).also { job.cancel() } }
                if (random.nextInt(4) == 0) launch { holder.trim(80) }
            }
        }
        holder.free()
        assertEquals(opened.get(), closed.get())
    }
}
