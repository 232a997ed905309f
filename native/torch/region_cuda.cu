// Region pooling on CUDA: one thread a pooled value; the backward pass adds atomically, since regions overlap.
#include <ATen/Dispatch.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

#include "region.h"
#include "region_sample.h"

namespace i2p {
namespace {
constexpr int kThreads = 256;

// Position of one pooled value.
struct Place {
  int64_t region, channel, row, column;

  __device__ Place(int64_t index, int64_t channels, int64_t rows, int64_t columns) {
    column = index % columns;
    row = index / columns % rows;
    channel = index / columns / rows % channels;
    region = index / columns / rows / channels;
  }
};

template <typename Real>
__global__ void pool(int64_t count, const Real* features, const Real* regions, RegionGrid grid, int64_t channels, int64_t height,
                     int64_t width, Real* pooled) {
  const int64_t index = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x;
  if (index >= count) return;
  const Place place(index, channels, grid.rows, grid.columns);
  const RegionSamples<Real> samples(regions + 5 * place.region, static_cast<Real>(grid.scale), grid.rows, grid.columns, grid.samples, grid.aligned);
  const Real* plane = features + (samples.picture * channels + place.channel) * height * width;
  Real sum = 0;
  for (int64_t i = 0; i < samples.grid_rows; i++) {
    for (int64_t j = 0; j < samples.grid_columns; j++) {
      const Bilinear<Real> at(samples.row(place.row, i), samples.column(place.column, j), height, width);
      if (!at.inside) continue;
      sum += at.top_left * plane[at.low_row * width + at.low_column] + at.top_right * plane[at.low_row * width + at.high_column] +
             at.bottom_left * plane[at.high_row * width + at.low_column] + at.bottom_right * plane[at.high_row * width + at.high_column];
    }
  }
  pooled[index] = sum / samples.count();
}

template <typename Real>
__global__ void spread(int64_t count, const Real* gradient, const Real* regions, RegionGrid grid, int64_t channels, int64_t height,
                       int64_t width, Real* features) {
  const int64_t index = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x;
  if (index >= count) return;
  const Place place(index, channels, grid.rows, grid.columns);
  const RegionSamples<Real> samples(regions + 5 * place.region, static_cast<Real>(grid.scale), grid.rows, grid.columns, grid.samples, grid.aligned);
  Real* plane = features + (samples.picture * channels + place.channel) * height * width;
  const Real share = gradient[index] / samples.count();
  for (int64_t i = 0; i < samples.grid_rows; i++) {
    for (int64_t j = 0; j < samples.grid_columns; j++) {
      const Bilinear<Real> at(samples.row(place.row, i), samples.column(place.column, j), height, width);
      if (!at.inside) continue;
      atomicAdd(plane + at.low_row * width + at.low_column, at.top_left * share);
      atomicAdd(plane + at.low_row * width + at.high_column, at.top_right * share);
      atomicAdd(plane + at.high_row * width + at.low_column, at.bottom_left * share);
      atomicAdd(plane + at.high_row * width + at.high_column, at.bottom_right * share);
    }
  }
}
}  // namespace

at::Tensor roi_align_forward_cuda(const at::Tensor& features, const at::Tensor& regions, const RegionGrid& grid) {
  const c10::cuda::CUDAGuard guard(features.device());
  at::Tensor pooled = at::empty({regions.size(0), features.size(1), grid.rows, grid.columns}, features.options());
  const int64_t count = pooled.numel();
  if (count == 0) return pooled;
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "roi_align", [&] {
    pool<scalar_t><<<(count + kThreads - 1) / kThreads, kThreads, 0, at::cuda::getCurrentCUDAStream()>>>(
        count, features.data_ptr<scalar_t>(), regions.data_ptr<scalar_t>(), grid, features.size(1), features.size(2), features.size(3),
        pooled.data_ptr<scalar_t>());
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return pooled;
}

at::Tensor roi_align_backward_cuda(const at::Tensor& gradient, const at::Tensor& regions, at::IntArrayRef shape, const RegionGrid& grid) {
  const c10::cuda::CUDAGuard guard(gradient.device());
  at::Tensor features = at::zeros(shape, gradient.options());
  const int64_t count = gradient.numel();
  if (count == 0) return features;
  AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "roi_align_backward", [&] {
    spread<scalar_t><<<(count + kThreads - 1) / kThreads, kThreads, 0, at::cuda::getCurrentCUDAStream()>>>(
        count, gradient.data_ptr<scalar_t>(), regions.data_ptr<scalar_t>(), grid, shape[1], shape[2], shape[3], features.data_ptr<scalar_t>());
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return features;
}
}  // namespace i2p
