#!/usr/bin/env bash
# Tries this commit on a Debian release as a new user would: ./scripts/try-on.sh trixie|bookworm [run|test|pack] [arguments].
# Makes a minimal Debian of that release, binds this machine's .NET SDK into it, copies a clean clone of HEAD (what is not
# committed is not tried), and runs ./run.sh, ./test.sh or
# scripts/pack.sh there (its packages are kept beside the logs). Needs root, git and debootstrap, some 6 GB in
# ${XDG_CACHE_HOME:-/var/tmp}, and the mirror that this machine's apt uses. The base system and the downloaded packages
# are kept for the next time; the rest is removed. Mounts live in a namespace of their own and end with it, however the
# script ends. DOTNET_*, OPENBLAS_* and CI are passed on; ../shared, where it is, is there too, read-only.
set -euo pipefail
usage() { echo "usage: $0 trixie|bookworm [run|test|pack] [arguments of run.sh, test.sh or scripts/pack.sh]" >&2; exit 2; }

# The second half, in namespaces of its own: mounts, enters, runs.
if [ "${1:-}" = --inside ]; then
  tree=$2 packages=$3 sdk=$4 shared=$5
  shift 5
  mount --make-rprivate /
  mount -t proc proc "$tree/proc"
  mount --rbind /sys "$tree/sys"
  mount --rbind /dev "$tree/dev"
  mkdir -p "$tree/usr/share/dotnet"
  mount --bind -o ro "$sdk" "$tree/usr/share/dotnet"
  mount --bind "$packages" "$tree/var/cache/apt/archives"
  # The authorities that this machine trusts, a proxy's among them.
  mount --bind -o ro /etc/ssl/certs "$tree/etc/ssl/certs"
  if [ -n "$shared" ]; then
    mkdir -p "$tree/home/shared"
    mount --bind -o ro "$shared" "$tree/home/shared"
  fi
  mapfile -t passed < <(env | grep -E '^(DOTNET_|OPENBLAS_|CI=|NUGET_|SSL_|[A-Za-z]+_(proxy|PROXY)=)' | grep -vE '^(DOTNET_ROOT|NUGET_PACKAGES)')
  # The SDK itself wants ICU otherwise, whose package has another name on every release.
  exec chroot "$tree" /usr/bin/env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/share/dotnet \
    DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "${passed[@]}" \
    bash -c 'cd /home/img2pose && exec "$@" </dev/null' bash "$@"
fi

release=${1:-} what=${2:-run}
case $release in trixie | bookworm) ;; *) usage ;; esac
case $what in run | test) command=./$what.sh ;; pack) command=scripts/pack.sh ;; *) usage ;; esac
shift "$(($# < 2 ? $# : 2))"
script=$(readlink -f "$0")
root=$(dirname "$script")/..
for tool in debootstrap git unshare dotnet; do
  command -v "$tool" >/dev/null || { echo "$0: needs $tool" >&2; exit 4; }
done
[ "$(id -u)" -eq 0 ] || { echo "$0: needs root, to make and enter the system" >&2; exit 4; }

folder=${XDG_CACHE_HOME:-/var/tmp}/img2pose-try-on
packages=$folder/$release-packages
base=$folder/$release.tar
mkdir -p "$packages/partial"
export TMPDIR=/var/tmp
tree=$(mktemp -d "$folder/$release.XXXXXX")
inside=
# Whatever still runs in there ends first, and its mounts with it; then the tree goes.
clean_up() {
  # unshare heeds nothing milder; the first process inside dies with it, and all others with that one.
  if [ -n "$inside" ] && kill -KILL "$inside" 2>/dev/null; then
    wait "$inside" || true
    sleep 1
  fi
  rm -rf --one-file-system "$tree"
}
trap clean_up EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT

if [ ! -s "$base" ]; then
  mirror=$(apt-get indextargets --no-release-info --format '$(SITE)' 'Created-By: Packages' | grep -m 1 -E '/debian/?$') ||
    { echo "$0: this machine's apt has no Debian mirror" >&2; exit 4; }
  echo "Making a minimal Debian $release" >&2
  # What any .NET SDK needs: a C++ library, OpenSSL and the authorities.
  if ! debootstrap --variant=minbase --include=ca-certificates,openssl,libstdc++6 --cache-dir="$packages" \
    "$release" "$tree" "$mirror" >"$folder/$release-debootstrap.log" 2>&1; then
    tail -n 5 "$folder/$release-debootstrap.log" >&2
    echo "$0: debootstrap failed (log: $folder/$release-debootstrap.log)" >&2
    exit 4
  fi
  apt-config dump Acquire >"$tree/etc/apt/apt.conf.d/90machine"
  # Packages stay in the cache that all tries share.
  echo 'APT::Keep-Downloaded-Packages "true";' >"$tree/etc/apt/apt.conf.d/91keep"
  tar -C "$tree" -cf "$base.part" .
  mv "$base.part" "$base"
else
  tar -C "$tree" -xf "$base"
fi

cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
cp -L /etc/hosts "$tree/etc/hosts"
git clone -q "$root" "$tree/home/img2pose"
# Restored packages need not be fetched again: links, so that two tries never write into one folder.
nuget=${NUGET_PACKAGES:-$HOME/.nuget/packages}
mkdir -p "$tree/root/.nuget/packages" "$tree/root/.nuget/NuGet"
if [ -d "$nuget" ]; then cp -al "$nuget/." "$tree/root/.nuget/packages/" 2>/dev/null || cp -a "$nuget/." "$tree/root/.nuget/packages/"; fi
if [ -f "$HOME/.nuget/NuGet/NuGet.Config" ]; then cp "$HOME/.nuget/NuGet/NuGet.Config" "$tree/root/.nuget/NuGet/"; fi
shared=$(readlink -f "$root/../shared" || true)
[ -d "$shared" ] || shared=

started=$SECONDS code=0
unshare --mount --pid --fork --kill-child bash "$script" --inside "$tree" "$packages" \
  "$(dirname "$(readlink -f "$(command -v dotnet)")")" "$shared" "$command" "$@" &
inside=$!
wait "$inside" || code=$?
inside=
logs=$folder/$release-$what
rm -rf "$logs"
mkdir -p "$logs"
for left in .cache/tests .cache/native.log .cache/dotnet.log .cache/apt.log out; do
  if [ -e "$tree/home/img2pose/$left" ]; then cp -r "$tree/home/img2pose/$left" "$logs/"; fi
done
echo "$release, $what: exit code $code after $((SECONDS - started)) s (logs: $logs)" >&2
exit "$code"
