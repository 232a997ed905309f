// The driver calls about memory.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "driver.h"
#include "graphics.h"
#include "memory.h"

namespace {

using namespace emulator;

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

Result legacy_stream(Stream **stream) { return stream_of(nullptr, stream); }

}  // namespace

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
  TRY(stream_of(handle, &stream));
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
    TRY(stream_of(handle, &stream));                                                                        \
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
  TRY(stream_of(handle, &stream));
  return copy_2d(parameters, stream, false);
}
