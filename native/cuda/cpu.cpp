// The kernels compiled for the CPU, with their names and the layout of their parameters.
#include "cpu.h"

#include "blend.h"
#include "pool.h"
#include "select.h"
#include "shrink.h"
#include "tensorise.h"

thread_local ThreadPosition img2pose_position;

#define CPU_KERNEL(name, parameters) \
  {#name, sizeof(parameters), [](const void *p) { name(*static_cast<const parameters *>(p)); }}

const CpuKernel img2pose_cpu_kernels[] = {
    CPU_KERNEL(blend, BlendParameters),
    CPU_KERNEL(count_cells, SelectParameters),
    CPU_KERNEL(pool_regions, PoolParameters),
    CPU_KERNEL(select_cells, SelectParameters),
    CPU_KERNEL(shrink, ShrinkParameters),
    CPU_KERNEL(tensorise, TensoriseParameters),
};
const std::size_t img2pose_cpu_kernel_count = sizeof img2pose_cpu_kernels / sizeof *img2pose_cpu_kernels;

#define MEMBER(structure, member) {#structure, #member, offsetof(structure, member), sizeof(structure::member)}

const KernelMember img2pose_kernel_members[] = {
    MEMBER(ResizeAxisTable, first),
    MEMBER(ResizeAxisTable, second),
    MEMBER(ResizeAxisTable, weights),
    MEMBER(ResizeAxisTable, samples),
    MEMBER(ResizeAxisTable, block),
    MEMBER(TensorJob, planes),
    MEMBER(TensorJob, strides),
    MEMBER(TensorJob, x),
    MEMBER(TensorJob, y),
    MEMBER(TensorJob, chroma_x),
    MEMBER(TensorJob, chroma_y),
    MEMBER(TensorJob, luma),
    MEMBER(TensorJob, luma_offset),
    MEMBER(TensorJob, chroma_offset),
    MEMBER(TensorJob, red_from_cr),
    MEMBER(TensorJob, green_from_cb),
    MEMBER(TensorJob, green_from_cr),
    MEMBER(TensorJob, blue_from_cb),
    MEMBER(TensorJob, scale),
    MEMBER(TensorJob, offset),
    MEMBER(TensorJob, format),
    MEMBER(TensorJob, target),
    MEMBER(TensorJob, row_length),
    MEMBER(TensorJob, plane_length),
    MEMBER(TensorJob, width),
    MEMBER(TensorJob, height),
    MEMBER(TensorJob, padded_width),
    MEMBER(TensorJob, padded_height),
    MEMBER(TensorJob, half),
    MEMBER(TensorJob, reserved),
    MEMBER(TensoriseParameters, jobs),
    MEMBER(BlendParameters, planes),
    MEMBER(BlendParameters, strides),
    MEMBER(BlendParameters, tile),
    MEMBER(BlendParameters, tile_stride),
    MEMBER(BlendParameters, x),
    MEMBER(BlendParameters, y),
    MEMBER(BlendParameters, width),
    MEMBER(BlendParameters, height),
    MEMBER(BlendParameters, chroma_width),
    MEMBER(BlendParameters, chroma_height),
    MEMBER(BlendParameters, format),
    MEMBER(BlendParameters, ten_bit_scale),
    MEMBER(ShrinkParameters, plane),
    MEMBER(ShrinkParameters, stride),
    MEMBER(ShrinkParameters, cells),
    MEMBER(ShrinkParameters, width),
    MEMBER(ShrinkParameters, height),
    MEMBER(ShrinkParameters, columns),
    MEMBER(ShrinkParameters, rows),
    MEMBER(ShrinkParameters, format),
    MEMBER(ShrinkParameters, reserved),
    MEMBER(SelectParameters, maps),
    MEMBER(SelectParameters, cells),
    MEMBER(SelectParameters, counts),
    MEMBER(SelectParameters, records),
    MEMBER(SelectParameters, least),
    MEMBER(SelectParameters, level_count),
    MEMBER(SelectParameters, values),
    MEMBER(SelectParameters, pictures),
    MEMBER(SelectParameters, capacity),
    MEMBER(SelectParameters, chunk),
    MEMBER(SelectParameters, chunks),
    MEMBER(SelectParameters, reserved),
    MEMBER(RegionMap, data),
    MEMBER(RegionMap, width),
    MEMBER(RegionMap, height),
    MEMBER(RegionMap, scale),
    MEMBER(RegionMap, reserved),
    MEMBER(PoolParameters, levels),
    MEMBER(PoolParameters, boxes),
    MEMBER(PoolParameters, pictures),
    MEMBER(PoolParameters, rows),
    MEMBER(PoolParameters, thresholds),
    MEMBER(PoolParameters, canonical_size),
    MEMBER(PoolParameters, level_count),
    MEMBER(PoolParameters, channels),
    MEMBER(PoolParameters, side),
    MEMBER(PoolParameters, samples),
    MEMBER(PoolParameters, reserved),
};
const std::size_t img2pose_kernel_member_count = sizeof img2pose_kernel_members / sizeof *img2pose_kernel_members;
