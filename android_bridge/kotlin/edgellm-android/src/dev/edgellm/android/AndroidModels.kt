package dev.edgellm.android

import android.app.ActivityManager
import android.content.Context
import android.system.Os
import dev.edgellm.storage.Assets
import dev.edgellm.storage.ModelStore
import java.io.File

/** What the library needs to know of the device it is on. */
object AndroidModels {
    /** The models of this app, in its private storage. */
    fun store(context: Context): ModelStore = ModelStore(File(context.filesDir, "models"))

    /**
     * A model among this app's assets, or in its install-time asset packs.
     *
     * @param folder the folder of the assets; `edge-llm export --packs` writes this one.
     */
    fun assets(context: Context, folder: String = "edgellm_model"): Assets = Assets(folder) { context.assets.open(it) }

    /** Bytes that may be taken before Android begins to kill other apps: for `Config(availableMemoryBytes = ...)`. */
    fun availableMemoryBytes(context: Context): Long {
        val info = ActivityManager.MemoryInfo()
        (context.getSystemService(Context.ACTIVITY_SERVICE) as ActivityManager).getMemoryInfo(info)
        return maxOf(0, info.availMem - info.threshold)
    }

    /**
     * Turns off what ONNX Runtime 1.29 and later reports to its vendor. Call it first thing in `Application.onCreate`: once the
     * native library is loaded it is too late.
     */
    fun disableTelemetry() = Os.setenv("ORT_DISABLE_TELEMETRY", "1", true)
}
