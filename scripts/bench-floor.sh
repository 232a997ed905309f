#!/usr/bin/env bash
# The floor: what decoding and encoding alone cost, without any of this program. The ffmpeg program decodes to raw video
# into a pipe, and a second one encodes from it with the settings that `img2pose run` uses by default. Then the same
# video through img2pose. Prints both times and their ratio; ./scripts/bench-floor.sh VIDEO [options of img2pose run].
set -euo pipefail
[ "$#" -ge 1 ] || { echo "usage: $0 VIDEO [options of img2pose run]" >&2; exit 2; }
root=$(dirname "$(readlink -f "$0")")/..
video=$1
shift
program=$root/src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
read -r width height rate < <(ffprobe -v error -select_streams v:0 -show_entries stream=width,height,r_frame_rate \
  -of csv=p=0 "$video" | tr ',' ' ')

# Seconds of wall time, user plus system CPU seconds of all children, and the largest resident set in MB.
measure() { /usr/bin/env time -f '%e %U %S %M' -o "$folder/time" "$@"; awk '{printf "%s %s %s\n", $1, $2 + $3, $4 / 1024}' "$folder/time"; }

floor() {
  ffmpeg -nostdin -v error -i "$video" -an -f rawvideo -pix_fmt yuv420p - |
    ffmpeg -v error -y -f rawvideo -pix_fmt yuv420p -s "${width}x${height}" -r "$rate" -i - -c:v libx264 -preset veryfast \
      -crf 23 "$folder/floor.mp4"
}
export -f floor
export video width height rate folder

read -r floor_wall floor_cpu floor_memory < <(measure bash -c floor)
read -r run_wall run_cpu run_memory < <(measure dotnet "$program" run "$video" --out "$folder/posed.mp4" --quiet "$@")
frames=$(ffprobe -v error -count_packets -select_streams v:0 -show_entries stream=nb_read_packets -of csv=p=0 "$folder/posed.mp4")

awk -v n="$frames" -v fw="$floor_wall" -v fc="$floor_cpu" -v fm="$floor_memory" -v rw="$run_wall" -v rc="$run_cpu" -v rm="$run_memory" 'BEGIN {
  printf "%d frames\n", n
  printf "floor     %6.2f s wall  %6.2f s CPU  %5.0f MB peak (largest process)  %5.1f fps\n", fw, fc, fm, n / fw
  printf "img2pose  %6.2f s wall  %6.2f s CPU  %5.0f MB peak                    %5.1f fps\n", rw, rc, rm, n / rw
  printf "ratio     %6.2f         %6.2f\n", rw / fw, rc / fc
}'
