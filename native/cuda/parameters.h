// What a launch hands over: one structure by value for each kernel, mirrored by Img2Pose.Cuda/Kernels. Pointers are to
// device memory, strides in bytes. A test compares the offsets of every member on both sides, and PTX's parameter sizes.
#pragma once

enum PictureFormat {
  FORMAT_I420 = 0,     // planes Y, U, V, 8 bits
  FORMAT_NV12 = 1,     // planes Y and UV pairs, 8 bits
  FORMAT_I420P10 = 2,  // planes Y, U, V, 10 bits in the low bits of 16
  FORMAT_RGB24 = 3,    // one plane of triples, 8 bits
  FORMAT_P010 = 4,     // planes Y and UV pairs, 10 bits in the high bits of 16
};

// The sampling along one axis: target d is (1 - weights[d]) * block[first[d]] + weights[d] * block[second[d]]. Made by
// Img2Pose.Inference.ResizeFilter, the one definition of it.
struct ResizeAxisTable {
  const int *first;
  const int *second;
  const float *weights;
  int samples;
  int block;
};

// One picture, or a crop of one (by the planes' pointers), on its way into a rectangle of a tensor.
struct TensorJob {
  const unsigned char *planes[3];
  long long strides[3];
  ResizeAxisTable x;
  ResizeAxisTable y;
  ResizeAxisTable chroma_x;
  ResizeAxisTable chroma_y;
  float luma;
  float luma_offset;
  float chroma_offset;
  float red_from_cr;
  float green_from_cb;
  float green_from_cr;
  float blue_from_cb;
  float scale[3];
  float offset[3];
  int format;
  void *target;            // first value of the red plane's rectangle
  long long row_length;    // values from one row of the tensor to the next
  long long plane_length;  // values from one colour to the next
  int width;               // of the resized picture
  int height;
  int padded_width;        // of the rectangle; what the picture does not cover becomes 0
  int padded_height;
  int half;                // 1: the tensor is float16
  int reserved;
};

struct TensoriseParameters {
  const TensorJob *jobs;  // one for each z of the grid
};

// An overlay's rectangle over a picture. The tile's pixels are four bytes: the picture's own components times the
// opacity, then the opacity.
struct BlendParameters {
  unsigned char *planes[3];
  long long strides[3];
  const unsigned char *tile;
  long long tile_stride;
  int x;
  int y;
  int width;
  int height;
  int chroma_width;
  int chroma_height;
  int format;
  int ten_bit_scale;
};

// A picture's brightness to columns * rows sums of four samples.
struct ShrinkParameters {
  const unsigned char *plane;
  long long stride;
  float *cells;
  int width;
  int height;
  int columns;
  int rows;
  int format;
  int reserved;
};

// Cells of a one-stage network's maps to records; each map is [pictures, values, cells].
struct SelectParameters {
  const float *maps[4];
  int cells[4];   // of a picture, in each level
  int *counts;    // for each chunk of each picture
  int *records;   // for each picture a number, then `capacity` records of a cell's number and its values
  float least;
  int level_count;
  int values;
  int pictures;
  int capacity;
  int chunk;
  int chunks;
  int reserved;
};

// One level of a feature pyramid: [pictures, height, width, channels].
struct RegionMap {
  const float *data;
  int width;
  int height;
  float scale;  // cells per pixel of the picture
  int reserved;
};

// Regions to rows of channels * side * side values.
struct PoolParameters {
  RegionMap levels[4];
  const float *boxes;         // left, top, right, bottom of each region, in pixels of the batch
  const long long *pictures;  // of each region
  float *rows;
  float thresholds[4];        // least ratio of the second level and those above it
  float canonical_size;
  int level_count;
  int channels;
  int side;
  int samples;                // per cell along each axis, at most 4
  int reserved;
};

// One level of a proposal head's maps: [pictures, shapes, height, width] and [pictures, 4 * shapes, height, width].
struct ProposalLevel {
  const float *objectness;
  const float *deltas;
  const float *anchors;  // left, top, right, bottom of each shape around a cell's corner
  int shapes;
  int width;
  int height;
  int best;    // candidates that are taken of a picture, at least 1
  int first;   // place of the first of them among a picture's, a multiple of 64
  int chunks;  // of the anchors of a picture
};

// Proposals of a batch, in the steps of propose.h. A lane is a level of a picture.
struct ProposalParameters {
  const ProposalLevel *levels;
  const int *sizes;               // of each picture without padding: width, height
  unsigned *bins;                 // for each lane and digit: copies of a histogram; zeros before the first step
  unsigned *states;               // for each lane, before each digit and after the last: the threshold's digits so far, and how many are wanted of them
  int *counts;                    // for each lane and chunk: anchors above the threshold, and at it
  unsigned long long *keys;       // for each place: score and number of a candidate, in any order
  unsigned *scores;               // for each place: score of a candidate, best first, as numbers that rise
  float *boxes;                   // likewise: left, top, right, bottom
  unsigned *largest;              // of each picture the bits of the largest coordinate; zeros before the first step
  unsigned long long *overlaps;   // of the pictures from first_picture on: for each place `words` words, which candidates it overlaps
  unsigned long long *removed;    // for each place a bit; zeros before the first step
  unsigned long long *kept;       // for each place a bit
  float *ranked;                  // for each picture `capacity` proposals
  int *found;                     // proposals of each picture
  float *regions;                 // proposals of all pictures one after the other
  long long *region_pictures;     // and the picture of each
  float threshold;                // overlap above which a candidate suppresses a worse one of its level
  float delta_limit;
  int level_count;
  int pictures;
  int first_picture;
  int places;    // of a picture, a multiple of 64
  int words;     // of the level with most candidates
  int chunks;    // of the level with most anchors
  int capacity;  // proposals of a picture at most
  int padded_width;
  int padded_height;
  int shifted;  // 1: levels are kept apart by moving their boxes
  int digit;    // which digit of the scores this launch is about
  int block;    // which 64 candidates of each level this launch is about
};
