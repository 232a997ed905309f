#!/usr/bin/env bash
# A live session that is disturbed every two minutes: ./scripts/soak-live.sh [MINUTES [SECONDS [options of run]]]. A camera of GStreamer's RTSP server is killed,
# stopped, silenced, moved in time and gone for two minutes in turn. Fails where an outage is not survived, where resident memory
# leaves its median by more than 5 MB after the first five minutes, where open files or threads grow, or where the end is not clean.
set -euo pipefail
minutes=${1:-30}
every=${2:-120}
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/common.sh
ensure_packages scripts/apt-packages.txt scripts/apt-packages-test.txt
program=src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll
[ -f "$program" ] || ./run.sh --version >/dev/null

export TMPDIR=${TMPDIR:-/var/tmp}
work=$(mktemp -d)
server= pid=
trap 'for p in $server $pid; do kill -9 "$p" 2>/dev/null || true; done; rm -rf "$work"' EXIT
ffmpeg -nostdin -v error -f lavfi -i testsrc2=s=640x360:r=15 -frames:v 300 -c:v libx264 -preset veryfast -tune zerolatency -g 30 \
  -x264-params aud=1:repeat-headers=1:sliced-threads=0:threads=1 -f h264 "$work/clip.h264"
mkfifo "$work/orders"
exec 9<>"$work/orders"
port=18554

serve() {
  /usr/bin/python3 tests/servers/rtsp_server.py --port "$port" "/a=$work/clip.h264:15" <"$work/orders" >>"$work/server.log" 2>&1 &
  server=$!
}
serve
sleep 2
# As a user runs it. The collector's nursery fills up for half an hour before it is first emptied; DOTNET_GCgen0size=0x200000 in this
# script's environment makes it small, which tells that from a leak.
env --default-signal=INT dotnet "$program" run "rtsp://127.0.0.1:$port/a" --json "$work/poses.jsonl" --verbose "${@:3}" 2>"$work/errors" &
pid=$!

sample() {
  local memory files threads
  memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status") threads=$(awk '/^Threads/ { print $2 }' "/proc/$pid/status")
  files=$(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)
  echo "$SECONDS $memory $files $threads" >>"$work/samples"
}
SECONDS=0
faults=(kill silent stop jump gone) outages=0 next=$every i=0
while [ "$SECONDS" -lt $((minutes * 60)) ] && kill -0 "$pid" 2>/dev/null; do
  sleep 2
  sample || break
  [ "$SECONDS" -ge "$next" ] || continue
  next=$((next + every))
  case ${faults[i++ % ${#faults[@]}]} in
    kill) kill -9 "$server"; wait "$server" 2>/dev/null || true; sleep 5; serve; outages=$((outages + 1)) ;;
    gone) kill -9 "$server"; wait "$server" 2>/dev/null || true; sleep 120; serve; outages=$((outages + 1)) ;;
    silent) echo "silent /a" >&9; sleep 10; echo "play /a" >&9; outages=$((outages + 1)) ;;
    stop) kill -STOP "$server"; sleep 10; kill -CONT "$server"; outages=$((outages + 1)) ;;
    jump) echo "jump /a 10000" >&9 ;;
  esac
done
# The last outage, if there is one, gets the time to end.
sleep 20
before=$SECONDS
kill -INT "$pid"
code=0
wait "$pid" || code=$?
pid=
took=$((SECONDS - before))
back=$(grep -c '"state":"live"' "$work/poses.jsonl" || true)
frames=$(grep -c '"type":"frame"' "$work/poses.jsonl" || true)
# Of the samples after five minutes, or after a third of a shorter run.
read -r least median most files_first files_last threads_first threads_last < <(awk -v from=$((minutes * 20 < 300 ? minutes * 20 : 300)) '
  $1 >= from' "$work/samples" | sort -s -n -k2,2 | awk '
  { m[NR] = $2; if (NR == 1 || $1 < first) { first = $1; f1 = $3; t1 = $4 } if ($1 >= last) { last = $1; f2 = $3; t2 = $4 } }
  END { print m[1], m[int((NR + 1) / 2)], m[NR], f1, f2, t1, t2 }')
echo "$minutes min, $frames frames, $outages outages, $back times back, exit code $code after $took s"
echo "memory $((least / 1024))…$((median / 1024))…$((most / 1024)) MB (least, median, most), files $files_first → $files_last, threads $threads_first → $threads_last"
failed=0
fail() { echo "$1"; failed=1; }
[ "$code" -eq 130 ] || fail "it ended with $code: $(tail -n 2 "$work/errors")"
[ "$took" -le 2 ] || fail "it took $took s to stop"
[ "$back" -ge "$outages" ] || fail "an outage was not survived"
[ $((most - median)) -le $((5 * 1024)) ] && [ $((median - least)) -le $((5 * 1024)) ] || fail "memory is not flat"
[ "$files_last" -le $((files_first + 3)) ] || fail "open files grow"
[ "$threads_last" -le $((threads_first + 3)) ] || fail "threads grow"
[ "$failed" -eq 0 ] && echo "soak passed"
exit "$failed"
