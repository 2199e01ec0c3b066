package dev.edgellm

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import dev.edgellm.internal.storage.HttpFiles
import dev.edgellm.storage.Assets
import dev.edgellm.storage.Download
import dev.edgellm.storage.ModelSource
import dev.edgellm.storage.ModelStore
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import java.io.File
import java.io.FileNotFoundException
import java.io.InputStream
import java.net.InetSocketAddress
import java.nio.file.Files
import java.security.MessageDigest
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What Python packed and listed (`phone`, `packs` and `download.json` below the runner's folder) arrives, every byte of it. */
class StorageTest {
    private val made = File(System.getProperty("edgellm.storage"))
    private val phone = File(made, "phone")
    private val root = Files.createTempDirectory("edgellm").toFile()
    private val store = ModelStore(root)
    private val server = Server(phone)

    @After
    fun stop() {
        server.close()
        root.deleteRecursively()
    }

    private fun assetsOf(
        vararg folders: File,
        spoil: (String, InputStream) -> InputStream = { _, stream -> stream },
    ): Pair<Assets, AtomicInteger> {
        val opened = AtomicInteger()
        val assets =
            Assets("edgellm_model") { path ->
                opened.incrementAndGet()
                val file = folders.map { File(it, path) }.firstOrNull { it.isFile } ?: throw FileNotFoundException(path)
                spoil(path, file.inputStream())
            }
        return assets to opened
    }

    private fun packs() = File(made, "packs").listFiles().orEmpty().map { File(it, "src/main/assets") }.toTypedArray()

    private fun install(source: ModelSource, name: String = "tiny") = runBlocking { store.install(name, source) }

    private fun assertInstalled(directory: File) {
        val names = phone.list().orEmpty().filter { it != "download.json" }.sorted()
        assertEquals(names, directory.list().orEmpty().sorted())
        for (name in names) assertContentEquals(File(phone, name).readBytes(), File(directory, name).readBytes(), name)
        assertEquals(directory, store.find("tiny"))
        assertTrue(root.list().orEmpty().none { it.endsWith(".partial") })
    }

    @Test
    fun `a directory among the assets is installed once`() {
        val (assets, opened) = assetsOf(File(made, "assets"))
        assertNull(store.find("tiny"))
        assertInstalled(install(assets))
        opened.set(0)
        assertInstalled(install(assets))
        assertEquals(2, opened.get()) // packs.json, which is not there, and phone.json
    }

    @Test
    fun `asset packs are put together`() {
        assertTrue(packs().size > 2)
        assertInstalled(install(assetsOf(*packs()).first))
    }

    @Test
    fun `an asset that is not as listed is named and nothing is installed`() {
        val (assets, _) =
            assetsOf(*packs()) { path, stream ->
                if ("from" in path) stream.readBytes().also { it[7]++ }.inputStream() else stream
            }
        val error = assertFailsWith<EdgeLlmException.Bundle> { install(assets) }
        assertTrue("damaged" in error.message.orEmpty(), error.message)
        assertNull(store.find("tiny"))
        assertInstalled(install(assetsOf(*packs()).first))
    }

    @Test
    fun `assets that are not there are named`() {
        val error = assertFailsWith<EdgeLlmException.Bundle> { install(assetsOf(made).first) }
        assertTrue("edgellm_model/phone.json" in error.message.orEmpty())
        assertFailsWith<EdgeLlmException.Transfer> { install(assetsOf(packs().first { "edgellm_model_1" in it.path }).first) }
    }

    @Test
    fun `a download arrives, and no second one is made`() {
        val seen = ArrayList<Long>()
        val directory = runBlocking { store.install("tiny", server.source()) { done, total -> seen.add(done * 1000 / total) } }
        assertInstalled(directory)
        assertEquals(seen.sorted(), seen)
        assertEquals(1000L, seen.last())
        server.requests.clear()
        assertInstalled(install(server.source()))
        assertEquals(listOf("/download.json"), server.requests.map { it.first })
    }

    @Test
    fun `a broken connection costs one range`() {
        server.breaksAfter = 150_000
        assertFailsWith<EdgeLlmException.Transfer> { install(server.source()) }
        assertNull(store.find("tiny"))
        server.breaksAfter = null
        server.requests.clear()
        assertInstalled(install(server.source()))
        assertEquals(listOf("bytes=131072-"), server.requests.filter { it.first == "/model.onnx.data" }.map { it.second })
    }

    @Test
    fun `a server without ranges serves too`() {
        server.breaksAfter = 150_000
        assertFailsWith<EdgeLlmException.Transfer> { install(server.source()) }
        server.breaksAfter = null
        server.knowsRanges = false
        assertInstalled(install(server.source()))
    }

    @Test
    fun `what was stored is verified before it is kept`() {
        server.breaksAfter = 150_000
        assertFailsWith<EdgeLlmException.Transfer> { install(server.source()) }
        val partial = File(root, ".tiny.partial/model.onnx.data")
        partial.writeBytes(partial.readBytes().also { it[70_000]++ })
        server.breaksAfter = null
        server.requests.clear()
        assertInstalled(install(server.source()))
        assertEquals(listOf("bytes=65536-"), server.requests.filter { it.first == "/model.onnx.data" }.map { it.second })
    }

    @Test
    fun `a byte that changes once is fetched again, one that stays changed is named`() {
        server.spoils = 1
        assertInstalled(install(server.source()))
        store.remove("tiny")
        assertNull(store.find("tiny"))
        server.spoils = 100
        val error = assertFailsWith<EdgeLlmException.Bundle> { install(server.source()) }
        assertTrue("model.onnx.data is damaged: from byte 65536" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `only the list that the app was built for is taken`() {
        assertInstalled(install(server.source(hash(server.list()))))
        val error = assertFailsWith<EdgeLlmException.Bundle> { install(server.source("0".repeat(64)), "other") }
        assertTrue("not the list" in error.message.orEmpty())
    }

    @Test
    fun `files at an address of another kind are refused`() {
        server.base = "file://${made.path}/phone/"
        val error = assertFailsWith<EdgeLlmException.Bundle> { install(server.source()) }
        assertTrue("not at a http: address" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `a missing file and a dead server say so`() {
        server.missing = "/tokenizer.json"
        val error = assertFailsWith<EdgeLlmException.Transfer> { install(server.source()) }
        assertTrue("404" in error.message.orEmpty(), error.message)
        server.close()
        assertFailsWith<EdgeLlmException.Transfer> { install(server.source()) }
    }

    @Test
    fun `a cancelled installation goes on where it was`() =
        runBlocking {
            val half = CountDownLatch(1)
            server.slow = true
            val job =
                launch(Dispatchers.Default) {
                    store.install("tiny", server.source()) { done, total -> if (done > total / 2) half.countDown() }
                }
            while (half.count > 0) delay(2)
            job.cancel()
            job.join()
            assertNull(store.find("tiny"))
            server.slow = false
            var first = -1L
            assertInstalled(store.install("tiny", server.source()) { done, _ -> if (first < 0) first = done })
            assertTrue(first > 0)
        }

    @Test
    fun `two installations of one model do not mix`() =
        runBlocking {
            server.slow = true
            val results = List(2) { async(Dispatchers.IO) { runCatching { store.install("tiny", server.source()) } } }.map { it.await() }
            val failed = results.mapNotNull { it.exceptionOrNull() }
            assertEquals(1, failed.size)
            assertTrue("already" in failed.single().message.orEmpty(), failed.single().message)
            assertInstalled(results.first { it.isSuccess }.getOrThrow())
        }

    @Test
    fun `too little storage is said before anything is written`() {
        val size = 1L shl 60
        val part = """{"file":"phone.json","offset":0,"size":$size,"sha256":"$ZEROS","asset":"a"}"""
        val error = assertFailsWith<EdgeLlmException.NotEnoughStorage> { install(listed(part)) }
        assertEquals(size, error.neededBytes)
        assertTrue(error.availableBytes < size)
    }

    @Test
    fun `a list that cannot be is refused`() {
        val part = """{"file":"phone.json","offset":0,"size":2,"sha256":"$ZEROS","asset":"a"}"""
        for ((parts, fact) in listOf(
            part.replace("\"offset\":0", "\"offset\":1") to "gap",
            part.replace("\"phone.json\"", "\"../phone.json\"") to "outside",
            part.replace("\"a\"", "\"/a\"") to "outside",
            part.replace(ZEROS, "0") to "SHA-256",
            part.replace("phone.json", "other.json") to "phone.json is not listed",
            "" to "phone.json is not listed",
            "7" to "not an object",
        )) {
            val error = assertFailsWith<EdgeLlmException.Bundle>(parts) { install(listed(parts)) }
            assertTrue(fact in error.message.orEmpty(), error.message)
        }
        val newer = assertFailsWith<EdgeLlmException.Bundle> { install(listed(part, version = 2)) }
        assertTrue("Update the app" in newer.message.orEmpty())
    }

    @Test
    fun `addresses, hashes and names that cannot be are refused`() {
        assertFailsWith<EdgeLlmException.InvalidConfig> { Download("http://example.org/download.json") }
        assertFailsWith<EdgeLlmException.InvalidConfig> { Download("https://example.org/download.json", "abc") }
        for (name in listOf("", "../a", "a/b", ".hidden", "x".repeat(101))) {
            assertFailsWith<EdgeLlmException.InvalidConfig>(name) { store.find(name) }
        }
    }

    private fun listed(parts: String, version: Int = 1): Assets {
        val text = """{"schema_version":$version,"packs":[{"name":"p","parts":[$parts]}]}"""
        return Assets("m") { path -> if (path == "m/packs.json") text.byteInputStream() else throw FileNotFoundException(path) }
    }

    private fun hash(bytes: ByteArray) = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

    private companion object {
        val ZEROS = "0".repeat(64)
    }
}

/** A folder over HTTP on this machine, with the faults a test asks for. */
private class Server(private val folder: File) : AutoCloseable {
    val requests: MutableList<Pair<String, String?>> = java.util.Collections.synchronizedList(ArrayList())

    @Volatile var knowsRanges = true

    @Volatile var breaksAfter: Int? = null

    @Volatile var spoils = 0

    @Volatile var missing: String? = null

    @Volatile var slow = false

    @Volatile var base: String? = null

    private val http =
        HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0).apply {
            executor = Executors.newCachedThreadPool { work -> Thread(work).apply { isDaemon = true } }
            createContext("/") { exchange -> exchange.use { answer(it) } }
            start()
        }
    private val address = "http://127.0.0.1:${http.address.port}/"

    fun list(): ByteArray = File(folder, "download.json").readText().replace("https://example.org/tiny/", base ?: address).toByteArray()

    fun source(listSha256: String? = null): Download = Download("${address}download.json", listSha256, HttpFiles())

    private fun answer(exchange: HttpExchange) {
        val path = exchange.requestURI.path
        val range = exchange.requestHeaders.getFirst("Range")
        requests.add(path to range)
        if (path == missing) return exchange.sendResponseHeaders(404, -1)
        val bytes = if (path == "/download.json") list() else File(folder, path).readBytes()
        val large = path == "/model.onnx.data"
        val from = if (range == null || !knowsRanges) 0 else range.removePrefix("bytes=").removeSuffix("-").toInt()
        if (large && spoils > 0 && from <= SPOILED) bytes[SPOILED]++.also { spoils-- }
        if (range != null && knowsRanges) exchange.responseHeaders.add("Content-Range", "bytes $from-${bytes.size - 1}/${bytes.size}")
        exchange.sendResponseHeaders(if (range != null && knowsRanges) 206 else 200, (bytes.size - from).toLong())
        val end = minOf(bytes.size, breaksAfter?.takeIf { large } ?: bytes.size)
        for (start in from until end step 8192) {
            exchange.responseBody.write(bytes, start, minOf(8192, end - start))
            exchange.responseBody.flush()
            if (slow) Thread.sleep(3)
        }
    }

    override fun close() = http.stop(0)

    private companion object {
        const val SPOILED = 70_000
    }
}
