#!/usr/bin/env bash
# Packs what scripts/gpu-check.sh needs on a machine that has a GPU and nothing else: no SDK, no network, no FFmpeg. Into out/gpu/pieces,
# in pieces of at most 60 MiB, which may be carried over one after the other:
#   scripts/gpu-pack.sh [--emulate]
# Here: the program, self-contained, with ONNX Runtime's CUDA package (245 MB to fetch), FFmpeg with everything that it is linked
# with, EGL's front, clips, models. There, in a copy of this repository with the pieces in out/gpu/pieces:
#   IMG2POSE_CUDA=FOLDERS scripts/gpu-check.sh
# --emulate packs ONNX Runtime's package for processors and the tests' emulated GPU instead, to rehearse all of it.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/common.sh

emulate=
[ "${1:-}" != --emulate ] || emulate=1
target=out/gpu
pieces=$target/pieces
rm -rf "$target"
mkdir -p "$target/program" "$target/lib" "$target/clips" "$target/models" "$target/training" "$target/training-lib" "$pieces"
ensure_packages scripts/apt-packages.txt scripts/apt-packages-test.txt scripts/apt-packages-train.txt

say "Publishing"
log=$cache/gpu-pack.log
onnxruntime=Gpu
[ -z "$emulate" ] || onnxruntime=Cpu
if ! dotnet publish src/Img2Pose.Cli/Img2Pose.Cli.csproj -c Release -r linux-x64 --self-contained -nologo -v quiet -nodeReuse:false \
  -p:OnnxRuntime=$onnxruntime -p:RunAnalyzers=false -p:DebugType=none -p:UseArtifactsOutput=true "-p:ArtifactsPath=$PWD/$cache/gpu" \
  -o "$target/program" >"$log" 2>&1; then
  grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2
  say "gpu-pack.sh: publishing failed (log: $log)."
  exit 1
fi
# What only other verbs want.
rm -f "$target"/program/{libSkiaSharp.so,libHarfBuzzSharp.so,*.xml}

say "Gathering libraries"
# All that a file is linked with, but the C library, which every machine has, and what the driver brings.
closure() {
  ldd "$@" | awk '/=> \// { print $3 }' | sort -u |
    grep -vE '/(ld-linux[^/]*|libc|libm|libdl|librt|libpthread|libresolv|libutil|libcuda|libnvcuvid|libnvidia-[^/]*)\.so'
}
ffmpeg=$(command -v ffmpeg)
cp "$ffmpeg" "$target/lib/"
libraries=()
for name in avutil swscale avcodec avformat avfilter avdevice; do
  libraries+=("$(ldconfig -p | awk -v name="lib$name.so." 'index($1, name) == 1 && /x86-64/ && !found++ { print $NF }')")
done
egl=$(ldconfig -p | awk '$1 == "libEGL.so.1" && /x86-64/ && !found++ { print $NF }')
closure "$ffmpeg" "${libraries[@]}" ${egl:+"$egl"} | xargs -I{} cp -L {} "$target/lib/"
cp -L "${libraries[@]}" ${egl:+"$egl"} "$target/lib/"
# Training uses OpenCV, which is linked with GTK: in a folder of its own, so that the other parts keep to the machine's.
closure "$target/program/libOpenCvSharpExtern.so" | xargs -I{} cp -L {} "$target/training-lib/"
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
if [ -z "$emulate" ] && [ ! -s "$portrait" ]; then ./run.sh >>"$log" 2>&1 || true; fi
if [ -s "$portrait" ]; then from=(-stream_loop 1 -i "$portrait"); else from=(-f lavfi -i testsrc2=size=1280x720:rate=30:duration=20); fi
seconds=20
[ -z "$emulate" ] || seconds=1
clip() { ffmpeg -nostdin -v error -y "${from[@]}" -t "$seconds" -vf scale=1920:1080,fps=30 -an "$@"; }
clip -c:v libx264 -preset veryfast -crf 22 -bf 0 -g 60 -pix_fmt yuv420p "$target/clips/h264.mp4"
clip -c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=0 -pix_fmt yuv420p10le -tag:v hvc1 "$target/clips/hevc10.mp4"

say "Exporting models"
program=$target/program/img2pose
LD_LIBRARY_PATH=$target/lib "$program" models export img2pose-nano --fp16 --out "$target/models/nano-fp16.onnx" >>"$log" 2>&1 ||
  say "gpu-pack.sh: no float16 package (log: $log)"

say "Training on the processor, for losses to compare with"
# A few pictures with a face's pose, which is as good as any: what counts is that both devices learn alike.
pack=$target/training/pack
mkdir -p "$pack"
ffmpeg -nostdin -v error -y "${from[@]}" -t 20 -vf fps=2,scale=640:360 -frames:v 24 "$pack/%02d.png"
for picture in "$pack"/*.png; do
  printf '{"image":"%s","width":640,"height":360,"set":"smoke","complete":true,"faces":[{"box":[245,85,395,262],"pose":[0.1,-0.1,0,0,0,10],"label":"gt68","ignore":false}]}\n' \
    "$(basename "$picture")" >>"$pack/annotations.jsonl"
done
steps=100
[ -z "$emulate" ] || steps=25
for network in nano resnet18; do
  if ! LD_LIBRARY_PATH=$target/lib:$target/training-lib IMG2POSE_TORCH=$PWD/build/native/lib TRAIN_STEPS=$steps scripts/gpu-train.sh "$program" "$pack" $network cpu "$cache/gpu-train" >"$target/training/$network.txt" 2>&1; then
    tail -n 5 "$target/training/$network.txt" >&2
    say "gpu-pack.sh: training $network failed; the check will compare with nothing"
  fi
done

# The paper's network, whose speed does not depend on its weights.
LD_LIBRARY_PATH=$target/lib "$program" models import "$cache/gpu-train/img2pose-resnet18.pth" --out "$target/models/resnet18.onnx" >>"$log" 2>&1 ||
  say "gpu-pack.sh: no ResNet-18 (log: $log)"
rm -rf "$cache/gpu-train"

tar -C "$target" -cz program lib training-lib clips models training ${emulate:+emulator} | split -b 60M - "$pieces/gpu.tar.gz."
du -h "$pieces"/* | awk '{ print $2 ": " $1 }'
