#!/usr/bin/env bash
# The tests that take longer than ./test.sh may: run by hand, their log quoted.
#   ./scripts/soak.sh [MINUTES], 10 by default. Memory over time: poses and overlays the demo's face for that long, and fails where
# resident memory or open files of the last quarter exceed those of the second (the first holds warming up), or where the run does
# not end well when it is interrupted.
#   ./scripts/soak.sh memory [WORD...]. Every test project (or those whose names contain a word), built by ./test.sh before, one after
# the other under glibc's checking allocator: freed and fresh memory is filled, blocks are checked for writing beyond their ends; then
# the native parts under valgrind's memcheck, where that is installed.
set -euo pipefail
if [ "${1:-}" = memory ]; then
  shift
  cd "$(dirname "$(readlink -f "$0")")/.."
  exec bash scripts/soak-memory.sh "$@"
fi
minutes=${1:-10}
# Live: ./scripts/soak.sh [MINUTES] live.
if [ "${2:-}" = live ]; then exec "$(dirname "$(readlink -f "$0")")/soak-live.sh" "$minutes"; fi
# The monitor: ./scripts/soak.sh [MINUTES] monitor.
if [ "${2:-}" = monitor ]; then exec "$(dirname "$(readlink -f "$0")")/soak-monitor.py" "$minutes"; fi
# The monitor's memory by outages: ./scripts/soak.sh [MINUTES] outages.
if [ "${2:-}" = outages ]; then exec "$(dirname "$(readlink -f "$0")")/soak-monitor-outages.py" "$minutes"; fi
[[ $minutes =~ ^[0-9]+$ ]] && [ "$minutes" -gt 0 ] || { echo "usage: $0 [MINUTES]" >&2; exit 2; }
cd "$(dirname "$(readlink -f "$0")")/.."
clip=.cache/demo/portrait.mp4
[ -s "$clip" ] || ./run.sh >&2
./run.sh --version >/dev/null

export TMPDIR=${TMPDIR:-/var/tmp}
work=$(mktemp -d)
pid=
trap 'if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
# Long enough for a machine that is eight times faster than real time.
ffmpeg -nostdin -v error -stream_loop -1 -i "$clip" -t "$((minutes * 60 * 8))" -c copy "$work/long.mkv"

# Without env a background job's interrupt would be ignored.
env --default-signal=INT dotnet src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll \
  run "$work/long.mkv" --out "$work/posed.mkv" --json "$work/poses.jsonl" --quiet &
pid=$!
end=$((SECONDS + minutes * 60))
while [ "$SECONDS" -lt "$end" ] && kill -0 "$pid" 2>/dev/null; do
  sleep 2
  memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || break
  files=$(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)
  [ -z "$memory" ] || echo "$memory $files"
done >"$work/samples"
kill -INT "$pid" 2>/dev/null || true
code=0
wait "$pid" || code=$?
pid=

# Median resident kilobytes and greatest number of files of one quarter.
quarter() {
  awk -v q="$1" '{ m[NR] = $1; f[NR] = $2 } END { for (i = int(NR * (q - 1) / 4) + 1; i <= int(NR * q / 4); i++) print m[i], f[i] }' \
    "$work/samples" | sort -n | awk '{ m[NR] = $1; if ($2 > most) most = $2 } END { print m[int((NR + 1) / 2)], most }'
}
read -r early_memory early_files < <(quarter 2)
read -r late_memory late_files < <(quarter 4)
frames=$(grep -c '"type":"frame"' "$work/poses.jsonl" || true)
complete=$(tail -n 1 "$work/poses.jsonl" | grep -c '"type":"summary"' || true)
echo "$minutes min, $frames frames, exit code $code"
echo "memory: second quarter $((early_memory / 1024)) MB, last $((late_memory / 1024)) MB; files: $early_files, $late_files"
# 130: interrupted, outputs valid; 0: the video was over before.
failed=0
if [ "$code" -ne 130 ] && [ "$code" -ne 0 ]; then echo "it ended with $code"; failed=1; fi
if [ "$complete" -ne 1 ] || ! ffprobe -v error "$work/posed.mkv"; then echo "its outputs are not whole"; failed=1; fi
# A collector moves by some megabytes; a leak of a kilobyte a frame would be larger than this after ten minutes.
if [ "$((late_memory - early_memory))" -gt $((16 * 1024)) ]; then echo "memory grows"; failed=1; fi
if [ "$late_files" -gt "$((early_files + 2))" ]; then echo "open files grow"; failed=1; fi
[ "$failed" -eq 0 ] && echo "soak passed"
exit "$failed"
