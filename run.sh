#!/usr/bin/env bash
# Installs what is missing, builds, and runs: ./run.sh [arguments of img2pose]. Without arguments it runs the demo.
# When nothing changed since the last build, it starts the program at once.
set -euo pipefail
invoked_from=$PWD
cd "$(dirname "$(readlink -f "$0")")"
. scripts/common.sh

# What is compiled or copied; tests and documents are not.
inputs=(run.sh scripts native models src CMakeLists.txt Directory.Build.props Directory.Build.targets
  Directory.Packages.props global.json .editorconfig)
for i in "${!inputs[@]}"; do [ -e "${inputs[i]}" ] || unset 'inputs[i]'; done

# Training alone needs libtorch (some 600 MB installed), and what works on data sets GTK, which OpenCV's
# library is linked with, so they have stamps of their own.
case "$* " in
  train\ *) kind=train ;;
  dataset\ [cva]* | eval\ aflw2000\ * | eval\ *--sheets* | eval\ *--plots* | eval\ *--turned*) kind=dataset ;;
  *) kind=run ;;
esac
stamp_file="$cache/stamp-$kind"
sources=$(hash_inputs "${inputs[@]}")
choose_onnxruntime
# The same sources make another program where another FFmpeg or NVIDIA's driver is installed.
stamp="$sources $(ffmpeg_version) $OnnxRuntime"
program=src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll

if [ "$(cat "$stamp_file" 2>/dev/null)" != "$stamp" ] || [ ! -f "$program" ]; then
  # Two runs at once build once.
  exec 9>"$cache/lock"
  flock 9
  if [ "$(cat "$stamp_file" 2>/dev/null)" != "$stamp" ] || [ ! -f "$program" ]; then
    lists=(scripts/apt-packages.txt)
    [ "$kind" = run ] || lists+=("scripts/apt-packages-$kind.txt")
    ensure_packages "${lists[@]}"
    say "Building"
    # A shim stays built once it was asked for.
    asked() { if [ "$kind" = "$1" ] || [ -f "$cache/stamp-$1" ]; then echo ON; else echo OFF; fi; }
    build_native "$(asked train)"
    build_managed src/Img2Pose.Cli/Img2Pose.Cli.csproj
    # What tells FFmpeg's version may have been installed just now.
    printf '%s\n' "$sources $(ffmpeg_version) $OnnxRuntime" >"$stamp_file"
  fi
  exec 9>&-
fi

if [ "$#" -eq 0 ]; then exec scripts/demo.sh; fi

# libgomp's threads spin while they wait, which starves the threads that make training samples.
if [ "$kind" = train ]; then export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}; fi
root=$PWD
cd "$invoked_from"
exec dotnet "$root/$program" "$@"
