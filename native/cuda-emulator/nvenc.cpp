// libnvidia-encode.so.1 for tests: FFmpeg's own NVENC code runs on it. What it writes is real H.264 and HEVC whose pictures hold their samples as
// they are (h264.cpp, hevc.cpp), so that whoever decodes it gets back what the encoder was given. It reads them in the stream that the
// caller names (nvEncSetIOCudaStreams), as late as that stream does its work, so that a missing wait shows. Settings:
//   NVENC_SESSIONS  encoders at a time (default 8); REFUSE takes the functions' names, as the driver's, with an NVENCSTATUS
//   NVENC_CODECS    what the chip encodes (default h264,hevc)
// Calls are checked: handles, layouts, what is mapped while it is encoded.
#include <ffnvcodec/nvEncodeAPI.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "bitstream.h"
#include "emulator.h"

EXPORT Result cuStreamAddCallback(void *stream, void (*callback)(void *, Result, void *), void *data, unsigned flags);
EXPORT Result cuStreamSynchronize(void *stream);

namespace {

// A picture's samples, whoever owns them.
struct Input {
  const unsigned char *samples;
  unsigned pitch, width, height;
  NV_ENC_BUFFER_FORMAT format;
  std::unique_ptr<unsigned char[]> own;
  bool mapped = false;
};

struct Output {
  Bytes bytes;
  unsigned long long time = 0;
  bool busy = false, locked = false;
};

struct Encoder {
  unsigned width = 0, height = 0;
  bool hevc = false, headers = true, initialised = false;
  unsigned long long pictures = 0;
  void *stream = nullptr;
  bool has_stream = false;
  std::set<Input *> inputs;
  std::set<Output *> outputs;
};

std::mutex &guard = *new std::mutex;
std::set<Encoder *> &encoders = *new std::set<Encoder *>;

NVENCSTATUS enter(const char *name) { return static_cast<NVENCSTATUS>(cuda_emulator_enter(name)); }

NVENCSTATUS fail(NVENCSTATUS status) {
  cuda_emulator_add("nvenc_errors", 1);
  return status;
}

Encoder *encoder_of(void *handle) {
  std::lock_guard<std::mutex> lock(guard);
  auto found = encoders.find(static_cast<Encoder *>(handle));
  return found == encoders.end() ? nullptr : *found;
}

bool same(const GUID &a, const GUID &b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// The codecs that the chip encodes, as it lists them.
std::vector<GUID> codecs_of_chip() {
  char text[64];
  cuda_emulator_setting_text("NVENC_CODECS", text, sizeof text);
  std::string list = *text ? text : "h264,hevc";
  std::vector<GUID> codecs;
  if (list.find("h264") != std::string::npos) codecs.push_back(NV_ENC_CODEC_H264_GUID);
  if (list.find("hevc") != std::string::npos) codecs.push_back(NV_ENC_CODEC_HEVC_GUID);
  return codecs;
}

bool knows(const GUID &codec) {
  for (const GUID &known : codecs_of_chip()) {
    if (same(known, codec)) return true;
  }
  return false;
}

void append_headers(const Encoder &encoder, Bytes &to) {
  (encoder.hevc ? append_hevc_headers : append_h264_headers)(to, encoder.width, encoder.height);
}

void encode(const Encoder &encoder, const Input &from, unsigned long long number, Output &to) {
  if (encoder.headers) append_headers(encoder, to.bytes);
  Picture picture{from.samples, from.pitch, from.width, from.height, from.format == NV_ENC_BUFFER_FORMAT_NV12};
  if (encoder.hevc) append_hevc(to.bytes, encoder.width, encoder.height, picture);
  else append_h264(to.bytes, encoder.width, encoder.height, picture, number);
}

struct Job {
  const Encoder *encoder;
  const Input *from;
  Output *to;
  unsigned long long number;
};

void run(void *, Result, void *data) {
  std::unique_ptr<Job> job(static_cast<Job *>(data));
  encode(*job->encoder, *job->from, job->number, *job->to);
}

NVENCSTATUS NVENCAPI open_session(NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS *parameters, void **encoder) {
  if (NVENCSTATUS refused = enter("nvEncOpenEncodeSessionEx")) return refused;
  if (!parameters || !parameters->device || parameters->deviceType != NV_ENC_DEVICE_TYPE_CUDA || parameters->apiVersion != NVENCAPI_VERSION)
    return fail(NV_ENC_ERR_INVALID_PARAM);
  std::lock_guard<std::mutex> lock(guard);
  if (static_cast<long long>(encoders.size()) >= cuda_emulator_setting("NVENC_SESSIONS", 8)) return NV_ENC_ERR_OUT_OF_MEMORY;
  *encoder = *encoders.insert(new Encoder).first;
  cuda_emulator_add("nvenc_sessions", 1);
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI codec_count(void *encoder, uint32_t *count) {
  if (!encoder_of(encoder)) return fail(NV_ENC_ERR_INVALID_ENCODERDEVICE);
  *count = static_cast<uint32_t>(codecs_of_chip().size());
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI codecs(void *encoder, GUID *list, uint32_t size, uint32_t *count) {
  std::vector<GUID> known = codecs_of_chip();
  if (!encoder_of(encoder) || size < known.size()) return fail(NV_ENC_ERR_INVALID_PARAM);
  for (std::size_t i = 0; i < known.size(); i++) list[i] = known[i];
  *count = static_cast<uint32_t>(known.size());
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI capability(void *encoder, GUID codec, NV_ENC_CAPS_PARAM *asked, int *value) {
  if (NVENCSTATUS refused = enter("nvEncGetEncodeCaps")) return refused;
  if (!encoder_of(encoder) || !knows(codec)) return fail(NV_ENC_ERR_INVALID_PARAM);
  switch (asked->capsToQuery) {
    case NV_ENC_CAPS_WIDTH_MAX:
    case NV_ENC_CAPS_HEIGHT_MAX:
      *value = static_cast<int>(cuda_emulator_setting("NVENC_SIDE", 4096));
      break;
    case NV_ENC_CAPS_SUPPORT_CABAC:
    case NV_ENC_CAPS_SUPPORT_LOSSLESS_ENCODE:
      *value = 1;
      break;
    default:
      *value = 0;
  }
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI preset(void *encoder, GUID codec, GUID, NV_ENC_TUNING_INFO, NV_ENC_PRESET_CONFIG *to) {
  if (NVENCSTATUS refused = enter("nvEncGetEncodePresetConfigEx")) return refused;
  if (!encoder_of(encoder) || !knows(codec)) return fail(NV_ENC_ERR_INVALID_PARAM);
  to->presetCfg.gopLength = 30;
  to->presetCfg.frameIntervalP = 1;
  to->presetCfg.rcParams.rateControlMode = NV_ENC_PARAMS_RC_VBR;
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI initialise(void *handle, NV_ENC_INITIALIZE_PARAMS *parameters) {
  if (NVENCSTATUS refused = enter("nvEncInitializeEncoder")) return refused;
  Encoder *encoder = encoder_of(handle);
  if (!encoder) return fail(NV_ENC_ERR_INVALID_ENCODERDEVICE);
  if (!knows(parameters->encodeGUID) || ((parameters->encodeWidth | parameters->encodeHeight) & 1)) return fail(NV_ENC_ERR_INVALID_PARAM);
  encoder->width = parameters->encodeWidth;
  encoder->height = parameters->encodeHeight;
  encoder->hevc = same(parameters->encodeGUID, NV_ENC_CODEC_HEVC_GUID);
  if (const NV_ENC_CONFIG *config = parameters->encodeConfig)
    encoder->headers = !(encoder->hevc ? config->encodeCodecConfig.hevcConfig.disableSPSPPS : config->encodeCodecConfig.h264Config.disableSPSPPS);
  encoder->initialised = true;
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI set_streams(void *handle, NV_ENC_CUSTREAM_PTR input, NV_ENC_CUSTREAM_PTR) {
  Encoder *encoder = encoder_of(handle);
  if (!encoder || !input) return fail(NV_ENC_ERR_INVALID_PARAM);
  encoder->stream = *static_cast<void **>(input);
  encoder->has_stream = true;
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI sequence(void *handle, NV_ENC_SEQUENCE_PARAM_PAYLOAD *to) {
  Encoder *encoder = encoder_of(handle);
  if (!encoder) return fail(NV_ENC_ERR_INVALID_ENCODERDEVICE);
  Bytes bytes;
  append_headers(*encoder, bytes);
  if (to->inBufferSize < bytes.size()) return fail(NV_ENC_ERR_NOT_ENOUGH_BUFFER);
  std::memcpy(to->spsppsBuffer, bytes.data(), bytes.size());
  *to->outSPSPPSPayloadSize = static_cast<uint32_t>(bytes.size());
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI create_input(void *handle, NV_ENC_CREATE_INPUT_BUFFER *parameters) {
  Encoder *encoder = encoder_of(handle);
  if (!encoder) return fail(NV_ENC_ERR_INVALID_ENCODERDEVICE);
  auto input = std::make_unique<Input>();
  input->pitch = (parameters->width + 63) / 64 * 64;
  input->width = parameters->width;
  input->height = parameters->height;
  input->format = parameters->bufferFmt;
  input->own.reset(new unsigned char[static_cast<std::size_t>(input->pitch) * (input->height + (input->height + 1) / 2)]);
  input->samples = input->own.get();
  // What is in an input buffer of the encoder's own is there when it is unlocked.
  input->mapped = true;
  parameters->inputBuffer = input.get();
  encoder->inputs.insert(input.release());
  cuda_emulator_add("nvenc_inputs", 1);
  return NV_ENC_SUCCESS;
}

// What is given back may still be read or written by pictures in the stream, as after a failure: the chip's driver waits for them.
void finish(const Encoder *encoder) {
  if (encoder && encoder->has_stream) cuStreamSynchronize(encoder->stream);
}

NVENCSTATUS NVENCAPI destroy_input(void *handle, NV_ENC_INPUT_PTR input) {
  Encoder *encoder = encoder_of(handle);
  finish(encoder);
  if (!encoder || !encoder->inputs.erase(static_cast<Input *>(input))) return fail(NV_ENC_ERR_INVALID_PARAM);
  delete static_cast<Input *>(input);
  cuda_emulator_add("nvenc_inputs", -1);
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI lock_input(void *handle, NV_ENC_LOCK_INPUT_BUFFER *parameters) {
  Encoder *encoder = encoder_of(handle);
  Input *input = static_cast<Input *>(parameters->inputBuffer);
  if (!encoder || !encoder->inputs.count(input) || !input->own) return fail(NV_ENC_ERR_INVALID_PARAM);
  parameters->bufferDataPtr = input->own.get();
  parameters->pitch = input->pitch;
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI unlock_input(void *handle, NV_ENC_INPUT_PTR) { return encoder_of(handle) ? NV_ENC_SUCCESS : fail(NV_ENC_ERR_INVALID_ENCODERDEVICE); }

NVENCSTATUS NVENCAPI register_resource(void *handle, NV_ENC_REGISTER_RESOURCE *parameters) {
  if (NVENCSTATUS refused = enter("nvEncRegisterResource")) return refused;
  Encoder *encoder = encoder_of(handle);
  if (!encoder || parameters->resourceType != NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR || parameters->bufferFormat != NV_ENC_BUFFER_FORMAT_NV12 ||
      parameters->pitch < parameters->width || parameters->width < encoder->width || parameters->height < encoder->height)
    return fail(NV_ENC_ERR_INVALID_PARAM);
  auto input = std::make_unique<Input>();
  input->samples = static_cast<const unsigned char *>(parameters->resourceToRegister);
  input->pitch = parameters->pitch;
  input->width = parameters->width;
  input->height = parameters->height;
  input->format = parameters->bufferFormat;
  parameters->registeredResource = input.get();
  encoder->inputs.insert(input.release());
  cuda_emulator_add("nvenc_inputs", 1);
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI unregister_resource(void *handle, NV_ENC_REGISTERED_PTR resource) {
  if (static_cast<Input *>(resource)->mapped) return fail(NV_ENC_ERR_INVALID_PARAM);
  return destroy_input(handle, resource);
}

NVENCSTATUS NVENCAPI map_resource(void *handle, NV_ENC_MAP_INPUT_RESOURCE *parameters) {
  if (NVENCSTATUS refused = enter("nvEncMapInputResource")) return refused;
  Encoder *encoder = encoder_of(handle);
  Input *input = static_cast<Input *>(parameters->registeredResource);
  if (!encoder || !encoder->inputs.count(input) || input->mapped) return fail(NV_ENC_ERR_INVALID_PARAM);
  input->mapped = true;
  parameters->mappedResource = input;
  parameters->mappedBufferFmt = input->format;
  cuda_emulator_add("nvenc_device_pictures", 1);
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI unmap_resource(void *handle, NV_ENC_INPUT_PTR resource) {
  Encoder *encoder = encoder_of(handle);
  Input *input = static_cast<Input *>(resource);
  if (!encoder || !encoder->inputs.count(input) || !input->mapped) return fail(NV_ENC_ERR_INVALID_PARAM);
  input->mapped = false;
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI create_output(void *handle, NV_ENC_CREATE_BITSTREAM_BUFFER *parameters) {
  Encoder *encoder = encoder_of(handle);
  if (!encoder) return fail(NV_ENC_ERR_INVALID_ENCODERDEVICE);
  Output *output = new Output;
  encoder->outputs.insert(output);
  parameters->bitstreamBuffer = output;
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI destroy_output(void *handle, NV_ENC_OUTPUT_PTR output) {
  Encoder *encoder = encoder_of(handle);
  finish(encoder);
  if (!encoder || !encoder->outputs.erase(static_cast<Output *>(output))) return fail(NV_ENC_ERR_INVALID_PARAM);
  delete static_cast<Output *>(output);
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI encode_picture(void *handle, NV_ENC_PIC_PARAMS *parameters) {
  if (NVENCSTATUS refused = enter("nvEncEncodePicture")) return refused;
  Encoder *encoder = encoder_of(handle);
  if (!encoder) return fail(NV_ENC_ERR_INVALID_ENCODERDEVICE);
  // FFmpeg ends a stream that it could not begin, too.
  if (parameters->encodePicFlags & NV_ENC_PIC_FLAG_EOS) return encoder->initialised ? NV_ENC_SUCCESS : NV_ENC_ERR_ENCODER_NOT_INITIALIZED;
  if (!encoder->initialised) return fail(NV_ENC_ERR_ENCODER_NOT_INITIALIZED);
  Input *input = static_cast<Input *>(parameters->inputBuffer);
  Output *output = static_cast<Output *>(parameters->outputBitstream);
  if (!encoder->inputs.count(input) || !encoder->outputs.count(output) || !input->mapped || output->locked) return fail(NV_ENC_ERR_INVALID_PARAM);
  output->bytes.clear();
  output->time = parameters->inputTimeStamp;
  output->busy = true;
  auto job = std::make_unique<Job>(Job{encoder, input, output, encoder->pictures++});
  if (!encoder->has_stream) run(nullptr, OK, job.release());
  else if (cuStreamAddCallback(encoder->stream, run, job.get(), 0) == OK) job.release();
  else return fail(NV_ENC_ERR_GENERIC);
  cuda_emulator_add("nvenc_pictures", 1);
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI lock_output(void *handle, NV_ENC_LOCK_BITSTREAM *parameters) {
  if (NVENCSTATUS refused = enter("nvEncLockBitstream")) return refused;
  Encoder *encoder = encoder_of(handle);
  Output *output = static_cast<Output *>(parameters->outputBitstream);
  if (!encoder || !encoder->outputs.count(output) || !output->busy || output->locked) return fail(NV_ENC_ERR_INVALID_PARAM);
  // The caller waits for the picture here, and the picture for what is before it in the stream.
  if (encoder->has_stream && cuStreamSynchronize(encoder->stream) != OK) return fail(NV_ENC_ERR_GENERIC);
  output->locked = true;
  parameters->bitstreamBufferPtr = output->bytes.data();
  parameters->bitstreamSizeInBytes = static_cast<uint32_t>(output->bytes.size());
  parameters->outputTimeStamp = output->time;
  parameters->pictureType = NV_ENC_PIC_TYPE_IDR;
  parameters->pictureStruct = NV_ENC_PIC_STRUCT_FRAME;
  parameters->frameAvgQP = 1;
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI unlock_output(void *handle, NV_ENC_OUTPUT_PTR pointer) {
  Encoder *encoder = encoder_of(handle);
  Output *output = static_cast<Output *>(pointer);
  if (!encoder || !encoder->outputs.count(output) || !output->locked) return fail(NV_ENC_ERR_INVALID_PARAM);
  output->locked = output->busy = false;
  return NV_ENC_SUCCESS;
}

NVENCSTATUS NVENCAPI destroy(void *handle) {
  Encoder *encoder = encoder_of(handle);
  if (!encoder) return fail(NV_ENC_ERR_INVALID_ENCODERDEVICE);
  // Nothing may come from the streams any more.
  finish(encoder);
  std::lock_guard<std::mutex> lock(guard);
  cuda_emulator_add("nvenc_leaks", static_cast<long long>(encoder->inputs.size() + encoder->outputs.size()));
  cuda_emulator_add("nvenc_inputs", -static_cast<long long>(encoder->inputs.size()));
  for (Input *input : encoder->inputs) delete input;
  for (Output *output : encoder->outputs) delete output;
  encoders.erase(encoder);
  delete encoder;
  cuda_emulator_add("nvenc_sessions", -1);
  return NV_ENC_SUCCESS;
}

const char *NVENCAPI last_error(void *) { return "refused by the emulator"; }

}  // namespace

EXPORT NVENCSTATUS NVENCAPI NvEncodeAPIGetMaxSupportedVersion(uint32_t *version) {
  if (NVENCSTATUS refused = enter("NvEncodeAPIGetMaxSupportedVersion")) return refused;
  // An older driver speaks an older version, at which FFmpeg gives up.
  *version = static_cast<uint32_t>(cuda_emulator_setting("NVENC_VERSION", NVENCAPI_MAJOR_VERSION << 4 | NVENCAPI_MINOR_VERSION));
  return NV_ENC_SUCCESS;
}

EXPORT NVENCSTATUS NVENCAPI NvEncodeAPICreateInstance(NV_ENCODE_API_FUNCTION_LIST *list) {
  if (NVENCSTATUS refused = enter("NvEncodeAPICreateInstance")) return refused;
  if (!list || list->version != NV_ENCODE_API_FUNCTION_LIST_VER) return fail(NV_ENC_ERR_INVALID_VERSION);
  list->nvEncOpenEncodeSessionEx = open_session;
  list->nvEncGetEncodeGUIDCount = codec_count;
  list->nvEncGetEncodeGUIDs = codecs;
  list->nvEncGetEncodeCaps = capability;
  list->nvEncGetEncodePresetConfigEx = preset;
  list->nvEncInitializeEncoder = initialise;
  list->nvEncSetIOCudaStreams = set_streams;
  list->nvEncGetSequenceParams = sequence;
  list->nvEncCreateInputBuffer = create_input;
  list->nvEncDestroyInputBuffer = destroy_input;
  list->nvEncLockInputBuffer = lock_input;
  list->nvEncUnlockInputBuffer = unlock_input;
  list->nvEncRegisterResource = register_resource;
  list->nvEncUnregisterResource = unregister_resource;
  list->nvEncMapInputResource = map_resource;
  list->nvEncUnmapInputResource = unmap_resource;
  list->nvEncCreateBitstreamBuffer = create_output;
  list->nvEncDestroyBitstreamBuffer = destroy_output;
  list->nvEncEncodePicture = encode_picture;
  list->nvEncLockBitstream = lock_output;
  list->nvEncUnlockBitstream = unlock_output;
  list->nvEncDestroyEncoder = destroy;
  list->nvEncGetLastErrorString = last_error;
  return NV_ENC_SUCCESS;
}
