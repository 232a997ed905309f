#!/usr/bin/env bash
# Trains on a machine with a GPU, in as many goes as it takes, each of at most eight minutes:
#   scripts/gpu-train.sh [--emulate] [RESULTS] -- OPTIONS OF img2pose train
# for example scripts/gpu-train.sh -- --network nano --batch 64 --steps 20000 --workers 14. The data set, the folder of meshes, the device and
# the output are said here; the same OPTIONS with every go. It runs what scripts/gpu-pack.sh --train packed (out/gpu-train/pieces), over the PyTorch with CUDA that it
# finds. What it writes into the folder RESULTS, by default $OUT or out/gpu-train/state, are at most eight files of at most 15 MiB, 60 MiB in
# all: the log, the averaged model, and state.tar.gz.aa …, from which the next go goes on once they lie in out/gpu-train/state. The state is the
# whole checkpoint where that is small enough (nano's is), else the averaged weights (r18's), from which the schedule goes on with new moments
# of the optimiser and a new rise of the rate (--warm-up).
# TRAIN_SECONDS (400) is how long it trains; a step under way is finished. --emulate trains on the processor, over Debian's libtorch.
# Ends with 0 when all steps are done, 3 when a state to go on from was written.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/gpu-common.sh

emulate='' results=${OUT:-out/gpu-train/state}
while [ "$#" -gt 0 ]; do
  case $1 in
    --emulate) emulate=1 ;;
    --)
      shift
      break
      ;;
    *) results=$1 ;;
  esac
  shift
done
home=$PWD/out/gpu-train
work=$home/unpacked
seconds=${TRAIN_SECONDS:-400}
mkdir -p "$results"
results=$(readlink -f "$results")

# On a machine that is still warm they are there.
stamp=$(cat "$home"/pieces/* | sha256sum)
if [ "$(cat "$home/unpacked.sum" 2>/dev/null)" != "$stamp" ]; then
  unpack "$home/pieces/program.tar.gz." "$work"
  unpack "$home/pieces/data.tar.gz." "$work/in"
  echo "$stamp" >"$home/unpacked.sum"
fi
use_libraries "$work/lib"
export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$work/training-lib
device=cuda torch=/usr
if [ -n "$emulate" ]; then
  device=cpu
else
  torch=$(find_torch)
  if [ -z "$torch" ]; then
    echo "gpu-train.sh: there is no PyTorch with CUDA here" >&2
    exit 4
  fi
fi
if [ ! -e "$work/torch/libimg2pose_torch.so" ]; then native/torch/build.sh "$torch" "$work/torch"; fi
export IMG2POSE_TORCH=$work/torch OMP_WAIT_POLICY=passive

out=$work/out
start=()
if compgen -G "$home/state/state.tar.gz.*" >/dev/null; then
  unpack "$home/state/state.tar.gz." "$out"
  if compgen -G "$out/checkpoint.*" >/dev/null; then
    start=(--resume last)
  else
    mv "$out/average.safetensors" "$work/start.safetensors"
    start=(--resume "$work/start.safetensors")
  fi
else
  rm -rf "$out"
fi
# Where --init resnet18-imagenet finds what was packed of it.
[ ! -d "$work/in/data/packages" ] || export NUGET_PACKAGES=$work/in/data/packages
[ ! -d "$work/in/data/mesh" ] || start+=(--mesh "$work/in/data/mesh")

log=$work/log.txt
chmod +x "$work/program/img2pose"
# It writes its checkpoint when it is interrupted, and a process that does not end is.
code=0
timeout --signal=INT --kill-after=60 "$seconds" "$work/program/img2pose" train "$work/in/data/pack" --device "$device" --out "$out" "${start[@]}" "$@" >"$log" 2>&1 || code=$?
tail -n 5 "$log"

# The last 15 MiB of the log, the model where it is small enough, and the state.
limit=$((15 << 20))
rm -f "$results"/state.tar.gz.* "$results"/*.onnx
tail -c "$limit" "$log" >"$results/log.txt"
find "$out" -maxdepth 1 -name 'img2pose-*.onnx' -size -15M -exec cp {} "$results/" \;
keep() { tar -C "$out" -cz "$@" | split -b "$limit" - "$results/state.tar.gz."; }
size() { cat "$results"/state.tar.gz.* 2>/dev/null | wc -c; }
checkpoint=$(cd "$out" 2>/dev/null && compgen -G 'checkpoint.*') || checkpoint=
if [ -n "$checkpoint" ]; then
  keep "$checkpoint" config.json
  if [ "$(size)" -gt $((3 * limit)) ]; then
    rm -f "$results"/state.tar.gz.*
    if [ -e "$out/average.safetensors" ]; then keep average.safetensors config.json; fi
  fi
  if [ "$(size)" -gt $((3 * limit)) ] || [ "$(size)" -eq 0 ]; then
    rm -f "$results"/state.tar.gz.*
    echo "gpu-train.sh: what $out holds is too large to come back" >&2
  fi
fi
ls -l "$results"
if [ "$code" -eq 0 ] && grep -q '^ended at step' "$log" && ! grep -q '^stopping' "$log"; then exit 0; fi
if compgen -G "$results/state.tar.gz.*" >/dev/null && grep -q '^ended at step' "$log"; then exit 3; fi
echo "gpu-train.sh: training ended with $code" >&2
exit 1
