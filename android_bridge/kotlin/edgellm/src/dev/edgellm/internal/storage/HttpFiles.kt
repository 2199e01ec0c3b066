package dev.edgellm.internal.storage

import java.io.FilterInputStream
import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URL

/** Files over HTTP, from any byte on. Knows ranges and status codes, nothing of models. */
internal class HttpFiles {
    /**
     * The bytes of [address] from [offset] to the end. A server that knows no ranges sends all, and what comes before is
     * skipped. Throws [IOException], which names the address and what the server said.
     */
    fun open(address: String, offset: Long): InputStream {
        val connection = URL(address).openConnection() as? HttpURLConnection ?: throw IOException("$address is not an HTTP address")
        connection.connectTimeout = CONNECT_MILLIS
        connection.readTimeout = READ_MILLIS
        connection.setRequestProperty("Accept-Encoding", "identity") // ranges count the bytes of the file
        if (offset > 0) connection.setRequestProperty("Range", "bytes=$offset-")
        try {
            val stream = answered(connection, address, offset)
            return object : FilterInputStream(stream) {
                override fun close() = connection.disconnect() // closing the stream would first read it to its end
            }
        } catch (error: IOException) {
            connection.disconnect()
            throw error
        }
    }

    private fun answered(connection: HttpURLConnection, address: String, offset: Long): InputStream {
        when (val status = connection.responseCode) {
            HttpURLConnection.HTTP_OK -> return connection.inputStream.also { skip(it, offset, address) }
            HttpURLConnection.HTTP_PARTIAL -> {
                val range = connection.getHeaderField("Content-Range").orEmpty()
                if (!range.startsWith("bytes $offset-")) throw IOException("the server sent '$range' of $address, not from byte $offset")
                return connection.inputStream
            }
            else -> throw IOException("the server answered $status for $address")
        }
    }

    private fun skip(stream: InputStream, bytes: Long, address: String) {
        var left = bytes
        val waste = ByteArray(1 shl 16)
        while (left > 0) {
            if (Thread.interrupted()) throw java.io.InterruptedIOException("cancelled")
            val read = stream.read(waste, 0, minOf(left, waste.size.toLong()).toInt())
            if (read < 0) throw IOException("$address ends before byte $bytes")
            left -= read
        }
    }

    private companion object {
        const val CONNECT_MILLIS = 15_000
        const val READ_MILLIS = 30_000
    }
}
