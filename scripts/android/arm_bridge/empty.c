/* A library that the AAR names (libm, libdl, libandroid) and whose functions libc.so answers for. */
void edgellm_no_symbol(void) {}
