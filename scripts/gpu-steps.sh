#!/usr/bin/env bash
# A few steps of training, whose losses gpu-check.sh compares between devices:
#   scripts/gpu-steps.sh PROGRAM PACK NETWORK DEVICE STEPS FOLDER
# Small pictures and batches: this is about what is computed, not how fast.
set -euo pipefail
program=$1 pack=$2 network=$3 device=$4 steps=$5 folder=$6
case $network in
  nano) size=(--batch 4 --sizes 192) ;;
  *) size=(--batch 2 --sizes 256 --longest-side 480) ;;
esac
rm -rf "$folder"
# libgomp's threads spin while they wait, which starves the threads that make training samples.
export OMP_WAIT_POLICY=passive
exec "$program" train "$pack" --network "$network" --steps "$steps" --epoch-steps "$steps" --seed 1 --device "$device" --out "$folder" "${size[@]}"
