package android.content

import android.net.Uri

/** Android's own throws on a desktop JVM; this one keeps what it is given, under the signatures the module calls. */
class Intent(val action: String) {
    var data: Uri? = null
    var type: String? = null
    var packageName: String? = null
    var flags = 0
    val extras = LinkedHashMap<String, Any>()

    fun setDataAndType(data: Uri?, type: String?): Intent {
        this.data = data
        this.type = type
        return this
    }

    fun setPackage(name: String?): Intent = apply { packageName = name }

    fun addFlags(more: Int): Intent = apply { flags = flags or more }

    fun putExtra(name: String, value: Int): Intent = apply { extras[name] = value }

    fun putExtra(name: String, value: Long): Intent = apply { extras[name] = value }

    fun putExtra(name: String, value: String): Intent = apply { extras[name] = value }
}
