package dev.edgellm.android

import dev.edgellm.ActionCall
import dev.edgellm.IntentSpec
import dev.edgellm.Language
import java.util.concurrent.atomic.AtomicBoolean

/**
 * What a person is asked before an action is carried out, as data: the app draws it, and the answer comes from its own buttons,
 * never from a model. It is answered once.
 */
class Consent(private val call: ActionCall) {
    private val answered = AtomicBoolean()

    /** The action's name, for a title. */
    fun title(language: Language): String = call.action.name(language)

    /** Everything that would be done: every argument is in it, and nothing hidden stays hidden. */
    fun preview(language: Language): String = call.preview(language)

    /** It reaches beyond this device, to another person or to money: say so. */
    val outward: Boolean get() = call.action.outward

    /** The intents that would be tried, in order; empty where this app carries the action out itself. */
    val intents: List<IntentSpec> get() = call.intents()

    /**
     * The person agreed.
     *
     * @return an approval of this very call, or null when the question was answered before.
     */
    fun approve(): Approval? = if (answered.compareAndSet(false, true)) Approval(call, System::nanoTime) else null

    /** The person did not agree. */
    fun deny() {
        answered.set(true)
    }
}

/** A person's yes to one call with these arguments. It works once, and for two minutes. */
class Approval internal constructor(private val call: ActionCall, private val nanos: () -> Long) {
    private val used = AtomicBoolean()
    private val given = nanos()

    /** The call that was approved, the first time; null when the approval was used, or is too old: ask again. */
    fun use(): ActionCall? = call.takeIf { nanos() - given < LIFETIME_NANOS && used.compareAndSet(false, true) }

    private companion object {
        const val LIFETIME_NANOS = 120_000_000_000L
    }
}
