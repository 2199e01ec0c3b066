package dev.edgellm.sample

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.Service
import android.content.Context
import android.content.Intent
import android.os.IBinder

/**
 * Tells Android, and the person, that an answer is being written, so that it is not stopped when the app leaves the screen.
 *
 * Started while the app is in front (Android 12 allows nothing else), stopped when the answer ends.
 */
class AnswerService : Service() {
    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
        startForeground(NOTIFICATION, notification())
        return START_NOT_STICKY
    }

    private fun notification(): Notification {
        val manager = getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager
        manager.createNotificationChannel(NotificationChannel(CHANNEL, "Answers", NotificationManager.IMPORTANCE_LOW))
        val builder = Notification.Builder(this, CHANNEL).setSmallIcon(android.R.drawable.stat_notify_chat)
        return builder.setContentTitle("Writing an answer").setOngoing(true).build()
    }

    companion object {
        private const val NOTIFICATION = 1
        private const val CHANNEL = "answers"

        /** Runs [work] with the service in the foreground. */
        suspend fun <T> during(context: Context, work: suspend () -> T): T {
            val service = Intent(context, AnswerService::class.java)
            context.startService(service)
            try {
                return work()
            } finally {
                context.stopService(service)
            }
        }
    }
}
