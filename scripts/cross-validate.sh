#!/usr/bin/env bash
# How well side views of persons are posed that were not trained on: cross-validation over the persons of Pointing'04.
#   scripts/cross-validate.sh [--folds K] [--steps N] [--start MODEL] [--data PACK] [--out FOLDER] [-- OPTIONS OF TRAIN]
# For each of K parts of the persons (5) a run of N steps (1000) without them, from MODEL (the default one) with a frozen backbone, and
# then `eval pack` on them alone. Prints each part's yaw errors, the means over parts, and those of MODEL itself on the same
# persons. Where MODEL has been trained on the persons its backbone may still know them, and the figure is a bound from below; how
# much that can be tells MODEL's own. Labels of side views are chosen by runs with other OPTIONS (--nominal-from 60, --nominal-from 91).
# What is done stays: a part whose report is there is not done again, so FOLDER is one for these settings alone.
set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "$0")")")
folds=5 steps=1000 start=$root/models/img2pose-nano.onnx data=$root/../shared/data/train out=out/cross-validation own=()
usage() { echo "usage: $0 [--folds K] [--steps N] [--start MODEL] [--data PACK] [--out FOLDER] [-- OPTIONS OF TRAIN]" >&2; exit 2; }
while [ "$#" -gt 0 ]; do
  [ "$1" = -- ] && { shift; own=("$@"); break; }
  [ "$#" -ge 2 ] || usage
  case $1 in
    --folds) folds=$2 ;;
    --steps) steps=$2 ;;
    --start) start=$2 ;;
    --data) data=$2 ;;
    --out) out=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $folds =~ ^[0-9]+$ && $steps =~ ^[0-9]+$ ]] && [ "$folds" -ge 2 ] && [ "$steps" -ge 1 ] || usage
[ -e "$data/annotations.jsonl" ] || { echo "$0: $data holds no annotations.jsonl" >&2; exit 3; }
# person01100m90p0.jpg: person 01, first series, picture 00, tilt -90, pan 0.
mapfile -t persons < <(grep -o '"images/pointing04/person[0-9][0-9]' "$data/annotations.jsonl" | grep -o '[0-9]*$' | sort -u)
[ -e "$start" ] || { echo "$0: there is no $start" >&2; exit 3; }
[ "${#persons[@]}" -ge "$folds" ] || { echo "$0: $data has ${#persons[@]} persons of Pointing'04, fewer than $folds parts" >&2; exit 3; }
program=("$root/run.sh")
if [ -n "${IMG2POSE_PROGRAM:-}" ]; then program=("$IMG2POSE_PROGRAM"); fi
mkdir -p "$out"
# Reports of other settings would be averaged with these.
settings="$folds parts, $steps steps, from $(sha256sum <"$start" | cut -c -16), data $(sha256sum <"$data/annotations.jsonl" | cut -c -16), options ${own[*]}"
if [ -e "$out/settings" ] && [ "$(cat "$out/settings")" != "$settings" ]; then
  echo "$0: $out holds results of other settings ($(cat "$out/settings")); name another folder with --out" >&2
  exit 2
fi
echo "$settings" >"$out/settings"
# measure MODEL REPORT NAMES…: the errors on pictures with these names. Whole, or not there.
measure() {
  local model=$1 report=$2
  shift 2
  [ -s "$report" ] && return
  "${program[@]}" eval pack "$data" --only "$@" --model "$model" --json "$report.new" >"${report%.json}.txt"
  mv "$report.new" "$report"
}
# A part that was interrupted begins anew.
for ((fold = 0; fold < folds; fold++)); do
  held=()
  for ((i = fold; i < ${#persons[@]}; i += folds)); do held+=("pointing04/person${persons[i]}"); done
  measure "$start" "$out/start$fold.json" "${held[@]}"
  [ ! -s "$out/part$fold.json" ] || continue
  echo "part $fold: ${held[*]}"
  "${program[@]}" train "$data" --init "$start" --freeze-backbone --without "${held[@]}" --steps "$steps" --epoch-steps "$steps" \
    --seed "$((fold + 1))" --out "$out/part$fold" "${own[@]}"
  measure "$out/part$fold/img2pose-nano.onnx" "$out/part$fold.json" "${held[@]}"
done
# Each row's value follows its key after some lines, null where no face was measured; several parts make columns.
for of in part start; do
  [ "$of" = part ] && echo "without the persons:" || echo "$start, the same persons:"
  for key in pan_0_30 pan_45_60 pan_75_90; do
    for ((fold = 0; fold < folds; fold++)); do
      awk -v key="pointing04_$key" 'index($0, "\"" key "\"") { found = 1 } found && /"value":/ { sub(/.*"value": */, ""); sub(/,.*/, ""); print; exit }' "$out/$of$fold.json"
    done | awk -v key="$key" '
      { v[NR] = $1; if ($1 != "null") { sum += $1; count++ } }
      END {
        printf "yaw error %-10s", key
        for (i = 1; i <= NR; i++) if (v[i] == "null") printf "      -"; else printf " %6.2f", v[i]
        if (count) printf "   mean %.2f\n", sum / count; else print "   no faces"
      }'
  done
done
