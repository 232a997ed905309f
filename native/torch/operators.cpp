// Operators that neither libtorch nor TorchSharp has, or that TorchSharp does not surface. Img2Pose.Training calls them
// directly; the TorchSharp stand-in does not.
#include "region.h"
#include "shim.h"

using i2p::guarded;
using i2p::publish;
using i2p::tensor;

extern "C" {

// Turns interleaved 8-bit RGB pictures [N,H,W,3] into normalised channels-last float tensors [N,3,H,W].
I2P_API int i2p_normalize_pictures(void* self, const float* mean, const float* stddev, void** out) {
  return guarded([&] {
    const at::Tensor m = at::tensor(at::ArrayRef<float>(mean, 3)).mul(255.0f).to(tensor(self).device());
    const at::Tensor s = at::tensor(at::ArrayRef<float>(stddev, 3)).mul(255.0f).to(tensor(self).device());
    publish(tensor(self).to(at::kFloat).sub(m).div(s).permute({0, 3, 1, 2}), out);
  });
}

// Region pooling (Mask R-CNN, section 3): features [N,C,H,W], regions [K,5] as picture index, left, top, right, bottom in pixels
// of the picture; the result is [K, C, rows, columns]. Differentiable in the features.
I2P_API int i2p_roi_align(void* features, void* regions, double scale, int64_t rows, int64_t columns, int64_t samples,
                          int aligned, void** out) {
  return guarded([&] {
    publish(i2p::roi_align(tensor(features), tensor(regions), scale, rows, columns, samples, aligned != 0), out);
  });
}

// Greedy non-maximum suppression of boxes [n,4] by descending score (stable); indices of the kept boxes in that order.
I2P_API int i2p_nms(void* boxes, void* scores, double threshold, void** out) {
  return guarded([&] { publish(i2p::nms(tensor(boxes), tensor(scores), threshold), out); });
}
}
