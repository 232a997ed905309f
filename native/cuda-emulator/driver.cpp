// The driver calls about devices and contexts; copies.cpp and order.cpp have the others. Those that the program and FFmpeg make do what CUDA's
// manual says; those that FFmpeg's loader only looks up are there and say CUDA_ERROR_NOT_SUPPORTED.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "driver.h"
#include "memory.h"

namespace {

using namespace emulator;

std::mutex &guard = *new std::mutex;
bool initialised;
std::map<int, Context *> &primary = *new std::map<int, Context *>;
std::set<Context *> &contexts = *new std::set<Context *>;
thread_local std::vector<Context *> stack;

int device_count() {
  int count = static_cast<int>(number_setting("DEVICES", 1));
  std::string visible = setting("VISIBLE_DEVICES");
  const char *named = visible.empty() ? std::getenv("CUDA_VISIBLE_DEVICES") : visible.c_str();
  if (!named) return count;
  // As the driver: devices up to the first entry that names none.
  int seen = 0;
  for (const char *at = named; *at;) {
    char *end;
    long device = std::strtol(at, &end, 10);
    if (end == at || device < 0 || device >= count) break;
    seen++;
    at = *end == ',' ? end + 1 : end;
    if (*end && *end != ',') break;
  }
  return seen;
}

Context *new_context(int device, unsigned flags) {
  Context *context = new Context;
  context->device = device;
  context->flags = flags;
  context->legacy = create_stream(context, false, true);
  contexts.insert(context);
  return context;
}

struct Name {
  Result code;
  const char *name;
  const char *description;
};

const Name names[] = {
    {OK, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALISED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

}  // namespace

Result emulator::begin(const char *name) {
  Result refused = enter(name);
  if (refused != OK) return refused;
  std::lock_guard<std::mutex> lock(guard);
  return initialised ? OK : NOT_INITIALISED;
}

Result emulator::current(Context **context) {
  if (stack.empty() || !stack.back()) return INVALID_CONTEXT;
  *context = stack.back();
  return OK;
}

// 0 and 1 are the legacy stream, 2 is the thread's own, which behaves as the legacy one here.
Result emulator::stream_of(void *handle, Stream **stream) {
  Context *context;
  Result result = current(&context);
  if (result != OK) return result;
  if (reinterpret_cast<std::uintptr_t>(handle) <= 2) {
    *stream = context->legacy;
    return OK;
  }
  if (!is_stream(static_cast<Stream *>(handle))) {
    count("bad_handles");
    return INVALID_HANDLE;
  }
  *stream = static_cast<Stream *>(handle);
  return OK;
}

// --- the driver and its devices

EXPORT Result cuInit(unsigned flags) {
  TRY(enter(__func__));
  if (flags != 0) return INVALID_VALUE;
  if (device_count() == 0) return NO_DEVICE;
  std::lock_guard<std::mutex> lock(guard);
  initialised = true;
  return OK;
}

EXPORT Result cuDriverGetVersion(int *version) {
  TRY(enter(__func__));
  if (!version) return INVALID_VALUE;
  *version = static_cast<int>(number_setting("DRIVER", 13000));
  return OK;
}

EXPORT Result cuGetErrorName(Result code, const char **text) {
  for (const Name &known : names) {
    if (known.code == code) return *text = known.name, OK;
  }
  *text = nullptr;
  return INVALID_VALUE;
}

EXPORT Result cuGetErrorString(Result code, const char **text) {
  for (const Name &known : names) {
    if (known.code == code) return *text = known.description, OK;
  }
  *text = nullptr;
  return INVALID_VALUE;
}

EXPORT Result cuDeviceGetCount(int *found) {
  BEGIN();
  if (!found) return INVALID_VALUE;
  *found = device_count();
  return OK;
}

EXPORT Result cuDeviceGet(int *device, int ordinal) {
  BEGIN();
  if (!device) return INVALID_VALUE;
  if (ordinal < 0 || ordinal >= device_count()) return INVALID_DEVICE;
  *device = ordinal;
  return OK;
}

EXPORT Result cuDeviceGetName(char *name, int length, int device) {
  BEGIN();
  if (!name || length < 1) return INVALID_VALUE;
  if (device < 0 || device >= device_count()) return INVALID_DEVICE;
  std::strncpy(name, "Emulated CUDA device", static_cast<std::size_t>(length) - 1);
  name[length - 1] = 0;
  return OK;
}

EXPORT Result cuDeviceGetUuid(unsigned char *uuid, int device) {
  BEGIN();
  std::memset(uuid, 0, 16);
  uuid[0] = static_cast<unsigned char>(device);
  return OK;
}

EXPORT Result cuDeviceGetUuid_v2(unsigned char *uuid, int device) { return cuDeviceGetUuid(uuid, device); }

EXPORT Result cuDeviceComputeCapability(int *major, int *minor, int) {
  BEGIN();
  *major = 8;
  *minor = 0;
  return OK;
}

EXPORT Result cuDeviceTotalMem_v2(std::size_t *bytes, int) {
  BEGIN();
  *bytes = total_bytes();
  return OK;
}

EXPORT Result cuDeviceGetAttribute(int *value, int attribute, int device) {
  BEGIN();
  if (!value) return INVALID_VALUE;
  if (device < 0 || device >= device_count()) return INVALID_DEVICE;
  static const std::map<int, int> values = {
      {1, 1024}, {2, 1024}, {3, 1024}, {4, 64}, {10, 32}, {14, 512}, {16, 1}, {32, 512}, {40, 2}, {41, 1}, {75, 8}, {76, 0}};
  auto found = values.find(attribute);
  *value = found == values.end() ? 0 : found->second;
  return OK;
}

// --- contexts

EXPORT Result cuDevicePrimaryCtxRetain(void **context, int device) {
  BEGIN();
  if (!context) return INVALID_VALUE;
  if (device < 0 || device >= device_count()) return INVALID_DEVICE;
  std::lock_guard<std::mutex> lock(guard);
  Context *&found = primary[device];
  if (!found) found = new_context(device, 0);
  if (found->references++ == 0) count("contexts");
  *context = found;
  return OK;
}

EXPORT Result cuDevicePrimaryCtxRelease_v2(int device) {
  Result result = begin(__func__);
  std::unique_lock<std::mutex> lock(guard);
  auto found = primary.find(device);
  if (found == primary.end() || found->second->references == 0) {
    if (result != OK) return result;
    count("bad_handles");
    return INVALID_CONTEXT;
  }
  if (--found->second->references == 0) count("contexts", -1);
  return result;
}

EXPORT Result cuDevicePrimaryCtxRelease(int device) { return cuDevicePrimaryCtxRelease_v2(device); }

EXPORT Result cuDevicePrimaryCtxSetFlags(int device, unsigned flags) {
  BEGIN();
  std::lock_guard<std::mutex> lock(guard);
  Context *&found = primary[device];
  if (!found) found = new_context(device, 0);
  found->flags = flags;
  return OK;
}

EXPORT Result cuDevicePrimaryCtxSetFlags_v2(int device, unsigned flags) { return cuDevicePrimaryCtxSetFlags(device, flags); }

EXPORT Result cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
  BEGIN();
  std::lock_guard<std::mutex> lock(guard);
  auto found = primary.find(device);
  *flags = found == primary.end() ? 0 : found->second->flags;
  *active = found != primary.end() && found->second->references > 0;
  return OK;
}

EXPORT Result cuDevicePrimaryCtxReset(int) { return NOT_SUPPORTED; }

EXPORT Result cuCtxCreate_v2(void **context, unsigned flags, int device) {
  BEGIN();
  if (!context) return INVALID_VALUE;
  if (device < 0 || device >= device_count()) return INVALID_DEVICE;
  std::lock_guard<std::mutex> lock(guard);
  Context *created = new_context(device, flags);
  count("contexts");
  stack.push_back(created);
  *context = created;
  return OK;
}

EXPORT Result cuCtxDestroy_v2(void *context) {
  BEGIN();
  Context *destroyed = static_cast<Context *>(context);
  {
    std::lock_guard<std::mutex> lock(guard);
    if (!contexts.erase(destroyed)) return INVALID_CONTEXT;
    count("contexts", -1);
  }
  finish_all(destroyed);
  destroy_stream(destroyed->legacy);
  if (!stack.empty() && stack.back() == destroyed) stack.pop_back();
  delete destroyed;
  return OK;
}

EXPORT Result cuCtxPushCurrent_v2(void *context) {
  BEGIN();
  {
    std::lock_guard<std::mutex> lock(guard);
    if (!contexts.count(static_cast<Context *>(context))) return INVALID_CONTEXT;
  }
  stack.push_back(static_cast<Context *>(context));
  return OK;
}

EXPORT Result cuCtxPopCurrent_v2(void **context) {
  BEGIN();
  if (stack.empty()) return INVALID_CONTEXT;
  if (context) *context = stack.back();
  stack.pop_back();
  return OK;
}

EXPORT Result cuCtxSetCurrent(void *context) {
  BEGIN();
  if (!stack.empty()) stack.pop_back();
  if (context) stack.push_back(static_cast<Context *>(context));
  return OK;
}

EXPORT Result cuCtxGetCurrent(void **context) {
  BEGIN();
  *context = stack.empty() ? nullptr : stack.back();
  return OK;
}

EXPORT Result cuCtxGetDevice(int *device) {
  BEGIN();
  Context *context;
  TRY(current(&context));
  *device = context->device;
  return OK;
}

EXPORT Result cuCtxSetLimit(int, std::size_t) {
  BEGIN();
  return OK;
}

EXPORT Result cuCtxSynchronize() {
  BEGIN();
  Context *context;
  TRY(current(&context));
  finish_all(context);
  return OK;
}

// --- what FFmpeg's loader asks for and nothing here calls

#define UNSUPPORTED(name) \
  EXPORT Result name() { return NOT_SUPPORTED; }

UNSUPPORTED(cuDeviceGetLuid)
UNSUPPORTED(cuDeviceGetByPCIBusId)
UNSUPPORTED(cuDeviceGetPCIBusId)
UNSUPPORTED(cuMemAllocManaged)
UNSUPPORTED(cuLinkCreate)
UNSUPPORTED(cuLinkCreate_v2)
UNSUPPORTED(cuLinkAddData)
UNSUPPORTED(cuLinkAddData_v2)
UNSUPPORTED(cuLinkComplete)
UNSUPPORTED(cuLinkDestroy)
UNSUPPORTED(cuModuleGetGlobal)
UNSUPPORTED(cuModuleGetGlobal_v2)
UNSUPPORTED(cuTexObjectCreate)
UNSUPPORTED(cuTexObjectDestroy)
UNSUPPORTED(cuImportExternalMemory)
UNSUPPORTED(cuDestroyExternalMemory)
UNSUPPORTED(cuExternalMemoryGetMappedBuffer)
UNSUPPORTED(cuExternalMemoryGetMappedMipmappedArray)
UNSUPPORTED(cuMipmappedArrayGetLevel)
UNSUPPORTED(cuMipmappedArrayDestroy)
UNSUPPORTED(cuImportExternalSemaphore)
UNSUPPORTED(cuDestroyExternalSemaphore)
UNSUPPORTED(cuSignalExternalSemaphoresAsync)
UNSUPPORTED(cuWaitExternalSemaphoresAsync)
UNSUPPORTED(cuArrayCreate_v2)
UNSUPPORTED(cuArray3DCreate_v2)
UNSUPPORTED(cuArrayDestroy)
UNSUPPORTED(cuEGLStreamProducerConnect)
UNSUPPORTED(cuEGLStreamProducerDisconnect)
UNSUPPORTED(cuEGLStreamConsumerDisconnect)
UNSUPPORTED(cuEGLStreamProducerPresentFrame)
UNSUPPORTED(cuEGLStreamProducerReturnFrame)
