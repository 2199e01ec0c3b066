package dev.edgellm.sample

import android.app.Application
import dev.edgellm.Config
import dev.edgellm.EdgeLlm
import dev.edgellm.Engine
import dev.edgellm.android.AndroidModels
import dev.edgellm.android.MemoryCallbacks
import dev.edgellm.android.ModelHolder

/** The one model of the app: installed from its assets, loaded when it is needed, freed when Android asks. */
class ChatApp : Application() {
    val model =
        ModelHolder<Engine> {
            val directory = AndroidModels.store(this).install("chat", AndroidModels.assets(this))
            EdgeLlm.load(directory, Config(availableMemoryBytes = AndroidModels.availableMemoryBytes(this), verify = false))
        }

    override fun onCreate() {
        super.onCreate()
        AndroidModels.disableTelemetry()
        registerComponentCallbacks(MemoryCallbacks(model))
    }
}
