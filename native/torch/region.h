#pragma once

#include <ATen/ATen.h>

namespace i2p {
// Geometry of one pooling; pictures' pixels times scale are feature cells.
struct RegionGrid {
  double scale;
  int64_t rows, columns, samples;
  bool aligned;
};

// Differentiable region pooling; see operators.cpp.
at::Tensor roi_align(const at::Tensor& features, const at::Tensor& regions, double scale, int64_t rows, int64_t columns,
                     int64_t samples, bool aligned);

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double threshold);

#ifdef I2P_WITH_CUDA
at::Tensor roi_align_forward_cuda(const at::Tensor& features, const at::Tensor& regions, const RegionGrid& grid);
at::Tensor roi_align_backward_cuda(const at::Tensor& gradient, const at::Tensor& regions, at::IntArrayRef shape, const RegionGrid& grid);
#endif
}  // namespace i2p
