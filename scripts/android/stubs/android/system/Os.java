package android.system;

/** API 21, for the compiler only: the android.jar here is of API 17. Android's own class is what runs. */
public final class Os {
    public static void setenv(String name, String value, boolean overwrite) {
        throw new UnsupportedOperationException("stub");
    }
}
