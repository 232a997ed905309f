// The few words in which kernels are written. The same source is compiled to PTX by clang (no CUDA SDK) and as C++ for
// the CPU, where the emulator runs a launch as a loop over blocks and threads. So kernels use no libdevice function, no
// shared memory and no barrier (what would need one is split into launches), atomics of whole numbers only, whose order changes nothing,
// and arithmetic that both sides round alike: -ffp-contract=off, fused only where FUSED says so, no reciprocal guesses.
#pragma once

#if defined(__CUDA__)
#define DEVICE static __attribute__((device, always_inline)) inline
#define KERNEL(name, parameters) extern "C" __attribute__((global)) void name(const parameters p)
#define GLOBAL_X (__nvvm_read_ptx_sreg_ctaid_x() * __nvvm_read_ptx_sreg_ntid_x() + __nvvm_read_ptx_sreg_tid_x())
#define GLOBAL_Y (__nvvm_read_ptx_sreg_ctaid_y() * __nvvm_read_ptx_sreg_ntid_y() + __nvvm_read_ptx_sreg_tid_y())
#define GLOBAL_Z (__nvvm_read_ptx_sreg_ctaid_z() * __nvvm_read_ptx_sreg_ntid_z() + __nvvm_read_ptx_sreg_tid_z())
#define SQUARE_ROOT(x) __nvvm_sqrt_rn_f(x)
#define FUSED(a, b, c) __builtin_fmaf(a, b, c)
#define ATOMIC_ADD(place, value) __nvvm_atom_add_gen_i((int *)(place), (int)(value))
#define ATOMIC_MAX(place, value) __nvvm_atom_max_gen_ui(place, value)
#else
#include <cmath>
// Where the thread at hand stands; set by whoever runs the launch.
struct ThreadPosition {
  unsigned x, y, z;
};
extern thread_local ThreadPosition img2pose_position;
#define DEVICE static inline
#define KERNEL(name, parameters) extern "C" void name(const parameters p)
#define GLOBAL_X (img2pose_position.x)
#define GLOBAL_Y (img2pose_position.y)
#define GLOBAL_Z (img2pose_position.z)
#define SQUARE_ROOT(x) std::sqrt(x)
#define FUSED(a, b, c) std::fma(a, b, c)
#define ATOMIC_ADD(place, value) __atomic_fetch_add(place, value, __ATOMIC_RELAXED)
#define ATOMIC_MAX(place, value) atomic_max(place, value)

static inline void atomic_max(unsigned *place, unsigned value) {
  unsigned known = __atomic_load_n(place, __ATOMIC_RELAXED);
  while (known < value && !__atomic_compare_exchange_n(place, &known, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}
#endif

typedef unsigned char Byte;
typedef unsigned short Word;

template <typename T>
DEVICE T smaller(T a, T b) { return a < b ? a : b; }

template <typename T>
DEVICE T larger(T a, T b) { return a > b ? a : b; }

DEVICE unsigned bits_of(float value) {
  unsigned bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}
