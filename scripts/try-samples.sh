#!/usr/bin/env bash
# Packs the library, builds samples/ against the packages from a local folder as a stranger would, and runs each on a clip:
# scripts/try-samples.sh CLIP. The clip must show a face; it takes some seconds.
set -euo pipefail
clip=$(readlink -f "${1:?which clip?}")
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/common.sh

packages=$PWD/$cache/packages
# A version of its own each time: NuGet keeps what it has unpacked once.
version=0.1.0-try.$(date +%s)
out=$(mktemp -d)
unpacked=$(dotnet nuget locals global-packages --list | sed 's/.*: //')
clean_up() { rm -rf "$out" "${unpacked%/}/img2pose/$version" "${unpacked%/}/img2pose.model.nano/$version"; }
trap clean_up EXIT
rm -rf "$packages"
scripts/pack.sh "$packages" "$version" >&2

for sample in PosesOfFile LivePoses OwnDrawing; do
  build_managed "samples/$sample/$sample.csproj" -p:Img2PoseVersion="$version"
done
run() { dotnet "samples/$1/bin/Release/net10.0/$1.dll" "${@:2}"; }
run PosesOfFile "$clip" >"$out/poses"
run LivePoses "$clip" >"$out/live"
run OwnDrawing "$clip" "$out/drawn.mp4" >"$out/drawn"
[ -s "$out/poses" ] || { say "PosesOfFile found no face in $clip."; exit 1; }
grep -q 'ms old' "$out/live" && grep -Eq '^[1-9][0-9]* frames seen' "$out/live" || { say "LivePoses saw nothing."; exit 1; }
[ -s "$out/drawn.mp4" ] && grep -Eq '^[1-9][0-9]* frames, [1-9][0-9]* faces' "$out/drawn" || { say "OwnDrawing drew nothing."; exit 1; }
say "samples: $(wc -l <"$out/poses") poses; $(tail -n 1 "$out/live"); $(cat "$out/drawn") drawn"
