#!/bin/sh
# The tests trace system calls with strace. Install it where that needs nobody's password; elsewhere the
# tests that use it say so.
set -eu
if ! command -v strace >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get install -qq -y strace >/dev/null || { apt-get update -qq && apt-get install -qq -y strace >/dev/null; }
fi
