#!/usr/bin/env bash
# Runs every row of the collection of faults (a folder; default ../shared/faults) against the built program, under limits,
# and prints row, expected, got. The last line counts; the exit code is 0 only when all are equal.
#   scripts/attack.sh [--folder DIR] [WORD…]      only the rows whose names contain one of the words
# A row is a function that prints what it saw; what it should see stands beside its name, in attack-reports.sh and attack-hostile.sh. ATTACK_MEMORY is the limit of
# address space in KiB (default 3 GiB), ATTACK_SECONDS that of time for a command (default 120).
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
root=$PWD
faults=$root/../shared/faults
words=()
while [ "$#" -gt 0 ]; do
  case $1 in
    --folder) faults=$(readlink -f "$2"); shift 2 ;;
    --help | -h) sed -n '2,7p' "$0"; exit 0 ;;
    *) words+=("$1"); shift ;;
  esac
done
attack=$faults/attack
[ -d "$attack" ] || { echo "attack.sh: $faults is no folder of faults" >&2; exit 2; }
program=${IMG2POSE_PROGRAM:-$root/src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll}
[ -f "$program" ] || { echo "attack.sh: build the program first (./run.sh doctor)" >&2; exit 2; }
memory=${ATTACK_MEMORY:-$((3 << 20))} seconds=${ATTACK_SECONDS:-120}
[ -t 1 ] && echo "Each line: row | expected | got"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# img2pose ARGUMENTS: the program under the limits; its output in out.txt and err.txt, its exit code in $code.
img2pose() {
  code=0
  # .NET reserves address space far beyond what it uses; a heap limit keeps that reservation below the limit.
  (ulimit -v "$memory"; DOTNET_GCHeapHardLimit=0x40000000 exec timeout -k 5 "$seconds" dotnet "$program" "$@") >out.txt 2>err.txt </dev/null || code=$?
}
# The same without a limit of address space: for a row that is about something else than memory.
img2pose_free() {
  code=0
  timeout -k 5 "$seconds" dotnet "$program" "$@" >out.txt 2>err.txt </dev/null || code=$?
}

# refused: exit 2, 3 or 4 and one line without a stack trace or a control character. Prints "refused", or what else it was.
refused() {
  if ! { [ "$code" -ge 2 ] && [ "$code" -le 4 ]; }; then echo "exit $code"; head -c 300 err.txt | tr -c '[:print:]' ' '; return; fi
  if grep -q '^   at ' err.txt; then echo "a stack trace"; return; fi
  if [ "$(tr -d '\n\t' <err.txt | LC_ALL=C grep -c '[[:cntrl:]]')" -gt 0 ]; then echo "control characters"; return; fi
  if grep -qE 'internal error|Unhandled exception|System\.[A-Za-z.]+Exception' err.txt; then echo "untyped: $(head -n 1 err.txt)"; return; fi
  echo "refused"
}
# refused, and the message matches.
refused_saying() {
  local what; what=$(refused)
  if [ "$what" != refused ]; then echo "$what"; elif grep -qiE "$1" err.txt; then echo "refused, said so"; else echo "refused: $(head -n 1 err.txt)"; fi
}
# refused, or done: either is bounded and clean.
bounded() { if [ "$code" -eq 0 ]; then echo "bounded"; else local what; what=$(refused); [ "$what" = refused ] && echo "bounded" || echo "$what"; fi; }
# The same of a set: what is damaged in it may be left out and named, the rest be done (exit 1).
bounded_set() {
  if [ "$code" -eq 1 ] && grep -q 'left out' err.txt && ! grep -qE '^   at |internal error|Unhandled exception' err.txt; then echo "bounded"; else bounded; fi
}
# What the summary says of the run: true or false.
complete() { grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2; }
faces() { grep -o '"detected":true' "$1" 2>/dev/null | wc -l; }
frames_with_faces() { grep '"type":"frame"' "$1" 2>/dev/null | grep -c '"detected":true'; }
probe() { ffprobe -v error -show_entries "$1" -of csv=p=0 "$2" 2>/dev/null; }
sum() { sha256sum <"$1" 2>/dev/null | cut -c1-16; }

row() { # NAME EXPECTED FUNCTION
  local name=$1 expected=$2 check=$3 got
  if [ "${#words[@]}" -gt 0 ]; then
    local word wanted=
    for word in "${words[@]}"; do case $name in *"$word"*) wanted=1 ;; esac; done
    [ -n "$wanted" ] || return 0
  fi
  rm -rf "$work/row"; mkdir "$work/row"
  got=$(cd "$work/row" && $check 2>/dev/null | tr '\n' ' ' | sed 's/ *$//')
  if [ "$got" = "$expected" ]; then passed=$((passed + 1)); echo "equal   | $name | $expected | $got"
  else failed=$((failed + 1)); echo "DIFFERS | $name | $expected | $got"; return 1; fi
}
picture=$faults/same_face_as_a_picture_is_found.jpg

. scripts/attack-reports.sh
. scripts/attack-hostile.sh

echo "$((passed + failed)) rows, $passed equal, $failed differ"
[ "$failed" -eq 0 ]
