// Regions of a feature pyramid, each the average of bilinear samples: the arithmetic of
// Img2Pose.Inference.TwoStage.RegionPooling step for step, with its fused multiplications, so that values agree to the last
// bit. Maps have their channels last: neighbouring threads read neighbouring channels.
#pragma once

#include "kernel.h"
#include "parameters.h"

struct Tap {
  int offset;
  float weight;
};

enum { MOST_TAPS = 8 };

DEVICE int add_tap(Tap *taps, int count, int offset, float weight) {
  for (int i = 0; i < count; i++) {
    if (taps[i].offset != offset) continue;
    taps[i].weight += weight;
    return count;
  }
  taps[count].offset = offset;
  taps[count].weight = weight;
  return count + 1;
}

// The samples of one cell along one axis.
DEVICE int place_samples(float start, float end, int size, int step, int cell, int side, int samples, Tap *taps) {
  float bin = larger(end - start, 1.0f) / (float)side;
  float share = 1.0f / (float)samples;
  int count = 0;
  for (int sample = 0; sample < samples; sample++) {
    float at = start + (float)cell * bin + ((float)sample + 0.5f) * bin / (float)samples;
    // More than a cell outside: such a sample counts as zero.
    if (at < -1.0f || at > (float)size) continue;
    at = larger(at, 0.0f);
    int low = smaller((int)at, size - 1);
    float weight = low == size - 1 ? 0.0f : at - (float)low;
    count = add_tap(taps, count, low * step, (1.0f - weight) * share);
    if (weight > 0.0f) count = add_tap(taps, count, (low + 1) * step, weight * share);
  }
  return count;
}

KERNEL(pool_regions, PoolParameters) {
  int channel = (int)GLOBAL_X, cell = (int)GLOBAL_Y, region = (int)GLOBAL_Z;
  int cells = p.side * p.side;
  if (channel >= p.channels || cell >= cells) return;
  const float *box = p.boxes + 4LL * region;
  float ratio = SQUARE_ROOT((box[2] - box[0]) * (box[3] - box[1])) / p.canonical_size;
  int level = 0;
  for (int i = 0; i < p.level_count - 1; i++) {
    if (ratio >= p.thresholds[i]) level++;
  }
  const RegionMap &map = p.levels[level];
  Tap xs[MOST_TAPS], ys[MOST_TAPS];
  int columns = place_samples(box[0] * map.scale, box[2] * map.scale, map.width, p.channels, cell % p.side, p.side, p.samples, xs);
  int rows = place_samples(box[1] * map.scale, box[3] * map.scale, map.height, p.channels * map.width, cell / p.side, p.side, p.samples, ys);
  const float *source = map.data + p.pictures[region] * p.channels * map.height * map.width + channel;
  float sum = 0.0f;
  for (int y = 0; y < rows; y++) {
    for (int x = 0; x < columns; x++) sum = FUSED(ys[y].weight * xs[x].weight, source[ys[y].offset + xs[x].offset], sum);
  }
  p.rows[((long long)region * p.channels + channel) * cells + cell] = sum;
}
