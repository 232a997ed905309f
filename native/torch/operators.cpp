// Operators that neither libtorch nor TorchSharp has, or that TorchSharp does not surface. Img2Pose.Training calls them
// directly; the TorchSharp stand-in does not.
#include "shim.h"

using i2p::guarded;
using i2p::publish;
using i2p::tensor;

extern "C" {

// The same tensor laid out channels-last (NHWC in memory), which oneDNN convolves fastest.
I2P_API int i2p_channels_last(void* self, void** out) {
  return guarded([&] { publish(tensor(self).contiguous(at::MemoryFormat::ChannelsLast), out); });
}

// Turns interleaved 8-bit RGB pictures [N,H,W,3] into normalised channels-last float tensors [N,3,H,W].
I2P_API int i2p_normalize_pictures(void* self, const float* mean, const float* stddev, void** out) {
  return guarded([&] {
    const at::Tensor m = at::tensor(at::ArrayRef<float>(mean, 3)).mul(255.0f).to(tensor(self).device());
    const at::Tensor s = at::tensor(at::ArrayRef<float>(stddev, 3)).mul(255.0f).to(tensor(self).device());
    publish(tensor(self).to(at::kFloat).sub(m).div(s).permute({0, 3, 1, 2}), out);
  });
}
}
