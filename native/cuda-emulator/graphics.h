// OpenGL's textures and buffers as CUDA sees them.
#pragma once

#include <cstddef>

namespace emulator {

// The memory behind a mapped texture (a CUarray): its first row, and bytes from row to row.
bool array_memory(const void *array, char **pointer, std::size_t *pitch);

}  // namespace emulator
