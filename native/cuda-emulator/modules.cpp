#include "modules.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <regex>
#include <set>
#include <vector>

#include "../cuda/cpu.h"
#include "../cuda/kernel.h"

namespace emulator {
namespace {

struct Function {
  std::string name;
  std::vector<std::size_t> parameters;
  const CpuKernel *kernel;
};

struct Module {
  std::map<std::string, std::unique_ptr<Function>> functions;
};

std::mutex &guard = *new std::mutex;
std::set<Module *> &modules = *new std::set<Module *>;
std::set<Function *> &functions = *new std::set<Function *>;

// Bytes of one ".param" declaration: ".param .align 8 .b8 name[40]" or ".param .u64 name".
std::size_t parameter_bytes(const std::string &declaration) {
  static const std::regex array(R"(\.b8\s+\S+\[(\d+)\])"), scalar(R"(\.[bufs](8|16|32|64)\s)");
  std::smatch match;
  if (std::regex_search(declaration, match, array)) return std::stoul(match[1]);
  if (std::regex_search(declaration, match, scalar)) return std::stoul(match[1]) / 8;
  return 0;
}

const CpuKernel *kernel_named(const std::string &name) {
  for (std::size_t i = 0; i < img2pose_cpu_kernel_count; i++) {
    if (name == img2pose_cpu_kernels[i].name) return &img2pose_cpu_kernels[i];
  }
  return nullptr;
}

}  // namespace

Result load_module(const char *image, void **module) {
  if (!image || !module) return INVALID_VALUE;
  std::string text(image);
  if (text.find(".version") == std::string::npos || text.find(".target") == std::string::npos) return INVALID_IMAGE;
  auto loaded = std::make_unique<Module>();
  const std::string word = ".entry ";
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) {
    at += word.size();
    std::size_t open = text.find('(', at), close = text.find(')', at);
    if (open == std::string::npos || close == std::string::npos || close < open) return INVALID_PTX;
    auto function = std::make_unique<Function>();
    function->name = text.substr(at, open - at);
    for (std::size_t from = open + 1; from < close;) {
      std::size_t comma = std::min(text.find(',', from), close);
      std::string declaration = text.substr(from, comma - from);
      if (declaration.find(".param") != std::string::npos) {
        std::size_t bytes = parameter_bytes(declaration);
        if (bytes == 0) return INVALID_PTX;
        function->parameters.push_back(bytes);
      }
      from = comma + 1;
    }
    function->kernel = kernel_named(function->name);
    loaded->functions[function->name] = std::move(function);
  }
  std::lock_guard<std::mutex> lock(guard);
  for (auto &entry : loaded->functions) functions.insert(entry.second.get());
  *module = loaded.get();
  modules.insert(loaded.release());
  count("modules");
  return OK;
}

Result unload_module(void *module) {
  std::lock_guard<std::mutex> lock(guard);
  auto found = modules.find(static_cast<Module *>(module));
  if (found == modules.end()) {
    count("bad_handles");
    return INVALID_HANDLE;
  }
  for (auto &entry : (*found)->functions) functions.erase(entry.second.get());
  delete *found;
  modules.erase(found);
  count("modules", -1);
  return OK;
}

Result get_function(void *module, const char *name, void **function) {
  if (!name || !function) return INVALID_VALUE;
  std::lock_guard<std::mutex> lock(guard);
  auto found = modules.find(static_cast<Module *>(module));
  if (found == modules.end()) {
    count("bad_handles");
    return INVALID_HANDLE;
  }
  auto entry = (*found)->functions.find(name);
  // A kernel without a CPU build cannot be run here.
  if (entry == (*found)->functions.end() || !entry->second->kernel) return NOT_FOUND;
  *function = entry->second.get();
  return OK;
}

Result prepare_launch(void *function, Extent grid, Extent block, void **parameters, std::function<void()> *work) {
  std::lock_guard<std::mutex> lock(guard);
  auto found = functions.find(static_cast<Function *>(function));
  if (found == functions.end()) {
    count("bad_handles");
    return INVALID_HANDLE;
  }
  const Function &called = **found;
  const unsigned long long threads = 1ull * block.x * block.y * block.z;
  if (!grid.x || !grid.y || !grid.z || !threads || threads > 1024 || block.z > 64 || grid.y > 65535 || grid.z > 65535) return INVALID_VALUE;
  if (called.parameters.size() != 1 || called.parameters[0] != called.kernel->parameter_bytes || !parameters || !parameters[0]) return INVALID_VALUE;
  auto arguments = std::make_shared<std::vector<unsigned char>>(called.parameters[0]);
  std::memcpy(arguments->data(), parameters[0], arguments->size());
  const CpuKernel *kernel = called.kernel;
  unsigned seed = static_cast<unsigned>(number_setting("SEED", 1));
  count("launches");
  *work = [=] {
    std::vector<unsigned> order(1u * grid.x * grid.y * grid.z);
    std::iota(order.begin(), order.end(), 0u);
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    for (unsigned index : order) {
      unsigned bx = index % grid.x, by = index / grid.x % grid.y, bz = index / grid.x / grid.y;
      for (unsigned z = 0; z < block.z; z++) {
        for (unsigned y = 0; y < block.y; y++) {
          for (unsigned x = 0; x < block.x; x++) {
            img2pose_position = {bx * block.x + x, by * block.y + y, bz * block.z + z};
            kernel->thread(arguments->data());
          }
        }
      }
    }
  };
  return OK;
}

}  // namespace emulator

EXPORT std::size_t cuda_emulator_kernel_member_count() { return img2pose_kernel_member_count; }

EXPORT void cuda_emulator_kernel_member(std::size_t index, const char **structure, const char **member, std::size_t *offset, std::size_t *bytes) {
  const KernelMember &found = img2pose_kernel_members[index];
  *structure = found.structure;
  *member = found.member;
  *offset = found.offset;
  *bytes = found.bytes;
}
