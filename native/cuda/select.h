// The cells of a one-stage network's maps that score more than a bound, packed: only they have to leave the device. Counted in
// chunks first, so that the order is that of the cells whatever the order of the threads, and no atomics are needed. A thread takes a
// chunk of a picture.
#pragma once

#include "kernel.h"
#include "parameters.h"

struct CellPlace {
  const float *score;  // of the cell; the cell's further values follow at steps of `step`
  long long step;
};

// Cells count through the levels, as the network's own selection counts them.
DEVICE CellPlace cell_place(const SelectParameters &p, int picture, int cell) {
  int level = 0;
  for (; level < p.level_count - 1 && cell >= p.cells[level]; level++) cell -= p.cells[level];
  long long step = p.cells[level];
  CellPlace place = {p.maps[level] + (long long)picture * p.values * step + cell, step};
  return place;
}

DEVICE int cells_of(const SelectParameters &p) {
  int cells = 0;
  for (int level = 0; level < p.level_count; level++) cells += p.cells[level];
  return cells;
}

KERNEL(count_cells, SelectParameters) {
  int chunk = (int)GLOBAL_X, picture = (int)GLOBAL_Y;
  if (chunk >= p.chunks || picture >= p.pictures) return;
  int end = smaller((chunk + 1) * p.chunk, cells_of(p)), count = 0;
  for (int cell = chunk * p.chunk; cell < end; cell++) {
    // Not a number is above no bound.
    if (*cell_place(p, picture, cell).score > p.least) count++;
  }
  p.counts[picture * p.chunks + chunk] = count;
}

KERNEL(select_cells, SelectParameters) {
  int chunk = (int)GLOBAL_X, picture = (int)GLOBAL_Y;
  if (chunk >= p.chunks || picture >= p.pictures) return;
  const int *counts = p.counts + picture * p.chunks;
  int at = 0;
  for (int before = 0; before < chunk; before++) at += counts[before];
  int *header = p.records + (long long)picture * (1 + (long long)p.capacity * (1 + p.values));
  if (chunk == p.chunks - 1) *header = at + counts[chunk];
  int end = smaller((chunk + 1) * p.chunk, cells_of(p));
  for (int cell = chunk * p.chunk; cell < end && at < p.capacity; cell++) {
    CellPlace place = cell_place(p, picture, cell);
    if (!(*place.score > p.least)) continue;
    int *record = header + 1 + (long long)at++ * (1 + p.values);
    record[0] = cell;
    for (int value = 0; value < p.values; value++) ((float *)record)[1 + value] = place.score[value * place.step];
  }
}
