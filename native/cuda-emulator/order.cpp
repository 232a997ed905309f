// The driver calls about streams, events and kernels.
#include <memory>
#include <mutex>
#include <set>

#include "driver.h"
#include "modules.h"

namespace {

using namespace emulator;

struct Event {
  WorkPointer recorded;
  bool timed = true;
};

std::mutex &guard = *new std::mutex;
std::set<Event *> &events = *new std::set<Event *>;

Event *event_of(void *handle) {
  std::lock_guard<std::mutex> lock(guard);
  if (events.count(static_cast<Event *>(handle))) return static_cast<Event *>(handle);
  count("bad_handles");
  return nullptr;
}

// What an event marks, or null; threads record and ask at the same time.
WorkPointer recorded_of(Event *event) {
  std::lock_guard<std::mutex> lock(guard);
  return event->recorded;
}

}  // namespace

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
  TRY(stream_of(handle, &stream));
  finish(stream);
  return OK;
}

EXPORT Result cuStreamQuery(void *handle) {
  BEGIN();
  Stream *stream;
  TRY(stream_of(handle, &stream));
  return is_done(last_of(stream)) ? OK : NOT_READY;
}

EXPORT Result cuStreamWaitEvent(void *handle, void *event, unsigned) {
  BEGIN();
  Stream *stream;
  TRY(stream_of(handle, &stream));
  Event *found = event_of(event);
  if (!found) return INVALID_HANDLE;
  if (WorkPointer recorded = recorded_of(found)) submit(stream, nullptr, {recorded});
  return OK;
}

EXPORT Result cuStreamAddCallback(void *handle, void (*callback)(void *, Result, void *), void *data, unsigned) {
  BEGIN();
  Stream *stream;
  TRY(stream_of(handle, &stream));
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
  TRY(stream_of(stream_handle, &stream));
  WorkPointer recorded = submit(stream, nullptr);
  std::lock_guard<std::mutex> lock(guard);
  event->recorded = recorded;
  return OK;
}

EXPORT Result cuEventSynchronize(void *handle) {
  BEGIN();
  Event *event = event_of(handle);
  if (!event) return INVALID_HANDLE;
  wait_for(recorded_of(event));
  return OK;
}

EXPORT Result cuEventQuery(void *handle) {
  BEGIN();
  Event *event = event_of(handle);
  if (!event) return INVALID_HANDLE;
  return is_done(recorded_of(event)) ? OK : NOT_READY;
}

EXPORT Result cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  BEGIN();
  Event *first = event_of(start), *second = event_of(end);
  if (!first || !second || !first->timed || !second->timed) return INVALID_HANDLE;
  WorkPointer began = recorded_of(first), ended = recorded_of(second);
  if (!began || !ended) return INVALID_HANDLE;
  if (!is_done(began) || !is_done(ended)) return NOT_READY;
  *milliseconds = std::chrono::duration<float, std::milli>(ended->finished - began->finished).count();
  return OK;
}

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
  TRY(stream_of(handle, &stream));
  std::function<void()> work;
  TRY(prepare_launch(function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, parameters, &work));
  submit(stream, std::move(work));
  return OK;
}
