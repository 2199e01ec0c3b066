/* Android's libc, as much of it as the AAR's x86_64 JNI library asks for, over this machine's glibc. */
#include "glibc.h"

FORWARD(void *, malloc, (size_t size), (size));
FORWARD(void *, realloc, (void *old, size_t size), (old, size));
FORWARD(void, free, (void *old), (old));
FORWARD(void *, memcpy, (void *to, const void *from, size_t size), (to, from, size));
FORWARD(size_t, strlen, (const char *text), (text));
FORWARD(int, __cxa_atexit, (void (*call)(void *), void *argument, void *module), (call, argument, module));
FORWARD(void, __cxa_finalize, (void *module), (module));
FORWARD(int, __register_atfork, (void (*before)(void), void (*parent)(void), void (*child)(void), void *module),
        (before, parent, child, module));
FORWARD(void, __stack_chk_fail, (void), ());
