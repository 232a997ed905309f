// What the emulated encoder writes: video in which every sample is as it was, so that whoever decodes it gets back what the encoder read.
#pragma once

#include <cstddef>
#include <vector>

typedef std::vector<unsigned char> Bytes;

// The samples of a picture of eight bits, 4:2:0; chroma planar, or interleaved.
struct Picture {
  const unsigned char *samples;
  unsigned pitch, width, height;
  bool interleaved;

  // A sample of plane 0, 1 or 2; those beyond an edge are those at it.
  unsigned char at(int plane, unsigned x, unsigned y) const;
};

// Bits as they are written, highest first.
class Bits {
 public:
  void put(unsigned value, int count);
  // An unsigned number in Exp-Golomb code, of 0 the shortest; a signed 0 is the same.
  void put_golomb(unsigned value);
  // Zeros up to the next byte.
  void align() { used_ = 0; }
  // The bit that ends a unit, and zeros up to the next byte.
  void trail();
  Bytes &bytes() { return bytes_; }

 private:
  Bytes bytes_;
  int used_ = 0;
};

// Appends a unit with its start code; no three bytes of the payload look like one.
void append_unit(Bytes &to, const Bytes &head, const Bytes &payload);

// The samples of a block of 16x16, plane by plane, into whole bytes.
void put_block(Bits &bits, const Picture &picture, unsigned column, unsigned row);

// A stream's parameters, and one picture, the number-th, which stands for itself.
void append_h264_headers(Bytes &to, unsigned width, unsigned height);
void append_h264(Bytes &to, unsigned width, unsigned height, const Picture &picture, unsigned long long number);
void append_hevc_headers(Bytes &to, unsigned width, unsigned height);
void append_hevc(Bytes &to, unsigned width, unsigned height, const Picture &picture);
