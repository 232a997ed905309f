// Calls the libtorch shim through its C face with memory of exact size, and checks what it gives back, for valgrind's memcheck
// (scripts/soak.sh memory): torch LIBRARY.
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {
void *library;

template <typename F>
F *function(const char *name) {
  void *found = dlsym(library, name);
  if (!found) {
    std::fprintf(stderr, "%s is not there\n", name);
    std::exit(2);
  }
  return reinterpret_cast<F *>(found);
}

void require(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", what, function<const char *()>("i2p_last_error")());
  std::exit(1);
}

constexpr int kByte = 0, kFloat = 6, kCpu = 0;

template <typename T>
void *tensor(std::vector<T> values, std::vector<int64_t> shape, int type) {
  void *made = nullptr;
  auto from = function<int(const void *, const int64_t *, int, int, int, int, void **)>("i2p_from_data");
  // Copies of exactly the bytes that are told.
  std::unique_ptr<T[]> data(new T[values.size()]);
  for (size_t i = 0; i < values.size(); i++) data[i] = values[i];
  require(from(data.get(), shape.data(), (int)shape.size(), type, kCpu, -1, &made) == 0, "from_data");
  return made;
}

void release(void *handle) { function<int(void *)>("i2p_release")(handle); }
}  // namespace

int main(int argc, char **argv) {
  if (argc != 2 || !(library = dlopen(argv[1], RTLD_NOW))) {
    std::fprintf(stderr, "usage: torch LIBRARY (%s)\n", argc == 2 ? dlerror() : "no library");
    return 2;
  }
  function<int(int)>("i2p_set_num_threads")(1);
  auto roi = function<int(void *, void *, double, int64_t, int64_t, int64_t, int, void **)>("i2p_roi_align");
  auto nms = function<int(void *, void *, double, void **)>("i2p_nms");
  auto normalize = function<int(void *, const float *, const float *, void **)>("i2p_normalize_pictures");
  auto unary = function<int(void *, int, void **)>("i2p_unary");
  constexpr int kSum = 25;

  std::vector<float> cells(1 * 3 * 5 * 7);
  for (size_t i = 0; i < cells.size(); i++) cells[i] = (float)i / 10;
  void *features = tensor(cells, {1, 3, 5, 7}, kFloat);
  require(function<int(void *, int)>("i2p_set_requires_grad")(features, 1) == 0, "set_requires_grad");
  // Inside, far outside, without area, inverted.
  void *regions = tensor<float>({0, 0, 0, 6, 4, 0, -1e6f, -1e6f, 1e6f, 1e6f, 0, 3, 3, 3, 3, 0, 5, 4, 1, 1}, {4, 5}, kFloat);
  void *pooled = nullptr, *sum = nullptr;
  require(roi(features, regions, 1.0, 3, 3, 2, 0, &pooled) == 0, "roi_align");
  require(unary(pooled, kSum, &sum) == 0, "sum");
  require(function<int(void *)>("i2p_backward")(sum) == 0, "backward");
  void *wrong = tensor<float>({7, 0, 0, 6, 4}, {1, 5}, kFloat), *none = nullptr;
  require(roi(features, wrong, 1.0, 3, 3, 2, 0, &none) != 0 && !none, "a region of no picture is refused");
  void *boxes = tensor<float>({0, 0, 4, 4, 0, 0, 4, 4, 9, 9, 12, 12}, {3, 4}, kFloat), *scores = tensor<float>({0.5f, 0.9f, 0.1f}, {3}, kFloat), *keep = nullptr;
  require(nms(boxes, scores, 0.5, &keep) == 0, "nms");
  require(function<int64_t(void *, int)>("i2p_size")(keep, 0) == 2, "nms keeps two of three");
  void *pictures = tensor(std::vector<uint8_t>(2 * 3 * 5 * 3, 7), {2, 3, 5, 3}, kByte), *normal = nullptr;
  const float mean[3] = {0.5f, 0.5f, 0.5f}, deviation[3] = {0.2f, 0.2f, 0.2f};
  require(normalize(pictures, mean, deviation, &normal) == 0, "normalize_pictures");
  for (void *handle : {features, regions, pooled, sum, wrong, boxes, scores, keep, pictures, normal}) release(handle);
  return 0;
}
