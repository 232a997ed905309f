#!/usr/bin/env bash
# Attacks every parser for HOURS in all (fractions count), two at a time, with another seed in every round:
#   scripts/fuzz.sh HOURS [TARGET…]
# Inputs that found something are kept in .cache/fuzz; exit code 1 when there are any.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$#" -ge 1 ] || { sed -n '2,4p' "$0"; exit 2; }
hours=$1
shift
program=tests/Img2Pose.Fuzz/bin/Release/net10.0/Img2Pose.Fuzz.dll
[ -f "$program" ] || { echo "fuzz.sh: build first (./test.sh Fuzz)" >&2; exit 2; }
end=$(awk -v now="$(date +%s)" -v hours="$hours" 'BEGIN { printf "%d", now + hours * 3600 }')
keep=.cache/fuzz
mkdir -p "$keep"
code=0
for ((seed = 1; $(date +%s) < end; seed++)); do
  left=$((end - $(date +%s)))
  # Short rounds: every target gets its turn soon, each round begins at other places.
  round=$((left < 600 ? (left + 9) / 10 : 60))
  dotnet "$program" "$@" --seconds "$round" --seed "$seed" --jobs 2 --corpus "$keep" --keep "$keep" </dev/null || code=1
done
exit "$code"
