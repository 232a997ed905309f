# Functions of the scripts that run on a machine with a GPU, where nothing is built and nothing can be fetched; sourced, from the
# repository root.

# Joins pieces and unpacks them into a folder, which is emptied: unpack PREFIX FOLDER.
unpack() {
  if ! compgen -G "$1*" >/dev/null; then
    echo "${0##*/}: there are no pieces $1*; scripts/gpu-pack.sh makes them" >&2
    return 2
  fi
  rm -rf "$2"
  mkdir -p "$2"
  if ! cat "$1"* | tar -C "$2" -xz; then
    echo "${0##*/}: the pieces $1* do not unpack; is one missing? $(cd "$(dirname "$1")" && echo *)" >&2
    return 2
  fi
}

# Lets what was packed be found, except where the machine's own is better: its EGL knows its driver, and of two C++ libraries the newer
# one serves what was compiled here, too. use_libraries FOLDER
use_libraries() {
  local name own
  for name in libEGL.so.1 libGLdispatch.so.0; do
    [ -z "$(library "$name")" ] || rm -f "$1/$name"
  done
  for name in libstdc++.so.6:GLIBCXX_ libgcc_s.so.1:GCC_ libgomp.so.1:GOMP_; do
    own=$(library "${name%:*}")
    [ -n "$own" ] && [ -e "$1/${name%:*}" ] || continue
    if [ "$(newest "$own" "${name#*:}" "$1/${name%:*}")" = "$own" ]; then rm -f "$1/${name%:*}"; fi
  done
  export LD_LIBRARY_PATH=$1${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  # A driver in a folder of its own may have told the system of some of its libraries only.
  if [ -d /usr/local/nvidia/lib64 ]; then LD_LIBRARY_PATH+=:/usr/local/nvidia/lib64; fi
  # A driver in a folder of its own is unknown to EGL's front.
  if [ -z "${__EGL_VENDOR_LIBRARY_FILENAMES:-}" ] && ! compgen -G '/usr/share/glvnd/egl_vendor.d/*nvidia*' >/dev/null && ! compgen -G '/etc/glvnd/egl_vendor.d/*nvidia*' >/dev/null &&
    [ -e /usr/local/nvidia/share/glvnd/egl_vendor.d/10_nvidia.json ]; then
    export __EGL_VENDOR_LIBRARY_FILENAMES=/usr/local/nvidia/share/glvnd/egl_vendor.d/10_nvidia.json
  fi
}

# The machine's own library of that name, or nothing.
library() { ldconfig -p 2>/dev/null | awk -v name="$1" '$1 == name && /x86-64/ && !found++ { print $NF }'; }

# Which of two libraries has the higher version of the symbols with that prefix; the first where both have the same.
newest() {
  local first second
  first=$(grep -aoE "$2[0-9.]+" "$1" | sort -Vu | tail -n 1)
  second=$(grep -aoE "$2[0-9.]+" "$3" | sort -Vu | tail -n 1)
  if [ "$(printf '%s\n' "$first" "$second" | sort -V | tail -n 1)" = "$first" ]; then echo "$1"; else echo "$3"; fi
}

# The folder of a PyTorch with CUDA, or nothing: Python's own first.
find_torch() {
  local python folder
  for python in python3 /opt/*/.venv/bin/python3; do
    command -v "$python" >/dev/null || continue
    folder=$("$python" -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")' 2>/dev/null) || continue
    if [ -n "$folder" ] && [ -e "$folder/lib/libtorch_cuda.so" ]; then
      echo "$folder"
      return
    fi
  done
  find / \( -path /proc -o -path /sys -o -path /dev \) -prune -o -path '*/torch/lib/libtorch_cuda.so' -print 2>/dev/null | head -n 1 | sed 's|/lib/libtorch_cuda.so$||'
}

# The folders in which cuDNN lies, as IMG2POSE_CUDA names them: PyTorch's site-packages where its packages brought it.
find_cuda() {
  find / \( -path /proc -o -path /sys -o -path /dev \) -prune -o -name libcudnn.so.9 -printf '%h\n' 2>/dev/null | sed 's|/nvidia/[^/]*/lib$||' | sort -u | paste -sd:
}
