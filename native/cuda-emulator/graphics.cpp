// Interop with OpenGL. As a rule no CUDA device drives the current context, so that the program takes its other way:
//   GL=map   device 0 does. Mapping copies the texture or buffer out of OpenGL, unmapping copies it back unless it was
//            registered for reading only. Both need the context on the calling thread, as the real calls do.
#include "graphics.h"

#include <dlfcn.h>

#include <mutex>
#include <set>

#include "driver.h"
#include "memory.h"

namespace emulator {
namespace {

enum : unsigned { GL_TEXTURE_2D = 0x0DE1, GL_RGBA = 0x1908, GL_UNSIGNED_BYTE = 0x1401, GL_TEXTURE_WIDTH = 0x1000, GL_TEXTURE_HEIGHT = 0x1001, GL_BUFFER_SIZE = 0x8764 };
enum : unsigned { REGISTER_READ_ONLY = 1 };

struct Resource {
  unsigned name;
  bool is_buffer;
  bool read_only;
  bool mapped = false;
  int width = 0, height = 0;
  std::size_t bytes = 0;
  void *memory = nullptr;
};

std::mutex &guard = *new std::mutex;
std::set<Resource *> &resources = *new std::set<Resource *>;

// OpenGL's functions, from the EGL that the process has loaded.
template <typename F>
F gl(const char *name) {
  void *egl = dlopen("libEGL.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (!egl) return nullptr;
  auto address = reinterpret_cast<void *(*)(const char *)>(dlsym(egl, "eglGetProcAddress"));
  F found = address ? reinterpret_cast<F>(address(name)) : nullptr;
  dlclose(egl);
  return found;
}

bool has_context() {
  void *egl = dlopen("libEGL.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (!egl) return false;
  auto current = reinterpret_cast<void *(*)()>(dlsym(egl, "eglGetCurrentContext"));
  bool has = current && current();
  dlclose(egl);
  return has;
}

Resource *resource_of(void *handle) {
  std::lock_guard<std::mutex> lock(guard);
  if (resources.count(static_cast<Resource *>(handle))) return static_cast<Resource *>(handle);
  count("bad_handles");
  return nullptr;
}

Result add(unsigned name, bool is_buffer, unsigned flags, void **handle) {
  if (setting("GL") != "map") return NOT_SUPPORTED;
  if (!has_context()) return 219;  // CUDA_ERROR_INVALID_GRAPHICS_CONTEXT
  Resource *resource = new Resource{name, is_buffer, (flags & REGISTER_READ_ONLY) != 0};
  std::lock_guard<std::mutex> lock(guard);
  resources.insert(resource);
  count("graphics_resources");
  *handle = resource;
  return OK;
}

Result map(Resource *resource) {
  if (resource->mapped) return 208;  // CUDA_ERROR_ALREADY_MAPPED
  if (resource->is_buffer) {
    int bytes = 0;
    gl<void (*)(unsigned, unsigned, int *)>("glGetNamedBufferParameteriv")(resource->name, GL_BUFFER_SIZE, &bytes);
    resource->bytes = static_cast<std::size_t>(bytes);
  } else {
    auto size = gl<void (*)(unsigned, int, unsigned, int *)>("glGetTextureLevelParameteriv");
    size(resource->name, 0, GL_TEXTURE_WIDTH, &resource->width);
    size(resource->name, 0, GL_TEXTURE_HEIGHT, &resource->height);
    resource->bytes = 4 * static_cast<std::size_t>(resource->width) * static_cast<std::size_t>(resource->height);
  }
  Result result = allocate(MemoryKind::device, resource->bytes, &resource->memory);
  if (result != OK) return result;
  if (resource->is_buffer)
    gl<void (*)(unsigned, long, long, void *)>("glGetNamedBufferSubData")(resource->name, 0, static_cast<long>(resource->bytes), resource->memory);
  else
    gl<void (*)(unsigned, int, unsigned, unsigned, int, void *)>("glGetTextureImage")(
        resource->name, 0, GL_RGBA, GL_UNSIGNED_BYTE, static_cast<int>(resource->bytes), resource->memory);
  resource->mapped = true;
  count("graphics_maps");
  return OK;
}

Result unmap(Resource *resource) {
  if (!resource->mapped) return 211;  // CUDA_ERROR_NOT_MAPPED
  if (!resource->read_only) {
    if (resource->is_buffer)
      gl<void (*)(unsigned, long, long, const void *)>("glNamedBufferSubData")(resource->name, 0, static_cast<long>(resource->bytes), resource->memory);
    else
      gl<void (*)(unsigned, int, int, int, int, int, unsigned, unsigned, const void *)>("glTextureSubImage2D")(
          resource->name, 0, 0, 0, resource->width, resource->height, GL_RGBA, GL_UNSIGNED_BYTE, resource->memory);
  }
  resource->mapped = false;
  void *memory = resource->memory;
  resource->memory = nullptr;
  return release(MemoryKind::device, memory);
}

}  // namespace

bool array_memory(const void *array, char **pointer, std::size_t *pitch) {
  std::lock_guard<std::mutex> lock(guard);
  for (Resource *resource : resources) {
    if (resource != array || !resource->mapped || resource->is_buffer) continue;
    *pointer = static_cast<char *>(resource->memory);
    *pitch = 4 * static_cast<std::size_t>(resource->width);
    return true;
  }
  return false;
}

}  // namespace emulator

using namespace emulator;

EXPORT Result cuGLGetDevices_v2(unsigned *found, int *devices, unsigned capacity, int) {
  BEGIN();
  if (!found) return INVALID_VALUE;
  *found = 0;
  if (setting("GL") != "map") return NO_DEVICE;
  if (!has_context()) return 219;
  if (capacity > 0) devices[0] = 0;
  *found = 1;
  return OK;
}

EXPORT Result cuGraphicsGLRegisterImage(void **resource, unsigned image, unsigned target, unsigned flags) {
  BEGIN();
  if (!resource || target != GL_TEXTURE_2D) return INVALID_VALUE;
  return add(image, false, flags, resource);
}

EXPORT Result cuGraphicsGLRegisterBuffer(void **resource, unsigned buffer, unsigned flags) {
  BEGIN();
  return resource ? add(buffer, true, flags, resource) : INVALID_VALUE;
}

EXPORT Result cuGraphicsUnregisterResource(void *handle) {
  Result result = enter(__func__);
  Resource *resource = resource_of(handle);
  if (!resource) return INVALID_HANDLE;
  std::lock_guard<std::mutex> lock(guard);
  resources.erase(resource);
  delete resource;
  count("graphics_resources", -1);
  return result;
}

EXPORT Result cuGraphicsResourceSetMapFlags_v2(void *handle, unsigned flags) {
  BEGIN();
  Resource *resource = resource_of(handle);
  if (!resource) return INVALID_HANDLE;
  resource->read_only = (flags & REGISTER_READ_ONLY) != 0;
  return OK;
}

EXPORT Result cuGraphicsMapResources(unsigned number, void **handles, void *stream_handle) {
  BEGIN();
  Stream *stream;
  Result result = stream_of(stream_handle, &stream);
  for (unsigned i = 0; i < number && result == OK; i++) {
    Resource *resource = resource_of(handles[i]);
    result = resource ? map(resource) : INVALID_HANDLE;
  }
  return result;
}

EXPORT Result cuGraphicsUnmapResources(unsigned number, void **handles, void *stream_handle) {
  BEGIN();
  Stream *stream;
  Result result = stream_of(stream_handle, &stream);
  if (result != OK) return result;
  // What the stream does with the memory comes before OpenGL has it back.
  finish(stream);
  for (unsigned i = 0; i < number && result == OK; i++) {
    Resource *resource = resource_of(handles[i]);
    result = resource ? unmap(resource) : INVALID_HANDLE;
  }
  return result;
}

EXPORT Result cuGraphicsSubResourceGetMappedArray(void **array, void *handle, unsigned index, unsigned level) {
  BEGIN();
  Resource *resource = resource_of(handle);
  if (!resource) return INVALID_HANDLE;
  if (!array || index != 0 || level != 0 || resource->is_buffer || !resource->mapped) return INVALID_VALUE;
  *array = resource;
  return OK;
}

EXPORT Result cuGraphicsResourceGetMappedPointer_v2(std::uint64_t *pointer, std::size_t *bytes, void *handle) {
  BEGIN();
  Resource *resource = resource_of(handle);
  if (!resource) return INVALID_HANDLE;
  if (!pointer || !bytes || !resource->is_buffer || !resource->mapped) return INVALID_VALUE;
  *pointer = reinterpret_cast<std::uint64_t>(resource->memory);
  *bytes = resource->bytes;
  return OK;
}
