/* This machine's own function of a name, asked for by library: a name alone would mean the bridge's. */
#include <dlfcn.h>
#include <stddef.h>

static void *glibc(const char *name) {
    return dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), name);
}

/* Exports android_NAME under Android's symbol version; it calls glibc's NAME. */
#define FORWARD(result, name, parameters, arguments)          \
    result android_##name parameters {                        \
        static result(*real) parameters;                      \
        if (real == NULL) *(void **)&real = glibc(#name);     \
        return real arguments;                                \
    }                                                         \
    __asm__(".symver android_" #name "," #name "@@LIBC")
