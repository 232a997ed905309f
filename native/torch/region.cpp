// Region pooling and non-maximum suppression on the CPU, and the differentiable wrapper that also serves CUDA.
#include "region.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "region_sample.h"

namespace i2p {
namespace {

template <typename Real>
void pool(const at::Tensor& features, const at::Tensor& regions, const RegionGrid& grid, at::Tensor& pooled) {
  const int64_t channels = features.size(1), height = features.size(2), width = features.size(3);
  const Real* source = features.data_ptr<Real>();
  const Real* region = regions.data_ptr<Real>();
  Real* target = pooled.data_ptr<Real>();
  at::parallel_for(0, regions.size(0), 1, [&](int64_t first, int64_t last) {
    for (int64_t k = first; k < last; k++) {
      const RegionSamples<Real> samples(region + 5 * k, static_cast<Real>(grid.scale), grid.rows, grid.columns, grid.samples, grid.aligned);
      const Real* picture = source + samples.picture * channels * height * width;
      for (int64_t row = 0; row < grid.rows; row++) {
        for (int64_t column = 0; column < grid.columns; column++) {
          Real* bin = target + (k * channels * grid.rows + row) * grid.columns + column;
          for (int64_t c = 0; c < channels; c++) bin[c * grid.rows * grid.columns] = 0;
          for (int64_t i = 0; i < samples.grid_rows; i++) {
            for (int64_t j = 0; j < samples.grid_columns; j++) {
              const Bilinear<Real> at(samples.row(row, i), samples.column(column, j), height, width);
              if (!at.inside) continue;
              for (int64_t c = 0; c < channels; c++) {
                const Real* plane = picture + c * height * width;
                bin[c * grid.rows * grid.columns] +=
                    at.top_left * plane[at.low_row * width + at.low_column] + at.top_right * plane[at.low_row * width + at.high_column] +
                    at.bottom_left * plane[at.high_row * width + at.low_column] + at.bottom_right * plane[at.high_row * width + at.high_column];
              }
            }
          }
          for (int64_t c = 0; c < channels; c++) bin[c * grid.rows * grid.columns] /= samples.count();
        }
      }
    }
  });
}

template <typename Real>
void spread(const at::Tensor& gradient, const at::Tensor& regions, const RegionGrid& grid, at::Tensor& features) {
  const int64_t channels = features.size(1), height = features.size(2), width = features.size(3);
  const Real* source = gradient.data_ptr<Real>();
  const Real* region = regions.data_ptr<Real>();
  Real* target = features.data_ptr<Real>();
  // By channel, so that no two threads write one cell whatever regions overlap.
  at::parallel_for(0, channels, 1, [&](int64_t first, int64_t last) {
    for (int64_t k = 0; k < regions.size(0); k++) {
      const RegionSamples<Real> samples(region + 5 * k, static_cast<Real>(grid.scale), grid.rows, grid.columns, grid.samples, grid.aligned);
      Real* picture = target + samples.picture * channels * height * width;
      for (int64_t row = 0; row < grid.rows; row++) {
        for (int64_t column = 0; column < grid.columns; column++) {
          const Real* bin = source + (k * channels * grid.rows + row) * grid.columns + column;
          for (int64_t i = 0; i < samples.grid_rows; i++) {
            for (int64_t j = 0; j < samples.grid_columns; j++) {
              const Bilinear<Real> at(samples.row(row, i), samples.column(column, j), height, width);
              if (!at.inside) continue;
              for (int64_t c = first; c < last; c++) {
                const Real share = bin[c * grid.rows * grid.columns] / samples.count();
                Real* plane = picture + c * height * width;
                plane[at.low_row * width + at.low_column] += at.top_left * share;
                plane[at.low_row * width + at.high_column] += at.top_right * share;
                plane[at.high_row * width + at.low_column] += at.bottom_left * share;
                plane[at.high_row * width + at.high_column] += at.bottom_right * share;
              }
            }
          }
        }
      }
    }
  });
}

at::Tensor forward(const at::Tensor& features, const at::Tensor& regions, const RegionGrid& grid) {
#ifdef I2P_WITH_CUDA
  if (features.is_cuda()) return roi_align_forward_cuda(features, regions, grid);
#endif
  // Built without CUDA's compiler, regions of a GPU's maps are pooled by the processor.
  if (!features.is_cpu()) return forward(features.cpu(), regions.cpu(), grid).to(features.device());
  at::Tensor pooled = at::empty({regions.size(0), features.size(1), grid.rows, grid.columns}, features.options());
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "roi_align", [&] { pool<scalar_t>(features, regions, grid, pooled); });
  return pooled;
}

at::Tensor backward(const at::Tensor& gradient, const at::Tensor& regions, at::IntArrayRef shape, const RegionGrid& grid) {
#ifdef I2P_WITH_CUDA
  if (gradient.is_cuda()) return roi_align_backward_cuda(gradient, regions, shape, grid);
#endif
  if (!gradient.is_cpu()) return backward(gradient.cpu(), regions.cpu(), shape, grid).to(gradient.device());
  at::Tensor features = at::zeros(shape, gradient.options());
  AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "roi_align_backward", [&] { spread<scalar_t>(gradient, regions, grid, features); });
  return features;
}

struct RoiAlign : torch::autograd::Function<RoiAlign> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& features, const at::Tensor& regions,
                            double scale, int64_t rows, int64_t columns, int64_t samples, bool aligned) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({regions});
    context->saved_data["scale"] = scale;
    context->saved_data["grid"] = std::vector<int64_t>{rows, columns, samples, aligned ? 1 : 0};
    context->saved_data["shape"] = features.sizes().vec();
    return i2p::forward(features.contiguous(), regions, {scale, rows, columns, samples, aligned});
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const at::Tensor regions = context->get_saved_variables()[0];
    const std::vector<int64_t> grid = context->saved_data["grid"].toIntVector();
    const std::vector<int64_t> shape = context->saved_data["shape"].toIntVector();
    const RegionGrid geometry{context->saved_data["scale"].toDouble(), grid[0], grid[1], grid[2], grid[3] != 0};
    at::Tensor features = i2p::backward(gradients[0].contiguous(), regions, shape, geometry);
    return {features, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};
}  // namespace

at::Tensor roi_align(const at::Tensor& features, const at::Tensor& regions, double scale, int64_t rows, int64_t columns,
                     int64_t samples, bool aligned) {
  TORCH_CHECK(features.dim() == 4, "roi_align: features must be [N,C,H,W]");
  TORCH_CHECK(regions.dim() == 2 && regions.size(1) == 5, "roi_align: regions must be [K,5]");
  TORCH_CHECK(features.device() == regions.device(), "roi_align: features and regions must be on one device");
  TORCH_CHECK(rows > 0 && columns > 0, "roi_align: the pooled size must be positive");
  const at::Tensor boxes = regions.to(features.scalar_type()).contiguous();
  if (boxes.size(0) > 0) {
    const at::Tensor pictures = boxes.select(1, 0);
    TORCH_CHECK(pictures.min().item<double>() >= 0 && pictures.max().item<double>() < features.size(0), "roi_align: a region names no picture of the batch");
  }
  return RoiAlign::apply(features, boxes, scale, rows, columns, samples, aligned);
}

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double threshold) {
  TORCH_CHECK(boxes.dim() == 2 && boxes.size(1) == 4, "nms: boxes must be [n,4]");
  TORCH_CHECK(scores.dim() == 1 && scores.size(0) == boxes.size(0), "nms: one score a box");
  const at::Tensor corners = boxes.detach().cpu().to(at::kFloat).contiguous();
  const at::Tensor order = std::get<1>(at::sort(scores.detach().cpu(), true, 0, true));
  const float* box = corners.data_ptr<float>();
  const int64_t* index = order.data_ptr<int64_t>();
  const int64_t count = corners.size(0);
  std::vector<float> area(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; i++) area[static_cast<size_t>(i)] = (box[4 * i + 2] - box[4 * i]) * (box[4 * i + 3] - box[4 * i + 1]);
  std::vector<char> gone(static_cast<size_t>(count), 0);
  std::vector<int64_t> kept;
  for (int64_t a = 0; a < count; a++) {
    const int64_t i = index[a];
    if (gone[static_cast<size_t>(i)]) continue;
    kept.push_back(i);
    for (int64_t b = a + 1; b < count; b++) {
      const int64_t j = index[b];
      if (gone[static_cast<size_t>(j)]) continue;
      const float width = std::max(0.0f, std::min(box[4 * i + 2], box[4 * j + 2]) - std::max(box[4 * i], box[4 * j]));
      const float height = std::max(0.0f, std::min(box[4 * i + 3], box[4 * j + 3]) - std::max(box[4 * i + 1], box[4 * j + 1]));
      const float shared = width * height;
      const float overlap = shared / (area[static_cast<size_t>(i)] + area[static_cast<size_t>(j)] - shared);
      if (static_cast<double>(overlap) > threshold) gone[static_cast<size_t>(j)] = 1;
    }
  }
  at::Tensor result = at::empty({static_cast<int64_t>(kept.size())}, at::TensorOptions().dtype(at::kLong));
  std::copy(kept.begin(), kept.end(), result.data_ptr<int64_t>());
  return result.to(boxes.device());
}
}  // namespace i2p
