// HEVC (ITU-T H.265, 7.3), each picture an IDR of coding units of 16x16 whose samples stand in the stream (pcm_flag). What comes before them is
// coded arithmetically, which is why there is half a coder here.
#include "bitstream.h"

namespace {

const int SIDE = 16;

// The arithmetic coder (9.3.4), as far as three decisions a unit need it.
class Coder {
 public:
  explicit Coder(Bits &bits) : bits_(bits) {}

  // part_mode, of which one bin says that the unit is not divided: always the more probable one, since its context begins so (initValue 184
  // at a QP of 26: state 0, most probable 1). The interval begins at 510 in every unit, and is at least 448 here: a quarter of it is the
  // table's last column.
  void put_undivided() {
    static const unsigned char least[63] = {
        240, 227, 216, 205, 195, 185, 175, 166, 158, 150, 142, 135, 128, 122, 116, 110, 104, 99, 94, 89, 85, 80, 76, 72, 69, 65, 62, 59, 56, 53, 50, 48,
        45,  43,  41,  39,  37,  35,  33,  31,  30,  28,  27,  25,  24,  23,  22,  21,  20,  19, 18, 17, 16, 15, 14, 14, 13, 12, 12, 11, 11, 10, 9};
    range_ -= least[state_];
    if (state_ < 62) state_++;
    renormalise();
  }

  // end_of_slice_segment_flag and pcm_flag. After one that is set, what was begun is written to the end, a 1 last, and coding begins anew.
  void put_terminating(bool set) {
    range_ -= 2;
    if (!set) {
      renormalise();
      return;
    }
    low_ += range_;
    range_ = 2;
    renormalise();
    put(low_ >> 9 & 1);
    bits_.put((low_ >> 7 & 3) | 1, 2);
    bits_.align();
    low_ = 0;
    range_ = 510;
    is_first_ = true;
    outstanding_ = 0;
  }

 private:
  void renormalise() {
    while (range_ < 256) {
      if (low_ < 256) {
        put(0);
      } else if (low_ >= 512) {
        low_ -= 512;
        put(1);
      } else {
        low_ -= 256;
        outstanding_++;
      }
      range_ <<= 1;
      low_ <<= 1;
    }
  }

  void put(unsigned bit) {
    if (is_first_) is_first_ = false;
    else bits_.put(bit, 1);
    for (; outstanding_ > 0; outstanding_--) bits_.put(1 - bit, 1);
  }

  Bits &bits_;
  unsigned low_ = 0, range_ = 510;
  int state_ = 0, outstanding_ = 0;
  bool is_first_ = true;
};

void put_profile(Bits &bits) {
  bits.put(1, 8);              // Main
  bits.put(0x60000000u, 32);   // decodable as Main and Main 10
  bits.put(0x9, 4);            // progressive pictures
  bits.put(0, 32);
  bits.put(0, 12);
  bits.put(186, 8);            // level 6.2
}

// Pictures that may be held, reordered, late: none.
void put_ordering(Bits &bits) {
  bits.put(1, 1);
  for (int i = 0; i < 3; i++) bits.put_golomb(0);
}

}  // namespace

void append_hevc_headers(Bytes &to, unsigned width, unsigned height) {
  unsigned columns = (width + SIDE - 1) / SIDE, rows = (height + SIDE - 1) / SIDE;
  Bits video;
  video.put(0, 4);
  video.put(3, 2);
  video.put(0, 6);
  video.put(0, 3);
  video.put(1, 1);
  video.put(0xffff, 16);
  put_profile(video);
  put_ordering(video);
  video.put(0, 6);
  video.put_golomb(0);
  video.put(0, 2);
  video.trail();
  append_unit(to, {32 << 1, 1}, video.bytes());

  Bits sequence;
  sequence.put(0, 4);
  sequence.put(0, 3);
  sequence.put(1, 1);
  put_profile(sequence);
  sequence.put_golomb(0);
  sequence.put_golomb(1);  // 4:2:0
  sequence.put_golomb(SIDE * columns);
  sequence.put_golomb(SIDE * rows);
  sequence.put(1, 1);  // cropped
  sequence.put_golomb(0);
  sequence.put_golomb((SIDE * columns - width) / 2);
  sequence.put_golomb(0);
  sequence.put_golomb((SIDE * rows - height) / 2);
  sequence.put_golomb(0);  // eight bits
  sequence.put_golomb(0);
  sequence.put_golomb(0);
  put_ordering(sequence);
  sequence.put_golomb(1);  // coding units of 16 and no others
  sequence.put_golomb(0);
  sequence.put_golomb(0);  // transforms from 4 to 16
  sequence.put_golomb(2);
  sequence.put_golomb(0);
  sequence.put_golomb(0);
  sequence.put(0, 3);  // no scaling lists, no asymmetric parts, no sample offsets
  sequence.put(1, 1);  // units of bare samples:
  sequence.put(7, 4);
  sequence.put(7, 4);
  sequence.put_golomb(1);  // of 16
  sequence.put_golomb(0);
  sequence.put(1, 1);  // which no filter touches
  sequence.put_golomb(0);
  sequence.put(0, 5);  // no long-term references, no motion, no smoothing, no VUI, no extension
  sequence.trail();
  append_unit(to, {33 << 1, 1}, sequence.bytes());

  Bits picture;
  picture.put_golomb(0);
  picture.put_golomb(0);
  picture.put(0, 7);
  picture.put_golomb(0);
  picture.put_golomb(0);
  picture.put_golomb(0);  // QP 26
  picture.put(0, 3);
  picture.put_golomb(0);
  picture.put_golomb(0);
  picture.put(0, 7);  // to loop filters across slices
  picture.put(1, 1);
  picture.put(0, 1);
  picture.put(1, 1);  // not deblocked
  picture.put(0, 2);
  picture.put_golomb(0);
  picture.put(0, 2);
  picture.trail();
  append_unit(to, {34 << 1, 1}, picture.bytes());
}

void append_hevc(Bytes &to, unsigned width, unsigned height, const Picture &picture) {
  unsigned columns = (width + SIDE - 1) / SIDE, rows = (height + SIDE - 1) / SIDE;
  Bits slice;
  slice.put(1, 1);
  slice.put(0, 1);
  slice.put_golomb(0);
  slice.put_golomb(2);  // I
  slice.put_golomb(0);
  slice.trail();
  Coder coder(slice);
  for (unsigned row = 0; row < rows; row++) {
    for (unsigned column = 0; column < columns; column++) {
      coder.put_undivided();
      coder.put_terminating(true);
      put_block(slice, picture, column, row);
      // The last one's 1 is the unit's stop bit, too.
      coder.put_terminating(row + 1 == rows && column + 1 == columns);
    }
  }
  append_unit(to, {20 << 1, 1}, slice.bytes());
}
