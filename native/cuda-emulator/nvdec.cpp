// libnvcuvid.so.1 for tests: FFmpeg's own NVDEC code runs on it, with a real bitstream's geometry, order and times. It does
// not decode: picture n of a decoder is a pattern (see nvdec_luma), written on the stream that the caller names. Sessions,
// codecs and sizes are limited as a chip's are:
//   NVDEC_SESSIONS  decoders at a time (default 32)
//   NVDEC_CODECS    comma-separated numbers of cudaVideoCodec that the chip knows (default: H.264, HEVC, VP9, AV1)
//   NVDEC_SIDE      longest side of a picture (default 8192)
//   NVDEC_PICTURES  WIDTHxHEIGHT:FILE of raw NV12 (P010 for 10 bits): picture n is the n-th of the file instead of a pattern,
//                   so that real pictures come out of the decoder. The n-th that is decoded, so streams without reordering.
// Structures are as in NVIDIA's Video Codec SDK, of which only the members that are used are named.
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <set>
#include <vector>

#include "emulator.h"

EXPORT Result cuMemAlloc_v2(std::uint64_t *pointer, std::size_t bytes);
EXPORT Result cuMemFree_v2(std::uint64_t pointer);
EXPORT Result cuStreamAddCallback(void *stream, void (*callback)(void *, Result, void *), void *data, unsigned flags);

namespace {

struct DecoderCapabilities {
  int codec;
  int chroma_format;
  unsigned bit_depth_minus_8;
  unsigned reserved1[3];
  unsigned char supported;
  unsigned char engines;
  unsigned short output_formats;
  unsigned max_width, max_height, max_macroblocks;
  unsigned short min_width, min_height;
  unsigned char rest[44];
};

struct Rectangle {
  short left, top, right, bottom;
};

struct DecoderInfo {
  unsigned long width, height, surfaces;
  int codec;
  int chroma_format;
  unsigned long flags, bit_depth_minus_8, intra_only, max_width, max_height, reserved1;
  Rectangle display;
  int output_format;
  int deinterlace;
  unsigned long target_width, target_height, output_surfaces;
  void *lock;
  Rectangle target;
  unsigned long histogram, reserved2[4];
};

struct Picture {
  int width_in_macroblocks, height_in_macroblocks;
  int index;
};

struct MapParameters {
  int progressive, second_field, top_field_first, unpaired_field;
  unsigned reserved_flags, reserved_zero;
  unsigned long long raw_input;
  unsigned raw_input_pitch, raw_input_format;
  unsigned long long raw_output;
  unsigned raw_output_pitch, reserved1;
  void *stream;
};

enum { CHROMA_420 = 1, NV12 = 0, P016 = 1 };

struct Surface {
  std::uint64_t memory;
  bool mapped;
};

struct Decoder {
  DecoderInfo info;
  std::size_t pitch;
  long long pictures = 0;
  std::vector<long long> decoded;
  std::vector<Surface> outputs;
};

std::mutex &guard = *new std::mutex;
std::set<Decoder *> &decoders = *new std::set<Decoder *>;

bool knows(int codec) {
  // MPEG-4's and older decoders are not on the chip that is imitated.
  char text[256];
  cuda_emulator_setting_text("NVDEC_CODECS", text, sizeof text);
  std::string list = *text ? text : "4,8,10,11";
  for (const char *at = list.c_str(); *at;) {
    char *end;
    if (std::strtol(at, &end, 10) == codec && end != at) return true;
    at = *end ? end + 1 : end;
  }
  return false;
}

unsigned longest_side() { return static_cast<unsigned>(cuda_emulator_setting("NVDEC_SIDE", 8192)); }

// The pattern. Values stay inside video range, so that a range conversion shows.
int nvdec_luma(long long picture, int x, int y) { return 16 + static_cast<int>((x + 2LL * y + 7 * picture) % 220); }

int nvdec_chroma(long long picture, int x, int y, int component) {
  return 16 + static_cast<int>((3LL * x + y + 5 * picture + 64 * component) % 225);
}

struct Fill {
  std::uint64_t memory;
  std::size_t pitch;
  int width, height;
  bool ten_bit;
  long long picture;
};

void put(const Fill &fill, std::size_t row, int column, int value) {
  char *line = reinterpret_cast<char *>(fill.memory) + row * fill.pitch;
  if (fill.ten_bit) reinterpret_cast<unsigned short *>(line)[column] = static_cast<unsigned short>(value << 8);
  else reinterpret_cast<unsigned char *>(line)[column] = static_cast<unsigned char>(value);
}

// Copies picture n of NVDEC_PICTURES into the upper left of a surface that has its pattern already.
void fill_from_file(const Fill &fill) {
  char text[1024], *path = nullptr;
  cuda_emulator_setting_text("NVDEC_PICTURES", text, sizeof text);
  long width = std::strtol(text, &path, 10);
  if (*path != 'x') return;
  long height = std::strtol(path + 1, &path, 10);
  if (*path != ':' || width <= 0 || height <= 0 || width > fill.width || height > fill.height) return;
  std::FILE *file = std::fopen(path + 1, "rb");
  if (!file) return;
  const std::size_t sample = fill.ten_bit ? 2 : 1, luma = static_cast<std::size_t>(width) * sample;
  const std::size_t pairs = static_cast<std::size_t>(width + 1) / 2 * 2 * sample, chroma_rows = static_cast<std::size_t>(height + 1) / 2;
  const std::size_t bytes = luma * static_cast<std::size_t>(height) + pairs * chroma_rows;
  std::fseek(file, 0, SEEK_END);
  long long pictures = std::ftell(file) / static_cast<long long>(bytes);
  if (pictures > 0) {
    std::fseek(file, static_cast<long>(static_cast<long long>(bytes) * (fill.picture % pictures)), SEEK_SET);
    char *memory = reinterpret_cast<char *>(fill.memory);
    bool whole = true;
    for (std::size_t y = 0; y < static_cast<std::size_t>(height); y++) whole &= std::fread(memory + y * fill.pitch, luma, 1, file) == 1;
    char *chroma = memory + static_cast<std::size_t>(fill.height) * fill.pitch;
    for (std::size_t y = 0; y < chroma_rows; y++) whole &= std::fread(chroma + y * fill.pitch, pairs, 1, file) == 1;
    if (!whole) cuda_emulator_add("short_pictures", 1);
  }
  std::fclose(file);
}

void fill_surface(void *, Result, void *data) {
  Fill *fill = static_cast<Fill *>(data);
  for (int y = 0; y < fill->height; y++) {
    for (int x = 0; x < fill->width; x++) put(*fill, static_cast<std::size_t>(y), x, nvdec_luma(fill->picture, x, y));
  }
  for (int y = 0; y < fill->height / 2; y++) {
    for (int x = 0; x < fill->width; x++)
      put(*fill, static_cast<std::size_t>(fill->height + y), x, nvdec_chroma(fill->picture, x / 2, y, x % 2));
  }
  fill_from_file(*fill);
  delete fill;
}

Decoder *decoder_of(void *handle) {
  std::lock_guard<std::mutex> lock(guard);
  if (decoders.count(static_cast<Decoder *>(handle))) return static_cast<Decoder *>(handle);
  cuda_emulator_add("bad_handles", 1);
  return nullptr;
}

void free_surfaces(Decoder *decoder) {
  for (Surface &surface : decoder->outputs) cuMemFree_v2(surface.memory);
}

#define BEGIN()                                    \
  do {                                             \
    Result begun = cuda_emulator_enter(__func__);  \
    if (begun != OK) return begun;                 \
  } while (0)

}  // namespace

EXPORT Result cuvidGetDecoderCaps(DecoderCapabilities *caps) {
  BEGIN();
  if (!caps) return INVALID_VALUE;
  bool ten_bit = caps->bit_depth_minus_8 > 0;
  // H.264 in 10 bits is on no chip of this kind.
  caps->supported = knows(caps->codec) && caps->chroma_format == CHROMA_420 && caps->bit_depth_minus_8 <= 2 && !(caps->codec == 4 && ten_bit);
  caps->engines = 1;
  caps->output_formats = ten_bit ? 3 : 1;
  caps->max_width = caps->max_height = longest_side();
  caps->max_macroblocks = longest_side() / 16 * (longest_side() / 16);
  caps->min_width = caps->min_height = 48;
  return OK;
}

EXPORT Result cuvidCreateDecoder(void **handle, DecoderInfo *info) {
  BEGIN();
  if (!handle || !info) return INVALID_VALUE;
  if (info->surfaces > 32 || info->output_surfaces > 64 || info->output_format > P016) return INVALID_VALUE;
  if (!knows(info->codec) || info->width > longest_side() || info->height > longest_side()) return NOT_SUPPORTED;
  {
    std::lock_guard<std::mutex> lock(guard);
    if (decoders.size() >= static_cast<std::size_t>(cuda_emulator_setting("NVDEC_SESSIONS", 32))) return OUT_OF_MEMORY;
  }
  Decoder *decoder = new Decoder;
  decoder->info = *info;
  decoder->decoded.assign(info->surfaces, -1);
  decoder->pitch = (info->target_width * (info->output_format == P016 ? 2 : 1) + 511) / 512 * 512;
  for (unsigned long i = 0; i < (info->output_surfaces ? info->output_surfaces : 1); i++) {
    Surface surface = {0, false};
    Result result = cuMemAlloc_v2(&surface.memory, decoder->pitch * (info->target_height + (info->target_height + 1) / 2));
    if (result != OK) {
      free_surfaces(decoder);
      delete decoder;
      return result;
    }
    decoder->outputs.push_back(surface);
  }
  std::lock_guard<std::mutex> lock(guard);
  decoders.insert(decoder);
  *handle = decoder;
  cuda_emulator_add("decoders", 1);
  return OK;
}

EXPORT Result cuvidDestroyDecoder(void *handle) {
  Result result = cuda_emulator_enter(__func__);
  Decoder *decoder = decoder_of(handle);
  if (!decoder) return INVALID_HANDLE;
  {
    std::lock_guard<std::mutex> lock(guard);
    decoders.erase(decoder);
  }
  free_surfaces(decoder);
  delete decoder;
  cuda_emulator_add("decoders", -1);
  return result;
}

EXPORT Result cuvidDecodePicture(void *handle, Picture *picture) {
  BEGIN();
  Decoder *decoder = decoder_of(handle);
  if (!decoder) return INVALID_HANDLE;
  if (!picture || picture->index < 0 || static_cast<std::size_t>(picture->index) >= decoder->decoded.size()) return INVALID_VALUE;
  decoder->decoded[static_cast<std::size_t>(picture->index)] = decoder->pictures++;
  cuda_emulator_add("pictures", 1);
  return OK;
}

EXPORT Result cuvidGetDecodeStatus(void *, int, int *status) {
  BEGIN();
  const int SUCCESS = 2;
  *status = SUCCESS;
  return OK;
}

EXPORT Result cuvidReconfigureDecoder(void *, void *) { return NOT_SUPPORTED; }

EXPORT Result cuvidMapVideoFrame64(void *handle, int index, unsigned long long *pointer, unsigned *pitch, MapParameters *parameters) {
  BEGIN();
  Decoder *decoder = decoder_of(handle);
  if (!decoder) return INVALID_HANDLE;
  if (index < 0 || static_cast<std::size_t>(index) >= decoder->decoded.size() || decoder->decoded[static_cast<std::size_t>(index)] < 0) return INVALID_VALUE;
  for (Surface &surface : decoder->outputs) {
    if (surface.mapped) continue;
    surface.mapped = true;
    *pointer = surface.memory;
    *pitch = static_cast<unsigned>(decoder->pitch);
    Fill *fill = new Fill{
        surface.memory, decoder->pitch, static_cast<int>(decoder->info.target_width), static_cast<int>(decoder->info.target_height),
        decoder->info.output_format == P016, decoder->decoded[static_cast<std::size_t>(index)]};
    return cuStreamAddCallback(parameters->stream, fill_surface, fill, 0);
  }
  cuda_emulator_add("surfaces_exhausted", 1);
  return INVALID_VALUE;
}

EXPORT Result cuvidUnmapVideoFrame64(void *handle, unsigned long long pointer) {
  BEGIN();
  Decoder *decoder = decoder_of(handle);
  if (!decoder) return INVALID_HANDLE;
  for (Surface &surface : decoder->outputs) {
    if (surface.memory != pointer || !surface.mapped) continue;
    surface.mapped = false;
    return OK;
  }
  cuda_emulator_add("double_frees", 1);
  return INVALID_VALUE;
}

// FFmpeg's NVDEC code makes no use of the lock, the sources and the parser; its loader wants them to be there.
#define UNSUPPORTED(name) \
  EXPORT Result name() { return NOT_SUPPORTED; }

UNSUPPORTED(cuvidCtxLockCreate)
UNSUPPORTED(cuvidCtxLockDestroy)
UNSUPPORTED(cuvidCtxLock)
UNSUPPORTED(cuvidCtxUnlock)
UNSUPPORTED(cuvidCreateVideoSource)
UNSUPPORTED(cuvidCreateVideoSourceW)
UNSUPPORTED(cuvidDestroyVideoSource)
UNSUPPORTED(cuvidSetVideoSourceState)
UNSUPPORTED(cuvidGetVideoSourceState)
UNSUPPORTED(cuvidGetSourceVideoFormat)
UNSUPPORTED(cuvidGetSourceAudioFormat)
UNSUPPORTED(cuvidCreateVideoParser)
UNSUPPORTED(cuvidParseVideoData)
UNSUPPORTED(cuvidDestroyVideoParser)
