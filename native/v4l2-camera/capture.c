// Buffers, and the pictures that go into them. A device's descriptor is a memory file, which holds its buffers, so that mmap needs no stand-in.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "v4l2_camera.h"

int open_device(struct device *device, int flags)
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

void free_buffers(struct opened *o)
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

int request_buffers(struct opened *o, struct v4l2_requestbuffers *request)
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
void advance(struct opened *o)
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

void describe(struct v4l2_buffer *buffer, const struct opened *o, int index)
{
    buffer->index = (uint32_t)index;
    buffer->memory = V4L2_MEMORY_MMAP;
    buffer->length = (uint32_t)o->buffer_size;
    buffer->m.offset = (uint32_t)((size_t)index * o->buffer_size);
    buffer->field = V4L2_FIELD_NONE;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | (o->queued[index] ? V4L2_BUF_FLAG_QUEUED : 0);
}

int dequeue(struct opened *o, struct v4l2_buffer *buffer)
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
