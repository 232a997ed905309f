#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define I2P_HOST_DEVICE __host__ __device__
#else
#define I2P_HOST_DEVICE
#endif

namespace i2p {
// Four neighbours of a sampling point and their bilinear weights. Points more than one cell outside count as zero; points
// within that margin are clamped to the border, as Detectron does.
template <typename Real>
struct Bilinear {
  int64_t low_row, low_column, high_row, high_column;
  Real top_left, top_right, bottom_left, bottom_right;
  bool inside;

  I2P_HOST_DEVICE Bilinear(Real row, Real column, int64_t height, int64_t width) {
    inside = row >= -1 && row <= height && column >= -1 && column <= width;
    if (row < 0) row = 0;
    if (column < 0) column = 0;
    low_row = static_cast<int64_t>(row);
    low_column = static_cast<int64_t>(column);
    high_row = low_row + 1;
    high_column = low_column + 1;
    if (low_row >= height - 1) {
      low_row = high_row = height - 1;
      row = static_cast<Real>(low_row);
    }
    if (low_column >= width - 1) {
      low_column = high_column = width - 1;
      column = static_cast<Real>(low_column);
    }
    const Real down = row - low_row, right = column - low_column;
    top_left = (1 - down) * (1 - right);
    top_right = (1 - down) * right;
    bottom_left = down * (1 - right);
    bottom_right = down * right;
  }
};

// Where the samples of one region lie, in feature cells.
template <typename Real>
struct RegionSamples {
  int64_t picture, grid_rows, grid_columns;
  Real top, left, bin_height, bin_width;

  I2P_HOST_DEVICE RegionSamples(const Real* region, Real scale, int64_t rows, int64_t columns, int64_t samples, bool aligned) {
    const Real shift = aligned ? Real(0.5) : Real(0);
    picture = static_cast<int64_t>(region[0]);
    left = region[1] * scale - shift;
    top = region[2] * scale - shift;
    Real width = region[3] * scale - shift - left;
    Real height = region[4] * scale - shift - top;
    if (!aligned) {
      width = width < 1 ? Real(1) : width;
      height = height < 1 ? Real(1) : height;
    }
    bin_height = height / rows;
    bin_width = width / columns;
    grid_rows = samples > 0 ? samples : round_up(bin_height);
    grid_columns = samples > 0 ? samples : round_up(bin_width);
  }

  I2P_HOST_DEVICE Real row(int64_t bin, int64_t sample) const {
    return top + bin * bin_height + (sample + Real(0.5)) * bin_height / grid_rows;
  }

  I2P_HOST_DEVICE Real column(int64_t bin, int64_t sample) const {
    return left + bin * bin_width + (sample + Real(0.5)) * bin_width / grid_columns;
  }

  I2P_HOST_DEVICE Real count() const {
    const int64_t all = grid_rows * grid_columns;
    return static_cast<Real>(all > 0 ? all : 1);
  }

 private:
  I2P_HOST_DEVICE static int64_t round_up(Real value) {
    const int64_t floor = static_cast<int64_t>(value);
    return value > floor ? floor + 1 : floor;
  }
};
}  // namespace i2p
