/* Android's libdl, as much of it as the AAR's JNI library asks for. */
#include "glibc.h"

FORWARD(int, dlclose, (void *library), (library));
