// Stands for a name server that never answers: LD_PRELOAD libimg2pose_hanging_resolver.so, and the host "hangs.invalid" is not resolved
// for ten minutes, in a call that nothing interrupts, as the C library's is. The file named in IMG2POSE_RESOLVER is made when it is asked
// for. Other hosts are resolved as ever. Tests only.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MINUTES = 10 };

typedef int resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);

__attribute__((visibility("default"))) int getaddrinfo(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    if (node && !strcmp(node, "hangs.invalid")) {
        const char *told = getenv("IMG2POSE_RESOLVER");
        int file = told ? open(told, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
        if (file >= 0) close(file);
        struct timespec left = { 60 * MINUTES, 0 };
        while (nanosleep(&left, &left)) { }
        return EAI_AGAIN;
    }
    resolve *real = (resolve *)dlsym(RTLD_NEXT, "getaddrinfo");
    return real ? real(node, service, hints, result) : EAI_SYSTEM;
}
