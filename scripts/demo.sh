#!/usr/bin/env bash
# The demo: a real face, moved, zoomed and rolled for ten seconds, posed and written to out/demo.mp4 and out/demo.jsonl.
# The face is NASA's portrait of Eileen Collins (public domain), which Debian's python3-skimage package carries; the
# package is downloaded and that one picture unpacked, nothing is installed. scripts/demo.sh --clip makes the clip alone.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/common.sh

folder=$cache/demo
portrait=$folder/astronaut.png
clip=$folder/portrait.mp4
mkdir -p "$folder" out

if [ ! -s "$portrait" ]; then
  say "Fetching the portrait (Debian package python3-skimage, 20 MB)"
  if ! (cd "$folder" && TMPDIR=/var/tmp apt-get -q download python3-skimage >apt.log 2>&1); then
    cat "$folder/apt.log" >&2
    say "img2pose: apt-get could not download python3-skimage; run apt-get update as root and try again."
    exit 4
  fi
  dpkg-deb --fsys-tarfile "$folder"/python3-skimage_*.deb |
    tar -xO ./usr/lib/python3/dist-packages/skimage/data/astronaut.png >"$portrait.part"
  mv "$portrait.part" "$portrait"
  rm -f "$folder"/python3-skimage_*.deb
fi

if [ ! -s "$clip" ] || [ "$0" -nt "$clip" ]; then
  # The picture is laid over a blurred copy of itself; then one perspective filter pans, zooms and rolls the view:
  # its four source corners are those of a 1280x720 window of centre (cx, cy), size 1/z and angle a, on output frame `on`.
  cx="(640+110*sin(2*PI*on/150))" cy="(360+40*sin(2*PI*on/100))"
  z="(1-0.32*sin(2*PI*on/300)*sin(2*PI*on/300))" a="(0.45*sin(2*PI*on/200))"
  corner() { printf '%s=%s%+d*%s*cos(%s)%+d*%s*sin(%s):' "x$1" "$cx" "$2" "$z" "$a" "$((-$3))" "$z" "$a"
    printf '%s=%s%+d*%s*sin(%s)%+d*%s*cos(%s):' "y$1" "$cy" "$2" "$z" "$a" "$3" "$z" "$a"; }
  window="$(corner 0 -640 -360)$(corner 1 640 -360)$(corner 2 -640 360)$(corner 3 640 360)"
  say "Making a 10 s clip of it"
  ffmpeg -nostdin -v error -y -loop 1 -framerate 30 -t 10 -i "$portrait" -filter_complex "
    [0]split[a][b]; [a]scale=1280:1280,crop=1280:720,boxblur=24[back]; [b]scale=1000:1000,crop=1000:720:0:0[front];
    [back][front]overlay=206:0,format=yuv444p,perspective=${window}sense=source:eval=frame:interpolation=cubic,
    format=yuv420p" -c:v libx264 -preset veryfast -crf 20 -r 30 "$folder/clip.part.mp4"
  mv "$folder/clip.part.mp4" "$clip"
fi

[ "${1:-}" != --clip ] || exit 0
exec dotnet src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll run "$clip" --out out/demo.mp4 --json out/demo.jsonl
