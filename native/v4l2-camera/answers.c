// What a device answers to ioctl and poll.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "v4l2_camera.h"

static void fill_format(struct v4l2_format *format, const struct mode *mode)
{
    bool mjpeg = mode->fourcc == V4L2_PIX_FMT_MJPEG;
    format->fmt.pix = (struct v4l2_pix_format){
        .width = mode->width, .height = mode->height, .pixelformat = mode->fourcc, .field = V4L2_FIELD_NONE,
        .bytesperline = mjpeg ? 0 : mode->width * 2, .sizeimage = mode->width * mode->height * 2,
        .colorspace = mjpeg ? V4L2_COLORSPACE_JPEG : V4L2_COLORSPACE_SRGB,
    };
}

// The mode that is nearest to what is asked: the pixel format first, then the size; the rate is asked for later.
static int nearest(const struct device *device, const struct v4l2_pix_format *wanted)
{
    int best = 0;
    int64_t least = INT64_MAX;
    for (int i = 0; i < device->mode_count; i++) {
        const struct mode *mode = &device->modes[i];
        int64_t apart = llabs((int64_t)mode->width - wanted->width) + llabs((int64_t)mode->height - wanted->height);
        if (mode->fourcc != wanted->pixelformat) apart += 1LL << 40;
        if (apart < least) { least = apart; best = i; }
    }
    return best;
}

static struct v4l2_fract interval(double rate) { return (struct v4l2_fract){ 1000, (uint32_t)(rate * 1000 + 0.5) }; }

static int parameters(struct opened *o, struct v4l2_streamparm *parameter, bool set)
{
    if (parameter->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return EINVAL;
    const struct mode *mode = &o->device->modes[o->mode];
    struct v4l2_fract wanted = parameter->parm.capture.timeperframe;
    if (set && wanted.numerator && wanted.denominator) {
        double rate = (double)wanted.denominator / wanted.numerator, least = 1e300;
        int best = o->mode;
        for (int i = 0; i < o->device->mode_count; i++) {
            const struct mode *other = &o->device->modes[i];
            if (other->fourcc != mode->fourcc || other->width != mode->width || other->height != mode->height) continue;
            double apart = other->rate > rate ? other->rate - rate : rate - other->rate;
            if (apart < least) { least = apart; best = i; }
        }
        o->mode = best;
        mode = &o->device->modes[best];
    }
    memset(&parameter->parm, 0, sizeof parameter->parm);
    parameter->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    parameter->parm.capture.timeperframe = interval(mode->rate);
    parameter->parm.capture.readbuffers = 4;
    return 0;
}

// The i-th different pixel format, size or interval; false where there is none.
static bool listed(const struct device *device, uint32_t i, uint32_t format, uint32_t width, uint32_t height, int what, struct mode *found)
{
    for (int m = 0; m < device->mode_count; m++) {
        const struct mode *mode = &device->modes[m];
        if (what > 0 && mode->fourcc != format) continue;
        if (what > 1 && (mode->width != width || mode->height != height)) continue;
        bool repeated = false;
        for (int earlier = 0; earlier < m && !repeated; earlier++) {
            const struct mode *other = &device->modes[earlier];
            repeated = other->fourcc == mode->fourcc && (what == 0 || (other->width == mode->width && other->height == mode->height && (what == 1 || other->rate == mode->rate)));
        }
        if (repeated) continue;
        if (i-- == 0) { *found = *mode; return true; }
    }
    return false;
}

static uint32_t lesser(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t greater(uint32_t a, uint32_t b) { return a > b ? a : b; }

// What the modes of a pixel format span: all sizes by steps of 8, all rates.
static bool span_sizes(const struct device *device, struct v4l2_frmsizeenum *size)
{
    struct v4l2_frmsize_stepwise all = { UINT32_MAX, 0, 8, UINT32_MAX, 0, 8 };
    for (int m = 0; m < device->mode_count; m++) {
        const struct mode *mode = &device->modes[m];
        if (mode->fourcc != size->pixel_format) continue;
        all.min_width = lesser(all.min_width, mode->width);
        all.max_width = greater(all.max_width, mode->width);
        all.min_height = lesser(all.min_height, mode->height);
        all.max_height = greater(all.max_height, mode->height);
    }
    size->type = V4L2_FRMSIZE_TYPE_STEPWISE;
    size->stepwise = all;
    return all.max_width > 0;
}

static bool span_rates(const struct device *device, struct v4l2_frmivalenum *rate)
{
    double least = 1e300, most = 0;
    for (int m = 0; m < device->mode_count; m++) {
        const struct mode *mode = &device->modes[m];
        if (mode->fourcc != rate->pixel_format) continue;
        if (mode->rate < least) least = mode->rate;
        if (mode->rate > most) most = mode->rate;
    }
    rate->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
    rate->stepwise = (struct v4l2_frmival_stepwise){ interval(most), interval(least), { 1, 1 } };
    return most > 0;
}

static int keep_output_format(struct opened *o, const struct v4l2_pix_format *pix)
{
    char name[300], line[64];
    snprintf(name, sizeof name, "%s.format", o->device->output);
    int fd = (int)raw_open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return EIO;
    int size = snprintf(line, sizeof line, "%.4s %u %u\n", (const char *)&pix->pixelformat, pix->width, pix->height);
    ssize_t written = write(fd, line, (size_t)size);
    syscall(SYS_close, fd);
    return written == size ? 0 : EIO;
}

static void tell_start(const struct opened *o)
{
    if (!o->device->started[0]) return;
    char text[32];
    int length = snprintf(text, sizeof text, "%lld\n", (long long)o->started);
    int fd = (int)raw_open(o->device->started, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return;
    syscall(SYS_write, fd, text, length);
    syscall(SYS_close, fd);
}

int control_device(struct opened *o, unsigned long request, void *argument)
{
    struct device *device = o->device;
    bool output = device->output[0];
    if (told(device, "unplug")) return ENODEV;
    struct mode mode;
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *capability = argument;
        memset(capability, 0, sizeof *capability);
        strcpy((char *)capability->driver, output ? "v4l2 loopback" : "uvcvideo");
        snprintf((char *)capability->card, sizeof capability->card, "%s", device->card[0] ? device->card : "Test camera");
        snprintf((char *)capability->bus_info, sizeof capability->bus_info, "platform:%.20s", device->path + 5);
        capability->version = 6 << 16 | 1 << 8;
        capability->device_caps = (output ? V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_READWRITE : V4L2_CAP_VIDEO_CAPTURE) | V4L2_CAP_STREAMING;
        capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_ENUM_FMT: {
        struct v4l2_fmtdesc *description = argument;
        if (description->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || output || !listed(device, description->index, 0, 0, 0, 0, &mode)) return EINVAL;
        description->pixelformat = mode.fourcc;
        description->flags = mode.fourcc == V4L2_PIX_FMT_MJPEG ? V4L2_FMT_FLAG_COMPRESSED : 0;
        strcpy((char *)description->description, mode.fourcc == V4L2_PIX_FMT_MJPEG ? "Motion-JPEG" : "YUYV 4:2:2");
        return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES: {
        struct v4l2_frmsizeenum *size = argument;
        if (device->ranges) return size->index == 0 && span_sizes(device, size) ? 0 : EINVAL;
        if (output || !listed(device, size->index, size->pixel_format, 0, 0, 1, &mode)) return EINVAL;
        size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        size->discrete.width = mode.width;
        size->discrete.height = mode.height;
        return 0;
    }
    case VIDIOC_ENUM_FRAMEINTERVALS: {
        struct v4l2_frmivalenum *rate = argument;
        if (device->ranges) return rate->index == 0 && span_rates(device, rate) ? 0 : EINVAL;
        if (output || !listed(device, rate->index, rate->pixel_format, rate->width, rate->height, 2, &mode)) return EINVAL;
        rate->type = V4L2_FRMIVAL_TYPE_DISCRETE;
        rate->discrete = interval(mode.rate);
        return 0;
    }
    case VIDIOC_G_FMT: case VIDIOC_S_FMT: case VIDIOC_TRY_FMT: {
        struct v4l2_format *format = argument;
        if (output) {
            if (format->type != V4L2_BUF_TYPE_VIDEO_OUTPUT) return EINVAL;
            if (request == VIDIOC_S_FMT) return keep_output_format(o, &format->fmt.pix);
            return 0;
        }
        if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || !device->mode_count) return EINVAL;
        int chosen = request == VIDIOC_G_FMT ? o->mode : nearest(device, &format->fmt.pix);
        if (request == VIDIOC_S_FMT) {
            if (o->buffer_count || (device->streaming && device->streaming != o)) return EBUSY;
            o->mode = chosen;
        }
        fill_format(format, &device->modes[chosen]);
        return 0;
    }
    case VIDIOC_G_PARM: return output ? EINVAL : parameters(o, argument, false);
    case VIDIOC_S_PARM: return output ? EINVAL : o->streaming ? EBUSY : parameters(o, argument, true);
    case VIDIOC_G_INPUT: *(int *)argument = 0; return output ? EINVAL : 0;
    case VIDIOC_S_INPUT: return output || *(int *)argument != 0 ? EINVAL : 0;
    case VIDIOC_ENUMINPUT: {
        struct v4l2_input *input = argument;
        if (output || input->index != 0) return EINVAL;
        memset(input, 0, sizeof *input);
        strcpy((char *)input->name, "Camera 1");
        input->type = V4L2_INPUT_TYPE_CAMERA;
        return 0;
    }
    case VIDIOC_G_STD: case VIDIOC_S_STD: case VIDIOC_ENUMSTD: return ENOTTY;
    case VIDIOC_REQBUFS: return output ? EINVAL : request_buffers(o, argument);
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = argument;
        if (buffer->index >= (uint32_t)o->buffer_count) return EINVAL;
        describe(buffer, o, (int)buffer->index);
        return 0;
    }
    case VIDIOC_QBUF: {
        struct v4l2_buffer *buffer = argument;
        advance(o);
        if (buffer->index >= (uint32_t)o->buffer_count || o->queued[buffer->index]) return EINVAL;
        o->queued[buffer->index] = true;
        o->queue[o->queue_length++] = (int)buffer->index;
        return 0;
    }
    case VIDIOC_DQBUF: return dequeue(o, argument);
    case VIDIOC_STREAMON:
        if (!o->buffer_count) return EINVAL;
        o->streaming = true;
        o->started = now();
        o->next = 0;
        tell_start(o);
        return 0;
    case VIDIOC_STREAMOFF:
        o->streaming = false;
        o->queue_length = o->done_length = 0;
        memset(o->queued, 0, sizeof o->queued);
        return 0;
    default: return ENOTTY;
    }
}

// Nonzero poll events where something is to be had.
short ready(struct opened *o, short wanted)
{
    if (told(o->device, "unplug")) return POLLERR | POLLHUP;
    if (o->device->output[0]) return wanted & (POLLOUT | POLLWRNORM);
    if (!o->streaming) return POLLERR;
    advance(o);
    return o->done_length ? wanted & (POLLIN | POLLRDNORM) : 0;
}
