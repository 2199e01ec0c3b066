package android.app;

import android.content.Context;
import android.os.Parcel;
import android.os.Parcelable;

/** What the sample uses of API 26, for the compiler only. */
public class Notification implements Parcelable {
    public int describeContents() {
        throw new UnsupportedOperationException("stub");
    }

    public void writeToParcel(Parcel parcel, int flags) {
        throw new UnsupportedOperationException("stub");
    }

    /** Its constructor with a channel is of API 26. */
    public static class Builder {
        public Builder(Context context, String channel) {
            throw new UnsupportedOperationException("stub");
        }

        public Builder setSmallIcon(int icon) {
            throw new UnsupportedOperationException("stub");
        }

        public Builder setContentTitle(CharSequence title) {
            throw new UnsupportedOperationException("stub");
        }

        public Builder setOngoing(boolean ongoing) {
            throw new UnsupportedOperationException("stub");
        }

        public Notification build() {
            throw new UnsupportedOperationException("stub");
        }
    }
}
