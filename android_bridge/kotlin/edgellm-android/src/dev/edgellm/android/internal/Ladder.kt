package dev.edgellm.android.internal

import dev.edgellm.EdgeLlmException
import dev.edgellm.IntentSpec
import dev.edgellm.android.Approval

/** The first intent of an approved call that [start] says was started; see [dev.edgellm.android.ActionStarter.start]. */
internal fun firstStarted(approval: Approval, start: (IntentSpec) -> Boolean): IntentSpec {
    val call = approval.use() ?: throw EdgeLlmException.InvalidConfig("The approval was used, or is too old. Ask the person again.")
    return call.intents().firstOrNull(start)
        ?: throw EdgeLlmException.Unsupported("No app on this device carries out ${call.action.id}. Install one that does.")
}
