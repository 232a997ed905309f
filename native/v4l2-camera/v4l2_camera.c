// Stands for the kernel's V4L2 API in tests: LD_PRELOAD libimg2pose_v4l2_camera.so, and name a description of the devices in
// IMG2POSE_V4L2. FFmpeg's own V4L2 code then runs on cameras and output devices that are files. Nothing of this is part of
// the program.
//
// The description, a device a line, words of KEY=VALUE after the device's path (# begins a comment):
//   /dev/video0 card=Test_camera mode=YUYV:640x480:30:/tmp/a.raw mode=MJPG:1280x720:30:/tmp/b.mjpeg control=/tmp/control
//   /dev/video9 card=Loopback output=/tmp/written.raw
// A mode's file holds whole pictures one after another (YUYV: width × height × 2 bytes each; MJPG: JPEG pictures), which are
// delivered in a ring at the mode's rate with monotonic timestamps; where no buffer is queued when a picture is due, it is
// dropped, as a driver does. The control file, read whenever a picture is due, may hold one of these words:
//   unplug      every call fails with ENODEV, opening with ENOENT, and /dev does not list the device
//   stall       no picture comes any more
//   torn        every third picture is cut in half
//   denied      opening fails with EACCES
// started=FILE is a file that gets the monotonic time in nanoseconds at which a stream begins: picture n is due (n + 1) intervals later.
// What is written to an output device goes to its file; its format is kept in FILE.format as "FOURCC WIDTH HEIGHT".
//
// The functions below are called before constructors have run, and for descriptors that are none of ours: they fall through to
// system calls without allocating. A device's descriptor is a memory file, which holds its buffers, so that mmap needs no stand-in.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { MAX_DEVICES = 8, MAX_MODES = 16, MAX_BUFFERS = 32, MAX_OPEN = 64, MAX_PICTURES = 4096 };

struct mode {
    uint32_t fourcc, width, height;
    double rate;
    char file[256];
};

struct device {
    char path[64], card[32], control[256], output[256], started[256];
    struct mode modes[MAX_MODES];
    int mode_count;
    struct opened *streaming;
};

struct picture { const uint8_t *data; size_t size; };

struct opened {
    bool used, streaming, nonblocking;
    int fd;
    struct device *device;
    int mode;
    // The mode's pictures.
    uint8_t *content;
    size_t content_size;
    struct picture *pictures;
    int picture_count, lock;
    // Buffers: in the memory file one after another.
    int buffer_count;
    size_t buffer_size;
    uint8_t *memory;
    bool queued[MAX_BUFFERS];
    int queue[MAX_BUFFERS], queue_length;
    struct { int index; size_t size; int64_t time; uint32_t sequence; } done[MAX_BUFFERS];
    int done_length;
    int64_t started;
    uint32_t next;
};

static struct device devices[MAX_DEVICES];
static int device_count;
static struct opened opened[MAX_OPEN];
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int state; // 0: not read, 1: read

static long raw_open(const char *path, int flags, mode_t mode) { return syscall(SYS_openat, AT_FDCWD, path, flags, mode); }

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void nap(int64_t nanoseconds)
{
    struct timespec t = { nanoseconds / 1000000000, nanoseconds % 1000000000 };
    nanosleep(&t, NULL);
}

static uint32_t fourcc(const char *text) { return v4l2_fourcc(text[0], text[1], text[2], text[3]); }

static void read_word(struct device *device, const char *word)
{
    if (!strncmp(word, "card=", 5)) {
        snprintf(device->card, sizeof device->card, "%s", word + 5);
        for (char *c = device->card; *c; c++) if (*c == '_') *c = ' ';
    } else if (!strncmp(word, "control=", 8)) {
        snprintf(device->control, sizeof device->control, "%s", word + 8);
    } else if (!strncmp(word, "started=", 8)) {
        snprintf(device->started, sizeof device->started, "%s", word + 8);
    } else if (!strncmp(word, "output=", 7)) {
        snprintf(device->output, sizeof device->output, "%s", word + 7);
    } else if (!strncmp(word, "mode=", 5) && device->mode_count < MAX_MODES) {
        struct mode *mode = &device->modes[device->mode_count];
        char format[5];
        if (sscanf(word + 5, "%4[^:]:%ux%u:%lf:%255s", format, &mode->width, &mode->height, &mode->rate, mode->file) == 5 && strlen(format) == 4) {
            mode->fourcc = fourcc(format);
            device->mode_count++;
        }
    }
}

// Reads the description once; called with the guard held.
static void prepare(void)
{
    if (state) return;
    state = 1;
    const char *name = getenv("IMG2POSE_V4L2");
    if (!name) return;
    int fd = (int)raw_open(name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return;
    static char text[16384];
    ssize_t size = read(fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    if (size <= 0) return;
    text[size] = 0;
    char *lines = NULL, *words = NULL;
    for (char *line = strtok_r(text, "\n", &lines); line && device_count < MAX_DEVICES; line = strtok_r(NULL, "\n", &lines)) {
        char *word = strtok_r(line, " \t", &words);
        if (!word || *word == '#') continue;
        struct device *device = &devices[device_count++];
        snprintf(device->path, sizeof device->path, "%s", word);
        while ((word = strtok_r(NULL, " \t", &words))) read_word(device, word);
    }
}

static bool told(const struct device *device, const char *word)
{
    if (!device->control[0]) return false;
    int fd = (int)raw_open(device->control, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return false;
    char text[64] = "";
    ssize_t size = read(fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    if (size < 0) size = 0;
    text[size] = 0;
    text[strcspn(text, "\r\n ")] = 0;
    return !strcmp(text, word);
}

static struct device *named(const char *path)
{
    if (!path || strncmp(path, "/dev/", 5)) return NULL;
    prepare();
    for (int i = 0; i < device_count; i++)
        if (!strcmp(devices[i].path, path)) return &devices[i];
    return NULL;
}

static struct opened *ours(int fd)
{
    if (fd < 0 || !device_count) return NULL;
    for (int i = 0; i < MAX_OPEN; i++)
        if (opened[i].used && opened[i].fd == fd) return &opened[i];
    return NULL;
}

static int fail(int error) { errno = error; return -1; }

static int open_device(struct device *device, int flags)
{
    if (told(device, "unplug")) return fail(ENOENT);
    if (told(device, "denied")) return fail(EACCES);
    struct opened *o = NULL;
    for (int i = 0; i < MAX_OPEN && !o; i++) if (!opened[i].used) o = &opened[i];
    if (!o) return fail(EMFILE);
    int fd = device->output[0]
        ? (int)raw_open(device->output, O_RDWR | O_CREAT | O_TRUNC | (flags & O_CLOEXEC), 0600)
        : (int)syscall(SYS_memfd_create, "v4l2-camera", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    if (fd < 0) return -1;
    memset(o, 0, sizeof *o);
    o->used = true;
    o->fd = fd;
    o->lock = -1;
    o->device = device;
    o->nonblocking = flags & O_NONBLOCK;
    return fd;
}

static void free_buffers(struct opened *o)
{
    if (o->memory) munmap(o->memory, o->buffer_size * o->buffer_count);
    o->memory = NULL;
    o->buffer_count = o->queue_length = o->done_length = 0;
    memset(o->queued, 0, sizeof o->queued);
    if (o->content) munmap(o->content, o->content_size);
    o->content = NULL;
    free(o->pictures);
    o->pictures = NULL;
    o->picture_count = 0;
    o->streaming = false;
    if (o->device->streaming == o) o->device->streaming = NULL;
    if (o->lock >= 0) syscall(SYS_close, o->lock);
    o->lock = -1;
}

// Maps the mode's file and finds its pictures.
static int load(struct opened *o)
{
    const struct mode *mode = &o->device->modes[o->mode];
    int fd = (int)raw_open(mode->file, O_RDONLY | O_CLOEXEC, 0);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) || status.st_size == 0) {
        if (fd >= 0) syscall(SYS_close, fd);
        return EIO;
    }
    // A second opener, in this process or another.
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        syscall(SYS_close, fd);
        return EBUSY;
    }
    o->lock = fd;
    o->content_size = (size_t)status.st_size;
    o->content = mmap(NULL, o->content_size, PROT_READ, MAP_PRIVATE, fd, 0);
    o->pictures = calloc(MAX_PICTURES, sizeof *o->pictures);
    if (o->content == MAP_FAILED || !o->pictures) {
        o->content = NULL;
        return ENOMEM;
    }
    size_t frame = (size_t)mode->width * mode->height * 2;
    for (size_t at = 0; at + 4 <= o->content_size && o->picture_count < MAX_PICTURES;) {
        size_t end = at + frame;
        if (mode->fourcc == V4L2_PIX_FMT_MJPEG) {
            for (end = at + 2; end + 2 <= o->content_size && !(o->content[end] == 0xFF && o->content[end + 1] == 0xD9); end++) { }
            end += 2;
        }
        if (end > o->content_size) break;
        o->pictures[o->picture_count++] = (struct picture){ o->content + at, end - at };
        at = end;
    }
    return o->picture_count ? 0 : EIO;
}

static int request_buffers(struct opened *o, struct v4l2_requestbuffers *request)
{
    if (request->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || request->memory != V4L2_MEMORY_MMAP) return EINVAL;
    if (o->device->streaming && o->device->streaming != o) return EBUSY;
    free_buffers(o);
    if (request->count == 0) return 0;
    const struct mode *mode = &o->device->modes[o->mode];
    int error = load(o);
    if (error) {
        free_buffers(o);
        return error;
    }
    o->device->streaming = o;
    o->buffer_count = request->count > MAX_BUFFERS ? MAX_BUFFERS : (int)request->count;
    request->count = (uint32_t)o->buffer_count;
    o->buffer_size = ((size_t)mode->width * mode->height * 2 + 4095) & ~(size_t)4095;
    if (ftruncate(o->fd, (off_t)(o->buffer_size * o->buffer_count))) return ENOMEM;
    void *memory = mmap(NULL, o->buffer_size * o->buffer_count, PROT_READ | PROT_WRITE, MAP_SHARED, o->fd, 0);
    if (memory == MAP_FAILED) return ENOMEM;
    o->memory = memory;
    return 0;
}

static int64_t due(const struct opened *o, uint32_t picture)
{
    return o->started + (int64_t)((picture + 1) * (1e9 / o->device->modes[o->mode].rate));
}

// Does what the camera has done since it was last asked.
static void advance(struct opened *o)
{
    int64_t time = now();
    if (!o->streaming || time < due(o, o->next)) return;
    if (told(o->device, "stall") || told(o->device, "unplug")) {
        // What was not delivered is lost: the clock goes on.
        while (due(o, o->next) <= time) o->next++;
        return;
    }
    bool torn = told(o->device, "torn");
    for (; due(o, o->next) <= time; o->next++) {
        if (o->queue_length == 0) continue;
        int index = o->queue[0];
        memmove(o->queue, o->queue + 1, sizeof *o->queue * (size_t)--o->queue_length);
        o->queued[index] = false;
        struct picture picture = o->pictures[o->next % (uint32_t)o->picture_count];
        size_t size = torn && o->next % 3 == 2 ? picture.size / 2 : picture.size;
        if (size > o->buffer_size) size = o->buffer_size;
        memcpy(o->memory + (size_t)index * o->buffer_size, picture.data, size);
        o->done[o->done_length].index = index;
        o->done[o->done_length].size = size;
        o->done[o->done_length].time = due(o, o->next);
        o->done[o->done_length++].sequence = o->next;
    }
}

static void describe(struct v4l2_buffer *buffer, const struct opened *o, int index)
{
    buffer->index = (uint32_t)index;
    buffer->memory = V4L2_MEMORY_MMAP;
    buffer->length = (uint32_t)o->buffer_size;
    buffer->m.offset = (uint32_t)((size_t)index * o->buffer_size);
    buffer->field = V4L2_FIELD_NONE;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | (o->queued[index] ? V4L2_BUF_FLAG_QUEUED : 0);
}

static int dequeue(struct opened *o, struct v4l2_buffer *buffer)
{
    if (!o->streaming) return EINVAL;
    for (;;) {
        if (told(o->device, "unplug")) return ENODEV;
        advance(o);
        if (o->done_length) break;
        if (o->nonblocking) return EAGAIN;
        pthread_mutex_unlock(&guard);
        nap(1000000);
        pthread_mutex_lock(&guard);
        if (!o->streaming) return EINVAL;
    }
    describe(buffer, o, o->done[0].index);
    buffer->flags |= V4L2_BUF_FLAG_DONE;
    buffer->bytesused = (uint32_t)o->done[0].size;
    buffer->sequence = o->done[0].sequence;
    buffer->timestamp.tv_sec = o->done[0].time / 1000000000;
    buffer->timestamp.tv_usec = o->done[0].time % 1000000000 / 1000;
    memmove(o->done, o->done + 1, sizeof *o->done * (size_t)--o->done_length);
    return 0;
}

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

static int control_device(struct opened *o, unsigned long request, void *argument)
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
        if (output || !listed(device, size->index, size->pixel_format, 0, 0, 1, &mode)) return EINVAL;
        size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        size->discrete.width = mode.width;
        size->discrete.height = mode.height;
        return 0;
    }
    case VIDIOC_ENUM_FRAMEINTERVALS: {
        struct v4l2_frmivalenum *rate = argument;
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
static short ready(struct opened *o, short wanted)
{
    if (told(o->device, "unplug")) return POLLERR | POLLHUP;
    if (o->device->output[0]) return wanted & (POLLOUT | POLLWRNORM);
    if (!o->streaming) return POLLERR;
    advance(o);
    return o->done_length ? wanted & (POLLIN | POLLRDNORM) : 0;
}

// ---- What programs call ----

#define EXPORT __attribute__((visibility("default")))

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
    pthread_mutex_lock(&guard);
    struct device *device = named(path);
    int fd = device ? open_device(device, flags) : 0;
    pthread_mutex_unlock(&guard);
    return device ? fd : (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define MODE_OF(flags, last) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, last); mode = va_arg(list, mode_t); va_end(list); }

EXPORT int open(const char *path, int flags, ...) { MODE_OF(flags, flags) return open_any(AT_FDCWD, path, flags, mode); }
EXPORT int open64(const char *path, int flags, ...) { MODE_OF(flags, flags) return open_any(AT_FDCWD, path, flags, mode); }
EXPORT int openat(int folder, const char *path, int flags, ...) { MODE_OF(flags, flags) return open_any(folder, path, flags, mode); }
EXPORT int openat64(int folder, const char *path, int flags, ...) { MODE_OF(flags, flags) return open_any(folder, path, flags, mode); }
EXPORT int __open_2(const char *path, int flags) { return open_any(AT_FDCWD, path, flags, 0); }
EXPORT int __open64_2(const char *path, int flags) { return open_any(AT_FDCWD, path, flags, 0); }

EXPORT int close(int fd)
{
    pthread_mutex_lock(&guard);
    struct opened *o = ours(fd);
    if (o) {
        free_buffers(o);
        o->used = false;
    }
    pthread_mutex_unlock(&guard);
    return (int)syscall(SYS_close, fd);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    pthread_mutex_lock(&guard);
    struct opened *o = ours(fd);
    int error = o ? control_device(o, request, argument) : 0;
    pthread_mutex_unlock(&guard);
    if (!o) return (int)syscall(SYS_ioctl, fd, request, argument);
    return error ? fail(error) : 0;
}

EXPORT int poll(struct pollfd *set, nfds_t count, int timeout)
{
    bool any = false;
    pthread_mutex_lock(&guard);
    for (nfds_t i = 0; i < count; i++) any |= ours(set[i].fd) != NULL;
    pthread_mutex_unlock(&guard);
    if (!any) return (int)syscall(SYS_poll, set, count, timeout);
    int64_t end = timeout < 0 ? INT64_MAX : now() + timeout * 1000000LL;
    for (;;) {
        int found = 0;
        for (nfds_t i = 0; i < count; i++) {
            pthread_mutex_lock(&guard);
            struct opened *o = ours(set[i].fd);
            set[i].revents = o ? ready(o, set[i].events) : 0;
            pthread_mutex_unlock(&guard);
            if (!o) syscall(SYS_poll, &set[i], (nfds_t)1, 0);
            found += set[i].revents != 0;
        }
        if (found || now() >= end) return found;
        nap(1000000);
    }
}

EXPORT int select(int count, fd_set *reading, fd_set *writing, fd_set *failing, struct timeval *timeout)
{
    bool any = false;
    pthread_mutex_lock(&guard);
    for (int fd = 0; device_count && fd < count && fd < FD_SETSIZE; fd++)
        any |= ((reading && FD_ISSET(fd, reading)) || (writing && FD_ISSET(fd, writing))) && ours(fd);
    pthread_mutex_unlock(&guard);
    if (!any) return (int)syscall(SYS_select, count, reading, writing, failing, timeout);
    struct pollfd set[FD_SETSIZE];
    nfds_t used = 0;
    for (int fd = 0; fd < count && fd < FD_SETSIZE; fd++) {
        short events = (short)((reading && FD_ISSET(fd, reading) ? POLLIN : 0) | (writing && FD_ISSET(fd, writing) ? POLLOUT : 0) | (failing && FD_ISSET(fd, failing) ? POLLPRI : 0));
        if (events) set[used++] = (struct pollfd){ .fd = fd, .events = events };
    }
    int result = poll(set, used, timeout ? (int)(timeout->tv_sec * 1000 + timeout->tv_usec / 1000) : -1);
    if (result < 0) return result;
    if (reading) FD_ZERO(reading);
    if (writing) FD_ZERO(writing);
    if (failing) FD_ZERO(failing);
    int bits = 0;
    for (nfds_t i = 0; i < used; i++) {
        if (reading && set[i].events & POLLIN && set[i].revents & (POLLIN | POLLERR | POLLHUP)) { FD_SET(set[i].fd, reading); bits++; }
        if (writing && set[i].events & POLLOUT && set[i].revents & (POLLOUT | POLLERR)) { FD_SET(set[i].fd, writing); bits++; }
        if (failing && set[i].events & POLLPRI && set[i].revents & POLLPRI) { FD_SET(set[i].fd, failing); bits++; }
    }
    return bits;
}

// ---- The devices as files of /dev ----

static int stat_any(const char *path, struct stat *status, int flags)
{
    pthread_mutex_lock(&guard);
    struct device *device = named(path);
    bool there = device && !told(device, "unplug");
    long number = device - devices;
    pthread_mutex_unlock(&guard);
    if (!device) return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, flags);
    if (!there) return fail(ENOENT);
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFCHR | 0660;
    status->st_nlink = 1;
    status->st_rdev = makedev(81, (unsigned)number);
    status->st_blksize = 4096;
    return 0;
}

EXPORT int stat(const char *restrict path, struct stat *restrict status) { return stat_any(path, status, 0); }
EXPORT int lstat(const char *restrict path, struct stat *restrict status) { return stat_any(path, status, AT_SYMLINK_NOFOLLOW); }
EXPORT int stat64(const char *restrict path, struct stat64 *restrict status) { return stat_any(path, (struct stat *)status, 0); }
EXPORT int lstat64(const char *restrict path, struct stat64 *restrict status) { return stat_any(path, (struct stat *)status, AT_SYMLINK_NOFOLLOW); }

EXPORT int access(const char *path, int kind)
{
    struct stat status;
    pthread_mutex_lock(&guard);
    struct device *device = named(path);
    bool denied = device && told(device, "denied");
    pthread_mutex_unlock(&guard);
    if (!device) return (int)syscall(SYS_faccessat, AT_FDCWD, path, kind);
    if (stat_any(path, &status, 0)) return -1;
    return denied && kind != F_OK ? fail(EACCES) : 0;
}

// A listing of /dev goes on with our devices where the system's has ended. The layout of both kinds of entry is the same here.
_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64), "64-bit systems only");

static struct { DIR *folder; int next; struct dirent64 entry; } listing[8];

static struct dirent64 *entry_after(DIR *folder, struct dirent64 *entry)
{
    struct stat this, dev;
    if (entry || errno || syscall(SYS_fstat, dirfd(folder), &this) || syscall(SYS_stat, "/dev", &dev) || this.st_dev != dev.st_dev || this.st_ino != dev.st_ino) return entry;
    struct dirent64 *result = NULL;
    pthread_mutex_lock(&guard);
    prepare();
    int slot = -1;
    for (int i = 0; i < 8 && slot < 0; i++) if (listing[i].folder == folder) slot = i;
    for (int i = 0; i < 8 && slot < 0; i++) if (!listing[i].folder) { slot = i; listing[i].folder = folder; listing[i].next = 0; }
    while (slot >= 0 && !result) {
        if (listing[slot].next == device_count) { listing[slot].folder = NULL; break; }
        struct device *device = &devices[listing[slot].next++];
        if (told(device, "unplug")) continue;
        result = &listing[slot].entry;
        memset(result, 0, sizeof *result);
        result->d_type = DT_CHR;
        result->d_ino = 1;
        result->d_reclen = sizeof *result;
        snprintf(result->d_name, sizeof result->d_name, "%s", device->path + 5);
    }
    pthread_mutex_unlock(&guard);
    return result;
}

EXPORT struct dirent64 *readdir64(DIR *folder)
{
    static struct dirent64 *(*real)(DIR *);
    if (!real) real = (struct dirent64 *(*)(DIR *))dlsym(RTLD_NEXT, "readdir64");
    errno = 0;
    return entry_after(folder, real(folder));
}

EXPORT struct dirent *readdir(DIR *folder)
{
    static struct dirent *(*real)(DIR *);
    if (!real) real = (struct dirent *(*)(DIR *))dlsym(RTLD_NEXT, "readdir");
    errno = 0;
    return (struct dirent *)entry_after(folder, (struct dirent64 *)real(folder));
}
