#!/usr/bin/env bash
# Kills scripts/recipe.sh at random moments, during a checkpoint among them, and lets it go on each time:
#   scripts/soak-recipe.sh [KILLS] [PACK]     20 and ../shared/data/train by default
# Fails where a checkpoint that is there cannot be read, where the run does not go on from it, or where it does not end in a sound
# package. A pack of a few pictures and small batches: a run takes seconds, and most kills hit something else than the last.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
kills=${1:-20} source=$(readlink -f "${2:-../shared/data/train}")
[ -e "$source/annotations.jsonl" ] || { echo "$source holds no annotations.jsonl" >&2; exit 3; }
. scripts/common.sh
./run.sh --version >/dev/null
export IMG2POSE_PROGRAM=$PWD/src/Img2Pose.Cli/bin/Release/net10.0/img2pose OMP_WAIT_POLICY=passive TMPDIR=${TMPDIR:-/var/tmp}
work=$(mktemp -d)
pid=
stop() { if [ -n "$pid" ]; then kill -9 -- "-$pid" 2>/dev/null || true; fi; }
trap 'stop; rm -rf "$work"' EXIT
mkdir "$work/pack"
ln -s "$source"/* "$work/pack/" 2>/dev/null || true
rm "$work/pack/annotations.jsonl"
# A pipe's writer would be ended by the head: awk reads to the end.
awk 'NR <= 12' "$source/annotations.jsonl" >"$work/pack/annotations.jsonl"
begin() {
  setsid ./scripts/recipe.sh --scale 0.02 --data "$work/pack" --mesh none --out "$work/out" -- --batch 1 --epoch-steps 5 --workers 1 >>"$work/log" 2>&1 &
  pid=$!
}
step() { grep -ao 'resumed .* at step [0-9]*' "$work/log" | tail -n 1 | grep -o '[0-9]*$' || echo 0; }
during=0
for ((i = 1; i <= kills; i++)); do
  begin
  if ((i % 4 == 0)); then
    # In the middle of writing a checkpoint: as soon as one has begun.
    end=$((SECONDS + 60))
    until compgen -G "$work/out/checkpoint.safetensors.*.partial" >/dev/null || [ "$SECONDS" -ge "$end" ] || ! kill -0 "$pid" 2>/dev/null; do :; done
    if compgen -G "$work/out/checkpoint.safetensors.*.partial" >/dev/null; then during=$((during + 1)); fi
  else
    # The random moment is the test; up to eight seconds.
    sleep "$((RANDOM % 8)).$((RANDOM % 10))"
  fi
  stop
  wait "$pid" 2>/dev/null || true
  if grep -aqE '^img2pose: .*(checkpoint|safetensors).*(damaged|cut|not a|another network)' "$work/log"; then tail -n 5 "$work/log"; echo "a checkpoint could not be read after kill $i" >&2; exit 1; fi
  echo "kill $i: resumed at step $(step) before it"
done
begin
code=0
wait "$pid" || code=$?
pid=
[ "$code" -eq 0 ] || { tail -n 20 "$work/log"; echo "the run did not end well: $code" >&2; exit 1; }
tail -n 25 "$work/out/card.txt"
echo "$kills kills, $during of them while a checkpoint was written"
