// The C face of libtorch that src/Interop/TorchSharp calls: one function per tensor operation, status by return value,
// results through the last pointer. A tensor handle is a heap-allocated at::Tensor that the caller releases.
#include "shim.h"

#include <ATen/Parallel.h>
#include <torch/cuda.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/version.h>

#include <malloc.h>

#include <cmath>
#include <cstring>

namespace {
thread_local std::string last_error;

// A training step asks for the same large blocks over and over. By default glibc maps and unmaps each, and the kernel clears
// every page anew, 20,000 faults a second in a run of the default model. Blocks up to glibc's largest threshold stay in
// the heap instead; larger batches than about 16 pictures of 320×320 go beyond it.
const bool heap_keeps_blocks = [] {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
  return true;
}();
}

namespace i2p {
void set_last_error(const char* message) {
  // A C++ back trace follows the first line; the caller wants one line.
  std::string text(message);
  last_error = text.substr(0, text.find('\n'));
}

std::vector<at::Tensor> gather(void* const* handles, int64_t count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; i++) tensors.push_back(tensor(handles[i]));
  return tensors;
}

at::Tensor optional(void* handle) { return handle ? tensor(handle) : at::Tensor(); }
}  // namespace i2p

using i2p::gather;
using i2p::guarded;
using i2p::publish;
using i2p::sizes;
using i2p::tensor;

namespace {
at::TensorOptions options(int dtype, int device_type, int device_index) {
  return at::TensorOptions()
      .dtype(static_cast<at::ScalarType>(dtype))
      .device(at::Device(static_cast<at::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index)));
}

// C# hands every scalar over as a double; a whole one stays an integer beside an integer tensor.
at::Scalar scalar(double value, const at::Tensor& beside) {
  const bool whole = at::isIntegralType(beside.scalar_type(), true) && value == std::floor(value);
  return whole ? at::Scalar(static_cast<int64_t>(value)) : at::Scalar(value);
}
}  // namespace

extern "C" {

I2P_API const char* i2p_last_error() { return last_error.c_str(); }

I2P_API int i2p_cuda_is_available() { return at::hasCUDA() ? 1 : 0; }

I2P_API int i2p_cuda_device_count() { return static_cast<int>(torch::cuda::device_count()); }

I2P_API int i2p_set_num_threads(int threads) {
  return guarded([&] { at::set_num_threads(threads); });
}

I2P_API int i2p_get_num_threads(int* threads) {
  return guarded([&] { *threads = at::get_num_threads(); });
}

I2P_API int i2p_manual_seed(int64_t seed) {
  return guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

I2P_API int i2p_set_grad_enabled(int enabled) {
  return guarded([&] { at::GradMode::set_enabled(enabled != 0); });
}

I2P_API int i2p_is_grad_enabled() { return at::GradMode::is_enabled() ? 1 : 0; }

// Creation and life.

I2P_API int i2p_release(void* handle) {
  delete static_cast<at::Tensor*>(handle);
  return 0;
}

I2P_API int i2p_full(const int64_t* shape, int rank, double value, int dtype, int device_type, int device_index, void** out) {
  return guarded([&] { publish(at::full(sizes(shape, rank), value, options(dtype, device_type, device_index)), out); });
}

I2P_API int i2p_empty(const int64_t* shape, int rank, int dtype, int device_type, int device_index, void** out) {
  return guarded([&] { publish(at::empty(sizes(shape, rank), options(dtype, device_type, device_index)), out); });
}

I2P_API int i2p_from_data(const void* data, const int64_t* shape, int rank, int dtype, int device_type, int device_index, void** out) {
  return guarded([&] {
    at::Tensor host = at::empty(sizes(shape, rank), at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)));
    if (host.nbytes() != 0) std::memcpy(host.data_ptr(), data, host.nbytes());
    publish(host.to(options(dtype, device_type, device_index)), out);
  });
}

I2P_API int i2p_alias(void* self, void** out) {
  return guarded([&] { publish(tensor(self), out); });
}

// Properties.

I2P_API int i2p_rank(void* self) { return static_cast<int>(tensor(self).dim()); }

I2P_API int64_t i2p_size(void* self, int dim) { return tensor(self).size(dim); }

I2P_API int i2p_dtype(void* self) { return static_cast<int>(tensor(self).scalar_type()); }

I2P_API int i2p_device_type(void* self) { return static_cast<int>(tensor(self).device().type()); }

I2P_API int i2p_device_index(void* self) { return static_cast<int>(tensor(self).device().index()); }

I2P_API int i2p_requires_grad(void* self) { return tensor(self).requires_grad() ? 1 : 0; }

I2P_API int i2p_set_requires_grad(void* self, int value) {
  return guarded([&] { tensor(self).set_requires_grad(value != 0); });
}

I2P_API int i2p_data_ptr(void* self, void** out) {
  return guarded([&] { *out = tensor(self).data_ptr(); });
}

I2P_API int i2p_is_contiguous(void* self) { return tensor(self).is_contiguous() ? 1 : 0; }

I2P_API int i2p_item_double(void* self, double* out) {
  return guarded([&] { *out = tensor(self).item().toDouble(); });
}

I2P_API int i2p_item_long(void* self, int64_t* out) {
  return guarded([&] { *out = tensor(self).item().toLong(); });
}

// Automatic differentiation.

I2P_API int i2p_backward(void* self) {
  return guarded([&] { tensor(self).backward(); });
}

I2P_API int i2p_grad(void* self, void** out) {
  return guarded([&] {
    *out = nullptr;
    const at::Tensor& gradient = tensor(self).grad();
    if (gradient.defined()) publish(gradient, out);
  });
}

I2P_API int i2p_set_grad(void* self, void* gradient) {
  return guarded([&] { tensor(self).mutable_grad() = i2p::optional(gradient); });
}

// Element-wise operations of one tensor.

enum Unary {
  kNeg, kExp, kLog, kSqrt, kRsqrt, kAbs, kSigmoid, kRelu, kTanh, kSquare, kSin, kCos, kFloor, kRound, kLogicalNot,
  kContiguous, kClone, kDetach, kIsFinite, kIsNan, kSilu, kHardsigmoid, kHardswish, kAll, kAny, kSum, kMean, kMax, kMin, kNonzero, kSoftplus
};

I2P_API int i2p_unary(void* self, int op, void** out) {
  return guarded([&] {
    const at::Tensor& x = tensor(self);
    at::Tensor y;
    switch (op) {
      case kNeg: y = at::neg(x); break;
      case kExp: y = at::exp(x); break;
      case kLog: y = at::log(x); break;
      case kSqrt: y = at::sqrt(x); break;
      case kRsqrt: y = at::rsqrt(x); break;
      case kAbs: y = at::abs(x); break;
      case kSigmoid: y = at::sigmoid(x); break;
      case kRelu: y = at::relu(x); break;
      case kTanh: y = at::tanh(x); break;
      case kSquare: y = at::square(x); break;
      case kSin: y = at::sin(x); break;
      case kCos: y = at::cos(x); break;
      case kFloor: y = at::floor(x); break;
      case kRound: y = at::round(x); break;
      case kLogicalNot: y = at::logical_not(x); break;
      case kContiguous: y = x.contiguous(); break;
      case kClone: y = x.clone(); break;
      case kDetach: y = x.detach(); break;
      case kIsFinite: y = at::isfinite(x); break;
      case kIsNan: y = at::isnan(x); break;
      case kSilu: y = at::silu(x); break;
      case kHardsigmoid: y = at::hardsigmoid(x); break;
      case kHardswish: y = at::hardswish(x); break;
      case kAll: y = at::all(x); break;
      case kAny: y = at::any(x); break;
      case kSum: y = at::sum(x); break;
      case kMean: y = at::mean(x); break;
      case kMax: y = at::max(x); break;
      case kMin: y = at::min(x); break;
      case kNonzero: y = at::nonzero(x); break;
      case kSoftplus: y = at::softplus(x); break;
      default: throw std::invalid_argument("unknown unary operation");
    }
    publish(y, out);
  });
}

enum Binary { kAdd, kSub, kMul, kDiv, kPow, kMaximum, kMinimum, kMatmul, kEq, kNe, kLt, kLe, kGt, kGe, kAnd, kOr };

I2P_API int i2p_binary(void* left, void* right, int op, void** out) {
  return guarded([&] {
    const at::Tensor& a = tensor(left);
    const at::Tensor& b = tensor(right);
    at::Tensor y;
    switch (op) {
      case kAdd: y = at::add(a, b); break;
      case kSub: y = at::sub(a, b); break;
      case kMul: y = at::mul(a, b); break;
      case kDiv: y = at::div(a, b); break;
      case kPow: y = at::pow(a, b); break;
      case kMaximum: y = at::maximum(a, b); break;
      case kMinimum: y = at::minimum(a, b); break;
      case kMatmul: y = at::matmul(a, b); break;
      case kEq: y = at::eq(a, b); break;
      case kNe: y = at::ne(a, b); break;
      case kLt: y = at::lt(a, b); break;
      case kLe: y = at::le(a, b); break;
      case kGt: y = at::gt(a, b); break;
      case kGe: y = at::ge(a, b); break;
      case kAnd: y = at::logical_and(a, b); break;
      case kOr: y = at::logical_or(a, b); break;
      default: throw std::invalid_argument("unknown binary operation");
    }
    publish(y, out);
  });
}

I2P_API int i2p_binary_scalar(void* left, double right, int op, void** out) {
  return guarded([&] {
    const at::Tensor& a = tensor(left);
    const at::Scalar b = scalar(right, a);
    at::Tensor y;
    switch (op) {
      case kAdd: y = at::add(a, b); break;
      case kSub: y = at::sub(a, b); break;
      case kMul: y = at::mul(a, b); break;
      case kDiv: y = at::div(a, b); break;
      case kPow: y = at::pow(a, b); break;
      case kEq: y = at::eq(a, b); break;
      case kNe: y = at::ne(a, b); break;
      case kLt: y = at::lt(a, b); break;
      case kLe: y = at::le(a, b); break;
      case kGt: y = at::gt(a, b); break;
      case kGe: y = at::ge(a, b); break;
      default: throw std::invalid_argument("unknown scalar operation");
    }
    publish(y, out);
  });
}

I2P_API int i2p_clamp(void* self, double low, double high, void** out) {
  return guarded([&] { publish(at::clamp(tensor(self), low, high), out); });
}

// In-place operations; the tensor that they change is the result.

I2P_API int i2p_fill_(void* self, double value) {
  return guarded([&] { tensor(self).fill_(value); });
}

I2P_API int i2p_normal_(void* self, double mean, double stddev) {
  return guarded([&] { tensor(self).normal_(mean, stddev); });
}

I2P_API int i2p_uniform_(void* self, double low, double high) {
  return guarded([&] { tensor(self).uniform_(low, high); });
}

I2P_API int i2p_copy_(void* self, void* source) {
  return guarded([&] { tensor(self).copy_(tensor(source)); });
}

// Gives a tensor that others refer to the data of another one, on whatever device that is (torch.nn.Module.to).
I2P_API int i2p_set_data(void* self, void* source) {
  return guarded([&] { tensor(self).set_data(tensor(source)); });
}

I2P_API int i2p_mul_scalar_(void* self, double value) {
  return guarded([&] { tensor(self).mul_(scalar(value, tensor(self))); });
}

I2P_API int i2p_add_(void* self, void* other, double alpha) {
  return guarded([&] { tensor(self).add_(tensor(other), alpha); });
}

I2P_API int i2p_add_scalar_(void* self, double value) {
  return guarded([&] { tensor(self).add_(scalar(value, tensor(self))); });
}

I2P_API int i2p_addcmul_(void* self, void* a, void* b, double value) {
  return guarded([&] { tensor(self).addcmul_(tensor(a), tensor(b), value); });
}

I2P_API int i2p_addcdiv_(void* self, void* a, void* b, double value) {
  return guarded([&] { tensor(self).addcdiv_(tensor(a), tensor(b), value); });
}

// Shape.

I2P_API int i2p_reshape(void* self, const int64_t* shape, int rank, void** out) {
  return guarded([&] { publish(tensor(self).reshape(sizes(shape, rank)), out); });
}

I2P_API int i2p_permute(void* self, const int64_t* dims, int rank, void** out) {
  return guarded([&] { publish(tensor(self).permute(sizes(dims, rank)), out); });
}

I2P_API int i2p_transpose(void* self, int64_t a, int64_t b, void** out) {
  return guarded([&] { publish(tensor(self).transpose(a, b), out); });
}

I2P_API int i2p_squeeze(void* self, int64_t dim, void** out) {
  return guarded([&] { publish(tensor(self).squeeze(dim), out); });
}

I2P_API int i2p_unsqueeze(void* self, int64_t dim, void** out) {
  return guarded([&] { publish(tensor(self).unsqueeze(dim), out); });
}

I2P_API int i2p_narrow(void* self, int64_t dim, int64_t start, int64_t length, void** out) {
  return guarded([&] { publish(tensor(self).narrow(dim, start, length), out); });
}

I2P_API int i2p_select(void* self, int64_t dim, int64_t index, void** out) {
  return guarded([&] { publish(tensor(self).select(dim, index), out); });
}

I2P_API int i2p_index_select(void* self, int64_t dim, void* index, void** out) {
  return guarded([&] { publish(at::index_select(tensor(self), dim, tensor(index)), out); });
}

I2P_API int i2p_index_copy(void* self, int64_t dim, void* index, void* source, void** out) {
  return guarded([&] { publish(tensor(self).index_copy(dim, tensor(index), tensor(source)), out); });
}

I2P_API int i2p_cat(void* const* handles, int64_t count, int64_t dim, void** out) {
  return guarded([&] { publish(at::cat(gather(handles, count), dim), out); });
}

I2P_API int i2p_stack(void* const* handles, int64_t count, int64_t dim, void** out) {
  return guarded([&] { publish(at::stack(gather(handles, count), dim), out); });
}

I2P_API int i2p_to(void* self, int dtype, int device_type, int device_index, void** out) {
  return guarded([&] { publish(tensor(self).to(options(dtype, device_type, device_index)), out); });
}

// Reductions.

enum Reduction { kReduceSum, kReduceMean, kReduceMax, kReduceMin, kReduceArgmax };

I2P_API int i2p_reduce(void* self, int op, int64_t dim, int keep, void** out) {
  return guarded([&] {
    const at::Tensor& x = tensor(self);
    at::Tensor y;
    switch (op) {
      case kReduceSum: y = at::sum(x, {dim}, keep != 0); break;
      case kReduceMean: y = at::mean(x, {dim}, keep != 0); break;
      case kReduceMax: y = std::get<0>(at::max(x, dim, keep != 0)); break;
      case kReduceMin: y = std::get<0>(at::min(x, dim, keep != 0)); break;
      case kReduceArgmax: y = at::argmax(x, dim, keep != 0); break;
      default: throw std::invalid_argument("unknown reduction");
    }
    publish(y, out);
  });
}

I2P_API int i2p_norm(void* self, double p, void** out) {
  return guarded([&] { publish(at::norm(tensor(self), p), out); });
}

// Neural-network functions.

I2P_API int i2p_conv2d(void* input, void* weight, void* bias, int64_t stride, int64_t padding, int64_t dilation, int64_t groups, void** out) {
  return guarded([&] {
    publish(at::conv2d(tensor(input), tensor(weight), i2p::optional(bias), {stride, stride}, {padding, padding},
                       {dilation, dilation}, groups), out);
  });
}

I2P_API int i2p_linear(void* input, void* weight, void* bias, void** out) {
  return guarded([&] { publish(at::linear(tensor(input), tensor(weight), i2p::optional(bias)), out); });
}

I2P_API int i2p_batch_norm(void* input, void* mean, void* variance, void* weight, void* bias, int training, double momentum, double eps, void** out) {
  return guarded([&] {
    publish(at::batch_norm(tensor(input), i2p::optional(weight), i2p::optional(bias), i2p::optional(mean),
                           i2p::optional(variance), training != 0, momentum, eps, true), out);
  });
}

I2P_API int i2p_max_pool2d(void* input, int64_t kernel, int64_t stride, int64_t padding, void** out) {
  return guarded([&] {
    publish(at::max_pool2d(tensor(input), {kernel, kernel}, {stride, stride}, {padding, padding}), out);
  });
}

I2P_API int i2p_upsample_nearest2d(void* input, int64_t height, int64_t width, void** out) {
  return guarded([&] { publish(at::upsample_nearest2d(tensor(input), {height, width}), out); });
}

I2P_API int i2p_upsample_bilinear2d(void* input, int64_t height, int64_t width, int align_corners, void** out) {
  return guarded([&] { publish(at::upsample_bilinear2d(tensor(input), {height, width}, align_corners != 0), out); });
}

// Losses; reduction 0 none, 1 mean, 2 sum, as at::Reduction has it.

I2P_API int i2p_bce_with_logits(void* input, void* target, void* weight, int reduction, void** out) {
  return guarded([&] {
    publish(at::binary_cross_entropy_with_logits(tensor(input), tensor(target), i2p::optional(weight), at::Tensor(), reduction), out);
  });
}

I2P_API int i2p_smooth_l1(void* input, void* target, int reduction, double beta, void** out) {
  return guarded([&] { publish(at::smooth_l1_loss(tensor(input), tensor(target), reduction, beta), out); });
}

I2P_API int i2p_l1(void* input, void* target, int reduction, void** out) {
  return guarded([&] { publish(at::l1_loss(tensor(input), tensor(target), reduction), out); });
}

I2P_API int i2p_mse(void* input, void* target, int reduction, void** out) {
  return guarded([&] { publish(at::mse_loss(tensor(input), tensor(target), reduction), out); });
}

I2P_API int i2p_cross_entropy(void* input, void* target, int reduction, void** out) {
  return guarded([&] { publish(at::cross_entropy_loss(tensor(input), tensor(target), at::Tensor(), reduction), out); });
}
}
