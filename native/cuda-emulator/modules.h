// PTX modules. Their text is read for the entries and the sizes of their parameters; a launch runs the CPU build of the
// kernel of that name, its blocks in shuffled order.
#pragma once

#include <functional>

#include "emulator.h"

namespace emulator {

Result load_module(const char *image, void **module);
Result unload_module(void *module);
Result get_function(void *module, const char *name, void **function);

struct Extent {
  unsigned x, y, z;
};

// Copies the arguments now; what comes back does the work.
Result prepare_launch(void *function, Extent grid, Extent block, void **parameters, std::function<void()> *work);

}  // namespace emulator
