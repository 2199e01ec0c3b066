/* Android's libc where it differs from glibc on arm64, as far as the AAR's libraries ask for it.

   Everything else is forwarded as it is: both follow the same calling convention, and their types agree in size and meaning
   (checked for what is asked for: stat, tm, dirent, locale masks, errno, open flags, once, rwlock, keys). */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>
#include <wchar.h>

/* Exports android_NAME under Android's symbol version. */
#define ANDROID(name) __asm__(".symver android_" #name "," #name "@LIBC")

static void refuse(const char *what, long value) {
    fprintf(stderr, "bionic bridge: %s %ld is not known here\n", what, value);
    abort();
}

int *android___errno(void) { return __errno_location(); }
ANDROID(__errno);

/* strerror_r is POSIX's there and GNU's here. */
extern int __xpg_strerror_r(int, char *, size_t);
int android_strerror_r(int error, char *text, size_t size) { return __xpg_strerror_r(error, text, size); }
ANDROID(strerror_r);
char *android___gnu_strerror_r(int error, char *text, size_t size) { return strerror_r(error, text, size); }
ANDROID(__gnu_strerror_r);

/* Checked variants that glibc lacks; the sizes were the compiler's knowledge. */
int android___FD_ISSET_chk(int file, const fd_set *set, size_t size) {
    (void)size;
    return FD_ISSET(file, set) != 0;
}
ANDROID(__FD_ISSET_chk);
void android___FD_SET_chk(int file, fd_set *set, size_t size) {
    (void)size;
    FD_SET(file, set);
}
ANDROID(__FD_SET_chk);
char *android___strchr_chk(const char *text, int wanted, size_t size) {
    (void)size;
    return strchr(text, wanted);
}
ANDROID(__strchr_chk);
size_t android___strlen_chk(const char *text, size_t size) {
    (void)size;
    return strlen(text);
}
ANDROID(__strlen_chk);

int android___system_property_get(const char *name, char *value) {
    (void)name;
    *value = '\0'; /* as for a property that is not set */
    return 0;
}
ANDROID(__system_property_get);
void android_android_set_abort_message(const char *text) { fprintf(stderr, "abort: %s\n", text); }
ANDROID(android_set_abort_message);

/* Numbers of <bits/sysconf.h>; what is not listed is unsupported, which callers must expect. */
long android_sysconf(int name) {
    switch (name) {
    case 0x06: return sysconf(_SC_CLK_TCK);
    case 0x27:
    case 0x28: return sysconf(_SC_PAGESIZE);
    case 0x60: return sysconf(_SC_NPROCESSORS_CONF);
    case 0x61: return sysconf(_SC_NPROCESSORS_ONLN);
    case 0x62: return sysconf(_SC_PHYS_PAGES);
    case 0x63: return sysconf(_SC_AVPHYS_PAGES);
    default: errno = EINVAL; return -1;
    }
}
ANDROID(sysconf);
long android_pathconf(const char *path, int name) {
    if (name < 1 || name > 6) refuse("pathconf", name); /* bionic counts these one higher than glibc */
    return pathconf(path, name - 1);
}
ANDROID(pathconf);
int android_nftw(const char *path, void *visit, int files, int flags) {
    (void)path, (void)visit, (void)files;
    refuse("nftw", flags); /* its flags are numbered differently; onnxruntime deletes folders with it, which nothing here does */
    return -1;
}
ANDROID(nftw);

/* sigset_t is one word there, as in the kernel. */
static void widen(sigset_t *to, const uint64_t *from) {
    sigemptyset(to);
    memcpy(to, from, sizeof *from);
}
int android_sigfillset(uint64_t *set) {
    *set = ~UINT64_C(0);
    return 0;
}
ANDROID(sigfillset);
int android_pthread_sigmask(int how, const uint64_t *set, uint64_t *old) {
    sigset_t wanted, previous;
    if (set != NULL) widen(&wanted, set);
    int result = pthread_sigmask(how, set == NULL ? NULL : &wanted, &previous);
    if (old != NULL) memcpy(old, &previous, sizeof *old);
    return result;
}
ANDROID(pthread_sigmask);

/* pthread_attr_t is smaller there; only the stack's size is ever set. */
struct attributes {
    uint32_t flags;
    void *base;
    size_t stack_bytes;
};
int android_pthread_attr_init(struct attributes *given) {
    memset(given, 0, sizeof *given);
    return 0;
}
ANDROID(pthread_attr_init);
int android_pthread_attr_setstacksize(struct attributes *given, size_t bytes) {
    given->stack_bytes = bytes;
    return 0;
}
ANDROID(pthread_attr_setstacksize);
int android_pthread_create(pthread_t *thread, const struct attributes *given, void *(*run)(void *), void *argument) {
    if (given == NULL || given->stack_bytes == 0) return pthread_create(thread, NULL, run, argument);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, given->stack_bytes);
    int result = pthread_create(thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return result;
}
ANDROID(pthread_create);

/* Mutexes and condition variables are smaller there and aligned to 4 bytes only: each holds a pointer to glibc's own, made at
   first use because static initialisers are plain zeros. A mutex's first word carries its type in bits 14 and 15. */
static void **slot(void *object) { return (void **)(((uintptr_t)object + 4 + 7) & ~(uintptr_t)7); }
static void *publish(void **place, void *made) {
    void *seen = NULL;
    if (__atomic_compare_exchange_n(place, &seen, made, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return made;
    free(made); /* another thread was faster */
    return seen;
}
static pthread_mutex_t *mutex(uint32_t *given) {
    void *found = __atomic_load_n(slot(given), __ATOMIC_ACQUIRE);
    if (found != NULL) return found;
    pthread_mutexattr_t type;
    pthread_mutexattr_init(&type);
    pthread_mutexattr_settype(&type, (int)(*given >> 14 & 3)); /* the three types have the same numbers here */
    pthread_mutex_t *made = malloc(sizeof *made);
    pthread_mutex_init(made, &type);
    return publish(slot(given), made);
}
static pthread_cond_t *condition(void *given) {
    void *found = __atomic_load_n(slot(given), __ATOMIC_ACQUIRE);
    if (found != NULL) return found;
    pthread_cond_t *made = malloc(sizeof *made);
    pthread_cond_init(made, NULL);
    return publish(slot(given), made);
}
int android_pthread_mutex_init(uint32_t *given, const pthread_mutexattr_t *attributes) {
    int type = 0;
    if (attributes != NULL) pthread_mutexattr_gettype(attributes, &type);
    *given = (uint32_t)type << 14;
    *slot(given) = NULL;
    return 0;
}
ANDROID(pthread_mutex_init);
int android_pthread_mutex_destroy(uint32_t *given) {
    pthread_mutex_t *own = *slot(given);
    if (own == NULL) return 0;
    int result = pthread_mutex_destroy(own);
    free(own);
    *slot(given) = NULL;
    return result;
}
ANDROID(pthread_mutex_destroy);
int android_pthread_mutex_lock(uint32_t *given) { return pthread_mutex_lock(mutex(given)); }
ANDROID(pthread_mutex_lock);
int android_pthread_mutex_trylock(uint32_t *given) { return pthread_mutex_trylock(mutex(given)); }
ANDROID(pthread_mutex_trylock);
int android_pthread_mutex_unlock(uint32_t *given) { return pthread_mutex_unlock(mutex(given)); }
ANDROID(pthread_mutex_unlock);
int android_pthread_cond_wait(void *given, uint32_t *lock) { return pthread_cond_wait(condition(given), mutex(lock)); }
ANDROID(pthread_cond_wait);
int android_pthread_cond_timedwait(void *given, uint32_t *lock, const struct timespec *until) {
    return pthread_cond_timedwait(condition(given), mutex(lock), until);
}
ANDROID(pthread_cond_timedwait);
int android_pthread_cond_signal(void *given) { return pthread_cond_signal(condition(given)); }
ANDROID(pthread_cond_signal);
int android_pthread_cond_broadcast(void *given) { return pthread_cond_broadcast(condition(given)); }
ANDROID(pthread_cond_broadcast);
int android_pthread_cond_destroy(void *given) {
    pthread_cond_t *own = *slot(given);
    if (own == NULL) return 0;
    int result = pthread_cond_destroy(own);
    free(own);
    *slot(given) = NULL;
    return result;
}
ANDROID(pthread_cond_destroy);

/* The standard streams: variables, and (for older NDKs) elements of the array __sF, 152 bytes each. */
enum { STREAM_BYTES = 152 };
FILE *android_stdin, *android_stdout, *android_stderr;
char android___sF[3 * STREAM_BYTES];
ANDROID(stdin);
ANDROID(stdout);
ANDROID(stderr);
ANDROID(__sF);
__attribute__((constructor)) static void open_streams(void) {
    android_stdin = stdin;
    android_stdout = stdout;
    android_stderr = stderr;
}
static FILE *stream(void *given) {
    uintptr_t offset = (uintptr_t)given - (uintptr_t)android___sF;
    if (offset >= sizeof android___sF) return given;
    return offset < STREAM_BYTES ? stdin : offset < 2 * STREAM_BYTES ? stdout : stderr;
}
int android_fclose(void *file) { return fclose(stream(file)); }
ANDROID(fclose);
int android_fflush(void *file) { return fflush(stream(file)); }
ANDROID(fflush);
int android_fileno(void *file) { return fileno(stream(file)); }
ANDROID(fileno);
int android_fputc(int byte, void *file) { return fputc(byte, stream(file)); }
ANDROID(fputc);
int android_fputs(const char *text, void *file) { return fputs(text, stream(file)); }
ANDROID(fputs);
wint_t android_fputwc(wchar_t character, void *file) { return fputwc(character, stream(file)); }
ANDROID(fputwc);
size_t android_fread(void *to, size_t size, size_t count, void *file) { return fread(to, size, count, stream(file)); }
ANDROID(fread);
size_t android_fwrite(const void *from, size_t size, size_t count, void *file) { return fwrite(from, size, count, stream(file)); }
ANDROID(fwrite);
int android_getc(void *file) { return getc(stream(file)); }
ANDROID(getc);
wint_t android_getwc(void *file) { return getwc(stream(file)); }
ANDROID(getwc);
int android_ungetc(int byte, void *file) { return ungetc(byte, stream(file)); }
ANDROID(ungetc);
wint_t android_ungetwc(wint_t character, void *file) { return ungetwc(character, stream(file)); }
ANDROID(ungetwc);
int android_vfprintf(void *file, const char *format, va_list arguments) { return vfprintf(stream(file), format, arguments); }
ANDROID(vfprintf);
int android_fprintf(void *file, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int written = vfprintf(stream(file), format, arguments);
    va_end(arguments);
    return written;
}
ANDROID(fprintf);
