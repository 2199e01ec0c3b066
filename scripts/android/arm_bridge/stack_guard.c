/* Android's code compares the word at thread pointer + 0x28 when a function begins and when it ends (bionic's TLS slot 5, the
   stack guard). Under glibc that word belongs to the first library with thread-local data, here to this one, preloaded:
   a block that nobody writes. */
__attribute__((aligned(16), tls_model("initial-exec"))) __thread volatile char edgellm_quiet[64];

char edgellm_first_of_quiet(void) { return edgellm_quiet[0]; }
