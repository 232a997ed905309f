#!/usr/bin/env bash
# Builds the shim over the libtorch of an installed PyTorch, whose CMake files want the whole of CUDA's SDK:
#   native/torch/build.sh TORCH FOLDER
# TORCH is PyTorch's folder (site-packages/torch), or /usr for Debian's. FOLDER receives libimg2pose_torch.so; IMG2POSE_TORCH names it.
# Needs a C++ compiler. With nvcc the pooling of regions is compiled for the GPU; without, the processor does it.
set -euo pipefail
torch=$(readlink -f "$1")
mkdir -p "$2"
out=$(readlink -f "$2")
cd "$(dirname "$(readlink -f "$0")")"
include=(-isystem "$torch/include/torch/csrc/api/include")
# The compiler's own folder, named once more, would come too early for its C++ headers.
[ "$torch" = /usr ] || include=(-isystem "$torch/include" "${include[@]}")
libraries=$torch/lib
# A header's file, wherever it is installed.
find_header() {
  local folder
  for folder in "$torch/include" "$torch/include/torch/csrc/api/include"; do
    if [ -e "$folder/$1" ]; then echo "$folder/$1"; return; fi
  done
  echo /dev/null
}
[ -e "$libraries/libtorch_cpu.so" ] || libraries=$(dirname "$(ldconfig -p | awk '/libtorch_cpu\.so/ && !found++ { print $NF }')")
# Strings as PyTorch was compiled with; those of the new ABI since 2.7, of the old one before.
abi=1
if [ -e "$torch/lib/libtorch_cpu.so" ] && ! grep -q _ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_string "$torch/lib/libc10.so"; then abi=0; fi
# Its headers want C++20 from some version on, which those before 2.1 were not written for.
standard=17
version=$(awk '$2 == "TORCH_VERSION_MAJOR" { major = $3 } $2 == "TORCH_VERSION_MINOR" { print major * 100 + $3 }' "$(find_header torch/version.h)")
if [ "${version:-0}" -ge 209 ]; then standard=20; fi
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
cuda=()
link=(-ltorch -ltorch_cpu -lc10)
if [ -e "$libraries/libtorch_cuda.so" ]; then
  link+=(-ltorch_cuda -lc10_cuda)
  if command -v nvcc >/dev/null && nvcc -std=c++$standard -O2 -Xcompiler -fPIC -D_GLIBCXX_USE_CXX11_ABI=$abi "${include[@]}" -c region_cuda.cu -o "$objects/region_cuda.o"; then
    cuda=(-DI2P_WITH_CUDA)
  fi
fi
compile() { "${CXX:-g++}" -std=c++$standard -O2 -fPIC -fvisibility=hidden -D_GLIBCXX_USE_CXX11_ABI=$abi "${cuda[@]}" "${include[@]}" -c "$1.cpp" -o "$objects/$1.o"; }
pids=()
for file in tensor operators region; do
  compile "$file" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
# Libraries that nothing is called of have to be there all the same: they bring the GPU's operators with them.
"${CXX:-g++}" -shared -o "$out/libimg2pose_torch.so" "$objects"/*.o -L"$libraries" -Wl,-rpath,"$libraries" -Wl,--no-as-needed "${link[@]}"
