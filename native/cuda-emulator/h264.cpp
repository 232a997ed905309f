// H.264 (ITU-T H.264, 7.3), each picture an IDR of I_PCM macroblocks.
#include "bitstream.h"

void append_h264_headers(Bytes &to, unsigned width, unsigned height) {
  unsigned columns = (width + 15) / 16, rows = (height + 15) / 16;
  Bits sequence;
  sequence.put(66, 8);    // baseline
  sequence.put(0xc0, 8);  // constraints 0 and 1
  sequence.put(51, 8);
  sequence.put_golomb(0);
  sequence.put_golomb(0);  // four bits of frame_num
  sequence.put_golomb(2);  // pictures come out in the order in which they are coded
  sequence.put_golomb(1);
  sequence.put(0, 1);
  sequence.put_golomb(columns - 1);
  sequence.put_golomb(rows - 1);
  sequence.put(1, 1);
  sequence.put(1, 1);
  sequence.put(1, 1);  // cropped
  sequence.put_golomb(0);
  sequence.put_golomb((16 * columns - width) / 2);
  sequence.put_golomb(0);
  sequence.put_golomb((16 * rows - height) / 2);
  sequence.put(0, 1);
  sequence.trail();
  append_unit(to, {0x67}, sequence.bytes());
  Bits picture;
  picture.put_golomb(0);
  picture.put_golomb(0);
  picture.put(0, 2);
  for (int i = 0; i < 3; i++) picture.put_golomb(0);
  picture.put(0, 3);
  for (int i = 0; i < 3; i++) picture.put_golomb(0);
  picture.put(4, 3);  // the slice says how it is deblocked
  picture.trail();
  append_unit(to, {0x68}, picture.bytes());
}

void append_h264(Bytes &to, unsigned width, unsigned height, const Picture &picture, unsigned long long number) {
  Bits slice;
  slice.put_golomb(0);
  slice.put_golomb(7);
  slice.put_golomb(0);
  slice.put(0, 4);
  slice.put_golomb(static_cast<unsigned>(number & 1));
  slice.put(0, 2);
  slice.put_golomb(0);
  slice.put_golomb(1);  // not deblocked
  for (unsigned row = 0; row < (height + 15) / 16; row++) {
    for (unsigned column = 0; column < (width + 15) / 16; column++) {
      slice.put_golomb(25);  // I_PCM
      slice.align();
      put_block(slice, picture, column, row);
    }
  }
  slice.trail();
  append_unit(to, {0x65}, slice.bytes());
}
