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
// The word ranges lists sizes and rates of a format as ranges that its modes span, not one by one.
// started=FILE is a file that gets the monotonic time in nanoseconds at which a stream begins: picture n is due (n + 1) intervals later.
// What is written to an output device goes to its file; its format is kept in FILE.format as "FOURCC WIDTH HEIGHT".
#pragma once
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
    bool ranges;
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

// ---- description.c: the devices that are described, and those that are open ----

extern struct device devices[MAX_DEVICES];
extern int device_count;
extern struct opened opened[MAX_OPEN];
// Held by whoever reads or changes any of these.
extern pthread_mutex_t guard;

// Reads the description, once.
void prepare(void);
// Whether the device's control file holds this word now.
bool told(const struct device *device, const char *word);
// The device of this path, or NULL.
struct device *named(const char *path);
// The opened device of this descriptor, or NULL.
struct opened *ours(int fd);

// Sets errno; -1.
int fail(int error);
// The system's own open, without what stands for it here.
long raw_open(const char *path, int flags, mode_t mode);
// Monotonic nanoseconds.
int64_t now(void);
void nap(int64_t nanoseconds);

// ---- capture.c: buffers, and the pictures that go into them; an error number, or 0 ----

int open_device(struct device *device, int flags);
void free_buffers(struct opened *o);
int request_buffers(struct opened *o, struct v4l2_requestbuffers *request);
// Does what the camera has done since it was last asked.
void advance(struct opened *o);
void describe(struct v4l2_buffer *buffer, const struct opened *o, int index);
// Waits for a picture unless the device is opened without blocking; leaves the guard meanwhile.
int dequeue(struct opened *o, struct v4l2_buffer *buffer);

// ---- answers.c: what the device answers to ioctl and poll ----

int control_device(struct opened *o, unsigned long request, void *argument);
// Nonzero poll events where something is to be had.
short ready(struct opened *o, short wanted);

// What programs call: everything else is hidden.
#define EXPORT __attribute__((visibility("default")))
