// Proposals of a two-stage network's maps: the best anchors of each level, decoded, clipped, suppressed level by level, and the best
// of what is left. What comes out is what Img2Pose.Inference.TwoStage.ProposalSelection makes of the same maps, to the last bit and in the
// same order. Where threads have to wait for each other a launch ends and the next begins: the host launches, in this order, count_digits and
// narrow for each digit, count_best, take_best, decode_best, compare_best, suppress for each 64 candidates, rank_best, join_best.
#pragma once

#include "kernel.h"
#include "parameters.h"

typedef unsigned long long Mask;

enum {
  DIGIT_BITS = 8,
  DIGITS = 32 / DIGIT_BITS,
  BINS = 1 << DIGIT_BITS,
  // Scores are much alike in their leading digits: neighbouring threads count in different copies, so that they seldom meet.
  BIN_COPIES = 8,
  CHUNK = 64,
  MASK_BITS = 64,
};

// Scores in descending order as numbers in ascending order; every float has its place, not-a-numbers too.
DEVICE unsigned descending(float value) {
  unsigned bits = bits_of(value);
  return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

DEVICE int anchors_of(const ProposalLevel &level) { return level.shapes * level.height * level.width; }

DEVICE int words_of(const ProposalLevel &level) { return (level.best + MASK_BITS - 1) / MASK_BITS; }

DEVICE unsigned key_of(const ProposalLevel &level, int picture, int anchor) {
  return descending(level.objectness[(long long)picture * anchors_of(level) + anchor]);
}

DEVICE unsigned *state_of(const ProposalParameters &p, long long lane, int digit) { return p.states + 2 * (lane * (DIGITS + 1) + digit); }

DEVICE unsigned *bins_of(const ProposalParameters &p, long long lane, int copy) {
  return p.bins + ((lane * DIGITS + p.digit) * BIN_COPIES + copy) * BINS;
}

DEVICE unsigned wanted_of(const ProposalParameters &p, const ProposalLevel &level, long long lane) {
  return p.digit == 0 ? (unsigned)level.best : state_of(p, lane, p.digit)[1];
}

// Which place a level's candidates of a picture begin at.
DEVICE long long base_of(const ProposalParameters &p, const ProposalLevel &level, int picture) { return (long long)picture * p.places + level.first; }

// e to a power, by an arithmetic that ProposalSelection repeats. Half a unit in the last place and little more.
DEVICE float exponential(float power) {
  // Below, nothing is left in a float; a not-a-number stays one.
  if (!(power >= -104.0f)) return power < 0.0f ? 0.0f : power;
  double whole = (double)(int)((double)power * 1.4426950408889634 + (power < 0.0f ? -0.5 : 0.5));
  double r = (double)power - whole * 0.6931471805599453;
  double sum = 2.7557319223985893e-06;
  sum = sum * r + 2.48015873015873e-05;
  sum = sum * r + 0.0001984126984126984;
  sum = sum * r + 0.001388888888888889;
  sum = sum * r + 0.008333333333333333;
  sum = sum * r + 0.041666666666666664;
  sum = sum * r + 0.16666666666666666;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  unsigned long long bits = (unsigned long long)(1023 + (int)whole) << 52;
  double scale;
  __builtin_memcpy(&scale, &bits, sizeof scale);
  return (float)(sum * scale);
}

// A thread takes an anchor.
KERNEL(count_digits, ProposalParameters) {
  long long lane = GLOBAL_Z;
  int anchor = (int)GLOBAL_X;
  const ProposalLevel &level = p.levels[lane % p.level_count];
  if (anchor >= anchors_of(level)) return;
  unsigned key = key_of(level, (int)(lane / p.level_count), anchor);
  // Only those that agree with the threshold in the digits before can tell its next one.
  if (p.digit > 0 && key >> (32 - DIGIT_BITS * p.digit) != state_of(p, lane, p.digit)[0]) return;
  unsigned bin = key >> (32 - DIGIT_BITS * (p.digit + 1)) & (BINS - 1);
  ATOMIC_ADD(bins_of(p, lane, anchor & (BIN_COPIES - 1)) + bin, 1u);
}

// A thread takes a value that the digit may have; one of them finds that it has it.
KERNEL(narrow, ProposalParameters) {
  long long lane = GLOBAL_Z;
  int bin = (int)GLOBAL_X;
  if (bin >= BINS) return;
  const ProposalLevel &level = p.levels[lane % p.level_count];
  unsigned before = 0, own = 0, wanted = wanted_of(p, level, lane);
  for (int copy = 0; copy < BIN_COPIES; copy++) {
    const unsigned *bins = bins_of(p, lane, copy);
    for (int i = 0; i < bin; i++) before += bins[i];
    own += bins[bin];
  }
  if (before >= wanted || wanted - before > own) return;
  unsigned *next = state_of(p, lane, p.digit + 1);
  next[0] = (p.digit == 0 ? 0 : state_of(p, lane, p.digit)[0] << DIGIT_BITS) | (unsigned)bin;
  next[1] = wanted - before;
}

// A thread takes a chunk of anchors.
KERNEL(count_best, ProposalParameters) {
  long long lane = GLOBAL_Z;
  int chunk = (int)GLOBAL_X;
  const ProposalLevel &level = p.levels[lane % p.level_count];
  if (chunk >= level.chunks) return;
  unsigned threshold = state_of(p, lane, DIGITS)[0];
  int end = smaller((chunk + 1) * CHUNK, anchors_of(level)), above = 0, at = 0;
  for (int anchor = chunk * CHUNK; anchor < end; anchor++) {
    unsigned key = key_of(level, (int)(lane / p.level_count), anchor);
    above += key < threshold;
    at += key == threshold;
  }
  int *counts = p.counts + 2 * (lane * p.chunks + chunk);
  counts[0] = above;
  counts[1] = at;
}

// A thread takes a chunk of anchors. Of those at the threshold the first ones are taken.
KERNEL(take_best, ProposalParameters) {
  long long lane = GLOBAL_Z;
  int chunk = (int)GLOBAL_X, picture = (int)(lane / p.level_count);
  const ProposalLevel &level = p.levels[lane % p.level_count];
  if (chunk >= level.chunks) return;
  const int *counts = p.counts + 2 * lane * p.chunks;
  int above = 0, at = 0;
  for (int i = 0; i < chunk; i++) {
    above += counts[2 * i];
    at += counts[2 * i + 1];
  }
  unsigned threshold = state_of(p, lane, DIGITS)[0];
  int ties = (int)state_of(p, lane, DIGITS)[1];
  Mask *keys = p.keys + base_of(p, level, picture);
  int end = smaller((chunk + 1) * CHUNK, anchors_of(level));
  for (int anchor = chunk * CHUNK; anchor < end; anchor++) {
    unsigned key = key_of(level, picture, anchor);
    if (key > threshold) continue;
    int place;
    if (key < threshold) {
      place = above++;
    } else {
      if (at >= ties) continue;
      place = level.best - ties + at++;
    }
    keys[place] = (Mask)key << 32 | (unsigned)anchor;
  }
}

struct Side {
  float low, high;
};

DEVICE Side moved(const ProposalParameters &p, float low, float high, float shift, float stretch) {
  float extent = high - low;
  float center = shift * extent + (low + 0.5f * extent);
  float half = 0.5f * (exponential(stretch > p.delta_limit ? p.delta_limit : stretch) * extent);
  Side side = {center - half, center + half};
  return side;
}

// Not-a-numbers stay.
DEVICE float clamped(float value, float most) { return value < 0.0f ? 0.0f : value > most ? most : value; }

// A thread takes a candidate, and finds its place among the others.
KERNEL(decode_best, ProposalParameters) {
  long long lane = GLOBAL_Z;
  int candidate = (int)GLOBAL_X, picture = (int)(lane / p.level_count);
  const ProposalLevel &level = p.levels[lane % p.level_count];
  if (candidate >= level.best) return;
  long long base = base_of(p, level, picture);
  const Mask *keys = p.keys + base;
  Mask key = keys[candidate];
  int rank = 0;
  for (int i = 0; i < level.best; i++) rank += keys[i] < key;
  int cells = level.height * level.width, anchor = (int)(unsigned)key;
  int shape = anchor / cells, cell = anchor - shape * cells;
  int row = cell / level.width, column = cell - row * level.width;
  // Whole division, which at the subsampled level is not the level's true stride (golden quirk Q3).
  float x = (float)(column * (p.padded_width / level.width)), y = (float)(row * (p.padded_height / level.height));
  const float *shapes = level.anchors + 4 * shape;
  const float *deltas = level.deltas + 4LL * ((long long)picture * anchors_of(level) + (long long)shape * cells) + cell;
  Side across = moved(p, shapes[0] + x, shapes[2] + x, deltas[0], deltas[2LL * cells]);
  Side down = moved(p, shapes[1] + y, shapes[3] + y, deltas[cells], deltas[3LL * cells]);
  float width = (float)p.sizes[2 * picture], height = (float)p.sizes[2 * picture + 1];
  float left = clamped(across.low, width), right = clamped(across.high, width);
  float top = clamped(down.low, height), bottom = clamped(down.high, height);
  if (right - left >= 1e-3f && bottom - top >= 1e-3f) {
    // The bits of positive numbers rise with them.
    if (p.shifted) ATOMIC_MAX(p.largest + picture, bits_of(larger(right, bottom)));
  } else {
    left = top = 0.0f;
    right = bottom = -1.0f;
  }
  float *box = p.boxes + 4 * (base + rank);
  box[0] = left;
  box[1] = top;
  box[2] = right;
  box[3] = bottom;
  p.scores[base + rank] = (unsigned)(key >> 32);
}

// A thread takes a candidate and 64 that may be worse. The candidate's own bit says that it is none too small.
KERNEL(compare_best, ProposalParameters) {
  long long lane = GLOBAL_Z;
  int word = (int)GLOBAL_X, candidate = (int)GLOBAL_Y;
  int own = (int)(lane / p.level_count), picture = p.first_picture + own, at = (int)(lane % p.level_count);
  const ProposalLevel &level = p.levels[at];
  if (word >= words_of(level) || candidate >= level.best || word < candidate / MASK_BITS) return;
  const float *boxes = p.boxes + 4 * base_of(p, level, picture), *box = boxes + 4 * candidate;
  float step = 0.0f;
  if (p.shifted) {
    float largest;
    __builtin_memcpy(&largest, p.largest + picture, sizeof largest);
    step = largest + 1.0f;
  }
  float shift = (float)at * step;
  float left = box[0] + shift, top = box[1] + shift, right = box[2] + shift, bottom = box[3] + shift;
  float area = (right - left) * (bottom - top);
  Mask mask = 0;
  int end = smaller((word + 1) * MASK_BITS, level.best);
  for (int i = larger(word * MASK_BITS, candidate); i < end; i++) {
    const float *other = boxes + 4 * i;
    bool hit;
    if (i == candidate) {
      hit = box[2] > box[0];
    } else {
      float l = other[0] + shift, t = other[1] + shift, r = other[2] + shift, b = other[3] + shift;
      float both = larger(smaller(right, r) - larger(left, l), 0.0f) * larger(smaller(bottom, b) - larger(top, t), 0.0f);
      hit = both / (area + (r - l) * (b - t) - both) > p.threshold;
    }
    if (hit) mask |= (Mask)1 << (i % MASK_BITS);
  }
  p.overlaps[(base_of(p, level, own) + candidate) * p.words + word] = mask;
}

// A thread takes 64 candidates, from the launch's own 64 on. Each finds out for itself which of the launch's are kept, and removes from
// its own what they overlap.
KERNEL(suppress, ProposalParameters) {
  long long lane = GLOBAL_Z;
  int word = (int)GLOBAL_X, own = (int)(lane / p.level_count), picture = p.first_picture + own;
  const ProposalLevel &level = p.levels[lane % p.level_count];
  int words = words_of(level);
  if (p.block >= words || word >= words || word < p.block) return;
  long long bits = base_of(p, level, picture) / MASK_BITS;
  const Mask *rows = p.overlaps + (base_of(p, level, own) + (long long)p.block * MASK_BITS) * p.words;
  int count = smaller((int)MASK_BITS, level.best - p.block * MASK_BITS);
  Mask removed = p.removed[bits + p.block], kept = 0, hit = 0;
  for (int i = 0; i < count; i++) {
    Mask row = rows[(long long)i * p.words + p.block];
    if ((removed >> i & 1) != 0 || (row >> i & 1) == 0) continue;
    kept |= (Mask)1 << i;
    removed |= row;
    if (word != p.block) hit |= rows[(long long)i * p.words + word];
  }
  if (word == p.block) p.kept[bits + word] = kept;
  else p.removed[bits + word] |= hit;
}

// How many of a level's first candidates are kept.
DEVICE int kept_of(const ProposalParameters &p, const ProposalLevel &level, int picture, int candidates) {
  const Mask *kept = p.kept + base_of(p, level, picture) / MASK_BITS;
  int count = 0, word = 0;
  for (; (word + 1) * MASK_BITS <= candidates; word++) count += __builtin_popcountll(kept[word]);
  int rest = candidates - word * MASK_BITS;
  if (rest > 0) count += __builtin_popcountll(kept[word] & (((Mask)1 << rest) - 1));
  return count;
}

// A thread takes a candidate. Of equal scores those of the earlier level come first.
KERNEL(rank_best, ProposalParameters) {
  long long lane = GLOBAL_Z;
  int candidate = (int)GLOBAL_X, picture = (int)(lane / p.level_count), at = (int)(lane % p.level_count);
  const ProposalLevel &level = p.levels[at];
  if (candidate == 0 && at == 0) {
    int all = 0;
    for (int i = 0; i < p.level_count; i++) all += kept_of(p, p.levels[i], picture, p.levels[i].best);
    p.found[picture] = smaller(all, p.capacity);
  }
  if (candidate >= level.best) return;
  long long base = base_of(p, level, picture);
  if ((p.kept[base / MASK_BITS + candidate / MASK_BITS] >> (candidate % MASK_BITS) & 1) == 0) return;
  unsigned score = p.scores[base + candidate];
  int rank = 0;
  for (int i = 0; i < p.level_count; i++) {
    const ProposalLevel &other = p.levels[i];
    const unsigned *scores = p.scores + base_of(p, other, picture);
    int low = 0, high = other.best;
    if (i == at) low = high = candidate;
    while (low < high) {
      int middle = low + (high - low) / 2;
      if (scores[middle] < score || (i < at && scores[middle] == score)) low = middle + 1;
      else high = middle;
    }
    rank += kept_of(p, other, picture, low);
  }
  if (rank >= p.capacity) return;
  const float *box = p.boxes + 4 * (base + candidate);
  float *target = p.ranked + 4 * ((long long)picture * p.capacity + rank);
  for (int i = 0; i < 4; i++) target[i] = box[i];
}

// A thread takes a proposal of a picture.
KERNEL(join_best, ProposalParameters) {
  int rank = (int)GLOBAL_X, picture = (int)GLOBAL_Z;
  if (rank >= p.found[picture]) return;
  long long place = rank;
  for (int i = 0; i < picture; i++) place += p.found[i];
  const float *box = p.ranked + 4 * ((long long)picture * p.capacity + rank);
  for (int i = 0; i < 4; i++) p.regions[4 * place + i] = box[i];
  p.region_pictures[place] = picture;
}
