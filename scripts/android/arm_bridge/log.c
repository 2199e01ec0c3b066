/* Android's liblog, as much of it as the AAR asks for: to standard error. */
#include <stdarg.h>
#include <stdio.h>

int __android_log_vprint(int priority, const char *tag, const char *format, va_list arguments) {
    fprintf(stderr, "%d %s: ", priority, tag == NULL ? "" : tag);
    int written = vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    return written;
}

int __android_log_print(int priority, const char *tag, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int written = __android_log_vprint(priority, tag, format, arguments);
    va_end(arguments);
    return written;
}

int __android_log_write(int priority, const char *tag, const char *text) {
    return __android_log_print(priority, tag, "%s", text);
}
