#!/bin/bash
# Puts the ONNX Runtime library where the program looks for it: .cache/onnxruntime/VERSION/libonnxruntime.so.1.
# It comes out of the npm package onnxruntime-node: `npm pack` only downloads the archive, no script of it runs, and of
# its content this one file is kept (CPU and WebGPU providers inside; it needs nothing but libstdc++ and libc).
# Does nothing where the right file already lies there.
set -euo pipefail

version=1.30.0
archive_sha256=6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75
library_sha256=ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23
member=package/bin/napi-v6/linux/x64/libonnxruntime.so.1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$root/.cache/onnxruntime/$version
library=$folder/libonnxruntime.so.1

matches() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

if matches "$library" "$library_sha256"; then
  exit 0
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "fetch-onnxruntime: only Linux x86_64 is covered; put ONNX Runtime $version into a folder and name it in IMG2POSE_ORT" >&2
  exit 4
fi
if ! command -v npm >/dev/null; then
  echo "fetch-onnxruntime: npm is needed once to download onnxruntime-node@$version; install it (apt-get install npm) and run this again" >&2
  exit 4
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/download.XXXXXX")
trap 'rm -rf "$work"' EXIT
if ! (cd "$work" && npm pack "onnxruntime-node@$version" --ignore-scripts --silent >/dev/null); then
  echo "fetch-onnxruntime: npm could not download onnxruntime-node@$version; check the network and npm's registry setting" >&2
  exit 4
fi
archive=$work/onnxruntime-node-$version.tgz
if ! matches "$archive" "$archive_sha256"; then
  echo "fetch-onnxruntime: $archive does not have the recorded sha256 $archive_sha256; nothing was installed" >&2
  exit 4
fi
tar --extract --gzip --file "$archive" --directory "$work" "$member"
if ! matches "$work/$member" "$library_sha256"; then
  echo "fetch-onnxruntime: $member does not have the recorded sha256 $library_sha256; nothing was installed" >&2
  exit 4
fi
# The rename is atomic: a run that starts meanwhile sees the whole library or none.
mv "$work/$member" "$library"
