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
  if tr -d '\n\t' <err.txt | LC_ALL=C grep -q '[[:cntrl:]]'; then echo "control characters"; return; fi
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
  else failed=$((failed + 1)); echo "DIFFERS | $name | $expected | $got"; fi
}

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
long_name() { local n; n=$(printf 'n%.0s' $(seq 250)).jpg; cp "$faults/same_face_as_a_picture_is_found.jpg" "$n"; img2pose_free run "$n" --out d/; echo "exit $code, $(find d -type f | wc -l) file"; }
doubtful() { img2pose_free run "$faults/doubtful_face_is_never_reported_at_half_a_frame_a_second.mp4" --json j.jsonl; echo "$(frames_with_faces j.jsonl) of 8"; }
one_id() { img2pose_free run "$faults/new_id_in_every_frame_at_half_a_frame_a_second.mp4" --json j.jsonl; echo "$(grep -o '"id":[0-9]*' j.jsonl | sort -u | wc -l) id"; }
json_over_source() { mkdir dir; cp "$faults/same_face_as_a_picture_is_found.jpg" dir/a.jpg; local s; s=$(sum dir/a.jpg); img2pose_free run 'dir/*' --json dir/a.jpg; echo "$(refused), $([ "$s" = "$(sum dir/a.jpg)" ] && echo kept)"; }
json_over_boxes() { cp "$faults/same_face_as_a_picture_is_found.jpg" a.jpg; printf 'file,l,t,r,b\na.jpg,10,10,60,60\n' >b.csv; local s; s=$(sum b.csv); img2pose_free run a.jpg --boxes b.csv --json b.csv; echo "$(refused), $([ "$s" = "$(sum b.csv)" ] && echo kept)"; }
fit_over_source() { cp "$attack/objfit-slow-2006.obj" x.obj; local s; s=$(sum x.obj); img2pose_free mesh fit x.obj --out x.obj; echo "$(refused), $([ "$s" = "$(sum x.obj)" ] && echo kept)"; }
on_its_side() { img2pose_free run "$faults/face_on_its_side_is_not_found.jpg" --json j.jsonl; echo "$(faces j.jsonl) face"; }
upside_down() { img2pose_free run "$faults/upside_down_face_gets_an_upright_pose.jpg" --json j.jsonl; grep -o '"roll":-\?[0-9.]*' j.jsonl | head -n 1 | awk -F: '{ r = $2 < 0 ? -$2 : $2; print (r > 150 && r <= 180) ? "roll beyond 150" : "roll " $2 } END { if (!NR) print "no face" }'; }
formats() { img2pose_free run "$faults/folder_skips_heic_avif_jfif_silently" --out d/; echo "$(find d -type f | wc -l) written, HEIC $({ find d -name 'IMG_1*' | grep -q . || grep -q IMG_1 err.txt; } && echo 'done or named')"; }
gif_among() { mkdir in; cp "$faults/last_frame_of_3s_becomes_10ms.gif" in/m.gif; cp "$faults/same_face_as_a_picture_is_found.jpg" in/a.jpg; img2pose_free run in --json f.jsonl; if [ "$code" -eq 0 ] || grep -q 'm\.gif' err.txt; then echo "done or named"; else echo "exit $code: $(head -n 1 err.txt)"; fi; }
truncated() { img2pose_free run "$faults/truncated_jpeg_passes_as_whole.jpg" --json j.jsonl; echo "exit $code, damaged $(grep -o '"damaged":[0-9]*' j.jsonl | cut -d: -f2)"; }
half_mkv() { ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=8 -c:v libx264 w.mkv </dev/null; head -c $(($(stat -c %s w.mkv) / 2)) w.mkv >h.mkv; img2pose_free run h.mkv --json j.jsonl; echo "$(grep -qiE 'ends early|cut short|early' err.txt && echo said), complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"; }
quoted() { local f="$faults/quoted_names_in_boxes_never_match.csv" n; for n in 'a,b.jpg' 'quote".jpg' 'sp ace .jpg' 'ünï çödé 人.jpg' 'q?.jpg'; do cp "$faults/same_face_as_a_picture_is_found.jpg" "$n"; done; img2pose_free run . --boxes "$f" --json j.jsonl; echo "exit $code, $(faces j.jsonl) of 5"; }
rows_of_nothing() { cp "$faults/same_face_as_a_picture_is_found.jpg" a.jpg; printf 'file,l,t,r,b\nzzz.jpg,10,10,60,60\n' >b.csv; img2pose_free run a.jpg --boxes b.csv --json j.jsonl; grep -q 'zzz.jpg' err.txt && echo named || echo "silent"; }
start_index() { ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=3 -c:v libx264 w.mp4 </dev/null; img2pose_free run w.mp4 --start 1 --frames 2 --json j.jsonl; echo "first index $(grep '"type":"frame"' j.jsonl | head -n 1 | grep -o '"index":[0-9]*' | cut -d: -f2)"; }
last_frame() { # what is left of the whole after the last frame's time
  img2pose_free run "$faults/last_frame_of_3s_becomes_10ms.gif" --out x.mp4
  { probe format=duration x.mp4; probe packet=pts_time x.mp4; } | tr -d ',' | awk 'NR == 1 { whole = $1 } NR > 1 && $1 + 0 > last { last = $1 } END { d = whole - last; print (d > 2.9 && d < 3.1) ? "3 s" : d " s" }'
}
profile() { img2pose_free run "$faults/colour_profile_is_lost.jpg" --out x.jpg; if LC_ALL=C grep -q ICC_PROFILE x.jpg; then echo "kept or converted"; elif grep -qiE 'srgb|profile' err.txt; then echo "kept or converted"; else echo dropped; fi; }
interlaced() { img2pose_free run "$faults/interlaced_becomes_progressive_still_combed.mp4" --out x.mp4; if probe stream=field_order x.mp4 | grep -qE 'tt|bb|tb|bt'; then echo "kept, or deinterlaced and said"; elif grep -qi "is deinterlaced" err.txt; then echo "kept, or deinterlaced and said"; else echo "$(probe stream=field_order x.mp4 | head -n 1)"; fi; }
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
row 'a name of 254 bytes' 'exit 0, 1 file' long_name
row 'doubtful face' '8 of 8' doubtful
row 'one id at half a frame a second' '1 id' one_id
row '--json over a source' 'refused, kept' json_over_source
row '--json over --boxes' 'refused, kept' json_over_boxes
row 'mesh fit over its mesh' 'refused, kept' fit_over_source
row 'a face on its side' '1 face' on_its_side
row 'an upside-down face' 'roll beyond 150' upside_down
row 'HEIC, AVIF, JFIF' '3 written, HEIC done or named' formats
row 'one GIF among pictures' 'done or named' gif_among
row 'a truncated JPEG' 'exit 1, damaged 1' truncated
row 'half an MKV' 'said, complete false' half_mkv
row 'quoted names in boxes' 'exit 0, 5 of 5' quoted
row 'boxes that match nothing' 'named' rows_of_nothing
row '--start counts frames of the source' 'first index 10' start_index
row 'the last frame of a GIF' '3 s' last_frame
row 'a colour profile' 'kept or converted' profile
row 'interlaced video' 'kept, or deinterlaced and said' interlaced
row 'HDR10 metadata' '2' hdr10
row 'overlay white in HDR' 'at most some 203 nits' too_bright
row 'an animated PNG' 'all frames, or named' apng
row 'an animated WebP' 'all frames, or named' awebp
row 'a name that is not UTF-8' 'exit 0, 1 face' not_utf8
row 'a FIFO' 'exit 0' fifo
row 'standard input' 'exit 0' standard_input
row 'subtitles and title' '1 subtitle, title T' subtitles

# --- from an attack on the program -----------------------------------------------------------------------------------
picture=$faults/same_face_as_a_picture_is_found.jpg
list_code() {
  cp "$attack/list-code/list.txt" .
  if command -v cc >/dev/null; then
    printf '#include <stdio.h>\n__attribute__((constructor)) static void ran(void) { FILE *f = fopen("ran", "w"); if (f) fclose(f); }\n' | cc -shared -fPIC -x c - -o evil.so
  fi
  img2pose_free run list.txt --json j.jsonl; echo "$(refused), $([ -e ran ] && echo 'code ran' || echo 'no code ran')"
}
list_ssrf() { cp "$attack/list-ssrf.txt" list.txt; img2pose_free run list.txt --json j.jsonl; refused_saying 'lavfi|protocol|list'; }
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
escapes() { cp "$attack/esc.onnx" m.onnx; img2pose_free models info m.onnx; if cat out.txt err.txt | tr -d '\n\t' | LC_ALL=C grep -q '[[:cntrl:]]'; then echo "escapes printed"; else echo "clean"; fi; }
traversal() { mkdir -p a/b; img2pose_free dataset unpack "$attack/traversal.lmdb" --out a/b/out; echo "$(refused), $(find . -type f ! -name out.txt ! -name err.txt ! -path './a/b/out/*' | wc -l) outside"; }
nul_key() { img2pose_free dataset unpack "$attack/nul-key.lmdb" --out out; refused; }
emptypoint() { img2pose_free dataset unpack "$attack/emptypoint.lmdb" --out out; refused; }
lmdb() { local file bad=0; for file in "$attack"/lmdb-*.lmdb; do img2pose dataset unpack "$file" --out out; [ "$(bounded)" = bounded ] || { echo "$(basename "$file"): $(bounded)"; bad=1; }; done; [ "$bad" -eq 1 ] || echo bounded; }
partial_source() { cp "$attack/partial-source/clip.partial.mp4" .; local s; s=$(sum clip.partial.mp4); img2pose_free run clip.partial.mp4 --out clip.mp4; echo "source $([ "$s" = "$(sum clip.partial.mp4)" ] && echo kept)"; }
list_cycle() { mkdir l; cp "$attack/selflist/list.txt" l/; img2pose run l/list.txt --json j.jsonl; refused; }
full_stderr() { code=0; timeout "$seconds" dotnet "$program" run "$picture" --json j.jsonl >out.txt 2>/dev/full </dev/null || code=$?; echo "exit $code, complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"; }
closed_stderr() { code=0; timeout "$seconds" dotnet "$program" run "$picture" --json j.jsonl >out.txt 2>&- </dev/null || code=$?; echo "exit $code, complete $(grep -o '"complete":[a-z]*' j.jsonl | cut -d: -f2)"; }
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
long_silence() { ffmpeg -v error -f lavfi -i anullsrc=r=8000:cl=mono -f lavfi -i testsrc=size=64x64:rate=12 -t 86400 -c:a aac -b:a 8k -frames:v 12 -c:v libx264 -itsoffset 86399 w.mkv </dev/null; img2pose run w.mkv --out x.mkv; bounded; }
many_boxes() { cp "$picture" a.jpg; { echo file,l,t,r,b; for i in $(seq 4000); do echo "a.jpg,$((i % 50)),$((i % 40)),$((i % 50 + 60)),$((i % 40 + 60))"; done; } >b.csv; img2pose run a.jpg --boxes b.csv --json j.jsonl; bounded; }
looping() { local began; began=$(date +%s); (timeout -k 20 "$seconds" dotnet "$program" run "$picture" --model "$attack/$1" --json j.jsonl >out.txt 2>err.txt </dev/null & echo $! >pid; wait); local t=$(($(date +%s) - began)); [ "$t" -lt "$seconds" ] && echo "ends"; }
terminated() { # SIGTERM after 5 s: gone within 2 s, or done before
  (ulimit -v "$memory"; DOTNET_GCHeapHardLimit=0x40000000 exec dotnet "$program" run "$picture" --model "$attack/$1" --json j.jsonl) >out.txt 2>err.txt </dev/null &
  local pid=$! i; sleep 5; kill -TERM "$pid" 2>/dev/null
  for i in $(seq 25); do kill -0 "$pid" 2>/dev/null || { echo "gone"; return; }; sleep 0.1; done
  kill -KILL "$pid"; echo "still there"
}
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
few_files() { code=0; (ulimit -n 32; timeout "$seconds" dotnet "$program" run "$picture" --json j.jsonl) >out.txt 2>err.txt </dev/null || code=$?; { [ "$code" -le 4 ] && ! grep -q '^   at ' err.txt; } && echo "clean" || echo "exit $code"; }
absurd_boxes() { cp "$picture" a.jpg; printf 'file,l,t,r,b\na.jpg,-1e300,-1e300,1e300,1e300\n' >b.csv; img2pose_free run a.jpg --boxes b.csv --json j.jsonl; if [ "$code" -eq 0 ]; then echo "not the model's fault"; elif grep -q 'b\.csv' err.txt; then echo "not the model's fault"; else head -n 1 err.txt; fi; }
huge_sar() { ffmpeg -v error -f lavfi -i testsrc=size=64x64:rate=5:duration=1 -vf setsar=2147483647/1 -c:v ffv1 w.mkv </dev/null; img2pose run w.mkv --out x.mp4; bounded; }
empty_boxes() { img2pose_free run "$picture" --boxes "" --json j.jsonl; refused; }
bad_file_url() { img2pose_free run 'file://[' --json j.jsonl; refused; }

row 'a list that runs code' 'refused, no code ran' list_code
row 'a list that fetches' 'refused, said so' list_ssrf
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
row '24 h of silence' 'bounded' long_silence
row '4000 boxes' 'bounded' many_boxes
row 'loop.onnx and SIGTERM' 'gone' loop_model
row 'cos8g.onnx and SIGTERM' 'gone' cos_model
row 'external data' 'refused' external
row 'SIGTERM before the first frame' 'kept' early_sigterm
row '--json names a folder' 'named' json_is_folder
row 'a symlink at the partial name' 'not followed' symlink_partial
row 'an import of nothing' 'refused' import_sighup
row 'ulimit -n 32' 'clean' few_files
row 'absurd boxes' "not the model's fault" absurd_boxes
row 'SAR 2147483647' 'bounded' huge_sar
row '--boxes ""' 'refused' empty_boxes
row 'file://[' 'refused' bad_file_url

echo "$((passed + failed)) rows, $passed equal, $failed differ"
[ "$failed" -eq 0 ]
