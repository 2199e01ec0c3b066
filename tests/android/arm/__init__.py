"""The phone's artifacts on emulated arm64 CPUs: the Android library itself, the aarch64 wheel, and llama.cpp."""
