// Which devices there are, and what they are told.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "v4l2_camera.h"

struct device devices[MAX_DEVICES];
int device_count;
struct opened opened[MAX_OPEN];
pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int state; // 0: not read, 1: read

long raw_open(const char *path, int flags, mode_t mode) { return syscall(SYS_openat, AT_FDCWD, path, flags, mode); }

int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void nap(int64_t nanoseconds)
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
    } else if (!strcmp(word, "ranges")) {
        device->ranges = true;
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
void prepare(void)
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

bool told(const struct device *device, const char *word)
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

struct device *named(const char *path)
{
    if (!path || strncmp(path, "/dev/", 5)) return NULL;
    prepare();
    for (int i = 0; i < device_count; i++)
        if (!strcmp(devices[i].path, path)) return &devices[i];
    return NULL;
}

struct opened *ours(int fd)
{
    if (fd < 0 || !device_count) return NULL;
    for (int i = 0; i < MAX_OPEN; i++)
        if (opened[i].used && opened[i].fd == fd) return &opened[i];
    return NULL;
}

int fail(int error) { errno = error; return -1; }
