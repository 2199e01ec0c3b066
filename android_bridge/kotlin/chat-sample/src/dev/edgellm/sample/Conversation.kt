package dev.edgellm.sample

import dev.edgellm.EdgeLlmException
import dev.edgellm.Event
import dev.edgellm.android.Approval
import dev.edgellm.android.Consent
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.launch

/** Who wrote a line of the screen. */
enum class Speaker { PERSON, MODEL, APP }

/** What the screen shows. */
data class Screen(val lines: List<Pair<Speaker, String>> = emptyList(), val busy: Boolean = false, val consent: Consent? = null)

/**
 * What happens on the screen, without the screen: taps come in, [show] is called with what is to be seen.
 *
 * All calls on one thread, the one that [scope] runs on.
 */
class Conversation(
    private val scope: CoroutineScope,
    private val send: suspend (message: String) -> Flow<Event>,
    private val propose: suspend (request: String) -> Flow<Event>,
    private val start: (Approval) -> String,
    private val show: (Screen) -> Unit,
) {
    private var screen = Screen()
    private var answer: Job? = null

    /** The person says something. */
    fun say(message: String) = run(message, send)

    /** The person asks for something to be done: the model proposes, nothing happens yet. */
    fun ask(request: String) = run(request, propose)

    /** Stops the answer under way; what was shown stays. */
    fun stop() {
        answer?.cancel()
    }

    /** The person agrees to what is proposed. */
    fun approve() {
        val approval = screen.consent?.approve()
        update(screen.copy(consent = null))
        if (approval == null) return
        try {
            tell(start(approval))
        } catch (error: EdgeLlmException) {
            tell(error.message.orEmpty())
        }
    }

    /** The person does not agree. */
    fun deny() {
        screen.consent?.deny()
        update(screen.copy(consent = null))
        tell("Nothing was done.")
    }

    private fun run(words: String, flow: suspend (String) -> Flow<Event>) {
        if (words.isBlank() || screen.busy) return
        screen.consent?.deny() // a new request takes the place of an unanswered question
        update(screen.copy(lines = screen.lines + (Speaker.PERSON to words), busy = true, consent = null))
        answer =
            scope.launch {
                try {
                    flow(words).collect(::take)
                } catch (error: EdgeLlmException) {
                    tell(error.message.orEmpty())
                } finally {
                    update(screen.copy(busy = false))
                }
            }
    }

    private fun take(event: Event) {
        when (event) {
            is Event.Text -> append(event.text)
            is Event.ToolCall -> update(screen.copy(consent = Consent(event.call)))
            is Event.Failed -> tell(event.error.message.orEmpty())
            is Event.Done -> Unit
        }
    }

    private fun append(text: String) {
        val (speaker, line) = screen.lines.last()
        val before = if (speaker == Speaker.MODEL) screen.lines.dropLast(1) else screen.lines
        update(screen.copy(lines = before + (Speaker.MODEL to if (speaker == Speaker.MODEL) line + text else text)))
    }

    private fun tell(text: String) = update(screen.copy(lines = screen.lines + (Speaker.APP to text)))

    private fun update(changed: Screen) {
        screen = changed
        show(changed)
    }
}
