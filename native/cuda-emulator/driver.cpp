// The driver calls. Those that the program and FFmpeg make do what CUDA's manual says; those that FFmpeg's loader only
// looks up are there and say CUDA_ERROR_NOT_SUPPORTED.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "graphics.h"
#include "memory.h"
#include "modules.h"
#include "streams.h"

namespace {

using namespace emulator;

struct Context {
  int device = 0;
  int references = 0;
  unsigned flags = 0;
  Stream *legacy = nullptr;
};

struct Event {
  WorkPointer recorded;
  bool timed = true;
};

std::mutex &guard = *new std::mutex;
bool initialised;
std::map<int, Context *> &primary = *new std::map<int, Context *>;
std::set<Context *> &contexts = *new std::set<Context *>;
std::set<Event *> &events = *new std::set<Event *>;
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

Result begin(const char *name) {
  Result refused = enter(name);
  if (refused != OK) return refused;
  std::lock_guard<std::mutex> lock(guard);
  return initialised ? OK : NOT_INITIALISED;
}

Result current(Context **context) {
  if (stack.empty() || !stack.back()) return INVALID_CONTEXT;
  *context = stack.back();
  return OK;
}

// 0 and 1 are the legacy stream, 2 is the thread's own, which behaves as the legacy one here.
Result resolve(void *handle, Stream **stream) {
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

Event *event_of(void *handle) {
  std::lock_guard<std::mutex> lock(guard);
  if (events.count(static_cast<Event *>(handle))) return static_cast<Event *>(handle);
  count("bad_handles");
  return nullptr;
}

Context *new_context(int device, unsigned flags) {
  Context *context = new Context;
  context->device = device;
  context->flags = flags;
  context->legacy = create_stream(context, false, true);
  contexts.insert(context);
  return context;
}

#define TRY(expression)                    \
  do {                                     \
    Result tried = (expression);           \
    if (tried != OK) return tried;         \
  } while (0)
#define BEGIN() TRY(begin(__func__))

struct Side {
  char *pointer;
  bool device;
  std::size_t pitch;
};

Result check(const Side &side, std::size_t width, std::size_t height) {
  std::size_t bytes = (height - 1) * side.pitch + width;
  if (!side.pointer || (height > 1 && side.pitch < width)) return INVALID_VALUE;
  if (!side.device || holds(MemoryKind::device, side.pointer, bytes)) return OK;
  count("illegal_copies");
  return INVALID_VALUE;
}

void copy_rows(const char *from, std::size_t from_pitch, char *to, std::size_t to_pitch, std::size_t width, std::size_t height) {
  for (std::size_t y = 0; y < height; y++) std::memmove(to + y * to_pitch, from + y * from_pitch, width);
}

// What CUDA promises of pageable memory holds here, too: an upload has read it when the call returns, a download has
// written it. Page-locked memory is read and written when the stream gets there, and not before.
Result copy(Stream *stream, Side from, Side to, std::size_t width, std::size_t height, bool wait) {
  if (width == 0 || height == 0) return OK;
  TRY(check(from, width, height));
  TRY(check(to, width, height));
  auto pageable = [&](const Side &side) {
    return !side.device && !holds(MemoryKind::pinned, side.pointer, (height - 1) * side.pitch + width);
  };
  if (from.device && !to.device) count("bytes_to_host", static_cast<long long>(width * height));
  if (!from.device && to.device) count("bytes_to_device", static_cast<long long>(width * height));
  std::function<void()> work;
  if (pageable(from)) {
    auto staged = std::make_shared<std::vector<char>>(width * height);
    copy_rows(from.pointer, from.pitch, staged->data(), width, width, height);
    work = [=] { copy_rows(staged->data(), width, to.pointer, to.pitch, width, height); };
  } else {
    work = [=] { copy_rows(from.pointer, from.pitch, to.pointer, to.pitch, width, height); };
  }
  WorkPointer submitted = submit(stream, std::move(work));
  if (wait || pageable(to)) wait_for(submitted);
  return OK;
}

Side device_side(std::uint64_t pointer, std::size_t pitch = 0) { return {reinterpret_cast<char *>(pointer), true, pitch}; }

Side host_side(const void *pointer, std::size_t pitch = 0) { return {static_cast<char *>(const_cast<void *>(pointer)), false, pitch}; }

Side unified_side(std::uint64_t pointer) {
  Side side = device_side(pointer);
  side.device = holds(MemoryKind::device, side.pointer, 1);
  return side;
}

struct Copy2D {
  std::size_t source_x, source_y;
  unsigned source_type;
  const void *source_host;
  std::uint64_t source_device;
  void *source_array;
  std::size_t source_pitch;
  std::size_t target_x, target_y;
  unsigned target_type;
  void *target_host;
  std::uint64_t target_device;
  void *target_array;
  std::size_t target_pitch;
  std::size_t width, height;
};

Result side_of(
    unsigned type, const void *host, std::uint64_t device, const void *array, std::size_t pitch, std::size_t x, std::size_t y, Side *side) {
  enum { HOST = 1, DEVICE = 2, ARRAY = 3, UNIFIED = 4 };
  if (type == HOST) *side = host_side(host, pitch);
  else if (type == DEVICE) *side = device_side(device, pitch);
  else if (type == UNIFIED) *side = unified_side(device), side->pitch = pitch;
  else if (type == ARRAY && array_memory(array, &side->pointer, &side->pitch)) pitch = side->pitch, side->device = true;
  else return NOT_SUPPORTED;
  side->pointer += y * pitch + x;
  return OK;
}

Result copy_2d(const Copy2D *c, Stream *stream, bool wait) {
  if (!c) return INVALID_VALUE;
  Side from, to;
  TRY(side_of(c->source_type, c->source_host, c->source_device, c->source_array, c->source_pitch, c->source_x, c->source_y, &from));
  TRY(side_of(c->target_type, c->target_host, c->target_device, c->target_array, c->target_pitch, c->target_x, c->target_y, &to));
  return copy(stream, from, to, c->width, c->height, wait);
}

Result legacy_stream(Stream **stream) { return resolve(nullptr, stream); }

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

Result emulator::stream_of(void *handle, Stream **stream) { return resolve(handle, stream); }

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

// --- memory

EXPORT Result cuMemGetInfo_v2(std::size_t *unused, std::size_t *total) {
  BEGIN();
  Context *context;
  TRY(current(&context));
  *total = total_bytes();
  *unused = *total - std::min(*total, used_bytes());
  return OK;
}

EXPORT Result cuMemAlloc_v2(std::uint64_t *pointer, std::size_t bytes) {
  BEGIN();
  Context *context;
  TRY(current(&context));
  return allocate(MemoryKind::device, bytes, reinterpret_cast<void **>(pointer));
}

EXPORT Result cuMemAllocPitch_v2(std::uint64_t *pointer, std::size_t *pitch, std::size_t width, std::size_t height, unsigned element) {
  BEGIN();
  Context *context;
  TRY(current(&context));
  if (!pitch || (element != 4 && element != 8 && element != 16)) return INVALID_VALUE;
  *pitch = (width + 511) / 512 * 512;
  return allocate(MemoryKind::device, *pitch * height, reinterpret_cast<void **>(pointer));
}

EXPORT Result cuMemFree_v2(std::uint64_t pointer) {
  Result result = begin(__func__);
  Context *context;
  // Freeing waits for the device. A lost one begins nothing any more, and the memory is gone with it.
  if (result == OK) {
    TRY(current(&context));
    finish_all(context);
  } else {
    finish_running();
  }
  if (pointer == 0) return result;
  Result released = release(MemoryKind::device, reinterpret_cast<void *>(pointer));
  return result != OK ? result : released;
}

EXPORT Result cuMemHostAlloc(void **pointer, std::size_t bytes, unsigned) {
  BEGIN();
  Context *context;
  TRY(current(&context));
  return allocate(MemoryKind::pinned, bytes, pointer);
}

EXPORT Result cuMemFreeHost(void *pointer) {
  Result result = begin(__func__);
  if (result == OK) {
    Context *context;
    TRY(current(&context));
    finish_all(context);
  } else {
    finish_running();
  }
  Result released = release(MemoryKind::pinned, pointer);
  return result != OK ? result : released;
}

EXPORT Result cuMemsetD8Async(std::uint64_t pointer, unsigned char value, std::size_t bytes, void *handle) {
  BEGIN();
  Stream *stream;
  TRY(resolve(handle, &stream));
  Side side = device_side(pointer);
  if (bytes == 0) return OK;
  TRY(check(side, bytes, 1));
  submit(stream, [=] { std::memset(side.pointer, value, bytes); });
  return OK;
}

#define COPY(name, from, to, destination_type, source_type)                                 \
  EXPORT Result name(destination_type destination, source_type source, std::size_t bytes) { \
    BEGIN();                                                                                \
    Stream *stream;                                                                         \
    TRY(legacy_stream(&stream));                                                            \
    return copy(stream, from(source), to(destination), bytes, 1, true);                     \
  }
#define COPY_ASYNC(name, from, to, destination_type, source_type)                                         \
  EXPORT Result name(destination_type destination, source_type source, std::size_t bytes, void *handle) { \
    BEGIN();                                                                                              \
    Stream *stream;                                                                                       \
    TRY(resolve(handle, &stream));                                                                        \
    return copy(stream, from(source), to(destination), bytes, 1, false);                                  \
  }

COPY(cuMemcpy, unified_side, unified_side, std::uint64_t, std::uint64_t)
COPY(cuMemcpyHtoD_v2, host_side, device_side, std::uint64_t, const void *)
COPY(cuMemcpyDtoH_v2, device_side, host_side, void *, std::uint64_t)
COPY(cuMemcpyDtoD_v2, device_side, device_side, std::uint64_t, std::uint64_t)
COPY_ASYNC(cuMemcpyAsync, unified_side, unified_side, std::uint64_t, std::uint64_t)
COPY_ASYNC(cuMemcpyHtoDAsync_v2, host_side, device_side, std::uint64_t, const void *)
COPY_ASYNC(cuMemcpyDtoHAsync_v2, device_side, host_side, void *, std::uint64_t)
COPY_ASYNC(cuMemcpyDtoDAsync_v2, device_side, device_side, std::uint64_t, std::uint64_t)

EXPORT Result cuMemcpy2D_v2(const Copy2D *parameters) {
  BEGIN();
  Stream *stream;
  TRY(legacy_stream(&stream));
  return copy_2d(parameters, stream, true);
}

EXPORT Result cuMemcpy2DAsync_v2(const Copy2D *parameters, void *handle) {
  BEGIN();
  Stream *stream;
  TRY(resolve(handle, &stream));
  return copy_2d(parameters, stream, false);
}

// --- streams and events

EXPORT Result cuStreamCreate(void **stream, unsigned flags) {
  BEGIN();
  Context *context;
  TRY(current(&context));
  if (!stream || flags > 1) return INVALID_VALUE;
  *stream = create_stream(context, flags == 0, false);
  count("streams");
  return OK;
}

EXPORT Result cuStreamDestroy_v2(void *handle) {
  Result result = begin(__func__);
  if (!is_stream(static_cast<Stream *>(handle))) {
    count("bad_handles");
    return INVALID_HANDLE;
  }
  destroy_stream(static_cast<Stream *>(handle));
  count("streams", -1);
  return result;
}

EXPORT Result cuStreamSynchronize(void *handle) {
  BEGIN();
  Stream *stream;
  TRY(resolve(handle, &stream));
  finish(stream);
  return OK;
}

EXPORT Result cuStreamQuery(void *handle) {
  BEGIN();
  Stream *stream;
  TRY(resolve(handle, &stream));
  return is_done(last_of(stream)) ? OK : NOT_READY;
}

EXPORT Result cuStreamWaitEvent(void *handle, void *event, unsigned) {
  BEGIN();
  Stream *stream;
  TRY(resolve(handle, &stream));
  Event *found = event_of(event);
  if (!found) return INVALID_HANDLE;
  if (found->recorded) submit(stream, nullptr, {found->recorded});
  return OK;
}

EXPORT Result cuStreamAddCallback(void *handle, void (*callback)(void *, Result, void *), void *data, unsigned) {
  BEGIN();
  Stream *stream;
  TRY(resolve(handle, &stream));
  submit(stream, [=] { callback(handle, OK, data); });
  return OK;
}

EXPORT Result cuEventCreate(void **event, unsigned flags) {
  BEGIN();
  Context *context;
  TRY(current(&context));
  const unsigned DISABLE_TIMING = 2;
  Event *created = new Event;
  created->timed = !(flags & DISABLE_TIMING);
  std::lock_guard<std::mutex> lock(guard);
  events.insert(created);
  *event = created;
  count("events");
  return OK;
}

EXPORT Result cuEventDestroy_v2(void *handle) {
  Result result = begin(__func__);
  Event *event = event_of(handle);
  if (!event) return INVALID_HANDLE;
  std::lock_guard<std::mutex> lock(guard);
  events.erase(event);
  delete event;
  count("events", -1);
  return result;
}

EXPORT Result cuEventRecord(void *handle, void *stream_handle) {
  BEGIN();
  Event *event = event_of(handle);
  if (!event) return INVALID_HANDLE;
  Stream *stream;
  TRY(resolve(stream_handle, &stream));
  event->recorded = submit(stream, nullptr);
  return OK;
}

EXPORT Result cuEventSynchronize(void *handle) {
  BEGIN();
  Event *event = event_of(handle);
  if (!event) return INVALID_HANDLE;
  wait_for(event->recorded);
  return OK;
}

EXPORT Result cuEventQuery(void *handle) {
  BEGIN();
  Event *event = event_of(handle);
  if (!event) return INVALID_HANDLE;
  return is_done(event->recorded) ? OK : NOT_READY;
}

EXPORT Result cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  BEGIN();
  Event *first = event_of(start), *second = event_of(end);
  if (!first || !second || !first->recorded || !second->recorded || !first->timed || !second->timed) return INVALID_HANDLE;
  if (!is_done(first->recorded) || !is_done(second->recorded)) return NOT_READY;
  *milliseconds = std::chrono::duration<float, std::milli>(second->recorded->finished - first->recorded->finished).count();
  return OK;
}

// --- kernels

EXPORT Result cuModuleLoadData(void **module, const void *image) {
  BEGIN();
  Context *context;
  TRY(current(&context));
  return load_module(static_cast<const char *>(image), module);
}

EXPORT Result cuModuleUnload(void *module) {
  Result result = begin(__func__);
  Result unloaded = unload_module(module);
  return result != OK ? result : unloaded;
}

EXPORT Result cuModuleGetFunction(void **function, void *module, const char *name) {
  BEGIN();
  return get_function(module, name, function);
}

EXPORT Result cuLaunchKernel(
    void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
    unsigned shared, void *handle, void **parameters, void **extra) {
  BEGIN();
  if (shared != 0 || extra) return NOT_SUPPORTED;
  Stream *stream;
  TRY(resolve(handle, &stream));
  std::function<void()> work;
  TRY(prepare_launch(function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, parameters, &work));
  submit(stream, std::move(work));
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
