#!/bin/sh
# Measures the installed FFmpeg headers: write-layout.sh OUTPUT.cs. Compiles layout_probe.c, runs it, and replaces the
# output only where it says something else, so that nothing is compiled again that has not changed. CC names the compiler.
set -eu
probe=$(dirname "$0")/layout_probe.c
libraries="libavcodec libavdevice libavfilter libavformat libavutil libswscale"
fail() {
  echo "write-layout.sh : error IMG2POSE1: FFmpeg's struct layout cannot be measured: $1; ./run.sh installs what is needed" >&2
  exit 1
}
compiler=${CC:-cc}
command -v "$compiler" >/dev/null || fail "there is no C compiler ($compiler)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Without pkg-config the headers are where every distribution has them.
flags=
if command -v pkg-config >/dev/null; then
  # shellcheck disable=SC2086  # a list of words
  flags=$(pkg-config --cflags $libraries 2>"$work/log") || fail "$(head -n 1 "$work/log")"
fi
# shellcheck disable=SC2086  # a list of words
"$compiler" -Wall -Wextra -Werror -Wno-deprecated-declarations $flags "$probe" -o "$work/probe" 2>"$work/log" ||
  fail "$(grep -m 1 error "$work/log" || head -n 1 "$work/log")"
"$work/probe" "$work/layout" || fail "the probe failed"
if ! cmp -s "$work/layout" "$1"; then cp "$work/layout" "$1"; fi
