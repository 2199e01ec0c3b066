package dev.edgellm.android

import android.content.Intent
import android.net.Uri
import dev.edgellm.IntentSpec

/** Exported intents as Android has them. */
object Intents {
    /**
     * The intent that opens another app's screen, with no rights to this app's files. Starting it is for when the person agreed:
     * see [ActionStarter].
     */
    fun intent(spec: IntentSpec): Intent {
        val intent = Intent(spec.action)
        intent.setDataAndType(spec.data?.let(Uri::parse), spec.type)
        spec.packageName?.let(intent::setPackage)
        for ((name, value) in spec.extras) {
            when (value) {
                is Int -> intent.putExtra(name, value)
                is Long -> intent.putExtra(name, value)
                else -> intent.putExtra(name, value.toString())
            }
        }
        return intent.addFlags(Intent.FLAG_ACTIVITY_NEW_TASK)
    }
}
