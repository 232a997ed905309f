// What programs call. These are called before constructors have run, and for descriptors that are none of ours: they fall through to
// system calls without allocating.
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "v4l2_camera.h"

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
