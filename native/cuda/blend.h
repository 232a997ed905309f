// Lays an overlay's tile over a rectangle of a picture in the picture's own samples: the integers of
// Img2Pose.Rendering.Blending.OverlayBlender. A thread takes one chroma sample and its four pixels.
#pragma once

#include "kernel.h"
#include "parameters.h"

DEVICE int over8(int overlay, int opacity, int below) {
  return smaller(255, overlay + (below * (255 - opacity) + 127) / 255);
}

DEVICE int over10(int overlay, int opacity, int below, int scale) {
  return smaller(1023, ((overlay * scale + 32768) >> 16) + (below * (255 - opacity) + 127) / 255);
}

DEVICE void blend_sample(const BlendParameters &p, int plane, long long row, long long index, int overlay, int opacity) {
  Byte *line = p.planes[plane] + row * p.strides[plane];
  if (p.format == FORMAT_I420P10) {
    Word *sample = (Word *)line + index;
    *sample = (Word)over10(overlay, opacity, *sample, p.ten_bit_scale);
  } else if (p.format == FORMAT_P010) {
    Word *sample = (Word *)line + index;
    *sample = (Word)(over10(overlay, opacity, *sample >> 6, p.ten_bit_scale) << 6);
  } else {
    line[index] = (Byte)over8(overlay, opacity, line[index]);
  }
}

DEVICE int mean_of_four(const BlendParameters &p, int x, int y, int component) {
  const Byte *upper = p.tile + 2LL * y * p.tile_stride + 8LL * x + component, *lower = upper + p.tile_stride;
  return (upper[0] + upper[4] + lower[0] + lower[4] + 2) >> 2;
}

KERNEL(blend, BlendParameters) {
  int cx = (int)GLOBAL_X, cy = (int)GLOBAL_Y;
  bool triples = p.format == FORMAT_RGB24;
  for (int dy = 0; dy < 2; dy++) {
    for (int dx = 0; dx < 2; dx++) {
      int x = 2 * cx + dx, y = 2 * cy + dy;
      if (x >= p.width || y >= p.height) continue;
      const Byte *pixel = p.tile + y * p.tile_stride + 4LL * x;
      int components = triples ? 3 : 1;
      for (int c = 0; c < components; c++)
        blend_sample(p, 0, p.y + y, (long long)components * (p.x + x) + c, pixel[c], pixel[3]);
    }
  }
  if (triples || cx >= p.chroma_width || cy >= p.chroma_height) return;
  int opacity = mean_of_four(p, cx, cy, 3);
  bool pairs = p.format == FORMAT_NV12 || p.format == FORMAT_P010;
  for (int component = 1; component <= 2; component++) {
    int plane = pairs ? 1 : component;
    long long index = pairs ? 2LL * (p.x / 2 + cx) + component - 1 : p.x / 2 + cx;
    blend_sample(p, plane, p.y / 2 + cy, index, mean_of_four(p, cx, cy, component), opacity);
  }
}
