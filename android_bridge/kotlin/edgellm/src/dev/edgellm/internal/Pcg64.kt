package dev.edgellm.internal

import java.math.BigInteger

/**
 * The random numbers of numpy's `PCG64(seed)`: PCG XSL-RR 128/64 (O'Neill 2014, pcg-random.org), seeded by numpy's
 * SeedSequence, which is M. E. O'Neill's seed_seq_fe with a pool of four words. numpy keeps this stream the same in every
 * version (NEP 19), so the same seed draws the same tokens on a desktop and on a phone.
 */
internal class Pcg64(seed: Long) {
    private var state: BigInteger
    private val increment: BigInteger

    init {
        val words = seedWords(seed)
        val initialState = wide(words[0], words[1])
        increment = wide(words[2], words[3]).shiftLeft(1).or(BigInteger.ONE).and(MASK)
        state = BigInteger.ZERO
        step()
        state = state.add(initialState).and(MASK)
        step()
    }

    /** The next 64 bits. */
    fun next(): Long {
        step()
        val high = state.shiftRight(64).toLong()
        return java.lang.Long.rotateRight(high xor state.toLong(), (high ushr 58).toInt())
    }

    /** A number in [0, 1) from the next 53 bits. */
    fun nextUniform(): Double = (next() ushr 11) * UNIT

    private fun step() {
        state = state.multiply(MULTIPLIER).add(increment).and(MASK)
    }

    private companion object {
        val MULTIPLIER = BigInteger("2360ED051FC65DA44385DF649FCCF645", 16)
        val MASK: BigInteger = BigInteger.ONE.shiftLeft(128).subtract(BigInteger.ONE)
        const val UNIT = 1.0 / (1L shl 53)

        fun wide(high: Long, low: Long): BigInteger = unsigned(high).shiftLeft(64).or(unsigned(low))

        fun unsigned(value: Long): BigInteger = BigInteger(java.lang.Long.toUnsignedString(value))
    }
}

private const val POOL = 4

/** SeedSequence(seed).generate_state(4, uint64). */
private fun seedWords(seed: Long): LongArray {
    val entropy = if (seed ushr 32 == 0L) intArrayOf(seed.toInt()) else intArrayOf(seed.toInt(), (seed ushr 32).toInt())
    val hash = Hash(0x43b0d7e5, 0x931e8875.toInt())
    val pool = IntArray(POOL) { hash.mix(entropy.getOrElse(it) { 0 }) }
    for (from in 0 until POOL) for (to in 0 until POOL) if (from != to) pool[to] = combine(pool[to], hash.mix(pool[from]))
    val output = Hash(0x8b51f9dd.toInt(), 0x58f38ded)
    val words = IntArray(2 * POOL) { output.mix(pool[it % POOL]) }
    return LongArray(POOL) { (words[2 * it].toLong() and 0xFFFFFFFFL) or (words[2 * it + 1].toLong() shl 32) }
}

private class Hash(private var constant: Int, private val multiplier: Int) {
    fun mix(word: Int): Int {
        var value = word xor constant
        constant *= multiplier
        value *= constant
        return value xor (value ushr 16)
    }
}

private fun combine(left: Int, right: Int): Int {
    val value = 0xca01f9dd.toInt() * left - 0x4973f715 * right
    return value xor (value ushr 16)
}
