package android.net

/** A URI as the text it was parsed from. */
class Uri(val text: String) {
    companion object {
        @JvmStatic
        fun parse(text: String): Uri = Uri(text)
    }
}
