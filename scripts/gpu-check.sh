#!/usr/bin/env bash
# Checks the GPU path on a machine with a GPU, in at most eight minutes: what doctor finds, every kernel against the processor's code,
# a run with NVDEC, CUDA, OpenGL and NVENC against one on the processor, what decoding, networks and live sessions come to, and a hundred
# steps of training against the processor's losses (where PyTorch with CUDA and a C++ compiler are).
#   scripts/gpu-check.sh [--emulate] [RESULTS]
# It runs what scripts/gpu-pack.sh packed (out/gpu/pieces). It needs the driver, and CUDA 13 with cuDNN 9 in the folders that IMG2POSE_CUDA
# names; PyTorch's site-packages will do, and is looked for where the variable is empty. Results: at most eight files in the folder
# RESULTS, by default $OUT or out/gpu-results. --emulate rehearses all of it on the tests' emulated GPU, and packs what is missing.
# A part that fails stops no other. Ends with 0 where all is as it should be, 1 where a part failed (said last), 2 where nothing is packed.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/gpu-common.sh

emulate=
if [ "${1:-}" = --emulate ]; then
  emulate=1
  shift
fi
results=${1:-${OUT:-out/gpu-results}}
mkdir -p "$results" || exit 2
results=$(readlink -f "$results")
home=$PWD/out/gpu
if [ -n "$emulate" ] && [ ! -e "$home/pieces/emulated" ]; then scripts/gpu-pack.sh --emulate || exit 2; fi
work=$home/unpacked
unpack "$home/pieces/gpu.tar.gz." "$work" || exit 2
if [ -z "$emulate" ] && [ -d "$work/emulator" ]; then
  echo "gpu-check.sh: what is packed is for --emulate; scripts/gpu-pack.sh packs for a GPU" >&2
  exit 2
fi
# What an earlier run left would be taken for this one's.
rm -f "$results"/{doctor,run,gpu,training}.txt "$results/gpu.json" "$results/frame.jpg" "$results"/{gpu,cpu}.jsonl{,.gz}

# Compiling the shim for training takes minutes, which later parts would lack: it goes on beside those in which nothing is timed, with the
# machine's own libraries.
torch=/usr builder=
if [ -z "$emulate" ]; then
  torch=$(find_torch)
  if [ -n "$torch" ] && command -v g++ >/dev/null; then
    timeout 200 nice native/torch/build.sh "$torch" "$work/torch" >"$work/shim.txt" 2>&1 &
    builder=$!
  fi
fi
use_libraries "$work/lib"
img2pose=$work/program/img2pose
chmod +x "$img2pose" "$work/lib/ffmpeg"
device=cuda models="img2pose-nano" providers="/tf32/nhwc,tf32/nhwc,tf32,graph" batches=1,2,4,8,16,32 sessions=1,4,16,64 seconds=1 rounds=200 training=cuda
if [ -n "$emulate" ]; then
  export LD_LIBRARY_PATH=$work/emulator:$LD_LIBRARY_PATH
  device=cuda+cpu providers="" batches=1,2 sessions=1,2 seconds=0.5 rounds=1 training=cpu
elif [ -z "${IMG2POSE_CUDA:-}" ]; then
  IMG2POSE_CUDA=$(find_cuda)
  export IMG2POSE_CUDA
fi

failures=()
fail() {
  failures+=("$1")
  echo "FAILED: $1"
}
# A part that takes too long is ended, and what it has said so far stays; all of them together have eight minutes. An emulated GPU
# takes as long as it takes. Not to be called in a pipeline, whose failures would be lost.
most=470
part() {
  local name=$1 limit=$2 left=$((most - SECONDS)) began=$SECONDS
  shift 2
  echo "== $name"
  if [ -n "$emulate" ]; then
    limit=3600
  elif [ "$left" -lt 5 ]; then
    fail "$name: left out, no time is left"
    return 1
  elif [ "$limit" -gt "$left" ]; then
    limit=$left
  fi
  timeout "$limit" "$@"
  local code=$?
  case $code in
    0) ;;
    124) fail "$name: ended after $limit s" ;;
    *) fail "$name: exit code $code" ;;
  esac
  echo "$name: $((SECONDS - began)) s"
  return $code
}

{
  date -u
  nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used --format=csv 2>&1 || true
  echo "IMG2POSE_CUDA=${IMG2POSE_CUDA:-}"
  part "FFmpeg's libraries" 20 "$work/lib/ffmpeg" -hide_banner -version
  # doctor counts as failed where anything at all is missing, a display for example; what this check is about is tried below.
  echo "== doctor"
  timeout 60 "$img2pose" doctor
  echo "doctor: exit code $?"
  if [ "$device" = cuda ] && ! part "network by the CUDA provider" 60 "$img2pose" run "$work/clips/h264.mp4" --device cuda --frames 3 --json "$work/first.jsonl"; then
    # All that is not the provider's is worth knowing all the same.
    echo "the network runs on the processor in all that follows"
    device=cuda+cpu providers="" batches=1,16 sessions=1,4
  fi
} >"$results/doctor.txt" 2>&1

[ ! -f "$work/models/nano-fp16.onnx" ] || models+=",$work/models/nano-fp16.onnx"
if [ -f "$work/models/resnet18.onnx" ]; then
  models+=",$work/models/resnet18.onnx"
  # Written here: it would be half as much again to carry over.
  if timeout 120 "$img2pose" models export "$work/models/resnet18.onnx" --fp16 --out "$work/models/resnet18-fp16.onnx" >/dev/null; then models+=",$work/models/resnet18-fp16.onnx"; fi
fi

# Poses and pictures of the whole path, against the processor's: the names and numbers of all faces, one a line.
faces_of() { gzip -cdf "$1" | grep '"type":"frame"' | grep -o '"faces":.*' | grep -oE -- '-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|"[a-z]+"'; }
{
  # The emulated decoder cannot decode; it is told what comes out.
  if [ -n "$emulate" ]; then
    "$work/lib/ffmpeg" -nostdin -v error -y -i "$work/clips/h264.mp4" -f rawvideo -pix_fmt nv12 "$work/h264.nv12"
    export CUDA_EMULATOR_NVDEC_PICTURES=1920x1080:$work/h264.nv12
  fi
  # Poses are worth having where nothing can be drawn, too.
  part "run on the GPU" 90 "$img2pose" run "$work/clips/h264.mp4" --device $device --json "$results/gpu.jsonl" --out "$work/gpu.mp4" ||
    part "run on the GPU, poses alone" 60 "$img2pose" run "$work/clips/h264.mp4" --device $device --json "$results/gpu.jsonl"
  part "run on the processor" 120 "$img2pose" run "$work/clips/h264.mp4" --device cpu --json "$results/cpu.jsonl"
  unset CUDA_EMULATOR_NVDEC_PICTURES
  part "run of 10 bits" 60 "$img2pose" run "$work/clips/hevc10.mp4" --device $device --json "$work/hevc.jsonl" --frames 30
  part "a frame to look at" 20 "$work/lib/ffmpeg" -nostdin -v error -y -ss 0.5 -i "$work/gpu.mp4" -frames:v 1 -q:v 3 "$results/frame.jpg"
  # The greatest difference of each kind of number in any frame. Where the network runs elsewhere its sums have another order, so that
  # a face at the threshold may be found by one alone, and numbers differ by little: boxes by pixels, angles by degrees, rotation
  # vectors by radians, distances by parts of a head.
  paste <(faces_of "$results/gpu.jsonl") <(faces_of "$results/cpu.jsonl") | awk -F '\t' -v exact="$emulate" '
    BEGIN { split("score 0.02 box 1 rotvec 0.02 translation 0.2 yaw 1 pitch 1 roll 1 id 0", pairs, " "); for (i = 1; i in pairs; i += 2) bound[pairs[i]] = exact ? 0 : pairs[i + 1] }
    $1 ~ /"/ || $2 ~ /"/ { if ($1 != $2) { print "the runs found different numbers of faces, first in frame " frames; failed = 1; exit }; kind = substr($1, 2, length($1) - 2); frames += kind == "faces"; next }
    { d = $1 - $2; if (d < 0) d = -d; n++; count[kind]++; if (d > most[kind]) { most[kind] = d; where[kind] = frames } }
    END { print frames + 0 " frames and " n + 0 " numbers of faces compared"
          for (kind in count) { print kind ": " count[kind] ", they differ by " most[kind] + 0 " at most, of " bound[kind] + 0 " allowed" (most[kind] > 0 ? ", in frame " where[kind] : ""); failed = failed || most[kind] > bound[kind] }
          exit failed || !n }' || fail "poses on the GPU are not the processor's"
} >"$results/run.txt" 2>&1
if grep -q "decoded by the processor" "$results/run.txt"; then fail "NVDEC did not take the clips: $(grep -m 1 "decoded by the processor" "$results/run.txt")"; fi
gzip -f "$results/gpu.jsonl" "$results/cpu.jsonl"

[ -z "$builder" ] || wait "$builder" || fail "building the shim over $torch: exit code $?"
part "kernels, decoding, networks, sessions" 250 "$img2pose" gpu "$work/clips/h264.mp4" --device $device --models "$models" ${providers:+--providers "$providers"} \
  --batches $batches --sessions $sessions --seconds $seconds --rounds $rounds --json "$results/gpu.json" >"$results/gpu.txt" 2>&1

# The losses of both devices, line by line, each the mean of as many steps.
losses() { grep -oE '^step [0-9]+/[0-9]+ loss [0-9.eE+-]+' "$1" | awk '{ print $4 }'; }
{
  [ -z "$builder" ] || cat "$work/shim.txt"
  if [ -z "$torch" ]; then
    echo "training: left out, there is no PyTorch with CUDA here"
  elif ! command -v g++ >/dev/null; then
    echo "training: left out, there is no g++ here to build the shim over $torch with"
  elif [ -n "$builder" ] && [ ! -e "$work/torch/libimg2pose_torch.so" ]; then
    echo "training: left out, the shim could not be built"
  elif [ -n "$builder" ] || part "building the shim over $torch" 200 native/torch/build.sh "$torch" "$work/torch"; then
    export IMG2POSE_TORCH=$work/torch LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$work/training-lib
    for network in nano resnet18; do
      steps=$(cat "$work/training/$network.steps")
      part "training $network, $steps steps" 90 scripts/gpu-steps.sh "$img2pose" "$work/training/pack" $network $training "$steps" "$work/trained" >"$work/$network.txt" 2>&1
      cat "$work/$network.txt"
      paste <(losses "$work/$network.txt") <(losses "$work/training/$network.txt") | awk -v name=$network '
        { d = $1 - $2; if (d < 0) d = -d; r = d / ($2 > 0 ? $2 : 1); if (r > most) most = r; print name ": loss " $1 ", on the processor " $2; if ($1 == "" || $2 == "") failed = 1 }
        END { if (!NR) { print name ": no losses to compare"; exit 1 }
              printf "%s: losses differ by %.2f %% at most\n", name, 100 * most; exit failed || most > 0.1 }' || fail "losses of $network are not the processor's"
    done
  fi
} >"$results/training.txt" 2>&1

# Nothing that comes back may be larger than 16 MiB.
find "$results" -maxdepth 1 -type f -size +16M -exec truncate -s 16M {} +
cat "$results/doctor.txt" "$results/run.txt" "$results/gpu.txt" "$results/training.txt"
echo "== gpu-check: ${#failures[@]} failures in $SECONDS s; results in $results"
[ "${#failures[@]}" -eq 0 ] && exit 0
printf 'FAILED: %s\n' "${failures[@]}"
exit 1
