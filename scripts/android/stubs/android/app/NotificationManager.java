package android.app;

/** What the sample uses of API 26, for the compiler only. */
public class NotificationManager {
    public static final int IMPORTANCE_LOW = 2;

    public void createNotificationChannel(NotificationChannel channel) {
        throw new UnsupportedOperationException("stub");
    }
}
