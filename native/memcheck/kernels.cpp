// Runs the CPU build of the CUDA kernels over buffers of exactly the bytes that they may touch, every format, odd sizes and
// boxes that reach outside, for valgrind's memcheck (scripts/soak.sh memory). The values are tested elsewhere.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "cpu.h"
#include "kernel.h"
#include "parameters.h"

namespace {
std::vector<std::unique_ptr<unsigned char[]>> kept;
unsigned seed = 1;

// Uninitialised reads show only in memory that is not filled: inputs are filled, outputs are not.
template <typename T>
T *filled(size_t count) {
  kept.emplace_back(new unsigned char[count * sizeof(T)]);
  for (size_t i = 0; i < count * sizeof(T); i++) kept.back()[i] = (unsigned char)((seed = seed * 1664525u + 1013904223u) >> 24) & 3;
  return reinterpret_cast<T *>(kept.back().get());
}

template <typename T>
T *empty(size_t count) {
  kept.emplace_back(new unsigned char[count * sizeof(T)]);
  return reinterpret_cast<T *>(kept.back().get());
}

void launch(const char *name, const void *parameters, unsigned width, unsigned height, unsigned depth) {
  for (size_t i = 0; i < img2pose_cpu_kernel_count; i++) {
    if (std::strcmp(img2pose_cpu_kernels[i].name, name) != 0) continue;
    // A grid is whole blocks: threads beyond the size must find that out themselves.
    for (unsigned z = 0; z < depth; z++)
      for (unsigned y = 0; y < (height + 7) / 8 * 8; y++)
        for (unsigned x = 0; x < (width + 31) / 32 * 32; x++) {
          img2pose_position = {x, y, z};
          img2pose_cpu_kernels[i].thread(parameters);
        }
    return;
  }
}

struct Plane {
  long long stride;
  int rows;
};

// The planes of a picture without a byte of padding.
std::vector<Plane> planes_of(int format, int width, int height) {
  int cw = (width + 1) / 2, ch = (height + 1) / 2;
  switch (format) {
    case FORMAT_RGB24: return {{3LL * width, height}};
    case FORMAT_NV12: return {{width, height}, {2LL * cw, ch}};
    case FORMAT_P010: return {{2LL * width, height}, {4LL * cw, ch}};
    case FORMAT_I420P10: return {{2LL * width, height}, {2LL * cw, ch}, {2LL * cw, ch}};
    default: return {{width, height}, {cw, ch}, {cw, ch}};
  }
}

void blend(int format, int width, int height) {
  for (int x = 0; x < 4 && x < width; x += 2) {
    BlendParameters p = {};
    std::vector<Plane> planes = planes_of(format, width, height);
    for (size_t i = 0; i < planes.size(); i++) {
      p.planes[i] = filled<unsigned char>(planes[i].stride * planes[i].rows);
      p.strides[i] = planes[i].stride;
    }
    // The tile covers whole pairs of pixels, the last of which may lie outside an odd picture.
    int w = (width - x + 1) / 2 * 2, h = (height + 1) / 2 * 2;
    p.tile_stride = 4LL * w;
    p.tile = filled<unsigned char>(p.tile_stride * h);
    p.x = x;
    p.width = width - x;
    p.height = height;
    p.chroma_width = w / 2;
    p.chroma_height = h / 2;
    p.format = format;
    p.ten_bit_scale = 4 * 65536;
    launch("blend", &p, w / 2, h / 2, 1);
  }
}

ResizeAxisTable axis(int samples, int targets) {
  int *first = empty<int>(targets), *second = empty<int>(targets);
  float *weights = empty<float>(targets);
  for (int d = 0; d < targets; d++) {
    first[d] = (int)((long long)d * samples / targets);
    second[d] = first[d] + 1 < samples ? first[d] + 1 : samples - 1;
    weights[d] = 0.25f;
  }
  return {first, second, weights, samples, 1};
}

void tensorise(int format, int width, int height, int half) {
  const int w = 13, h = 7, padded_width = 16, padded_height = 8;
  TensorJob *job = empty<TensorJob>(1);
  *job = {};
  std::vector<Plane> planes = planes_of(format, width, height);
  for (size_t i = 0; i < planes.size(); i++) {
    job->planes[i] = filled<unsigned char>(planes[i].stride * planes[i].rows);
    job->strides[i] = planes[i].stride;
  }
  job->x = axis(width, w);
  job->y = axis(height, h);
  job->chroma_x = axis((width + 1) / 2, w);
  job->chroma_y = axis((height + 1) / 2, h);
  job->luma = 1;
  for (int c = 0; c < 3; c++) job->scale[c] = 1;
  job->format = format;
  job->target = empty<unsigned char>((half ? 2 : 4) * 3 * padded_width * padded_height);
  job->row_length = padded_width;
  job->plane_length = padded_width * padded_height;
  job->width = w;
  job->height = h;
  job->padded_width = padded_width;
  job->padded_height = padded_height;
  job->half = half;
  TensoriseParameters p = {job};
  launch("tensorise", &p, padded_width, padded_height, 1);
  // Every value was written, or this depends on memory that is not filled.
  unsigned sum = 0;
  for (int i = 0; i < (half ? 2 : 4) * 3 * padded_width * padded_height; i++) sum += ((unsigned char *)job->target)[i];
  if (sum == 1) std::puts("one");
}

void pool() {
  const float far = std::numeric_limits<float>::max(), none = std::numeric_limits<float>::quiet_NaN();
  const float boxes[][4] = {{0, 0, 31, 23}, {-1e6f, -1e6f, 1e6f, 1e6f}, {30, 22, 32, 24}, {5, 5, 5, 5}, {20, 20, 3, 3}, {far, far, far, far}, {none, none, none, none}};
  const int regions = sizeof boxes / sizeof *boxes, channels = 5, side = 3;
  for (int samples = 1; samples <= 4; samples++) {
    PoolParameters p = {};
    const int sizes[4][2] = {{32, 24}, {16, 12}, {8, 6}, {1, 1}};
    for (int level = 0; level < 4; level++)
      p.levels[level] = {filled<float>((size_t)sizes[level][0] * sizes[level][1] * channels), sizes[level][0], sizes[level][1], 1.0f / (1 << level), 0};
    float *copy = empty<float>(4 * regions);
    std::memcpy(copy, boxes, sizeof boxes);
    long long *pictures = empty<long long>(regions);
    for (int i = 0; i < regions; i++) pictures[i] = 0;
    p.boxes = copy;
    p.pictures = pictures;
    p.rows = empty<float>((size_t)regions * channels * side * side);
    p.thresholds[0] = 0.1f;
    p.thresholds[1] = 0.3f;
    p.thresholds[2] = 0.6f;
    p.canonical_size = 224;
    p.level_count = 4;
    p.channels = channels;
    p.side = side;
    p.samples = samples;
    launch("pool_regions", &p, channels, side * side, regions);
  }
}
}  // namespace

int main() {
  const int formats[] = {FORMAT_I420, FORMAT_NV12, FORMAT_I420P10, FORMAT_RGB24, FORMAT_P010};
  const int sizes[][2] = {{1, 1}, {2, 2}, {3, 5}, {17, 9}, {32, 8}};
  for (int format : formats)
    for (auto &size : sizes) {
      blend(format, size[0], size[1]);
      for (int half = 0; half < 2; half++) tensorise(format, size[0], size[1], half);
    }
  pool();
  return 0;
}
