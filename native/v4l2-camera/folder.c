// The devices as files of /dev.
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "v4l2_camera.h"

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
