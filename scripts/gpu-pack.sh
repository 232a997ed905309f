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
mkdir -p "$target/program" "$target/lib" "$target/clips" "$target/models" "$pieces"
ensure_packages scripts/apt-packages.txt scripts/apt-packages-test.txt

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
# What only other verbs want: training's and data sets' libraries.
rm -f "$target"/program/{libOpenCvSharpExtern.so,libSkiaSharp.so,libHarfBuzzSharp.so,*.xml}

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
if [ -n "$emulate" ]; then
  build_native OFF ON
  mkdir -p "$target/emulator"
  cp -L build/native/cuda-emulator/lib{cuda,nvcuvid}.so.1 "$target/emulator/"
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

tar -C "$target" -cz program lib clips models ${emulate:+emulator} | split -b 60M - "$pieces/gpu.tar.gz."
du -h "$pieces"/* | awk '{ print $2 ": " $1 }'
