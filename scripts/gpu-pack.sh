#!/usr/bin/env bash
# Packs what runs on a machine that has a GPU and nothing else: no SDK, no network, no FFmpeg; in pieces of at most 48 MiB, which may be
# carried over one after the other.
#   scripts/gpu-pack.sh [--emulate]
# packs what scripts/gpu-check.sh needs into out/gpu/pieces: the program, self-contained, with ONNX Runtime's CUDA package (245 MB to
# fetch), FFmpeg with everything that it is linked with, EGL's front, clips, models, pictures to train on with the processor's losses. There,
# in a copy of this repository with the pieces in out/gpu/pieces:
#   IMG2POSE_CUDA=FOLDERS scripts/gpu-check.sh
# --emulate packs ONNX Runtime's package for processors and the tests' emulated GPU instead, to rehearse all of it. TRAIN_STEPS says how many
# steps the losses are of (100), TRAIN_STEPS_PAPER those of the paper's network (as many; 10 in a rehearsal).
#   scripts/gpu-pack.sh --train DATA [MESH]
# packs the program and a training pack, with the face meshes where they are named, into out/gpu-train/pieces, for scripts/gpu-train.sh.
set -euo pipefail
invoked_from=$PWD
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/common.sh

emulate='' data='' mesh=''
case ${1:-} in
  --emulate) emulate=1 ;;
  --train)
    data=$(cd "$invoked_from" && readlink -f "${2:?gpu-pack.sh --train DATA [MESH]}")
    [ -z "${3:-}" ] || mesh=$(cd "$invoked_from" && readlink -f "$3")
    if [ ! -f "$data/annotations.jsonl" ]; then
      say "gpu-pack.sh: $data is no training pack, it has no annotations.jsonl"
      exit 2
    fi
    ;;
  '') ;;
  *)
    say "gpu-pack.sh: $1 is no option"
    exit 2
    ;;
esac
target=out/gpu
[ -z "$data" ] || target=out/gpu-train
pieces=$target/pieces
rm -rf "$target"
mkdir -p "$target/program" "$target/lib" "$target/training-lib" "$pieces"
ensure_packages scripts/apt-packages.txt scripts/apt-packages-test.txt scripts/apt-packages-train.txt

say "Publishing"
log=$cache/gpu-pack.log
onnxruntime=Gpu
[ -z "$emulate$data" ] || onnxruntime=Cpu
if ! dotnet publish src/Img2Pose.Cli/Img2Pose.Cli.csproj -c Release -r linux-x64 --self-contained -nologo -v quiet -nodeReuse:false \
  -p:OnnxRuntime=$onnxruntime -p:RunAnalyzers=false -p:DebugType=none -p:UseArtifactsOutput=true "-p:ArtifactsPath=$PWD/$cache/gpu" \
  -o "$target/program" >"$log" 2>&1; then
  grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2
  say "gpu-pack.sh: publishing failed (log: $log)."
  exit 1
fi
# What only other verbs want.
rm -f "$target"/program/{libSkiaSharp.so,libHarfBuzzSharp.so,*.xml}
program=$target/program/img2pose

say "Gathering libraries"
# All that a file is linked with, but the C library, which every machine has, and what the driver brings.
closure() {
  ldd "$@" | awk '/=> \// { print $3 }' | sort -u |
    grep -vE '/(ld-linux[^/]*|libc|libm|libdl|librt|libpthread|libresolv|libutil|libcuda|libnvcuvid|libnvidia-[^/]*)\.so'
}
ffmpeg=$(command -v ffmpeg)
libraries=()
for name in avutil swscale avcodec avformat avfilter avdevice; do
  libraries+=("$(ldconfig -p | awk -v name="lib$name.so." 'index($1, name) == 1 && /x86-64/ && !found++ { print $NF }')")
done
egl=$(ldconfig -p | awk '$1 == "libEGL.so.1" && /x86-64/ && !found++ { print $NF }')
closure "$ffmpeg" "${libraries[@]}" ${egl:+"$egl"} | xargs -I{} cp -L {} "$target/lib/"
cp -L "$ffmpeg" "${libraries[@]}" ${egl:+"$egl"} "$target/lib/"
# Training uses OpenCV, which is linked with GTK: in a folder of its own, so that the other parts keep to the machine's.
closure "$target/program/libOpenCvSharpExtern.so" | while read -r file; do
  [ -e "$target/lib/$(basename "$file")" ] || cp -L "$file" "$target/training-lib/"
done

# The pieces of one archive: split_into NAME MEMBER…
split_into() {
  local name=$1
  shift
  tar -C "$target" -cz "$@" | split -b 48M - "$pieces/$name.tar.gz."
}

if [ -n "$data" ]; then
  split_into program program lib training-lib
  mkdir "$target/data"
  ln -s "$data" "$target/data/pack"
  [ -z "$mesh" ] || ln -s "$mesh" "$target/data/mesh"
  # What --init resnet18-imagenet reads, where it has been fetched: there nothing can be.
  backbone=microsoft.ml.dnnimagefeaturizer.resnet18/0.23.1/tools/DnnImageModels/ResNet18Onnx/ResNet18.onnx
  if [ -e "${NUGET_PACKAGES:-$HOME/.nuget/packages}/$backbone" ]; then
    mkdir -p "$target/data/packages/${backbone%/*}"
    ln -s "${NUGET_PACKAGES:-$HOME/.nuget/packages}/$backbone" "$target/data/packages/$backbone"
  fi
  tar -C "$target" -czh data | split -b 48M - "$pieces/data.tar.gz."
  du -h "$pieces"/* | awk '{ print $2 ": " $1 }'
  exit 0
fi

mkdir -p "$target/clips" "$target/models" "$target/training"
build_native ON "${emulate:+ON}"
if [ -n "$emulate" ]; then
  mkdir -p "$target/emulator"
  cp -L build/native/cuda-emulator/lib{cuda,nvcuvid}.so.1 "$target/emulator/"
  # Where the headers of its interface are.
  cp -L build/native/cuda-emulator/libnvidia-encode.so.1 "$target/emulator/" 2>/dev/null || true
fi

say "Making clips"
# The demo's portrait where it can be had, else a test pattern, which no network takes for a face.
portrait=$cache/demo/portrait.mp4
if scripts/demo.sh --clip && [ -s "$portrait" ]; then
  from=(-stream_loop 1 -i "$portrait")
else
  say "gpu-pack.sh: no portrait; a test pattern, in which there is no face"
  from=(-f lavfi -i testsrc2=size=1280x720:rate=30:duration=20)
fi
seconds=20
[ -z "$emulate" ] || seconds=1
clip() { ffmpeg -nostdin -v error -y "${from[@]}" -t "$seconds" -vf scale=1920:1080,fps=30 -an "$@"; }
clip -c:v libx264 -preset veryfast -crf 22 -bf 0 -g 60 -pix_fmt yuv420p "$target/clips/h264.mp4"
clip -c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=0 -pix_fmt yuv420p10le -tag:v hvc1 "$target/clips/hevc10.mp4"

say "Exporting models"
LD_LIBRARY_PATH=$target/lib "$program" models export img2pose-nano --fp16 --out "$target/models/nano-fp16.onnx" >>"$log" 2>&1 ||
  say "gpu-pack.sh: no float16 package (log: $log)"

say "Training on the processor, for losses to compare with"
# A few pictures with a face's poses, which are as good as any: what counts is that both devices learn alike. They differ, as the paper's
# network wants them to.
pack=$target/training/pack
mkdir -p "$pack"
ffmpeg -nostdin -v error -y "${from[@]}" -t 20 -vf fps=2,scale=640:360 -frames:v 24 "$pack/%02d.png"
number=0
for picture in "$pack"/*.png; do
  awk -v image="$(basename "$picture")" -v i=$((number++)) 'BEGIN {
    left = 230 + i; top = 80 + i % 7; z = 10 + 0.5 * sin(5 * i)
    printf "{\"image\":\"%s\",\"width\":640,\"height\":360,\"set\":\"smoke\",\"complete\":true,\"faces\":[{\"box\":[%d,%d,%d,%d],\"pose\":[%.3f,%.3f,%.3f,%.3f,%.3f,%.2f],\"label\":\"gt68\",\"ignore\":false}]}\n",
      image, left, top, left + 150, top + 177, 0.2 * sin(i), 0.4 * sin(2 * i + 1), 0.1 * cos(3 * i),
      (left + 75 - 320) * z / 1000 + 0.1 * cos(i), (top + 88 - 180) * z / 1000 + 0.2 + 0.1 * sin(4 * i), z }' >>"$pack/annotations.jsonl"
done
# On two cores the paper's network takes seconds a step; a rehearsal does some.
steps=${TRAIN_STEPS:-100}
paper=${TRAIN_STEPS_PAPER:-$steps}
[ -z "$emulate" ] || paper=${TRAIN_STEPS_PAPER:-10}
for network in nano resnet18; do
  [ "$network" = nano ] || steps=$paper
  echo "$steps" >"$target/training/$network.steps"
  if ! LD_LIBRARY_PATH=$target/lib:$target/training-lib IMG2POSE_TORCH=$PWD/build/native/lib \
    scripts/gpu-steps.sh "$program" "$pack" $network cpu "$steps" "$cache/gpu-train" >"$target/training/$network.txt" 2>&1; then
    tail -n 5 "$target/training/$network.txt" >&2
    say "gpu-pack.sh: training $network failed; the check will compare with nothing"
  fi
done

# The paper's network, whose speed does not depend on its weights: those that were trained just now.
LD_LIBRARY_PATH=$target/lib "$program" models import "$cache/gpu-train/img2pose-resnet18.pth" --out "$target/models/resnet18.onnx" >>"$log" 2>&1 ||
  say "gpu-pack.sh: no ResNet-18 (log: $log)"
rm -rf "$cache/gpu-train"

split_into gpu program lib training-lib clips models training ${emulate:+emulator}
[ -z "$emulate" ] || touch "$pieces/emulated"
du -h "$pieces"/* | awk '{ print $2 ": " $1 }'
