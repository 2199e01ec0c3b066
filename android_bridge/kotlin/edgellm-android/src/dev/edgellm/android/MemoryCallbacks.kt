package dev.edgellm.android

import android.content.ComponentCallbacks2
import android.content.res.Configuration

/** Passes Android's requests for memory on: `application.registerComponentCallbacks(MemoryCallbacks(holder))`. */
class MemoryCallbacks(private val holder: ModelHolder<*>) : ComponentCallbacks2 {
    override fun onTrimMemory(level: Int) = holder.trim(level)

    @Deprecated("Android calls it on devices that know no levels.")
    override fun onLowMemory() = holder.free()

    override fun onConfigurationChanged(configuration: Configuration) = Unit
}
