// Streams that really are asynchronous: each has a thread that works off its queue in order. A piece of work may wait for
// others (events, the legacy stream's rule). How eager the threads are is a setting:
//   STREAMS=eager    as soon as possible (default)
//   STREAMS=delayed  after a random pause each, so that streams drift apart (SEED)
//   STREAMS=held     as late as possible: only what somebody waits for is done. Whatever order the program does not ask
//                    for, it does not get, and it does not get it every time: a missing wait reads what was there before,
//                    and a buffer that is written too early has lost what was in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "emulator.h"

namespace emulator {

class Stream;

struct Work {
  std::function<void()> run;
  std::vector<std::shared_ptr<Work>> needs;
  Stream *stream = nullptr;
  std::uint64_t number = 0;
  bool done = false;
  std::chrono::steady_clock::time_point finished;
};

using WorkPointer = std::shared_ptr<Work>;

// A stream of a context; `blocking` ones keep order with the context's legacy stream.
Stream *create_stream(void *context, bool blocking, bool legacy);
bool is_stream(const Stream *stream);
void *context_of(const Stream *stream);

// Appends work, which also waits for what is in `needs`.
WorkPointer submit(Stream *stream, std::function<void()> run, std::vector<WorkPointer> needs = {});

// The last piece of work of a stream, or null.
WorkPointer last_of(Stream *stream);

void wait_for(const WorkPointer &work);
// Whether it is done; where streams are held, asking also sets it going.
bool is_done(const WorkPointer &work);

void finish(Stream *stream);
// Everything in a context.
void finish_all(void *context);
// What is being done at the moment, on any stream; what is still queued on a lost device is never done.
void finish_running();
// Lets the queue run dry, then ends the thread.
void destroy_stream(Stream *stream);

}  // namespace emulator
