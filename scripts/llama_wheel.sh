#!/bin/sh
# Build the llama-cpp-python wheel once and keep it: prints the path of the wheel.
#   sh scripts/llama_wheel.sh PYTHON CONSTRAINTS CACHE
# The key is what the binary depends on: version, CMake flags, platform, compiler and (it is built for
# this machine's own instructions) the CPU's flags.
set -eu
python=$1 constraints=$2 cache=$3
version=$(sed -n 's/^llama-cpp-python==\([0-9.]*\).*/\1/p' "$constraints")
cpu=$( (grep -m1 -E '^(flags|Features)' /proc/cpuinfo || sysctl -n machdep.cpu.brand_string || true) 2>/dev/null)
compiler=$("${CXX:-c++}" --version | head -n 1)
# GCC 12 miscompiles llama.cpp's AMX kernels, which then crash (ggml-org/llama.cpp#20824): build without them.
case $(uname -m) in
    x86_64|amd64) no_amx="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16" ;;
    *) no_amx="" ;;
esac
CMAKE_ARGS="${CMAKE_ARGS:-} -DCMAKE_C_FLAGS='$no_amx' -DCMAKE_CXX_FLAGS='$no_amx'"
export CMAKE_ARGS
key=$(printf '%s|%s|%s|%s|%s' "$version" "$CMAKE_ARGS" "$(uname -sm)" "$compiler" "$cpu" |
      "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
folder=$cache/llama-cpp-python-$version-$key
if ! ls "$folder"/*.whl >/dev/null 2>&1; then
    echo "Compiling llama-cpp-python $version once; it is kept in $folder" >&2
    mkdir -p "$cache"
    staging=$(mktemp -d "$cache/.partial.XXXXXX")
    trap 'rm -rf "$staging"' EXIT
    # no pip cache: pip would hand back a wheel it once built with other flags
    CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$("$python" -c 'import os; print(os.cpu_count() or 1)')} \
        "$python" -m pip --disable-pip-version-check wheel -q --no-cache-dir --no-deps --no-binary llama-cpp-python \
        -w "$staging" "llama-cpp-python==$version" >&2
    mkdir -p "$folder"
    mv "$staging"/*.whl "$folder/"
fi
ls "$folder"/*.whl
