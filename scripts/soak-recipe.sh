#!/usr/bin/env bash
# Kills scripts/recipe.sh at random moments, during a checkpoint among them, and lets it go on each time:
#   scripts/soak-recipe.sh [KILLS] [PACK] [SCALE]     20, ../shared/data/train and 0.02 by default
# Fails where a run ends by itself with an error (a checkpoint that is there cannot be read, for instance), where it does not go on from
# the last checkpoint, where no kill hit a checkpoint that was being written, or where it does not end in a sound package. A pack of a
# few pictures and small batches: with the default scale a minute or two of training in all.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
kills=${1:-20} source=$(readlink -f "${2:-../shared/data/train}") scale=${3:-0.02}
[ -e "$source/annotations.jsonl" ] || { echo "$source holds no annotations.jsonl" >&2; exit 3; }
export OMP_WAIT_POLICY=passive TMPDIR=${TMPDIR:-/var/tmp}
if [ -z "${IMG2POSE_PROGRAM:-}" ]; then
  # Builds the program with training.
  ./run.sh train --help >/dev/null
  export IMG2POSE_PROGRAM=$PWD/src/Img2Pose.Cli/bin/Release/net10.0/img2pose
fi
work=$(mktemp -d)
pid=''
stop() { if [ -n "$pid" ]; then kill -9 -- "-$pid" 2>/dev/null || true; fi; }
trap 'stop; rm -rf "$work"' EXIT
mkdir "$work/pack"
ln -s "$source"/* "$work/pack/" 2>/dev/null || true
rm "$work/pack/annotations.jsonl"
# A pipe's writer would be ended by the head: awk reads to the end.
awk 'NR <= 12' "$source/annotations.jsonl" >"$work/pack/annotations.jsonl"
# A group of its own, which a kill takes as a whole.
begin() {
  setsid ./scripts/recipe.sh --scale "$scale" --data "$work/pack" --mesh none --out "$work/out" -- --batch 1 --sizes 192 --epoch-steps 5 --workers 1 >"$work/log" 2>&1 &
  pid=$!
}
fail() { tail -n 20 "$work/log" >&2; echo "$*" >&2; exit 1; }
resumed() { grep -ao 'resumed .* at step [0-9]*' "$work/log" | grep -o '[0-9]*$' || true; }
# The step of the checkpoint that is there, as its header says; nothing where there is none.
saved() { if [ -e "$work/out/checkpoint.safetensors" ]; then head -c 65536 "$work/out/checkpoint.safetensors" | grep -aoE '"step": ?"[0-9]+"' | grep -oE '[0-9]+' || true; fi; }
writing() { compgen -G "$work/out/checkpoint.safetensors*.partial" >/dev/null; }
# Waits until pictures are read, or the run has ended; looking costs next to nothing.
learning() { until grep -aq 'pictures in memory' "$work/log" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.2; done; }
# What a run that could do so must have begun with: the checkpoint that the kill before it left. A kill may come before it says so.
went_on() {
  local from
  from=$(resumed)
  if [ -n "$from" ] && [ "$from" != "${before:-none}" ]; then fail "went on from step $from, and the checkpoint was of step ${before:-none}"; fi
  if [ -z "$from" ] && [ -n "$before" ] && grep -aq '^step \|^validation at' "$work/log"; then fail "began anew, and there was a checkpoint of step $before"; fi
}
during=0 before=''
for ((i = 1; i <= kills; i++)); do
  begin
  if ((i % 4 == 0)); then
    # In the middle of writing a checkpoint: as soon as one has begun. Nothing tells that sooner than looking; a minute is enough.
    end=$((SECONDS + 60))
    until writing || [ "$SECONDS" -ge "$end" ] || ! kill -0 "$pid" 2>/dev/null; do :; done
  else
    # Every fourth kill may come while the program starts; the others when its pictures are read, which on a busy machine takes longer than
    # any moment that could be chosen here.
    ((i % 4 == 1)) || learning
    # The random moment is the test; up to eight seconds.
    sleep "$((RANDOM % 8)).$((RANDOM % 10))"
  fi
  stop
  code=0
  wait "$pid" 2>/dev/null || code=$?
  # Killed, or done before.
  case $code in
    0 | 137) ;;
    *) fail "kill $i: the run had ended with $code" ;;
  esac
  # Of a checkpoint that was being written the kill left the piece that there is no name for yet.
  if writing; then during=$((during + 1)); fi
  went_on
  before=$(saved)
  echo "kill $i: the checkpoint is of step ${before:-none}"
done
begin
code=0
wait "$pid" || code=$?
pid=''
[ "$code" -eq 0 ] || fail "the run did not end well: $code"
went_on
tail -n 25 "$work/out/card.txt"
echo "$kills kills, $during of them while a checkpoint was written"
[ "$kills" -lt 4 ] || [ "$during" -gt 0 ] || fail "no kill hit a checkpoint that was being written"
