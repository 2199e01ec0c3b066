package dev.edgellm.android

import android.content.ActivityNotFoundException
import android.content.Context
import android.util.Log
import dev.edgellm.IntentSpec
import dev.edgellm.android.internal.firstStarted

/** Carries approved actions out by starting other apps' screens. */
class ActionStarter(private val context: Context) {
    /**
     * Starts the first of the call's intents that an app on this device answers. What is sent is sent from that app's own
     * screen, by the person.
     *
     * @return the intent that was started.
     * @throws dev.edgellm.EdgeLlmException.InvalidConfig the approval was used or is too old.
     * @throws dev.edgellm.EdgeLlmException.Unsupported no app answers, or the action has no intents.
     */
    fun start(approval: Approval): IntentSpec = firstStarted(approval, ::tryToStart)

    private fun tryToStart(spec: IntentSpec): Boolean =
        try {
            context.startActivity(Intents.intent(spec))
            true
        } catch (_: ActivityNotFoundException) {
            false // asking beforehand would need the right to see which apps are installed
        } catch (error: SecurityException) {
            Log.w("edgellm", "An app does not let others start ${spec.action}.", error)
            false
        }
}
