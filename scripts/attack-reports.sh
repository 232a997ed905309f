# Rows of attack.sh that come from public reports of what went wrong; sourced.

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
half() { # CODEC CONTAINER
  ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=8 -c:v "$1" "w.$2" </dev/null; head -c $(($(stat -c %s "w.$2") / 2)) "w.$2" >"h.$2"
  img2pose_free run "h.$2" --json j.jsonl; echo "$(grep -qiE 'ends early|cut short|early' err.txt && echo said), complete $(complete)"
}
half_mkv() { half libx264 mkv; }
half_webm() { half libvpx webm; }
cut_while_read() { # the video loses its second half while it is decoded
  ffmpeg -v error -f lavfi -i testsrc2=size=1280x720:rate=25:duration=12 -c:v libx264 -preset ultrafast -g 25 w.mkv </dev/null
  dotnet "$program" run w.mkv --realtime --json j.jsonl >out.txt 2>err.txt </dev/null & local pid=$! i
  for i in $(seq 100); do [ -n "$(find . -name 'j*partial*' -size +0 | head -n 1)" ] && break; sleep 0.1; done
  truncate -s $(($(stat -c %s w.mkv) / 2)) w.mkv; code=0; wait "$pid" || code=$?
  { [ "$code" -le 4 ] && ! grep -q '^   at ' err.txt && grep -qiE 'early|cut|damaged|shorter|read' err.txt && grep -q '"complete":false' j.jsonl; } && echo "said, not complete" || echo "exit $code, complete $(complete)"
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
# The overlay's white in x.mp4 against what 203 nits are there, a share of the range.
white() {
  ffmpeg -v error -i x.mp4 -frames:v 1 -pix_fmt gray16le -f rawvideo - </dev/null 2>/dev/null | od -An -v -tu2 -w2 | sort -n |
    awk -v most="$1" '{ a[NR] = $1 } END { y = a[int(NR * 0.999)] / 65535; print (y > 0.1 && y < most) ? "at most some 203 nits" : "luma " y }'
}
hlg() { # white of the overlay in HLG is 75 % of the range
  ffmpeg -v error -i "$faults/overlay_is_too_bright_in_hdr.mp4" -c:v libx265 -x265-params log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc -color_trc arib-std-b67 -color_primaries bt2020 -colorspace bt2020nc w.mp4 </dev/null
  img2pose_free run w.mp4 --codec hevc --quality 4 --alpha 1 --out x.mp4
  white 0.78
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
  white 0.66
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
