// What the driver's calls begin with.
#pragma once

#include "streams.h"

namespace emulator {

struct Context {
  int device = 0;
  int references = 0;
  unsigned flags = 0;
  Stream *legacy = nullptr;
};

// Whether a call may go on: settings may refuse it, and cuInit must have been called.
Result begin(const char *name);

// The context that is current in this thread.
Result current(Context **context);

// The stream behind a handle in the current context.
Result stream_of(void *handle, Stream **stream);

}  // namespace emulator

#define TRY(expression)                    \
  do {                                     \
    Result tried = (expression);           \
    if (tried != OK) return tried;         \
  } while (0)
#define BEGIN() TRY(emulator::begin(__func__))
