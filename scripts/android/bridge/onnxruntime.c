/* Answers to the AAR's name and symbol version of onnxruntime with this machine's build of the same release. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *symbol(const char *name) {
    static void *library;
    if (library == NULL) library = dlopen("libonnxruntime.so.1", RTLD_NOW | RTLD_LOCAL);
    void *found = library == NULL ? NULL : dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "onnxruntime bridge: %s\n", dlerror());
        abort();
    }
    return found;
}

const void *OrtGetApiBase(void) { return ((const void *(*)(void))symbol("OrtGetApiBase"))(); }

void *OrtSessionOptionsAppendExecutionProvider_CPU(void *options, int use_arena) {
    return ((void *(*)(void *, int))symbol("OrtSessionOptionsAppendExecutionProvider_CPU"))(options, use_arena);
}

void *OrtSessionOptionsAppendExecutionProvider_Nnapi(void *options, unsigned flags) {
    (void)options, (void)flags;
    fprintf(stderr, "onnxruntime bridge: NNAPI exists on Android only\n");
    abort();
}
