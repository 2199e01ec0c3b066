package dev.edgellm.sample

import android.app.Activity
import android.app.AlertDialog
import android.os.Bundle
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView
import dev.edgellm.Chat
import dev.edgellm.Engine
import dev.edgellm.Event
import dev.edgellm.Language
import dev.edgellm.android.ActionStarter
import dev.edgellm.android.Consent
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.emitAll
import kotlinx.coroutines.flow.flow
import java.util.Locale

/** One conversation: Send answers, Do proposes an action and asks, Stop stops. */
class ChatActivity : Activity() {
    private val scope = CoroutineScope(SupervisorJob() + MainThread)
    private val language get() = if (Locale.getDefault().language == "zh") Language.ZH else Language.EN
    private var messages: List<Pair<String, String>> = emptyList()
    private var dialog: Pair<Consent, AlertDialog>? = null
    private lateinit var conversation: Conversation
    private lateinit var text: TextView
    private lateinit var words: EditText
    private lateinit var buttons: List<Button>

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        val starter = ActionStarter(this)
        conversation =
            Conversation(
                scope,
                send = { message -> withChat { it.send(message) } },
                propose = { request -> withChat { it.propose(request) } },
                start = { approval -> "Opened ${starter.start(approval).action}." },
                show = ::show,
            )
        text = TextView(this)
        words = EditText(this)
        buttons =
            listOf(
                button("Send") { conversation.say(taken()) },
                button("Do") { conversation.ask(taken()) },
                button("Stop") { conversation.stop() },
            )
        setContentView(layout())
        show(Screen())
    }

    override fun onDestroy() {
        scope.cancel()
        dialog?.second?.dismiss()
        super.onDestroy()
    }

    /** The flow of a chat that goes on with what was said, on whatever engine is in memory now. */
    private fun withChat(ask: (Chat) -> Flow<Event>): Flow<Event> =
        flow {
            AnswerService.during(applicationContext) {
                (application as ChatApp).model.use { engine: Engine ->
                    val chat = engine.chat(messages = messages)
                    try {
                        emitAll(ask(chat))
                    } finally {
                        messages = chat.messages
                    }
                }
            }
        }

    private fun show(screen: Screen) {
        text.text = screen.lines.joinToString("\n\n") { (speaker, line) -> if (speaker == Speaker.PERSON) "> $line" else line }
        val (send, act, stop) = buttons
        send.isEnabled = !screen.busy
        act.isEnabled = !screen.busy
        stop.isEnabled = screen.busy
        if (screen.consent !== dialog?.first) {
            dialog?.second?.dismiss()
            dialog = screen.consent?.let { it to question(it) }
        }
    }

    private fun question(consent: Consent): AlertDialog =
        AlertDialog
            .Builder(this)
            .setTitle(consent.title(language))
            .setMessage(consent.preview(language))
            .setPositiveButton("Approve") { _, _ -> conversation.approve() }
            .setNegativeButton("Deny") { _, _ -> conversation.deny() }
            .setCancelable(false)
            .show()

    private fun taken(): String = words.text.toString().also { words.setText("") }

    private fun button(label: String, tapped: () -> Unit): Button =
        Button(this).apply {
            text = label
            setOnClickListener { tapped() }
        }

    private fun layout(): LinearLayout {
        val row = LinearLayout(this)
        buttons.forEach { row.addView(it, LinearLayout.LayoutParams(0, WRAP_CONTENT, 1f)) }
        return LinearLayout(this).apply {
            orientation = LinearLayout.VERTICAL
            fitsSystemWindows = true
            addView(ScrollView(context).apply { addView(text) }, LinearLayout.LayoutParams(MATCH_PARENT, 0, 1f))
            addView(words, LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT))
            addView(row, LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT))
        }
    }
}
