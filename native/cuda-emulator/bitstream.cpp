#include "bitstream.h"

unsigned char Picture::at(int plane, unsigned x, unsigned y) const {
  unsigned w = plane ? width / 2 : width, h = plane ? height / 2 : height;
  x = x < w ? x : w - 1;
  y = y < h ? y : h - 1;
  const unsigned char *chroma = samples + static_cast<std::size_t>(pitch) * height;
  if (plane == 0) return samples[static_cast<std::size_t>(pitch) * y + x];
  if (interleaved) return chroma[static_cast<std::size_t>(pitch) * y + 2 * x + plane - 1];
  // YV12 has Cr first.
  std::size_t half = pitch / 2;
  return chroma[(plane == 1 ? half * (height / 2) : 0) + half * y + x];
}

void Bits::put(unsigned value, int count) {
  for (int i = count - 1; i >= 0; i--) {
    if (used_ == 0) bytes_.push_back(0);
    bytes_.back() = static_cast<unsigned char>(bytes_.back() | ((value >> i & 1) << (7 - used_)));
    used_ = (used_ + 1) % 8;
  }
}

void Bits::put_golomb(unsigned value) {
  int length = 0;
  while ((value + 1) >> (length + 1)) length++;
  put(0, length);
  put(value + 1, length + 1);
}

void Bits::trail() {
  put(1, 1);
  align();
}

void append_unit(Bytes &to, const Bytes &head, const Bytes &payload) {
  to.insert(to.end(), {0, 0, 0, 1});
  to.insert(to.end(), head.begin(), head.end());
  int zeros = 0;
  for (unsigned char byte : payload) {
    if (zeros >= 2 && byte <= 3) {
      to.push_back(3);
      zeros = 0;
    }
    to.push_back(byte);
    zeros = byte ? 0 : zeros + 1;
  }
}

void put_block(Bits &bits, const Picture &picture, unsigned column, unsigned row) {
  for (int plane = 0; plane < 3; plane++) {
    unsigned side = plane ? 8 : 16;
    for (unsigned y = 0; y < side; y++) {
      for (unsigned x = 0; x < side; x++) bits.bytes().push_back(picture.at(plane, side * column + x, side * row + y));
    }
  }
}
