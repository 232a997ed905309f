#!/usr/bin/env bash
# A few steps of training, whose losses gpu-check.sh compares between devices:
#   scripts/gpu-train.sh PROGRAM PACK NETWORK DEVICE FOLDER
# TRAIN_STEPS (100) says how many. Small pictures and batches: this is about what is computed, not how fast.
set -euo pipefail
program=$1 pack=$2 network=$3 device=$4 folder=$5
case $network in
  nano) size=(--batch 4 --sizes 192) ;;
  *) size=(--batch 1 --sizes 256 --longest-side 480) ;;
esac
rm -rf "$folder"
exec "$program" train "$pack" --network "$network" --steps "${TRAIN_STEPS:-100}" --epoch-steps "${TRAIN_STEPS:-100}" --seed 1 --device "$device" --out "$folder" "${size[@]}"
