#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>

namespace emulator {
namespace {

struct Allocation {
  MemoryKind kind;
  std::size_t bytes;
  void *mapping;
  std::size_t mapped;
};

const std::size_t alignment = 256;
std::mutex &guard = *new std::mutex;
std::map<std::uintptr_t, Allocation> &allocations = *new std::map<std::uintptr_t, Allocation>;
std::size_t in_use;
long long made;

const char *counter(MemoryKind kind) { return kind == MemoryKind::device ? "allocations" : "host_allocations"; }

}  // namespace

std::size_t total_bytes() { return static_cast<std::size_t>(number_setting("MEMORY", 8LL << 30)); }

std::size_t used_bytes() {
  std::lock_guard<std::mutex> lock(guard);
  return in_use;
}

Result allocate(MemoryKind kind, std::size_t bytes, void **pointer) {
  if (bytes == 0 || !pointer) return INVALID_VALUE;
  std::size_t limit = total_bytes();
  long long most = number_setting("ALLOCATIONS", -1);
  std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  std::size_t mapped = (rounded + page - 1) / page * page + page;
  std::lock_guard<std::mutex> lock(guard);
  if (kind == MemoryKind::device && (bytes > limit || in_use > limit - bytes || (most >= 0 && made >= most))) return OUT_OF_MEMORY;
  void *mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return OUT_OF_MEMORY;
  char *end = static_cast<char *>(mapping) + mapped - page;
  mprotect(end, page, PROT_NONE);
  *pointer = end - rounded;
  std::memset(*pointer, 0xcd, rounded);
  allocations[reinterpret_cast<std::uintptr_t>(*pointer)] = {kind, bytes, mapping, mapped};
  if (kind == MemoryKind::device) {
    in_use += bytes;
    made++;
    count("allocations_made");
  }
  count(counter(kind));
  return OK;
}

Result release(MemoryKind kind, void *pointer) {
  std::lock_guard<std::mutex> lock(guard);
  auto found = allocations.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found == allocations.end() || found->second.kind != kind) {
    count("double_frees");
    return INVALID_VALUE;
  }
  munmap(found->second.mapping, found->second.mapped);
  if (kind == MemoryKind::device) in_use -= found->second.bytes;
  allocations.erase(found);
  count(counter(kind), -1);
  return OK;
}

bool holds(MemoryKind kind, const void *pointer, std::size_t bytes) {
  std::lock_guard<std::mutex> lock(guard);
  auto address = reinterpret_cast<std::uintptr_t>(pointer);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return false;
  auto &found = *--after;
  return found.second.kind == kind && address - found.first <= found.second.bytes && bytes <= found.second.bytes - (address - found.first);
}

}  // namespace emulator
