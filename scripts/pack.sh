#!/usr/bin/env bash
# Packs the library and its models as NuGet packages: scripts/pack.sh [FOLDER [VERSION]]; the folder is out/packages unless given.
# The library's package fits the FFmpeg that it was built on, and says so: its version ends in -ffmpegN.
set -euo pipefail
invoked_from=$PWD
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/common.sh

folder=${1:-$PWD/out/packages}
case $folder in /*) ;; *) folder=$invoked_from/$folder ;; esac
ensure_packages scripts/apt-packages.txt
avcodec=$(pkg-config --modversion libavcodec)
# libavcodec's majors 59 to 61 are those of FFmpeg 5 to 7.
ffmpeg=$((${avcodec%%.*} - 54))
version=${2:-0.1.0-ffmpeg$ffmpeg}
for project in Img2Pose Img2Pose.Model.Nano Img2Pose.Model.R18; do
  log=$cache/pack.log
  if ! dotnet pack "src/$project/$project.csproj" -c Release -nologo -v quiet -clp:NoSummary -nodeReuse:false \
    -p:PackageVersion="$version" -p:FFmpegVersion="FFmpeg $ffmpeg (libavcodec ${avcodec%%.*})" -o "$folder" >"$log" 2>&1; then
    grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2
    say "pack.sh: packing $project failed (log: $log)."
    exit 1
  fi
done
package=$folder/Img2Pose.$version.nupkg

# The code is MIT: no weights in its package. What it runs on lies in lib/, and nothing of that in ref/, so that whoever embeds it
# may use the real packages beside it.
# Names stand plainly in the archive; unzip is not everywhere.
contents=$(LC_ALL=C grep -aoE '(lib|ref|models|buildTransitive)/[A-Za-z0-9./_-]+\.(dll|xml|onnx|bin|md|targets)' "$package" | sort -u)
wrong() { say "pack.sh: $package $1"; exit 1; }
if grep -q '\.onnx$' <<<"$contents"; then wrong "holds weights"; fi
grep -q '^lib/.*/Img2Pose.Interop.FFmpeg.AutoGen.dll$' <<<"$contents" || wrong "lacks its interop"
grep -q '^ref/.*/Img2Pose.Pipeline.xml$' <<<"$contents" || wrong "lacks its documentation"
if grep -q '^ref/.*Interop' <<<"$contents"; then wrong "shows its interop"; fi
if grep -qE '^lib/.*/(FFmpeg|Veldrid|ManagedCuda|TorchSharp|Img2Pose\.(Training|Evaluation|Cli))' <<<"$contents"; then wrong "holds what belongs to others"; fi
# Packages that its parts are built with, which dotnet pack does not follow into them.
named() { sed -nE '/PrivateAssets="all"/d; /Gpu|Managed"/d; s/.*PackageReference Include="([^"]+)".*/\1/p' "$@" | LC_ALL=C sort -u; }
mapfile -t parts < <(sed -nE 's|^lib/[^/]*/(Img2Pose\.[A-Za-z0-9]*)\.dll$|src/\1/\1.csproj|p' <<<"$contents")
missing=$(comm -23 <(named "${parts[@]}") <(named src/Img2Pose/Img2Pose.csproj))
[ -z "$missing" ] || wrong "does not name what it needs: $(tr '\n' ' ' <<<"$missing")"
echo "$package"
echo "$folder/Img2Pose.Model.Nano.$version.nupkg"
echo "$folder/Img2Pose.Model.R18.$version.nupkg"
