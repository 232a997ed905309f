// A small picture of the brightness, by which scenes are told apart: the samples that Img2Pose.Tracking.SceneCuts takes, four a
// cell, added in its order. A thread takes one cell.
#pragma once

#include "kernel.h"
#include "parameters.h"

KERNEL(shrink, ShrinkParameters) {
  int column = (int)GLOBAL_X, row = (int)GLOBAL_Y;
  if (column >= p.columns || row >= p.rows) return;
  float sum = 0.0f;
  for (int line = 2 * row; line < 2 * row + 2; line++) {
    const Byte *samples = p.plane + (2LL * line + 1) * p.height / (4LL * p.rows) * p.stride;
    for (int place = 2 * column; place < 2 * column + 2; place++) {
      long long x = (2LL * place + 1) * p.width / (4LL * p.columns);
      if (p.format == FORMAT_RGB24) sum += (float)samples[3 * x + 1];
      else if (p.format == FORMAT_P010) sum += (float)(((const Word *)samples)[x] >> 6) / 4.0f;
      else if (p.format == FORMAT_I420P10) sum += (float)((const Word *)samples)[x] / 4.0f;
      else sum += (float)samples[x];
    }
  }
  p.cells[row * p.columns + column] = sum;
}
