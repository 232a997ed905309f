# Rows of attack.sh that come from an attack on the program: files, servers, limits, signals; sourced.

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
full_stderr() { code=0; timeout "$seconds" dotnet "$program" run "$picture" --json j.jsonl >out.txt 2>/dev/full </dev/null || code=$?; echo "exit $code, complete $(complete)"; }
closed_stderr() { code=0; timeout "$seconds" dotnet "$program" run "$picture" --json j.jsonl >out.txt 2>&- </dev/null || code=$?; echo "exit $code, complete $(complete)"; }
gone_stderr() { code=0; { timeout "$seconds" dotnet "$program" run "$picture" --verbose --json j.jsonl 2>&1 >out.txt </dev/null; echo $? >code.txt; } | true; code=$(cat code.txt); echo "exit $code, complete $(complete)"; }
gone_terminal() { # the program's terminal goes while it runs; SIGHUP ignored, as by nohup
  command -v python3 >/dev/null || { echo "no python3"; return; }
  face_video w.mp4 25 4
  python3 -c 'import os,pty,signal,sys,time
pid,fd=pty.fork()
if pid==0:
    signal.signal(signal.SIGHUP,signal.SIG_IGN); os.execvp(sys.argv[1],sys.argv[1:])
os.read(fd,1); os.close(fd)
print(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))' dotnet "$program" run w.mp4 --json j.jsonl >code.txt 2>/dev/null </dev/null
  echo "exit $(cat code.txt), complete $(complete)"
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
  [ "$ms" -lt 3000 ] && echo "exit $code, $({ [ -s x.mp4 ] && [ -z "$(ffmpeg -v error -i x.mp4 -f null - </dev/null 2>&1)" ]; } && echo whole || echo damaged), complete $(complete)" || echo "$ms ms"
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
  kill -HUP "$pid"; code=0; wait "$pid" || code=$?; echo "exit $code, complete $(complete), $(find . -name '*partial*' | wc -l) left"
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
