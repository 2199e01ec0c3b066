"""The phone's ladder: the Kotlin library on this machine's JVM, then on emulated Arm. `make test-android` runs it."""
