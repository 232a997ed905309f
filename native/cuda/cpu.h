// The CPU build of the kernels, as the emulator launches them.
#pragma once

#include <cstddef>

struct CpuKernel {
  const char *name;
  std::size_t parameter_bytes;
  // Runs one thread, whose place is in img2pose_position.
  void (*thread)(const void *parameters);
};

struct KernelMember {
  const char *structure;
  const char *member;
  std::size_t offset;
  std::size_t bytes;
};

extern const CpuKernel img2pose_cpu_kernels[];
extern const std::size_t img2pose_cpu_kernel_count;

// Every member of every structure that a launch hands over.
extern const KernelMember img2pose_kernel_members[];
extern const std::size_t img2pose_kernel_member_count;
