#!/usr/bin/env bash
# Sets up, builds everything, and runs every test project. The last line is "N passed, N failed, N skipped"; the exit
# code is 0 only when nothing failed. ./test.sh NAME... runs only the projects whose names contain one of the words.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. scripts/common.sh

ensure_packages scripts/apt-packages.txt
ensure_onnxruntime
# Tests of training and of the converter skip visibly where libtorch or OpenCV cannot be had; everything else is tested
# all the same.
torch=ON opencv=ON
ensure_packages scripts/apt-packages-train.txt || torch=OFF
ensure_packages scripts/apt-packages-convert.txt || opencv=OFF
say "Building"
build_native "$torch" "$opencv"
build_managed Img2Pose.Realtime.sln

results=$cache/tests
rm -rf "$results"
mkdir -p "$results"
passed=0 failed=0 skipped=0
for project in tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  case $name in
    *.Tests | *.EndToEnd) ;;
    *) continue ;;
  esac
  if [ "$#" -gt 0 ]; then
    wanted=
    for word in "$@"; do case $name in *"$word"*) wanted=1 ;; esac; done
    [ -n "$wanted" ] || continue
  fi
  log=$results/$name.log
  code=0
  dotnet "tests/$name/bin/Release/net10.0/$name.dll" -noLogo -noColor </dev/null >"$log" 2>&1 || code=$?
  summary=$(grep -E 'Total: +[0-9]+, Errors: +[0-9]+, Failed: +[0-9]+, Skipped: +[0-9]+' "$log" | tail -n 1 || true)
  if [ -n "$summary" ]; then
    number() { sed -E "s/.*$1: +([0-9]+).*/\1/" <<<"$summary"; }
    total=$(number Total) errors=$(number Errors) bad=$(($(number Failed) + errors)) left_out=$(number Skipped)
  else
    # It died before it could count.
    total=0 bad=1 left_out=0
  fi
  # A failing exit code without a failed test is a failure too. An empty project exits with an error by convention.
  if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && [ "$total" -gt 0 ]; then bad=1; fi
  good=$((total - bad - left_out))
  [ "$good" -ge 0 ] || good=0
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left_out))
  printf '%-28s %5d passed, %d failed, %d skipped\n' "$name" "$good" "$bad" "$left_out"
  # Why a test failed or was skipped is never hidden.
  if [ "$bad" -gt 0 ]; then grep -vE '^ *\[SKIP\]' "$log" | tail -n 200; fi
  grep -A 2 -E '\[SKIP\]' "$log" || true
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
