// What the parts of the emulator share. One lock guards everything; work itself runs outside it, on the streams' threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

typedef int Result;
enum : Result {
  OK = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALISED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  INVALID_PTX = 218,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  NOT_SUPPORTED = 801,
  LAUNCH_FAILED = 719,
  UNKNOWN = 999,
};

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace emulator {

// A setting by its name without CUDA_EMULATOR_: what was set by cuda_emulator_set, else the environment's, else "".
std::string setting(const char *name);
long long number_setting(const char *name, long long otherwise);

// Adds to a counter that cuda_emulator_count reads.
void count(const char *name, long long by = 1);

// Whether the device is lost.
bool is_lost();

// Whether the call may go on: settings may refuse it by name, and a lost device refuses everything.
Result enter(const char *name);

}  // namespace emulator

// For libnvcuvid, which is built beside this library and asks it for the same settings and memory.
EXPORT long long cuda_emulator_setting(const char *name, long long otherwise);
EXPORT void cuda_emulator_setting_text(const char *name, char *text, std::size_t size);
EXPORT void cuda_emulator_add(const char *name, long long by);
EXPORT Result cuda_emulator_enter(const char *name);
