// Device memory that is host memory: each allocation ends at a guard page, so that a kernel that reads or writes past it
// crashes here, where a GPU might not notice; and its bytes begin as a pattern that no test takes for zeros.
#pragma once

#include <cstddef>

#include "emulator.h"

namespace emulator {

enum class MemoryKind { device, pinned };

Result allocate(MemoryKind kind, std::size_t bytes, void **pointer);
Result release(MemoryKind kind, void *pointer);

// Whether the range lies in one allocation of that kind.
bool holds(MemoryKind kind, const void *pointer, std::size_t bytes);

// Bytes that are in use on the device, and that it has.
std::size_t used_bytes();
std::size_t total_bytes();

}  // namespace emulator
