#!/usr/bin/env bash
# Memory errors: see soak.sh, which calls this.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debug=$(/sbin/ldconfig -p | sed -n 's/.*libc_malloc_debug\.so\.0 .*=> //p')
debug=${debug%%$'\n'*}
[ -n "$debug" ] || { echo "soak.sh: glibc's libc_malloc_debug.so.0 is not there (Debian: libc6)" >&2; exit 2; }
# By tunables and by their old names: from glibc 2.34 on both need the library above.
checked() { LD_PRELOAD=$debug GLIBC_TUNABLES=glibc.malloc.check=3:glibc.malloc.perturb=165 MALLOC_CHECK_=3 MALLOC_PERTURB_=165 "$@"; }

# A check that checks nothing finds nothing: a byte too many must end a program.
printf '#include <stdlib.h>\nint main(void) { volatile char *p = malloc(24); p[24] = 1; free((void *)p); return 0; }\n' >"$work/canary.c"
"${CC:-cc}" -O0 "$work/canary.c" -o "$work/canary" 2>/dev/null
if (checked "$work/canary") >/dev/null 2>&1; then echo "soak.sh: the checking allocator lets a write beyond a block pass" >&2; exit 2; fi

failed=0
for project in tests/*; do
  name=$(basename "$project")
  case $name in *.Tests | *.EndToEnd) ;; *) continue ;; esac
  if [ "$#" -gt 0 ]; then
    wanted=
    for word in "$@"; do case $name in *"$word"*) wanted=1 ;; esac; done
    [ -n "$wanted" ] || continue
  fi
  started=$SECONDS code=0
  checked dotnet "$project/bin/Release/net10.0/$name.dll" -noLogo -noColor </dev/null >"$work/log" 2>&1 || code=$?
  echo "$name: exit $code after $((SECONDS - started)) s: $(grep -E 'Total: +[0-9]+' "$work/log" | tail -n 1 | sed 's/^ *//')"
  if [ "$code" -ne 0 ]; then failed=1; tail -n 40 "$work/log"; fi
done

if command -v valgrind >/dev/null; then
  # shellcheck disable=SC2046  # a list of words
  "${CC:-cc}" -g -Wno-deprecated-declarations $(pkg-config --cflags libavcodec libavdevice libavfilter libavformat libavutil libswscale) \
    native/ffmpeg/layout_probe.c -o "$work/probe"
  "${CXX:-c++}" -std=c++17 -g -O1 native/memcheck/torch.cpp -o "$work/torch" -ldl
  "${CXX:-c++}" -std=c++17 -g -O1 -ffp-contract=off -Inative/cuda native/cuda/cpu.cpp native/memcheck/kernels.cpp -o "$work/kernels"
  # Libraries keep what they made once until the end: that is no leak of ours.
  memcheck() { valgrind -q --suppressions=native/memcheck/valgrind.supp --error-exitcode=9 --leak-check="$leaks" --errors-for-leak-kinds=definite "$@"; }
  runs=("probe $work/layout.cs" kernels)
  if [ -f build/native/lib/libimg2pose_torch.so ]; then runs+=("torch build/native/lib/libimg2pose_torch.so"); else echo "the libtorch shim is not built: it was not run"; fi
  for run in "${runs[@]}"; do
    leaks=full
    if [ "${run%% *}" = torch ]; then leaks=no; fi
    # shellcheck disable=SC2086  # a program and its arguments
    if memcheck "$work"/$run; then echo "valgrind ${run%% *}: no error"; else echo "valgrind ${run%% *}: failed"; failed=1; fi
  done
else
  echo "valgrind is not installed: the native parts were not run under it"
fi
[ "$failed" -eq 0 ] && echo "memory soak passed"
exit "$failed"
