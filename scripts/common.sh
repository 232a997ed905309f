# Functions that run.sh and test.sh share; sourced, from the repository root.

cache=.cache
mkdir -p "$cache"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# Build servers would outlive the script.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false

say() { printf '%s\n' "$*" >&2; }

# The files whose content decides what is built, one a line: tracked ones, and new ones that git does not ignore.
list_inputs() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -co --exclude-standard -- "$@"
  else
    find "$@" -type f -not -path '*/bin/*' -not -path '*/obj/*'
  fi | LC_ALL=C sort -u
}

# One hash over names and contents of the files below the given paths. A file that was deleted counts by its absence.
hash_inputs() {
  list_inputs "$@" | while IFS= read -r file; do [ -f "$file" ] && printf '%s\0' "$file"; done |
    xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

# Whether what a package is for can be used: lib:SONAME loads, pc:NAME has headers, cmd:NAME is a program.
is_usable() {
  case $1 in
    lib:*) [ -z "$(LD_PRELOAD=${1#lib:} /bin/true 2>&1)" ] ;;
    pc:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#pc:}" ;;
    cmd:*) command -v "${1#cmd:}" >/dev/null ;;
    *) false ;;
  esac
}

# Those of the packages named in the given lists whose purpose is not met. A line is a package and, where that can be
# tried, the proof that what it brings is there, whichever package brought it; dpkg is asked about the others.
missing_packages() {
  local package proof unproven=() installed
  while read -r package proof; do
    if [ -z "$package" ] || [ "${package#\#}" != "$package" ]; then continue; fi
    if [ -z "$proof" ]; then unproven+=("$package"); elif ! is_usable "$proof"; then echo "$package"; fi
  done < <(cat "$@" | LC_ALL=C sort -u)
  [ "${#unproven[@]}" -gt 0 ] || return 0
  # dpkg-query fails when it does not know one of them, which is no reason to stop.
  installed=$({ dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${unproven[@]}" 2>/dev/null || true; } |
    sed -n 's/ installed$//p' | LC_ALL=C sort -u)
  comm -23 <(printf '%s\n' "${unproven[@]}") <(printf '%s\n' "$installed")
}

# Which FFmpeg the program is built for: another one on the same machine calls for another build.
ffmpeg_version() { pkg-config --modversion libavcodec libavfilter libavformat libavutil libswscale 2>/dev/null | tr '\n' ' ' || true; }

# Installs packages, as root or through sudo; with neither, prints the line to type and exits 4.
install_packages() {
  [ "$#" -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -z "${CI:-}" ]; }; }; then
      as_root=(sudo)
    else
      say "img2pose: Debian packages are missing and neither root nor sudo is at hand. Have an administrator run:"
      say "apt-get update && apt-get install -y --no-install-recommends $*"
      exit 4
    fi
  fi
  say "Installing Debian packages: $*"
  local log="$cache/apt.log"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive TMPDIR=/var/tmp apt-get -q -y)
  # Package lists may be absent (a fresh container) or stale (a version that left the mirror): refresh only then.
  if ! "${apt[@]}" install --no-install-recommends "$@" >"$log" 2>&1; then
    if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"; } >>"$log" 2>&1; then
      tail -n 5 "$log" >&2
      say "img2pose: apt could not install what is missing (log: $log). By hand:"
      say "apt-get update && apt-get install -y --no-install-recommends $*"
      return 4
    fi
  fi
}

# Installs what the lists name and is missing.
ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  install_packages "${missing[@]}"
}

# ONNX Runtime with CUDA is built in where NVIDIA's driver is, which only loading its library tells, and never downloaded
# elsewhere. MSBuild reads its properties from the environment too.
choose_onnxruntime() {
  if [ -z "${OnnxRuntime:-}" ]; then
    if [ -z "$(LD_PRELOAD=libcuda.so.1 /bin/true 2>&1)" ]; then OnnxRuntime=Gpu; else OnnxRuntime=Cpu; fi
  fi
  export OnnxRuntime
}

# Builds native/; the first argument is ON where training's shim is wanted, the second
# where the tests' CUDA emulator is.
build_native() {
  local log="$cache/native.log"
  if ! { cmake -S . -B build/native -DCMAKE_BUILD_TYPE=Release -DIMG2POSE_TORCH="$1" \
      -DIMG2POSE_CUDA_EMULATOR="${2:-OFF}" &&
    cmake --build build/native --parallel "$(nproc)"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "img2pose: building native/ failed (log: $log)."
    return 1
  fi
}

# Builds a project or solution in Release; further arguments go to MSBuild.
build_managed() {
  local log="$cache/dotnet.log" project=$1
  shift
  if ! command -v dotnet >/dev/null; then
    say "img2pose: the .NET 10 SDK is not on PATH; install it from https://dotnet.microsoft.com/download."
    return 4
  fi
  if ! dotnet build "$project" -c Release -nologo -v quiet -clp:NoSummary -nodeReuse:false "$@" >"$log" 2>&1; then
    grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2
    say "img2pose: building $project failed (log: $log)."
    return 1
  fi
}
