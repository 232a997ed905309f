#!/usr/bin/env bash
# Runs every row of the collection of faults (a folder; default ../shared/faults) against the built program, under limits,
# and prints row, expected, got. The last line counts; the exit code is 0 only when all are equal.
#   scripts/attack.sh [--folder DIR] [WORD…]      only the rows whose names contain one of the words
# A row is a function that prints what it saw; what it should see stands beside its name. ATTACK_MEMORY is the limit of
# address space in KiB (default 3 GiB), ATTACK_SECONDS that of time for a command (default 120).
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
root=$PWD
faults=$root/../shared/faults
words=()
while [ "$#" -gt 0 ]; do
  case $1 in
    --folder) faults=$(readlink -f "$2"); shift 2 ;;
    --help | -h) sed -n '2,7p' "$0"; exit 0 ;;
    *) words+=("$1"); shift ;;
  esac
done
attack=$faults/attack
[ -d "$attack" ] || { echo "attack.sh: $faults is no folder of faults" >&2; exit 2; }
program=${IMG2POSE_PROGRAM:-$root/src/Img2Pose.Cli/bin/Release/net10.0/img2pose.dll}
[ -f "$program" ] || { echo "attack.sh: build the program first (./run.sh doctor)" >&2; exit 2; }
memory=${ATTACK_MEMORY:-$((3 << 20))} seconds=${ATTACK_SECONDS:-120}
[ -t 1 ] && echo "Each line: row | expected | got"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# img2pose ARGUMENTS: the program under the limits; its output in out.txt and err.txt, its exit code in $code.
img2pose() {
  code=0
  # .NET reserves address space far beyond what it uses; a heap limit keeps that reservation below the limit.
  (ulimit -v "$memory"; DOTNET_GCHeapHardLimit=0x40000000 exec timeout -k 5 "$seconds" dotnet "$program" "$@") >out.txt 2>err.txt </dev/null || code=$?
}
# The same without a limit of address space: for a row that is about something else than memory.
img2pose_free() {
  code=0
  timeout -k 5 "$seconds" dotnet "$program" "$@" >out.txt 2>err.txt </dev/null || code=$?
}

# refused: exit 2, 3 or 4 and one line without a stack trace or a control character. Prints "refused", or what else it was.
refused() {
  if ! { [ "$code" -ge 2 ] && [ "$code" -le 4 ]; }; then echo "exit $code"; head -c 300 err.txt | tr -c '[:print:]' ' '; return; fi
  if grep -q '^   at ' err.txt; then echo "a stack trace"; return; fi
  if [ "$(tr -d '\n\t' <err.txt | LC_ALL=C grep -c '[[:cntrl:]]')" -gt 0 ]; then echo "control characters"; return; fi
  if grep -qE 'internal error|Unhandled exception|System\.[A-Za-z.]+Exception' err.txt; then echo "untyped: $(head -n 1 err.txt)"; return; fi
  echo "refused"
}
# refused, and the message matches.
refused_saying() {
  local what; what=$(refused)
  if [ "$what" != refused ]; then echo "$what"; elif grep -qiE "$1" err.txt; then echo "refused, said so"; else echo "refused: $(head -n 1 err.txt)"; fi
}
# refused, or done: either is bounded and clean.
bounded() { if [ "$code" -eq 0 ]; then echo "bounded"; else local what; what=$(refused); [ "$what" = refused ] && echo "bounded" || echo "$what"; fi; }
# The same of a set: what is damaged in it may be left out and named, the rest be done (exit 1).
bounded_set() {
  if [ "$code" -eq 1 ] && grep -q 'left out' err.txt && ! grep -qE '^   at |internal error|Unhandled exception' err.txt; then echo "bounded"; else bounded; fi
}
faces() { grep -o '"detected":true' "$1" 2>/dev/null | wc -l; }
frames_with_faces() { grep '"type":"frame"' "$1" 2>/dev/null | grep -c '"detected":true'; }
probe() { ffprobe -v error -show_entries "$1" -of csv=p=0 "$2" 2>/dev/null; }
sum() { sha256sum <"$1" 2>/dev/null | cut -c1-16; }

row() { # NAME EXPECTED FUNCTION
  local name=$1 expected=$2 check=$3 got
  if [ "${#words[@]}" -gt 0 ]; then
    local word wanted=
    for word in "${words[@]}"; do case $name in *"$word"*) wanted=1 ;; esac; done
    [ -n "$wanted" ] || return 0
  fi
  rm -rf "$work/row"; mkdir "$work/row"
  got=$(cd "$work/row" && $check 2>/dev/null | tr '\n' ' ' | sed 's/ *$//')
  if [ "$got" = "$expected" ]; then passed=$((passed + 1)); echo "equal   | $name | $expected | $got"
  else failed=$((failed + 1)); echo "DIFFERS | $name | $expected | $got"; return 1; fi
}
picture=$faults/same_face_as_a_picture_is_found.jpg

# --- from public reports ---------------------------------------------------------------------------------------------
align_finds() { img2pose_free align "$faults/align_finds_no_face_with_the_default_model.jpg" --out d; echo "exit $code, $(find d -type f -name '*.jpg' -o -type f -name '*.png' 2>/dev/null | wc -l) faces"; }
align_stems() { img2pose_free align "$faults/align_overwrites_same_stem" --out d --score 0.4; echo "exit $code, $(find d -type f | wc -l) files"; }
align_folders() {
  mkdir -p a b; cp "$faults/align_overwrites_same_stem/p.png" a/; cp "$faults/align_overwrites_same_stem/p.png" b/
  printf 'a/p.png\nb/p.png\n' >list.txt
  img2pose_free align list.txt --out d --score 0.4; echo "exit $code, $(find d -type f | wc -l) files"
}
flac() { img2pose_free run "$faults/flac_sound_stops_the_run_when_written_as_mp4.mkv" --out x.mp4; echo "exit $code, $(probe stream=codec_type x.mp4 | grep -c video) video, $(grep -qiE 'sound|audio' err.txt && echo said)"; }
flac_folder() {
  mkdir in; cp "$faults/flac_sound_stops_the_run_when_written_as_mp4.mkv" in/a.mkv; cp "$faults/new_id_in_every_frame_at_half_a_frame_a_second.mp4" in/b.mp4
  img2pose_free run in --out d/; echo "$(find d -name 'b*.mp4' | wc -l) of the rest done"
}
flac_list() {
  cp "$faults/flac_sound_stops_the_run_when_written_as_mp4.mkv" a.mkv; cp "$faults/new_id_in_every_frame_at_half_a_frame_a_second.mp4" b.mp4; printf 'a.mkv\nb.mp4\n' >l.txt
  img2pose_free run l.txt --out d/; echo "$(find d -name 'b*.mp4' | wc -l) of the rest done"
}
# Every sound that a container does not take, to every container: a video with sound or with a word about it.
sounds() {
  local codec to bad=0
  for codec in flac truehd libopus pcm_s16le vorbis; do
    ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=1 -f lavfi -i sine=duration=1:sample_rate=48000 -ac 2 -c:v libx264 -c:a $codec -strict -2 "$codec.mkv" </dev/null || { echo "no $codec"; continue; }
    for to in mp4 m4v mov mkv; do
      img2pose_free run "$codec.mkv" --out "x.$to"
      { [ "$code" -eq 0 ] && grep -q video <<<"$(probe stream=codec_type "x.$to")" && { grep -q audio <<<"$(probe stream=codec_type "x.$to")" || grep -qiE 'sound|audio' err.txt; }; } || { echo "$codec to $to: exit $code"; bad=1; }
      rm -f "x.$to"
    done
  done
  [ "$bad" -eq 1 ] || echo "each kept or said"
}
long_name() { # with .jpg 248 to 255 bytes
  local n; mkdir in
  for n in $(seq 244 251); do cp "$faults/same_face_as_a_picture_is_found.jpg" "in/$(printf 'n%.0s' $(seq "$n")).jpg"; done
  img2pose_free run in --out d/; echo "exit $code, $(find d -type f | wc -l) files"
}
face_video() { ffmpeg -v error -loop 1 -framerate "$2" -i "$faults/same_face_as_a_picture_is_found.jpg" -t "$3" -vf 'scale=trunc(iw/2)*2:trunc(ih/2)*2' -c:v libx264 -pix_fmt yuv420p "$1" </dev/null; }
same_face() { img2pose_free run "$faults/same_face_as_a_picture_is_found.jpg" --json j.jsonl; local p; p=$(faces j.jsonl); img2pose_free run "$faults/doubtful_face_is_never_reported_at_half_a_frame_a_second.mp4" --no-track --json j.jsonl; echo "picture $p, without tracks $(frames_with_faces j.jsonl) of 8"; }
every_60() { face_video w.mp4 30 10; img2pose_free run w.mp4 --look 60 --json j.jsonl; echo "$(grep -o '"id":[0-9]*' j.jsonl | sort -u | wc -l) id, $(grep '"type":"frame"' j.jsonl | grep -c '"id":') of 300"; }
doubtful() { img2pose_free run "$faults/doubtful_face_is_never_reported_at_half_a_frame_a_second.mp4" --json j.jsonl; echo "$(frames_with_faces j.jsonl) of 8"; }
one_id() { img2pose_free run "$faults/new_id_in_every_frame_at_half_a_frame_a_second.mp4" --json j.jsonl; echo "$(grep -o '"id":[0-9]*' j.jsonl | sort -u | wc -l) id"; }
json_over_source() { mkdir dir; cp "$faults/same_face_as_a_picture_is_found.jpg" dir/a.jpg; local s; s=$(sum dir/a.jpg); img2pose_free run 'dir/*' --json dir/a.jpg; echo "$(refused), $([ "$s" = "$(sum dir/a.jpg)" ] && echo kept)"; }
json_over_boxes() { cp "$faults/same_face_as_a_picture_is_found.jpg" a.jpg; printf 'file,l,t,r,b\na.jpg,10,10,60,60\n' >b.csv; local s; s=$(sum b.csv); img2pose_free run a.jpg --boxes b.csv --json b.csv; echo "$(refused), $([ "$s" = "$(sum b.csv)" ] && echo kept)"; }
json_over_others() { # a folder, a list, the model, the picture of a folder, a data set
  local bad=0
  mkdir dir; cp "$faults/same_face_as_a_picture_is_found.jpg" dir/a.jpg; printf 'dir/a.jpg\n' >l.txt; cp "$(find "$root/models" -name "*.onnx" | head -n 1)" m.onnx
  try() { local kept=$1 s; s=$(sum "$kept"); shift; img2pose_free "$@"; { [ "$(refused)" = refused ] && [ "$s" = "$(sum "$kept")" ]; } || { echo "$*: exit $code"; bad=1; }; }
  try dir/a.jpg run dir --json dir/a.jpg
  try l.txt run l.txt --json l.txt
  try dir/a.jpg run l.txt --json dir/a.jpg
  try dir/a.jpg run dir --out dir
  ln -s dir/a.jpg link.jpg; ln dir/a.jpg hard.jpg
  try dir/a.jpg run dir/a.jpg --out link.jpg
  try dir/a.jpg run dir/a.jpg --out hard.jpg
  try m.onnx run dir/a.jpg --model m.onnx --json m.onnx
  mkdir png; cp "$faults/align_overwrites_same_stem/p.png" png/; try png/p.png align png --out . --score 0.4
  cp dir/a.jpg dir/b.jpg; cp "$attack/objfit-slow-2006.obj" x.obj
  try x.obj mesh fit x.obj --out x.obj
  [ "$bad" -eq 1 ] || echo "refused, kept"
}
fit_over_source() { cp "$attack/objfit-slow-2006.obj" x.obj; local s; s=$(sum x.obj); img2pose_free mesh fit x.obj --out x.obj; echo "$(refused), $([ "$s" = "$(sum x.obj)" ] && echo kept)"; }
on_its_side() { img2pose_free run "$faults/face_on_its_side_is_not_found.jpg" --json j.jsonl; echo "$(faces j.jsonl) face"; }
upside_down() { img2pose_free run "$faults/upside_down_face_gets_an_upright_pose.jpg" --json j.jsonl; grep -o '"roll":-\?[0-9.]*' j.jsonl | head -n 1 | awk -F: '{ r = $2 < 0 ? -$2 : $2; print (r > 150 && r <= 180) ? "roll beyond 150" : "roll " $2 } END { if (!NR) print "no face" }'; }
formats() { img2pose_free run "$faults/folder_skips_heic_avif_jfif_silently" --out d/; echo "$(find d -type f | wc -l) written, HEIC $({ [ -n "$(find d -name 'IMG_1*')" ] || grep -q IMG_1 err.txt; } && echo 'done or named')"; }
gif_among() { mkdir in; cp "$faults/last_frame_of_3s_becomes_10ms.gif" in/m.gif; cp "$faults/same_face_as_a_picture_is_found.jpg" in/a.jpg; img2pose_free run in --json f.jsonl; if [ "$code" -eq 0 ] || grep -q 'm\.gif' err.txt; then echo "done or named"; else echo "exit $code: $(head -n 1 err.txt)"; fi; }
truncated() { img2pose_free run "$faults/truncated_jpeg_passes_as_whole.jpg" --json j.jsonl; echo "exit $code, damaged $(grep -o '"damaged":[0-9]*' j.jsonl | cut -d: -f2)"; }
half_mkv() { ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=8 -c:v libx264 w.mkv </dev/null; head -c $(($(stat -c %s w.mkv) / 2)) w.mkv >h.mkv; img2pose_free run h.mkv --json j.jsonl; echo "$(grep -qiE 'ends early|cut short|early' err.txt && echo said), complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"; }
half_webm() { ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=8 -c:v libvpx w.webm </dev/null; head -c $(($(stat -c %s w.webm) / 2)) w.webm >h.webm; img2pose_free run h.webm --json j.jsonl; echo "$(grep -qiE 'ends early|cut short|early' err.txt && echo said), complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"; }
cut_while_read() { # the video loses its second half while it is decoded
  ffmpeg -v error -f lavfi -i testsrc2=size=1280x720:rate=25:duration=12 -c:v libx264 -preset ultrafast -g 25 w.mkv </dev/null
  dotnet "$program" run w.mkv --realtime --json j.jsonl >out.txt 2>err.txt </dev/null & local pid=$! i
  for i in $(seq 100); do [ -n "$(find . -name 'j*partial*' -size +0 | head -n 1)" ] && break; sleep 0.1; done
  truncate -s $(($(stat -c %s w.mkv) / 2)) w.mkv; code=0; wait "$pid" || code=$?
  { [ "$code" -le 4 ] && ! grep -q '^   at ' err.txt && grep -qiE 'early|cut|damaged|shorter|read' err.txt && grep -q '"complete":false' j.jsonl; } && echo "said, not complete" || echo "exit $code, complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"
}
own_table() { mkdir in; cp "$picture" in/a.jpg; cp "$picture" 'in/b,c.jpg'; img2pose_free run in --json t.csv; img2pose_free run in --boxes t.csv --json j.jsonl; echo "exit $code, $(faces j.jsonl) of 2"; }
boxes_start() { # the box of frame 12 of the source, with the beginning left out
  face_video w.mp4 10 3; local b; img2pose_free run "$picture" --json k.jsonl; b=$(grep -o '"box":\[[0-9.,]*' k.jsonl | head -n 1 | cut -d'[' -f2)
  printf 'frame,l,t,r,b\n12,%s\n' "$b" >b.csv; img2pose_free run w.mp4 --start 1 --frames 4 --no-track --boxes b.csv --json j.jsonl; echo "frame $(grep '"detected":true' j.jsonl | grep -o '"index":[0-9]*' | cut -d: -f2)"
}
quoted() { local f="$faults/quoted_names_in_boxes_never_match.csv" n; for n in 'a,b.jpg' 'quote".jpg' 'sp ace .jpg' 'ünï çödé 人.jpg' 'q?.jpg'; do cp "$faults/same_face_as_a_picture_is_found.jpg" "$n"; done; img2pose_free run . --boxes "$f" --json j.jsonl; echo "exit $code, $(faces j.jsonl) of 5"; }
rows_of_nothing() { cp "$faults/same_face_as_a_picture_is_found.jpg" a.jpg; printf 'file,l,t,r,b\nzzz.jpg,10,10,60,60\n' >b.csv; img2pose_free run a.jpg --boxes b.csv --json j.jsonl; grep -q 'zzz.jpg' err.txt && echo named || echo "silent"; }
start_index() { ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=3 -c:v libx264 w.mp4 </dev/null; img2pose_free run w.mp4 --start 1 --frames 2 --json j.jsonl; echo "first index $(grep '"type":"frame"' j.jsonl | head -n 1 | grep -o '"index":[0-9]*' | cut -d: -f2)"; }
last_frame() { # what is left of the whole after the last frame's time
  img2pose_free run "$faults/last_frame_of_3s_becomes_10ms.gif" --out x.mp4
  { probe format=duration x.mp4; probe packet=pts_time x.mp4; } | tr -d ',' | awk 'NR == 1 { whole = $1 } NR > 1 && $1 + 0 > last { last = $1 } END { d = whole - last; print (d > 2.9 && d < 3.1) ? "3 s" : d " s" }'
}
vfr_end() { # 10 frames, the last one shown for half a second more
  ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=1 -vf 'settb=1/1000,setpts=if(eq(N\,9)\,PTS+475\,PTS)' -fps_mode passthrough -enc_time_base 1/1000 -c:v libx264 -bf 0 -bsf:v 'setts=duration=if(eq(N\,9)\,642\,100)' w.mp4 </dev/null
  local to bad=0
  for to in mp4 mov mkv; do
    img2pose_free run w.mp4 --out "x.$to"
    awk -v a="$(probe format=duration w.mp4)" -v b="$(probe format=duration "x.$to")" 'BEGIN { d = a - b; exit !(b > 0 && d < 0.03 && d > -0.03) }' || { echo "$to: $(probe format=duration w.mp4) became $(probe format=duration "x.$to")"; bad=1; }
  done
  [ "$bad" -eq 1 ] || echo "as long"
}
profiles() { # into PNG, and from there into JPEG again
  img2pose_free run "$faults/colour_profile_is_lost.jpg" --out x.png; img2pose_free run x.png --out x.jpg
  [ "$(LC_ALL=C grep -ca iCCP x.png)" -gt 0 ] && [ "$(LC_ALL=C grep -ca ICC_PROFILE x.jpg)" -gt 0 ] && echo "kept or converted" || echo dropped
}
fields_kept() { img2pose_free run "$faults/interlaced_becomes_progressive_still_combed.mp4" --deinterlace off --codec libx264 --out x.mp4; grep -qE 'tt|bb|tb|bt' <<<"$(probe stream=field_order x.mp4)" && echo kept || probe stream=field_order x.mp4; }
hlg() { # white of the overlay in HLG is 75 % of the range
  ffmpeg -v error -i "$faults/overlay_is_too_bright_in_hdr.mp4" -c:v libx265 -x265-params log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc -color_trc arib-std-b67 -color_primaries bt2020 -colorspace bt2020nc w.mp4 </dev/null
  img2pose_free run w.mp4 --codec hevc --quality 4 --alpha 1 --out x.mp4
  ffmpeg -v error -i x.mp4 -frames:v 1 -pix_fmt gray16le -f rawvideo - </dev/null 2>/dev/null | od -An -v -tu2 -w2 | sort -n | awk '{ a[NR] = $1 } END { y = a[int(NR * 0.999)] / 65535; print (y > 0.1 && y < 0.78) ? "at most some 203 nits" : "luma " y }'
}
scene_cut() {
  face_video a.mp4 25 2; ffmpeg -v error -i a.mp4 -f lavfi -i smptebars=size=256x256:rate=25:duration=1 -filter_complex '[0:v]scale=256:256,setsar=1,fps=25[a];[1:v]setsar=1[b];[0:v]scale=256:256,setsar=1,fps=25[c];[a][b][c]concat=n=3' -pix_fmt yuv420p -c:v libx264 w.mp4 </dev/null
  img2pose_free run w.mp4 --json j.jsonl
  echo "$(grep '"type":"frame"' j.jsonl | sed -n '51,75p' | grep -c '"id":') faces after the cut, $(grep -o '"id":[0-9]*' j.jsonl | sort -u | wc -l) ids"
}
profile() { img2pose_free run "$faults/colour_profile_is_lost.jpg" --out x.jpg; if LC_ALL=C grep -q ICC_PROFILE x.jpg; then echo "kept or converted"; elif grep -qiE 'srgb|profile' err.txt; then echo "kept or converted"; else echo dropped; fi; }
interlaced() { img2pose_free run "$faults/interlaced_becomes_progressive_still_combed.mp4" --out x.mp4; if grep -qE 'tt|bb|tb|bt' <<<"$(probe stream=field_order x.mp4)"; then echo "kept, or deinterlaced and said"; elif grep -qi "is deinterlaced" err.txt; then echo "kept, or deinterlaced and said"; else echo "$(probe stream=field_order x.mp4 | head -n 1)"; fi; }
hdr10() { img2pose_free run "$faults/hdr10_mastering_metadata_is_lost.mp4" --codec hevc --out x.mp4; ffprobe -v error -show_frames -read_intervals '%+#1' x.mp4 2>/dev/null | grep -cE 'Mastering display metadata|Content light level metadata'; }
too_bright() { # luma of the overlay against the code of 203 nits in PQ (0.58 of the range)
  img2pose_free run "$faults/overlay_is_too_bright_in_hdr.mp4" --codec hevc --quality 4 --alpha 1 --out x.mp4
  ffmpeg -v error -i x.mp4 -frames:v 1 -pix_fmt gray16le -f rawvideo - </dev/null 2>/dev/null | od -An -v -tu2 -w2 | sort -n | awk '{ a[NR] = $1 } END { y = a[int(NR * 0.999)] / 65535; print (y > 0.1 && y < 0.66) ? "at most some 203 nits" : "luma " y }'
}
apng() { img2pose_free run "$faults/apng_is_read_as_one_picture_without_a_word.png" --json j.jsonl; n=$(grep -c '"type":"frame"' j.jsonl); if [ "$n" -gt 1 ] || grep -qiE 'frames|animat' err.txt; then echo "all frames, or named"; else echo "$n frame, silent"; fi; }
awebp() { img2pose_free run "$faults/animated_webp_invalid_data.webp" --json j.jsonl; n=$(grep -c '"type":"frame"' j.jsonl); if [ "$n" -gt 1 ] || grep -qiE 'animat' err.txt; then echo "all frames, or named"; else echo "$(head -n 1 err.txt)"; fi; }
not_utf8() { tar xf "$faults/name_that_is_not_utf8_cannot_be_opened.tar"; img2pose_free run . --json j.jsonl; echo "exit $code, $(faces j.jsonl) face"; }
fifo() { mkfifo p; cat "$faults/new_id_in_every_frame_at_half_a_frame_a_second.mp4" >p & img2pose_free run p --json j.jsonl; echo "exit $code"; kill %1 2>/dev/null; }
standard_input() { code=0; timeout "$seconds" dotnet "$program" run - --json j.jsonl <"$faults/new_id_in_every_frame_at_half_a_frame_a_second.mp4" >out.txt 2>err.txt || code=$?; echo "exit $code"; }
chapters() { # into every container: two chapters and the timecode, or a word about it
  printf ';FFMETADATA1\ntitle=T\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n' >c.txt
  ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=25:duration=2 -i c.txt -map_metadata 1 -map_chapters 1 -timecode 01:02:03:04 -c:v libx264 w.mov </dev/null
  local to bad=0
  for to in mp4 mov mkv; do
    img2pose_free run w.mov --out "x.$to"
    [ "$(ffprobe -v error -show_chapters x.$to 2>/dev/null | grep -c '^\[CHAPTER')" -eq 2 ] || grep -qi chapter err.txt || { echo "$to: chapters"; bad=1; }
    grep -qi 'timecode=01:02:03:04' <<<"$(ffprobe -v error -show_streams -show_format "x.$to" 2>/dev/null)" || grep -qi timecode err.txt || { echo "$to: timecode"; bad=1; }
    [ "$(probe format_tags=title "x.$to")" = T ] || { echo "$to: title"; bad=1; }
  done
  [ "$bad" -eq 1 ] || echo "kept or said"
}
subtitles_mp4() {
  printf '1\n00:00:00,000 --> 00:00:02,000\nhello\n' >s.srt
  ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=2 -i s.srt -c:v libx264 -c:s mov_text w.mp4 </dev/null
  img2pose_free run w.mp4 --out x.mp4; local a; a=$(probe stream=codec_type x.mp4 | grep -c subtitle)
  ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=2 -i s.srt -c:v libx264 -c:s srt w.mkv </dev/null
  img2pose_free run w.mkv --out y.mp4; { [ "$a" -eq 1 ] && { grep -q subtitle <<<"$(probe stream=codec_type y.mp4)" || grep -qi subtitle err.txt; }; } && echo "kept or said" || echo "mp4: $a"
}
subtitles() {
  printf '1\n00:00:00,000 --> 00:00:02,000\nhello\n' >s.srt
  ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=2 -i s.srt -c:v libx264 -c:s srt -metadata title=T w.mkv </dev/null
  img2pose_free run w.mkv --out x.mkv; echo "$(probe stream=codec_type x.mkv | grep -c subtitle) subtitle, title $(ffprobe -v error -show_entries format_tags=title -of csv=p=0 x.mkv)"
}

row 'align finds what run finds' 'exit 0, 1 faces' align_finds
row 'align, one stem' 'exit 0, 2 files' align_stems
row 'align, two folders' 'exit 0, 2 files' align_folders
row 'FLAC to mp4' 'exit 0, 1 video, said' flac
row 'FLAC in a folder' '1 of the rest done' flac_folder
row 'FLAC in a list' '1 of the rest done' flac_list
row 'FLAC, TrueHD, Opus, PCM, Vorbis to mp4, m4v, mov, mkv' 'each kept or said' sounds
row 'names of 248 to 255 bytes' 'exit 0, 8 files' long_name
row 'the same face as a picture, and without tracks' 'picture 1, without tracks 8 of 8' same_face
row 'looks every 60 frames' '1 id, 300 of 300' every_60
row 'doubtful face' '8 of 8' doubtful
row 'one id at half a frame a second' '1 id' one_id
row '--json over a source' 'refused, kept' json_over_source
row '--json over --boxes' 'refused, kept' json_over_boxes
row 'outputs over a folder, a list, a model, through links' 'refused, kept' json_over_others
row 'mesh fit over its mesh' 'refused, kept' fit_over_source
row 'a face on its side' '1 face' on_its_side
row 'an upside-down face' 'roll beyond 150' upside_down
row 'HEIC, AVIF, JFIF' '3 written, HEIC done or named' formats
row 'one GIF among pictures' 'done or named' gif_among
row 'a truncated JPEG' 'exit 1, damaged 1' truncated
row 'half an MKV' 'said, complete false' half_mkv
row 'half a WebM' 'said, complete false' half_webm
row 'an input cut while it is read' 'said, not complete' cut_while_read
row 'quoted names in boxes' 'exit 0, 5 of 5' quoted
row 'boxes that match nothing' 'named' rows_of_nothing
row 'our own table as boxes' 'exit 0, 2 of 2' own_table
row 'boxes with --start' 'frame 12' boxes_start
row '--start counts frames of the source' 'first index 10' start_index
row 'the last frame of a GIF' '3 s' last_frame
row 'the last frame of a video of variable rate' 'as long' vfr_end
row 'a colour profile through PNG' 'kept or converted' profiles
row 'a colour profile' 'kept or converted' profile
row 'interlaced video' 'kept, or deinterlaced and said' interlaced
row 'interlaced video, --deinterlace off' 'kept' fields_kept
row 'HDR10 metadata' '2' hdr10
row 'overlay white in HDR' 'at most some 203 nits' too_bright
row 'overlay white in HLG' 'at most some 203 nits' hlg
row 'a cut in the scene' '0 faces after the cut, 2 ids' scene_cut
row 'an animated PNG' 'all frames, or named' apng
row 'an animated WebP' 'all frames, or named' awebp
row 'a name that is not UTF-8' 'exit 0, 1 face' not_utf8
row 'a FIFO' 'exit 0' fifo
row 'standard input' 'exit 0' standard_input
row 'subtitles and title' '1 subtitle, title T' subtitles
row 'subtitles in mp4' 'kept or said' subtitles_mp4
row 'chapters, title, timecode' 'kept or said' chapters

# --- from an attack on the program -----------------------------------------------------------------------------------
list_code() {
  cp "$attack/list-code/list.txt" .
  if command -v cc >/dev/null; then
    printf '#include <stdio.h>\n__attribute__((constructor)) static void ran(void) { FILE *f = fopen("ran", "w"); if (f) fclose(f); }\n' | cc -shared -fPIC -x c - -o evil.so
  fi
  img2pose_free run list.txt --json j.jsonl; echo "$(refused), $([ -e ran ] && echo 'code ran' || echo 'no code ran')"
}
list_ssrf() { cp "$attack/list-ssrf.txt" list.txt; img2pose_free run list.txt --json j.jsonl; refused_saying 'lavfi|protocol|list'; }
# What names an address, as a file and in a list: nobody must come to the server that waits there.
serve() { command -v python3 >/dev/null || return 1; python3 "$root/scripts/attack-server.py" & server=$!; local i; for i in $(seq 100); do [ -s ports ] && break; sleep 0.1; done; read -r host victim <ports; }
fetches() {
  local server host victim; serve || { echo "no python3"; return; }
  local u=http://127.0.0.1:$victim/x bad=0 f
  printf '#EXTM3U\n#EXTINF:1,\n%s.ts\n#EXT-X-ENDLIST\n' "$u" >a.m3u8; cp a.m3u8 a.mp4
  printf '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="%s"\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n' "$u" >k.m3u8
  printf '<?xml version="1.0"?><MPD type="static"><BaseURL>%s/</BaseURL><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><SegmentList><SegmentURL media="%s"/></SegmentList></Representation></AdaptationSet></Period></MPD>' "$u" "$u" >d.mpd; cp d.mpd d.mp4
  printf 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video %s RTP/AVP 96\n' "$victim" >s.sdp; cp s.sdp s.mkv
  printf 'ffconcat version 1.0\nfile %s\n' "$u" >c.ffconcat; cp c.ffconcat c.mp4
  printf '[InternetShortcut]\nURL=%s\n' "$u" >i.url; printf '[playlist]\nFile1=%s\n' "$u" >p.pls
  for f in a.m3u8 a.mp4 k.m3u8 d.mpd d.mp4 s.sdp s.mkv c.ffconcat c.mp4 i.url p.pls; do img2pose_free run "$f" --json j.jsonl; [ "$(refused)" = refused ] || { echo "$f: $(refused)"; bad=1; }; done
  for f in "lavfi:movie=$u" "concat:$u|$u" "subfile,,start,0,end,9,,:$u" "cache:$u" "data:text/plain,x" "crypto:$u" "tee:$u"; do
    printf '%s\n' "$f" >l.txt
    img2pose_free run l.txt --json j.jsonl; [ "$(refused)" = refused ] || { echo "list $f: $(refused)"; bad=1; }
    img2pose_free run "$f" --json j.jsonl; [ "$(refused)" = refused ] || { echo "$f: $(refused)"; bad=1; }
  done
  kill "$server"; [ ! -e came ] || { echo "came for $(head -n 1 came)"; bad=1; }
  [ "$bad" -eq 1 ] || echo "refused, nobody came"
}
# A playlist of a server may name addresses of the same server, and nothing else. (Redirections of HTTP are followed: SECURITY.md.)
served_playlists() {
  local server host victim bad=0 f; serve || { echo "no python3"; return; }
  for f in other.m3u8 file.m3u8 concat.m3u8 other.mpd file.mpd; do
    img2pose_free run "http://127.0.0.1:$host/$f" --no-reconnect --json j.jsonl
    { [ "$code" -ge 1 ] && [ "$code" -le 4 ] && ! grep -q '^   at ' err.txt; } || { echo "$f: exit $code"; bad=1; }
  done
  kill "$server"; [ ! -e came ] || { echo "came for $(head -n 1 came)"; bad=1; }
  [ "$bad" -eq 1 ] || echo "ended, nobody came"
}
nested_ffconcat() { cp "$attack/self.ffconcat" .; img2pose run self.ffconcat --json j.jsonl; refused; }
models() { # every hostile model, with verify and with run
  local file bad=0
  for file in "$attack"/ts-*.onnx "$attack"/onnxrun-*.onnx "$attack"/onnxparts-*.onnx "$attack"/poseneg.onnx "$attack"/surrogate.onnx; do
    case $file in *'*'*) continue ;; esac
    img2pose_free run "$picture" --model "$file" --json j.jsonl
    if [ "$code" -ne 0 ]; then [ "$(refused)" = refused ] || { echo "$(basename "$file"): $(refused)"; bad=1; }; fi
    cp "$file" m.onnx
    img2pose_free models verify m.onnx
    if [ "$code" -ne 0 ]; then [ "$(refused)" = refused ] || { echo "verify $(basename "$file"): $(refused)"; bad=1; }; fi
  done
  [ "$bad" -eq 1 ] || echo "each refused or sound"
}
oobwrite() { img2pose_free run "$picture" --model "$attack/ts-oobwrite.onnx" --json j.jsonl; local run; run=$(refused); cp "$attack/ts-oobwrite.onnx" m.onnx; img2pose_free models verify m.onnx; echo "$run, verify $(refused)"; }
escapes() { cp "$attack/esc.onnx" m.onnx; img2pose_free models info m.onnx; cat out.txt err.txt >all.txt; img2pose_free models verify m.onnx; cat out.txt err.txt >>all.txt; img2pose_free run "$picture" --model m.onnx --json j.jsonl; cat out.txt err.txt j.jsonl >>all.txt; cp all.txt out.txt; : >err.txt; if [ "$(cat out.txt err.txt | tr -d '\n\t' | LC_ALL=C grep -c '[[:cntrl:]]')" -gt 0 ]; then echo "escapes printed"; else echo "clean"; fi; }
traversal() { mkdir -p a/b; img2pose_free dataset unpack "$attack/traversal.lmdb" --out a/b/out; echo "$(refused), $(find . -type f ! -name out.txt ! -name err.txt ! -path './a/b/out/*' | wc -l) outside"; }
nul_key() { img2pose_free dataset unpack "$attack/nul-key.lmdb" --out out; refused; }
emptypoint() { img2pose_free dataset unpack "$attack/emptypoint.lmdb" --out out; refused; }
lmdb() { local file bad=0; for file in "$attack"/lmdb-*.lmdb; do img2pose dataset unpack "$file" --out out; [ "$(bounded_set)" = bounded ] || { echo "$(basename "$file"): $(bounded_set)"; bad=1; }; done; [ "$bad" -eq 1 ] || echo bounded; }
partial_source() { cp "$attack/partial-source/clip.partial.mp4" .; local s; s=$(sum clip.partial.mp4); img2pose_free run clip.partial.mp4 --out clip.mp4; echo "source $([ "$s" = "$(sum clip.partial.mp4)" ] && echo kept)"; }
list_cycle() { mkdir l; cp "$attack/selflist/list.txt" l/; img2pose run l/list.txt --json j.jsonl; refused; }
full_stderr() { code=0; timeout "$seconds" dotnet "$program" run "$picture" --json j.jsonl >out.txt 2>/dev/full </dev/null || code=$?; echo "exit $code, complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"; }
closed_stderr() { code=0; timeout "$seconds" dotnet "$program" run "$picture" --json j.jsonl >out.txt 2>&- </dev/null || code=$?; echo "exit $code, complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"; }
gone_stderr() { code=0; { timeout "$seconds" dotnet "$program" run "$picture" --verbose --json j.jsonl 2>&1 >out.txt </dev/null; echo $? >code.txt; } | true; code=$(cat code.txt); echo "exit $code, complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"; }
gone_terminal() { # the program's terminal goes while it runs; SIGHUP ignored, as by nohup
  command -v python3 >/dev/null || { echo "no python3"; return; }
  face_video w.mp4 25 4
  python3 -c 'import os,pty,signal,sys,time
pid,fd=pty.fork()
if pid==0:
    signal.signal(signal.SIGHUP,signal.SIG_IGN); os.execvp(sys.argv[1],sys.argv[1:])
os.read(fd,1); os.close(fd)
print(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))' dotnet "$program" run w.mp4 --json j.jsonl >code.txt 2>/dev/null </dev/null
  echo "exit $(cat code.txt), complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"
}
two_runs() {
  ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=25:duration=6 -c:v libx264 w.mp4 </dev/null
  (timeout "$seconds" dotnet "$program" run w.mp4 --out x.mp4 >o1 2>e1 </dev/null; echo $? >c1) &
  (timeout "$seconds" dotnet "$program" run w.mp4 --out x.mp4 >o2 2>e2 </dev/null; echo $? >c2) &
  wait; echo "$(probe packet=pts x.mp4 | grep -c .) packets"
}
selfm() { img2pose run "$attack/selfm.m3u8" --json j.jsonl; refused; }
selfm_clip() { img2pose run "$attack/selfm-as-clip.mp4" --json j.jsonl; refused; }
bomb_checkpoint() { cp "$attack/bombs/$1" .; img2pose models import "$1" --name bomb; refused_saying 'limit|times'; }
bomb_dicts() { bomb_checkpoint dicts.pth; }
bomb_tensors() { bomb_checkpoint tensors.pth; }
bomb_mat() { mkdir d; cp "$attack/bombs/uint8-1e9.mat" d/a.mat; cp "$picture" d/a.jpg; img2pose eval aflw2000 d; refused_saying 'limit'; }
surface() { cp "$attack/bombs/overflow.bin" face-surface.bin; img2pose_free run "$picture" --mesh face-surface.bin --json j.jsonl; [ "$code" -le 4 ] && echo "no crash" || echo "exit $code"; }
json_lines() { local file bad=0; for file in "$attack"/json-*.jsonl; do img2pose_free dataset stats "$file"; [ "$(refused)" = refused ] || { echo "$(basename "$file"): $(refused)"; bad=1; }; done; [ "$bad" -eq 1 ] || echo refused; }
predictions() { mkdir pack; printf '{"image":"a.jpg","width":10,"height":10,"set":"s","complete":true,"faces":[]}\n' >pack/annotations.jsonl; local file bad=0; for file in "$attack"/pred-*.jsonl; do img2pose_free eval pack pack --predictions "$file"; [ "$(refused)" = refused ] || { echo "$(basename "$file"): $(refused)"; bad=1; }; done; [ "$bad" -eq 1 ] || echo refused; }
mesh_folder() {
  local file bad=0
  for file in "$attack"/meshfolder-*.npy; do
    rm -rf m; mkdir m; cp "$file" m/triangles.npy
    { printf '\223NUMPY\001\000v\000'; printf "%-117s\n" "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3), }"; head -c 48 /dev/zero; } >m/vertices_trans.npy
    img2pose_free mesh fit m --out o.bin; [ "$(refused)" = refused ] || { echo "$(basename "$file"): $(refused)"; bad=1; }
  done
  [ "$bad" -eq 1 ] || echo refused
}
fit_slow() {
  local file worst=0 began ended
  for file in "$attack"/objfit-slow-*.obj; do
    began=$(date +%s); img2pose_free mesh fit "$file" --out o.bin; ended=$(date +%s)
    [ $((ended - began)) -gt "$worst" ] && worst=$((ended - began))
    [ "$(bounded)" = bounded ] || { echo "$(basename "$file"): $(bounded)"; return; }
  done
  [ "$worst" -le 30 ] && echo "bounded" || echo "$worst s"
}
large_h264() { ffmpeg -v error -f lavfi -i color=size=16384x8192:rate=5:duration=0.4 -c:v libx264 -preset ultrafast w.mp4 </dev/null; [ -s w.mp4 ] || { echo bounded; return; }; img2pose run w.mp4 --json j.jsonl; bounded; }
large_png() { ffmpeg -v error -f lavfi -i color=size=16384x8192 -frames:v 1 w.png </dev/null; img2pose run w.png --json j.jsonl; bounded; }
large_ffv1() { ffmpeg -v error -f lavfi -i color=size=16384x8192:rate=5 -frames:v 2 -c:v ffv1 w.mkv </dev/null; img2pose run w.mkv --json j.jsonl; bounded; }
large_10() { # ten bits a sample
  local bad=0
  ffmpeg -v error -f lavfi -i color=size=16384x8192:rate=5 -frames:v 2 -pix_fmt yuv420p10le -c:v libx264 -preset ultrafast h.mp4 </dev/null
  ffmpeg -v error -f lavfi -i color=size=16384x8192:rate=5 -frames:v 2 -pix_fmt yuv420p10le -c:v ffv1 f.mkv </dev/null
  ffmpeg -v error -f lavfi -i color=size=16384x8192 -frames:v 1 -pix_fmt rgb48be p.png </dev/null
  local f; for f in h.mp4 f.mkv p.png; do [ -s "$f" ] || continue; img2pose run "$f" --json j.jsonl; [ "$(bounded)" = bounded ] || { echo "$f: $(bounded)"; bad=1; }; done
  [ "$bad" -eq 1 ] || echo bounded
}
many_lists() { mkdir l; local i; for i in $(seq 300); do printf '%s.txt\n' $((i + 1)) >"l/$i.txt"; done; cp "$picture" l/a.jpg; echo a.jpg >l/301.txt; img2pose run l/1.txt --json j.jsonl; bounded; }
long_silence() { ffmpeg -v error -f lavfi -i anullsrc=r=8000:cl=mono -f lavfi -i testsrc=size=64x64:rate=12 -t 86400 -c:a aac -b:a 8k -frames:v 12 -c:v libx264 -itsoffset 86399 w.mkv </dev/null; img2pose run w.mkv --out x.mkv; bounded; }
many_boxes() { cp "$picture" a.jpg; { echo file,l,t,r,b; for i in $(seq 4000); do echo "a.jpg,$((i % 50)),$((i % 40)),$((i % 50 + 60)),$((i % 40 + 60))"; done; } >b.csv; img2pose run a.jpg --boxes b.csv --json j.jsonl; bounded; }
looping() { local began; began=$(date +%s); (timeout -k 20 "$seconds" dotnet "$program" run "$picture" --model "$attack/$1" --json j.jsonl >out.txt 2>err.txt </dev/null & echo $! >pid; wait); local t=$(($(date +%s) - began)); [ "$t" -lt "$seconds" ] && echo "ends"; }
terminated() { # SIGTERM after 5 s: gone within 2 s, or done before
  (ulimit -v "$memory"; DOTNET_GCHeapHardLimit=0x40000000 exec dotnet "$program" run "$picture" --model "$attack/$1" --json j.jsonl) >out.txt 2>err.txt </dev/null &
  local pid=$! i; sleep 5; kill -TERM "$pid" 2>/dev/null
  for i in $(seq 25); do kill -0 "$pid" 2>/dev/null || { echo "gone"; return; }; sleep 0.1; done
  kill -KILL "$pid"; echo "still there"
}
stops() { # SIGTERM while the encoder is slowest: told once it encodes, gone within 2 s (3 where the machine has more to do)
  local codec=$1 preset=$2 i began
  ffmpeg -v error -f lavfi -i testsrc2=size=1920x1080:rate=25:duration=20 -c:v libx264 -preset ultrafast w.mp4 </dev/null
  dotnet "$program" run w.mp4 --codec "$codec" --preset "$preset" --out x.mp4 --json j.jsonl >out.txt 2>err.txt </dev/null & local pid=$!
  for i in $(seq 300); do [ -n "$(find . -name 'x.partial*' -size +0 | head -n 1)" ] && break; sleep 0.1; done
  sleep 3; began=$(date +%s%N); kill -TERM "$pid"; code=0; wait "$pid" || code=$?
  local ms=$((($(date +%s%N) - began) / 1000000))
  [ "$ms" -lt 3000 ] && echo "exit $code, $({ [ -s x.mp4 ] && [ -z "$(ffmpeg -v error -i x.mp4 -f null - </dev/null 2>&1)" ]; } && echo whole || echo damaged), complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)" || echo "$ms ms"
}
stop_hevc() { stops hevc medium; }; stop_slow() { stops h264 veryslow; }
loop_model() { terminated loop.onnx; }
cos_model() { terminated cos8g.onnx; }
external() { local file bad=0; mkdir d; cp "$attack"/external-data/* d/; for file in d/*.onnx; do img2pose_free run "$picture" --model "$file" --json j.jsonl; [ "$(refused)" = refused ] || { echo "$(basename "$file"): $(refused)"; bad=1; }; done; [ "$bad" -eq 1 ] || echo refused; }
early_sigterm() {
  echo '{"type":"header"}' >j.jsonl; local s; s=$(sum j.jsonl)
  ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=25:duration=20 -c:v libx264 w.mp4 </dev/null
  dotnet "$program" run w.mp4 --json j.jsonl >out.txt 2>err.txt </dev/null & local pid=$!; sleep 0.3; kill -TERM "$pid"; wait "$pid"
  [ "$s" = "$(sum j.jsonl)" ] && echo "kept" || { grep -q '"type":"frame"' j.jsonl && echo kept || echo "replaced by an empty one"; }
}
json_is_folder() { mkdir d; img2pose_free run "$picture" --json d; { [ "$code" -ge 1 ] && [ "$code" -le 4 ] && ! grep -q '^   at ' err.txt; } && echo "named" || echo "exit $code"; }
symlink_partial() { echo precious >victim; ln -s victim x.partial.jpg; img2pose_free run "$picture" --out x.jpg; [ "$(cat victim)" = precious ] && echo "not followed" || echo "followed"; }
import_sighup() { printf 'PK\003\004' >m.pth; img2pose_free models import m.pth --name x; refused; }
hangup() { # SIGHUP in a verb that writes: nothing is left but what was there
  mkdir models; ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=25:duration=20 -c:v libx264 w.mp4 </dev/null
  dotnet "$program" run w.mp4 --realtime --json j.jsonl >out.txt 2>err.txt </dev/null & local pid=$! i
  for i in $(seq 300); do [ "$(cat j*partial* 2>/dev/null | grep -c '"type":"frame"')" -gt 2 ] && break; sleep 0.1; done
  kill -HUP "$pid"; code=0; wait "$pid" || code=$?; echo "exit $code, complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2), $(find . -name '*partial*' | wc -l) left"
}
damaged_of_set() { # one damaged picture of a set: told, the rest done, exit 1
  local bad=0; mkdir s; cp "$picture" s/a.jpg; cp "$picture" s/c.jpg; echo none >s/b.jpg
  try() { img2pose_free "$@"; { [ "$code" -eq 1 ] && grep -q 'b\.jpg' err.txt; } || { echo "$1 $2: exit $code"; bad=1; }; }
  try run s --out d/ ; [ "$(find d -type f | wc -l)" -eq 2 ] || { echo "run: $(find d -type f | wc -l) of 2"; bad=1; }
  try align s --out e
  try views s --out f
  printf '{"image":"a.jpg","width":%s,"height":%s,"set":"s","complete":true,"faces":[]}\n' "$(probe stream=width s/a.jpg)" "$(probe stream=height s/a.jpg)" >s/annotations.jsonl
  sed 's/a\.jpg/b.jpg/' s/annotations.jsonl | cat - s/annotations.jsonl >t; mv t s/annotations.jsonl
  try eval pack s
  try dataset annotate s --replace --model "$(find "$root/models" -name '*.onnx' | head -n 1)"
  [ "$bad" -eq 1 ] || echo "told, the rest done"
}
few_files() { code=0; (ulimit -n 32; timeout "$seconds" dotnet "$program" run "$picture" --json j.jsonl) >out.txt 2>err.txt </dev/null || code=$?; { [ "$code" -le 4 ] && ! grep -q '^   at ' err.txt; } && echo "clean" || echo "exit $code"; }
absurd_boxes() { cp "$picture" a.jpg; printf 'file,l,t,r,b\na.jpg,-1e300,-1e300,1e300,1e300\n' >b.csv; img2pose_free run a.jpg --boxes b.csv --json j.jsonl; if [ "$code" -eq 0 ]; then echo "not the model's fault"; elif grep -q 'b\.csv' err.txt; then echo "not the model's fault"; else head -n 1 err.txt; fi; }
huge_sar() { ffmpeg -v error -f lavfi -i testsrc=size=64x64:rate=5:duration=1 -vf setsar=2147483647/1 -c:v ffv1 w.mkv </dev/null; img2pose run w.mkv --out x.mp4; bounded; }
empty_boxes() { img2pose_free run "$picture" --boxes "" --json j.jsonl; refused; }
bad_file_url() { img2pose_free run 'file://[' --json j.jsonl; refused; }

row 'a list that runs code' 'refused, no code ran' list_code
row 'a list that fetches' 'refused, said so' list_ssrf
row 'playlists, descriptions, graphs that fetch' 'refused, nobody came' fetches
row 'playlists of a server that name others' 'ended, nobody came' served_playlists
row 'a playlist of itself (ffconcat)' 'refused' nested_ffconcat
row 'ts-oobwrite' 'refused, verify refused' oobwrite
row 'hostile models' 'each refused or sound' models
row 'escapes in metadata' 'clean' escapes
row 'traversal.lmdb' 'refused, 0 outside' traversal
row 'nul-key.lmdb' 'refused' nul_key
row 'emptypoint.lmdb' 'refused' emptypoint
row 'lmdb-*' 'bounded' lmdb
row 'clip.partial.mp4 as a source' 'source kept' partial_source
row 'a list of itself' 'refused' list_cycle
row 'standard error on /dev/full' 'exit 0, complete true' full_stderr
row 'standard error closed' 'exit 0, complete true' closed_stderr
row 'standard error a pipe that nobody reads' 'exit 0, complete true' gone_stderr
row 'the terminal gone' 'exit 0, complete true' gone_terminal
row 'two runs, one output' '150 packets' two_runs
row 'selfm.m3u8' 'refused' selfm
row 'selfm as clip.mp4' 'refused' selfm_clip
row 'bombs/dicts.pth' 'refused, said so' bomb_dicts
row 'bombs/tensors.pth' 'refused, said so' bomb_tensors
row 'bombs/uint8-1e9.mat' 'refused, said so' bomb_mat
row 'bombs/overflow.bin' 'no crash' surface
row 'json-*' 'refused' json_lines
row 'pred-*' 'refused' predictions
row 'meshfolder-*' 'refused' mesh_folder
row 'objfit-slow-*' 'bounded' fit_slow
row '16384x8192 H.264' 'bounded' large_h264
row '16384x8192 PNG' 'bounded' large_png
row '16384x8192 FFV1' 'bounded' large_ffv1
row '16384x8192 of ten bits: H.264, FFV1, PNG' 'bounded' large_10
row 'three hundred lists in lists' 'bounded' many_lists
row '24 h of silence' 'bounded' long_silence
row '4000 boxes' 'bounded' many_boxes
row 'loop.onnx and SIGTERM' 'gone' loop_model
row 'cos8g.onnx and SIGTERM' 'gone' cos_model
row 'SIGTERM at 1080 lines of HEVC' 'exit 143, whole, complete false' stop_hevc
row 'SIGTERM at 1080 lines of H.264, veryslow' 'exit 143, whole, complete false' stop_slow
row 'external data' 'refused' external
row 'SIGTERM before the first frame' 'kept' early_sigterm
row '--json names a folder' 'named' json_is_folder
row 'a symlink at the partial name' 'not followed' symlink_partial
row 'an import of nothing' 'refused' import_sighup
row 'SIGHUP' 'exit 129, complete false, 0 left' hangup
row 'one damaged picture of a set' 'told, the rest done' damaged_of_set
row 'ulimit -n 32' 'clean' few_files
row 'absurd boxes' "not the model's fault" absurd_boxes
row 'SAR 2147483647' 'bounded' huge_sar
row '--boxes ""' 'refused' empty_boxes
row 'file://[' 'refused' bad_file_url

echo "$((passed + failed)) rows, $passed equal, $failed differ"
[ "$failed" -eq 0 ]
