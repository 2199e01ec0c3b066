package android.app;

/** API 26, for the compiler only. */
public final class NotificationChannel {
    public NotificationChannel(String id, CharSequence name, int importance) {
        throw new UnsupportedOperationException("stub");
    }
}
