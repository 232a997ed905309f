#!/usr/bin/env bash
# The card's recipe (models/img2pose-nano.md) from the data to a model package, in one command:
#   scripts/recipe.sh [--scale S] [--network nano|r18] [--data PACK] [--mesh PACK] [--out FOLDER] [-- OPTIONS OF TRAIN]
# S is the share of the steps, 1 by default; 0.01 shows that everything works. It may be stopped or killed at any moment: started
# again with the same options it goes on from the last checkpoint, and when it is done it only writes its report again. OPTIONS OF TRAIN
# that the recipe has, too, take its own ones' place.
# FOLDER/card.txt holds what a card must name: program and commit, seed, digest of the data, hours, steps.
set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "$0")")")
scale=1 network=nano data=$root/../shared/data/train mesh=$root/../shared/mesh out='' rate='' own=()
usage() { echo "usage: $0 [--scale S] [--network nano|r18] [--data PACK] [--mesh PACK|none] [--out FOLDER] [-- OPTIONS OF TRAIN]" >&2; exit 2; }
while [ "$#" -gt 0 ]; do
  [ "$1" = -- ] && { shift; own=("$@"); break; }
  [ "$#" -ge 2 ] || usage
  case $1 in
    --scale) scale=$2 ;;
    --network) network=$2 ;;
    --data) data=$2 ;;
    --mesh) mesh=$2 ;;
    --out) out=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $scale =~ ^(0?\.[0-9]+|[0-9]+(\.[0-9]+)?)$ ]] || { echo "$0: the scale '$scale' is not a number" >&2; exit 2; }
case $network in
  nano) whole=35000 extra=() ;;
  r18) whole=35000 extra=(--init resnet18-imagenet) rate=7e-4 ;;
  *) echo "$0: there is no recipe for '$network'; nano and r18 have one" >&2; exit 2 ;;
esac
out=${out:-out/recipe-$network}
steps=$(awk -v s="$scale" -v w="$whole" 'BEGIN { n = int(s * w + 0.5); print n < 2 ? 2 : n }')
# A checkpoint every five hundred steps, of a small run every tenth.
every=$((steps / 10 > 500 ? 500 : steps / 10 > 0 ? steps / 10 : 1))
warm=$((steps / 30 > 300 ? 300 : steps / 30))
[ "$mesh" = none ] || extra+=(--mesh "$mesh")
[ -e "$data/annotations.jsonl" ] || { echo "$0: $data holds no annotations.jsonl; name the training pack with --data" >&2; exit 3; }

program=("$root/run.sh")
if [ -n "${IMG2POSE_PROGRAM:-}" ]; then program=("$IMG2POSE_PROGRAM"); fi
# Builds what is not built, before there is a lock that a build's servers would keep.
"${program[@]}" train --help >/dev/null
mkdir -p "$out"
# One at a time: two runs would write over each other's checkpoints. The lock goes with this script and what it started, however they end.
exec 8>"$out/lock"
flock -n 8 || { echo "$0: another run is writing $out" >&2; exit 1; }
# What a killed run had begun to write has a name of its own, and nobody reads it.
find "$out" -maxdepth 1 -name '*.partial' -delete
if [ -e "$out/checkpoint.safetensors" ]; then extra+=(--resume last); fi
# The recipe's own option, unless the caller gave it: no option may stand twice. recipe OPTION VALUE…
options=()
recipe() {
  local given
  for given in "${own[@]}"; do
    case $given in "$1" | "$1"=*) return ;; esac
  done
  options+=("$@")
}
recipe --sizes 320 320 320 448
recipe --steps "$steps"
recipe --epoch-steps "$every"
recipe --warm-up "$warm"
recipe --set-weights wider=4 helen=2 pointing04=2
recipe --seed 1
[ -z "$rate" ] || recipe --learning-rate "$rate"
"${program[@]}" train "$data" --network "$network" --out "$out" "${options[@]}" "${extra[@]}" "${own[@]}"
"${program[@]}" models verify "$out/img2pose-$network.onnx"
"${program[@]}" models info "$out/img2pose-$network.onnx" >"$out/card.txt.new"
mv "$out/card.txt.new" "$out/card.txt"
cat "$out/card.txt"
