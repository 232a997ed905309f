#pragma once

#include <ATen/ATen.h>

#include <exception>
#include <vector>

#define I2P_API __attribute__((visibility("default")))

namespace i2p {
void set_last_error(const char* message);

inline at::Tensor& tensor(void* handle) { return *static_cast<at::Tensor*>(handle); }

inline at::IntArrayRef sizes(const int64_t* shape, int rank) { return {shape, static_cast<size_t>(rank)}; }

inline void publish(at::Tensor value, void** out) { *out = new at::Tensor(std::move(value)); }

at::Tensor optional(void* handle);

std::vector<at::Tensor> gather(void* const* handles, int64_t count);

// Runs one operation; an exception becomes status 1 and a message for i2p_last_error.
template <typename Operation>
int guarded(Operation&& operation) noexcept {
  try {
    operation();
    return 0;
  } catch (const std::exception& error) {
    set_last_error(error.what());
  } catch (...) {
    set_last_error("unknown native error");
  }
  return 1;
}
}  // namespace i2p
