#!/usr/bin/env bash
# Checks the GPU path on a machine with a GPU, in at most eight minutes: what doctor finds, every kernel against the processor's code,
# a run with NVDEC, CUDA, OpenGL and NVENC against one on the processor, what decoding, networks and live sessions come to, and a hundred
# steps of training against the processor's losses (where PyTorch with CUDA and a C++ compiler are).
#   scripts/gpu-check.sh [--emulate] [RESULTS]
# It runs what scripts/gpu-pack.sh packed (out/gpu/pieces). It needs the driver, and CUDA 13 with cuDNN 9 in the folders that IMG2POSE_CUDA
# names; PyTorch's site-packages will do, and is looked for where the variable is empty. Results: at most eight files in the folder
# RESULTS, by default $OUT or out/gpu-results. --emulate rehearses all of it on the tests' emulated GPU, and packs what is missing.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

emulate=
if [ "${1:-}" = --emulate ]; then
  emulate=1
  shift
fi
results=${1:-${OUT:-out/gpu-results}}
mkdir -p "$results"
results=$(readlink -f "$results")
home=$PWD/out/gpu
if [ -n "$emulate" ] && [ ! -d "$home/emulator" ]; then scripts/gpu-pack.sh --emulate || exit; fi
if ! compgen -G "$home/pieces/gpu.tar.gz.*" >/dev/null; then
  echo "gpu-check.sh: $home/pieces is empty; scripts/gpu-pack.sh fills it" >&2
  exit 2
fi
work=$home/unpacked
rm -rf "$work"
mkdir -p "$work"
cat "$home"/pieces/gpu.tar.gz.* | tar -C "$work" -xz || exit

# The machine's own libraries first where it has them: its EGL knows its driver.
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$work/lib
device=cuda models="img2pose-nano" providers="/nhwc,tf32/nhwc,tf32,graph" batches=1,2,4,8,16,32 sessions=1,4,16,64 seconds=2 rounds=200 training=cuda
if [ -n "$emulate" ]; then
  export LD_LIBRARY_PATH=$work/emulator:$LD_LIBRARY_PATH
  device=cuda+cpu providers="" batches=1,2 sessions=1,2 seconds=0.5 rounds=1 training=cpu
elif [ -z "${IMG2POSE_CUDA:-}" ]; then
  IMG2POSE_CUDA=$(find / -xdev -maxdepth 8 -name libcudnn.so.9 -printf '%h\n' 2>/dev/null | sed 's|/nvidia/[^/]*/lib$||' | sort -u | paste -sd:)
  export IMG2POSE_CUDA
fi
failed=0
# A part that takes too long is ended, and what it has said so far stays; all of them together have eight minutes.
[ -n "$emulate" ] && most=3600 || most=470
part() {
  local name=$1 limit=$2 left=$((most - SECONDS))
  shift 2
  echo "== $name"
  if [ "$left" -lt 5 ]; then
    failed=1
    echo "$name: left out, no time is left"
    return
  fi
  [ -z "$emulate" ] && [ "$limit" -gt "$left" ] && limit=$left
  timeout "$limit" "$@"
  local code=$?
  [ "$code" -eq 0 ] || { failed=1; echo "$name ended with $code"; }
  echo "$name: $((SECONDS - (most - left))) s"
}
img2pose=$work/program/img2pose
chmod +x "$img2pose" "$work/lib/ffmpeg"
[ ! -f "$work/models/nano-fp16.onnx" ] || models+=",$work/models/nano-fp16.onnx"
if [ -f "$work/models/resnet18.onnx" ]; then
  models+=",$work/models/resnet18.onnx"
  # Written here: it would be half as much again to carry over.
  if "$img2pose" models export "$work/models/resnet18.onnx" --fp16 --out "$work/models/resnet18-fp16.onnx" >/dev/null; then models+=",$work/models/resnet18-fp16.onnx"; fi
fi
{
  date -u
  nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used --format=csv 2>&1 || true
  part doctor 60 "$img2pose" doctor
} >"$results/doctor.txt" 2>&1

# Poses and pictures of the whole path, against the processor's.
{
  [ -z "$emulate" ] || "$work/lib/ffmpeg" -nostdin -v error -y -i "$work/clips/h264.mp4" -f rawvideo -pix_fmt nv12 "$work/h264.nv12"
  [ -z "$emulate" ] || export CUDA_EMULATOR_NVDEC_PICTURES=1920x1080:$work/h264.nv12
  part "run on the GPU" 90 "$img2pose" run "$work/clips/h264.mp4" --device $device --json "$results/gpu.jsonl" --out "$work/gpu.mp4"
  part "run on the processor" 120 "$img2pose" run "$work/clips/h264.mp4" --device cpu --json "$results/cpu.jsonl"
  unset CUDA_EMULATOR_NVDEC_PICTURES
  part "run of 10 bits" 60 "$img2pose" run "$work/clips/hevc10.mp4" --device $device --json "$work/hevc.jsonl" --frames 30
  "$work/lib/ffmpeg" -nostdin -v error -y -ss 0.5 -i "$work/gpu.mp4" -frames:v 1 -q:v 3 "$results/frame.jpg"
  # The greatest difference of any number in the faces of any frame.
  for run in gpu cpu; do grep '"type":"frame"' "$results/$run.jsonl" | grep -o '"faces":.*' | grep -oE -- '-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|"faces"' >"$work/$run.numbers"; done
  paste "$work/gpu.numbers" "$work/cpu.numbers" | awk '
    $1 == "\"faces\"" && $2 == "\"faces\"" { frames++; next }
    $1 == "\"faces\"" || $2 == "\"faces\"" { print "the runs found different numbers of faces, first in frame " frames; exit }
    { d = $1 - $2; if (d < 0) d = -d; if (d > most) { most = d; where = frames } }
    END { print frames " frames compared; numbers differ by " most + 0 " at most" (most > 0 ? ", in frame " where : "") }'
} >"$results/run.txt" 2>&1
gzip -f "$results/gpu.jsonl" "$results/cpu.jsonl" 2>/dev/null

part gpu 280 "$img2pose" gpu "$work/clips/h264.mp4" --device $device --models "$models" ${providers:+--providers "$providers"} --batches $batches --sessions $sessions \
  --seconds $seconds --rounds $rounds --json "$results/gpu.json" >"$results/gpu.txt" 2>&1

# The losses of both devices, line by line, each the mean of as many steps.
losses() { grep -oE '^step [0-9]+/[0-9]+ loss [0-9.eE+-]+' "$1" | awk '{ print $4 }'; }
{
  torch=
  if [ -n "$emulate" ]; then torch=/usr; else torch=$(find / -xdev -maxdepth 9 -path '*/torch/lib/libtorch_cuda.so' 2>/dev/null | head -n 1 | sed 's|/lib/libtorch_cuda.so$||'); fi
  if [ -z "$torch" ]; then
    echo "training: left out, there is no PyTorch with CUDA here"
  elif ! command -v g++ >/dev/null; then
    echo "training: left out, there is no g++ here to build the shim over $torch with"
  else
    part "building the shim over $torch" 200 native/torch/build.sh "$torch" "$work/torch"
    for network in nano resnet18; do
      [ -f "$work/torch/libimg2pose_torch.so" ] || continue
      export IMG2POSE_TORCH=$work/torch TRAIN_STEPS=100 LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$work/training-lib
      [ -z "$emulate" ] || TRAIN_STEPS=25
      part "training $network" 60 scripts/gpu-train.sh "$img2pose" "$work/training/pack" $network $training "$work/trained" 2>&1 | tee "$work/$network.txt"
      paste <(losses "$work/$network.txt") <(losses "$work/training/$network.txt") | awk -v name=$network '
        { d = $1 - $2; if (d < 0) d = -d; r = d / ($2 > 0 ? $2 : 1); if (r > most) most = r; print name ": loss " $1 ", on the processor " $2 }
        END { if (!NR) { print name ": no losses to compare"; exit 1 }
              printf "%s: losses differ by %.2f %% at most\n", name, 100 * most; exit most > 0.1 }' || failed=1
    done
  fi
} >"$results/training.txt" 2>&1

# Nothing that comes back may be larger than 16 MiB.
find "$results" -maxdepth 1 -type f -size +16M -exec truncate -s 16M {} +
cat "$results/doctor.txt" "$results/run.txt" "$results/gpu.txt" "$results/training.txt"
exit $failed
