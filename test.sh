#!/usr/bin/env bash
# Sets up, builds everything, and runs every test project, as many side by side as there are cores: they share nothing but
# the machine. The last line is "N passed, N failed, N skipped"; the exit code is 0 only when nothing failed. A test that is
# skipped for a reason that tests/allowed-skips.txt does not list counts as failed. ./test.sh NAME... runs only the projects
# whose names contain one of the words. What takes longer than all of this is in scripts/soak.sh.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. scripts/common.sh

ensure_packages scripts/apt-packages.txt scripts/apt-packages-test.txt
choose_onnxruntime
# Where libtorch or GTK cannot be had everything else is tested all the same, and the result is red.
torch=ON gtk=ON
ensure_packages scripts/apt-packages-train.txt || torch=OFF
ensure_packages scripts/apt-packages-dataset.txt || gtk=OFF
# Without a display the tests of the window are skipped, and the result is red.
ensure_packages scripts/apt-packages-display.txt || say "Xvfb or xdotool cannot be had"
say "Building"
build_native "$torch" ON
build_managed Img2Pose.Realtime.sln
# The code of training and its tests also compile against the real TorchSharp.
# Where that one's libtorch loads (it wants the C++ library of GCC 13, as Debian 13 has it), its tests run with it as well.
real=$PWD/$cache/real with_real=
if grep -qs GLIBCXX_3.4.32 /usr/lib/*/libstdc++.so.6; then
  with_real=Img2Pose.Training.Tests.TorchSharp
  build_managed tests/Img2Pose.Training.Tests -p:Interop=TorchSharp -p:LibTorch=true -p:UseArtifactsOutput=true "-p:ArtifactsPath=$real"
else
  build_managed tests/Img2Pose.Training.Tests -p:Interop=TorchSharp -p:UseArtifactsOutput=true "-p:ArtifactsPath=$real"
fi

results=$cache/tests
rm -rf "$results"
mkdir -p "$results"
# What the program says in tests is kept, to be searched for their passwords.
export IMG2POSE_TEST_OUTPUTS=$PWD/$results/outputs
mkdir "$IMG2POSE_TEST_OUTPUTS"

# Runs one project, says how it went, and leaves its three numbers in NAME.counts.
test_project() {
  local name=$1 log=$results/$1.log code=0 started=$SECONDS program=tests/$1/bin/Release/net10.0/$1.dll
  if [ "$name" = "$with_real" ]; then program=$real/bin/Img2Pose.Training.Tests/release/Img2Pose.Training.Tests.dll; fi
  dotnet "$program" -noLogo -noColor </dev/null >"$log" 2>&1 || code=$?
  local summary total bad left_out good unexpected
  summary=$(grep -E 'Total: +[0-9]+, Errors: +[0-9]+, Failed: +[0-9]+, Skipped: +[0-9]+' "$log" | tail -n 1 || true)
  number() { sed -E "s/.*$1: +([0-9]+).*/\1/" <<<"$summary"; }
  if [ -n "$summary" ]; then
    total=$(number Total) bad=$(($(number Failed) + $(number Errors))) left_out=$(number Skipped)
  else
    # It died before it could count.
    total=0 bad=1 left_out=0
  fi
  # A failing exit code without a failed test is a failure too. An empty project exits with an error by convention.
  if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && [ "$total" -gt 0 ]; then bad=1; fi
  good=$((total - bad - left_out))
  [ "$good" -ge 0 ] || good=0
  # The reason stands below the test's name.
  unexpected=$(grep -A 1 -E '\[SKIP\]$' "$log" | grep -vE '\[SKIP\]$|^--$' | sed 's/^ *//' |
    grep -vE -f <(grep -vE '^(#|$)' tests/allowed-skips.txt) | sort | uniq -c || true)
  local surprises=0
  if [ -n "$unexpected" ]; then surprises=$(awk '{ n += $1 } END { print n }' <<<"$unexpected"); fi
  bad=$((bad + surprises)) left_out=$((left_out - surprises))
  echo "$good $bad $left_out" >"$results/$name.counts"
  # One project's lines stay together. Why a test failed or was skipped is never hidden.
  {
    flock 8
    printf '%-28s %5d passed, %d failed, %d skipped in %d s\n' "$name" "$good" "$bad" "$left_out" "$((SECONDS - started))"
    if [ "$bad" -gt "$surprises" ]; then grep -vE '^ *\[SKIP\]' "$log" | tail -n 200; fi
    grep -A 2 -E '\[SKIP\]' "$log" || true
    if [ -n "$unexpected" ]; then printf 'Skipped for reasons that tests/allowed-skips.txt does not list:\n%s\n' "$unexpected"; fi
  } 8>"$results/lock"
}

# The longest first, so that none of them is left to run alone at the end.
names=()
for project in tests/Img2Pose.{EndToEnd,Training.Tests} ${with_real:+"tests/$with_real"} tests/Img2Pose.{Media.Tests,Evaluation.Tests,Inference.Tests,Models.Tests,Pipeline.Tests} tests/*; do
  name=$(basename "$project")
  case $name in *.Tests | *.EndToEnd | "$with_real") ;; *) continue ;; esac
  if [ "$name" != "$with_real" ] && [ ! -f "$project/$name.csproj" ]; then continue; fi
  case " ${names[*]} " in *" $name "*) continue ;; esac
  if [ "$#" -gt 0 ]; then
    wanted=
    for word in "$@"; do case $name in *"$word"*) wanted=1 ;; esac; done
    [ -n "$wanted" ] || continue
  fi
  names+=("$name")
done

# The packages and the programs of samples/, which are built against them; they need a clip with a face.
samples() {
  local log=$results/samples.log clip=${IMG2POSE_SHARED:-../shared}/faults/new_id_in_every_frame_at_half_a_frame_a_second.mp4 started=$SECONDS
  if [ ! -f "$clip" ]; then
    echo "0 0 1" >"$results/samples.counts"
    echo "samples                      skipped: ../shared/faults has no clip"
  elif scripts/try-samples.sh "$clip" >"$log" 2>&1; then
    echo "1 0 0" >"$results/samples.counts"
    printf '%-28s %s in %d s\n' samples "$(tail -n 1 "$log")" "$((SECONDS - started))"
  else
    echo "0 1 0" >"$results/samples.counts"
    tail -n 40 "$log"
  fi
}

lanes=$(($(nproc) < 4 ? $(nproc) : 4)) running=0
for name in "${names[@]}"; do
  if [ "$running" -ge "$lanes" ]; then
    wait -n || true
    running=$((running - 1))
  fi
  test_project "$name" &
  running=$((running + 1))
done
wait

case " ${*:-samples} " in *\ samples\ *)
  samples
  names+=(samples)
  ;;
esac

passed=0 failed=0 skipped=0
for name in "${names[@]}"; do
  good=0 bad=1 left_out=0
  if [ -f "$results/$name.counts" ]; then read -r good bad left_out <"$results/$name.counts"; fi
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left_out))
done
if [ "$torch" = OFF ] || [ "$gtk" = OFF ]; then
  echo "What the tests of training or of the converter need could not be installed (log: $cache/apt.log)"
  failed=$((failed + 1))
fi

# A test's own name may hold one.
leaks=$(grep -rF -f tests/secrets.txt "$results" | grep -vE '\[(FAIL|SKIP)\]$' || true)
if [ -n "$leaks" ]; then
  printf 'Passwords of tests stand in what the program said:\n%s\n' "$leaks"
  failed=$((failed + 1))
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
