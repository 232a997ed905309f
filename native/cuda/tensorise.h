// YUV or RGB of any size to a rectangle of a planar, normalised tensor: the arithmetic of Img2Pose.Inference.Tensoriser
// step for step (rows are mixed, then block means along the row, then columns), so that values agree to the last bit.
#pragma once

#include "kernel.h"
#include "parameters.h"

struct Plane {
  const Byte *data;
  long long stride;
  int step;     // samples from one of a channel to the next
  int channel;  // which of the interleaved ones
  int bits;     // 8, 10 in the low bits, or 16 for 10 in the high bits
};

DEVICE float sample_of(const Plane &plane, int x, int y) {
  const Byte *row = plane.data + (long long)y * plane.stride;
  long long index = (long long)x * plane.step + plane.channel;
  if (plane.bits == 8) return (float)row[index];
  Word word = ((const Word *)row)[index];
  return (float)(plane.bits == 16 ? word >> 6 : word);
}

DEVICE int block_length(const ResizeAxisTable &axis, int block) {
  return smaller(axis.block, axis.samples - block * axis.block);
}

// A column's value after the vertical step.
DEVICE float mix_rows(const Plane &plane, const ResizeAxisTable &axis, int first, int second, float weight, int x) {
  if (axis.block == 1) {
    if (weight == 0.0f || first == second) return sample_of(plane, x, first);
    return (1.0f - weight) * sample_of(plane, x, first) + weight * sample_of(plane, x, second);
  }
  int length = block_length(axis, first);
  float share = (first == second ? 1.0f : 1.0f - weight) / (float)length;
  float sum = share * sample_of(plane, x, first * axis.block);
  for (int i = 1; i < length; i++) sum += share * sample_of(plane, x, first * axis.block + i);
  if (first != second && weight > 0.0f) {
    length = block_length(axis, second);
    share = weight / (float)length;
    for (int i = 0; i < length; i++) sum += share * sample_of(plane, x, second * axis.block + i);
  }
  return sum;
}

DEVICE float block_mean(const Plane &plane, const ResizeAxisTable &xs, const ResizeAxisTable &ys, int first, int second, float weight, int block) {
  if (xs.block == 1) return mix_rows(plane, ys, first, second, weight, block);
  int length = block_length(xs, block);
  float sum = 0.0f;
  for (int i = 0; i < length; i++) sum += mix_rows(plane, ys, first, second, weight, block * xs.block + i);
  return sum * (1.0f / (float)length);
}

DEVICE float resized(const Plane &plane, const ResizeAxisTable &xs, const ResizeAxisTable &ys, int x, int y) {
  int top = ys.first[y], bottom = ys.second[y];
  float down = ys.weights[y], right = xs.weights[x];
  float a = block_mean(plane, xs, ys, top, bottom, down, xs.first[x]);
  if (right == 0.0f) return a;
  float b = block_mean(plane, xs, ys, top, bottom, down, xs.second[x]);
  return (1.0f - right) * a + right * b;
}

// Round to nearest even, as the CPU's conversion.
DEVICE Word half_of(float value) {
  unsigned bits = bits_of(value);
  unsigned sign = bits >> 16 & 0x8000u;
  unsigned magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (Word)(sign | 0x7e00u | (magnitude >> 13 & 0x1ffu));
  if (magnitude >= 0x477ff000u) return (Word)(sign | 0x7c00u);
  if (magnitude < 0x33000001u) return (Word)sign;
  if (magnitude < 0x38800000u) {
    // Subnormal: the implicit one is shifted in, and what falls out decides the rounding.
    int shift = 126 - (int)(magnitude >> 23);
    unsigned mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    unsigned kept = mantissa >> shift, lost = mantissa & ((1u << shift) - 1u), half = 1u << (shift - 1);
    if (lost > half || (lost == half && (kept & 1u))) kept++;
    return (Word)(sign | kept);
  }
  unsigned rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return (Word)(sign | ((rounded - 0x38000000u) >> 13));
}

DEVICE void store(const TensorJob &job, int colour, int x, int y, float value) {
  long long index = colour * job.plane_length + y * job.row_length + x;
  if (job.half) ((Word *)job.target)[index] = half_of(value);
  else ((float *)job.target)[index] = value;
}

DEVICE float finished(const TensorJob &job, int colour, float value) {
  return job.scale[colour] * smaller(larger(value, 0.0f), 255.0f) + job.offset[colour];
}

KERNEL(tensorise, TensoriseParameters) {
  const TensorJob &job = p.jobs[GLOBAL_Z];
  int x = (int)GLOBAL_X, y = (int)GLOBAL_Y;
  if (x >= job.padded_width || y >= job.padded_height) return;
  if (x >= job.width || y >= job.height) {
    for (int colour = 0; colour < 3; colour++) store(job, colour, x, y, 0.0f);
    return;
  }
  if (job.format == FORMAT_RGB24) {
    for (int colour = 0; colour < 3; colour++) {
      Plane plane = {job.planes[0], job.strides[0], 3, colour, 8};
      store(job, colour, x, y, job.scale[colour] * resized(plane, job.x, job.y, x, y) + job.offset[colour]);
    }
    return;
  }
  bool pairs = job.format == FORMAT_NV12 || job.format == FORMAT_P010;
  int bits = job.format == FORMAT_P010 ? 16 : job.format == FORMAT_I420P10 ? 10 : 8;
  Plane luma_plane = {job.planes[0], job.strides[0], 1, 0, bits};
  Plane cb_plane = {job.planes[1], job.strides[1], pairs ? 2 : 1, 0, bits};
  Plane cr_plane = {job.planes[pairs ? 1 : 2], job.strides[pairs ? 1 : 2], pairs ? 2 : 1, pairs ? 1 : 0, bits};
  float l = job.luma * (resized(luma_plane, job.x, job.y, x, y) - job.luma_offset);
  float u = resized(cb_plane, job.chroma_x, job.chroma_y, x, y) - job.chroma_offset;
  float v = resized(cr_plane, job.chroma_x, job.chroma_y, x, y) - job.chroma_offset;
  store(job, 0, x, y, finished(job, 0, l + job.red_from_cr * v));
  store(job, 1, x, y, finished(job, 1, l + job.green_from_cb * u + job.green_from_cr * v));
  store(job, 2, x, y, finished(job, 2, l + job.blue_from_cb * u));
}
