// Settings, refusals and counters: what a test asks of the emulator, and what it is told.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <sstream>

#include "emulator.h"

namespace {

// Never destroyed: streams' threads may still ask when static destructors run.
std::mutex &guard = *new std::mutex;
std::map<std::string, std::string> &settings = *new std::map<std::string, std::string>;
std::map<std::string, long long> &counters = *new std::map<std::string, long long>;
long long calls;

std::string find(const std::string &name) {
  auto set = settings.find(name);
  if (set != settings.end()) return set->second;
  const char *value = std::getenv(("CUDA_EMULATOR_" + name).c_str());
  return value ? value : "";
}

// REFUSE is a list such as "cuModuleLoadData:218,cuMemAlloc_v2:2".
Result refusal(const std::string &list, const std::string &name) {
  std::stringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    auto colon = part.find(':');
    if (part.substr(0, colon) == name) return colon == std::string::npos ? UNKNOWN : std::atoi(part.c_str() + colon + 1);
  }
  return OK;
}

// A device that fell off the bus: every call fails from a point on.
bool lost() {
  std::string after = find("LOST_AFTER");
  return !after.empty() && calls > std::atoll(after.c_str());
}

}  // namespace

namespace emulator {

std::string setting(const char *name) {
  std::lock_guard<std::mutex> lock(guard);
  return find(name);
}

long long number_setting(const char *name, long long otherwise) {
  std::string value = setting(name);
  return value.empty() ? otherwise : std::atoll(value.c_str());
}

void count(const char *name, long long by) {
  std::lock_guard<std::mutex> lock(guard);
  counters[name] += by;
}

bool is_lost() {
  std::lock_guard<std::mutex> lock(guard);
  return lost();
}

Result enter(const char *name) {
  std::lock_guard<std::mutex> lock(guard);
  calls++;
  if (lost()) return UNKNOWN;
  return refusal(find("REFUSE"), name);
}

}  // namespace emulator

// Sets a setting, or with a null value gives it back to the environment.
EXPORT void cuda_emulator_set(const char *name, const char *value) {
  std::lock_guard<std::mutex> lock(guard);
  if (value) settings[name] = value;
  else settings.erase(name);
}

// Forgets all settings and restarts the call counter; counters of what is outstanding go on.
EXPORT void cuda_emulator_reset() {
  std::lock_guard<std::mutex> lock(guard);
  settings.clear();
  calls = 0;
}

EXPORT long long cuda_emulator_count(const char *name) {
  std::lock_guard<std::mutex> lock(guard);
  if (std::string(name) == "calls") return calls;
  auto found = counters.find(name);
  return found == counters.end() ? 0 : found->second;
}

EXPORT long long cuda_emulator_setting(const char *name, long long otherwise) {
  return emulator::number_setting(name, otherwise);
}

EXPORT void cuda_emulator_setting_text(const char *name, char *text, std::size_t size) {
  std::string value = emulator::setting(name);
  std::size_t length = std::min(value.size(), size - 1);
  std::memcpy(text, value.data(), length);
  text[length] = 0;
}

EXPORT void cuda_emulator_add(const char *name, long long by) { emulator::count(name, by); }

EXPORT Result cuda_emulator_enter(const char *name) { return emulator::enter(name); }
