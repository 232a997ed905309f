#include "streams.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

namespace emulator {

class Stream {
 public:
  Stream(void *owner, bool blocks, bool is_legacy) : context(owner), blocking(blocks), legacy(is_legacy) {}

  void *context;
  bool blocking;
  bool legacy;
  bool ending = false;
  std::uint64_t submitted = 0;
  std::uint64_t demanded = 0;
  std::deque<WorkPointer> queue;
  WorkPointer last;
  std::thread thread;
};

namespace {

// Never destroyed: streams' threads may outlive static destructors.
std::mutex &guard = *new std::mutex;
std::condition_variable &changed = *new std::condition_variable;
std::vector<Stream *> &streams = *new std::vector<Stream *>;

enum class Pace { eager, delayed, held };

Pace pace() {
  std::string name = setting("STREAMS");
  return name == "held" ? Pace::held : name == "delayed" ? Pace::delayed : Pace::eager;
}

// The lock is held in all of these.
void demand(const WorkPointer &work) {
  if (!work || work->done || !work->stream) return;
  work->stream->demanded = std::max(work->stream->demanded, work->number);
  changed.notify_all();
}

void wait_locked(std::unique_lock<std::mutex> &lock, const WorkPointer &work) {
  if (!work) return;
  demand(work);
  changed.wait(lock, [&] { return work->done; });
}

// Pieces of work that are being done at the moment.
int running;

void work_off(Stream *stream) {
  std::mt19937 random(static_cast<unsigned>(number_setting("SEED", 1)) + static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(stream) >> 4));
  std::unique_lock<std::mutex> lock(guard);
  while (true) {
    changed.wait(lock, [&] {
      if (stream->queue.empty()) return stream->ending;
      return stream->ending || pace() != Pace::held || stream->queue.front()->number <= stream->demanded;
    });
    if (stream->queue.empty()) return;
    WorkPointer work = stream->queue.front();
    for (const WorkPointer &need : work->needs) wait_locked(lock, need);
    bool pause = pace() == Pace::delayed;
    running++;
    lock.unlock();
    if (pause) std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
    // A lost device does nothing of what it was given.
    if (work->run && !is_lost()) work->run();
    lock.lock();
    running--;
    work->done = true;
    work->finished = std::chrono::steady_clock::now();
    work->run = nullptr;
    work->needs.clear();
    work->stream = nullptr;
    stream->queue.pop_front();
    changed.notify_all();
  }
}

}  // namespace

Stream *create_stream(void *context, bool blocking, bool legacy) {
  Stream *stream = new Stream(context, blocking, legacy);
  std::lock_guard<std::mutex> lock(guard);
  streams.push_back(stream);
  stream->thread = std::thread(work_off, stream);
  return stream;
}

bool is_stream(const Stream *stream) {
  std::lock_guard<std::mutex> lock(guard);
  return std::find(streams.begin(), streams.end(), stream) != streams.end();
}

void *context_of(const Stream *stream) { return stream->context; }

WorkPointer submit(Stream *stream, std::function<void()> run, std::vector<WorkPointer> needs) {
  auto work = std::make_shared<Work>();
  work->run = std::move(run);
  work->needs = std::move(needs);
  work->stream = stream;
  std::lock_guard<std::mutex> lock(guard);
  // The legacy stream waits for all blocking ones of its context, and they for it.
  for (Stream *other : streams) {
    if (other == stream || other->context != stream->context || !other->last) continue;
    if ((stream->legacy && other->blocking) || (stream->blocking && other->legacy)) work->needs.push_back(other->last);
  }
  work->number = ++stream->submitted;
  stream->queue.push_back(work);
  stream->last = work;
  changed.notify_all();
  return work;
}

WorkPointer last_of(Stream *stream) {
  std::lock_guard<std::mutex> lock(guard);
  return stream->last;
}

void wait_for(const WorkPointer &work) {
  std::unique_lock<std::mutex> lock(guard);
  wait_locked(lock, work);
}

bool is_done(const WorkPointer &work) {
  std::lock_guard<std::mutex> lock(guard);
  if (!work || work->done) return true;
  demand(work);
  return false;
}

void finish(Stream *stream) { wait_for(last_of(stream)); }

void finish_all(void *context) {
  std::unique_lock<std::mutex> lock(guard);
  std::vector<WorkPointer> all;
  for (Stream *stream : streams) {
    if (stream->context == context && stream->last) all.push_back(stream->last);
  }
  for (const WorkPointer &work : all) demand(work);
  for (const WorkPointer &work : all) wait_locked(lock, work);
}

void finish_running() {
  std::unique_lock<std::mutex> lock(guard);
  changed.wait(lock, [] { return running == 0; });
}

void destroy_stream(Stream *stream) {
  {
    std::lock_guard<std::mutex> lock(guard);
    streams.erase(std::find(streams.begin(), streams.end(), stream));
    stream->ending = true;
    changed.notify_all();
  }
  stream->thread.join();
  delete stream;
}

}  // namespace emulator
