/* Lets the n-th call that changes what is below a folder fail, fall short or kill the process.

   Preloaded (LD_PRELOAD) into a process, which says what is to happen: fault_arm, fault_count. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, FAIL, KILL, SHORT, FULL };

static char folder[PATH_MAX];
static size_t length;
static int mode, code;
static long number, calls;

void fault_arm(const char *where, int how, long n, int error)
{
    length = strlen(where);
    memcpy(folder, where, length + 1);
    mode = how, number = n, code = error;
    __atomic_store_n(&calls, 0, __ATOMIC_SEQ_CST);
}

long fault_count(void) { return __atomic_load_n(&calls, __ATOMIC_SEQ_CST); }

/* 0: go on; 1: fail, errno is set; 2: write only half */
static int hit(const char *path, int is_write, int takes_room)
{
    if (!length || !path || strncmp(path, folder, length)) return 0;
    long now = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (mode == FULL && now > number && takes_room) return errno = ENOSPC, 1;
    if (now != number) return 0;
    if (mode == KILL) kill(getpid(), SIGKILL);
    if (mode == FAIL) return errno = code, 1;
    if (is_write && (mode == SHORT || mode == FULL)) return 2;
    return mode == FULL && takes_room ? (errno = ENOSPC, 1) : 0;
}

static int hit_at(int at, const char *path, int takes_room)
{
    char link[64], full[2 * PATH_MAX];
    if (at == AT_FDCWD || path[0] == '/') return hit(path, 0, takes_room);
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t end = readlink(link, full, PATH_MAX);
    if (end < 0) return 0;
    snprintf(full + end, PATH_MAX, "/%s", path);
    return hit(full, 0, takes_room);
}

static int hit_fd(int fd, int is_write)
{
    char link[64], path[PATH_MAX];
    if (!length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t end = readlink(link, path, sizeof path - 1);
    if (end < 0) return 0;
    path[end] = 0;
    return hit(path, is_write, is_write);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t rights = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                  \
        va_end(more);                                                                              \
        if (flags & O_CREAT && hit(path, 0, 1)) return -1;                                         \
        return NEXT(name)(path, flags, rights);                                                    \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int at, const char *path, int flags, ...)                                             \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t rights = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                  \
        va_end(more);                                                                              \
        if (flags & O_CREAT && hit_at(at, path, 1)) return -1;                                     \
        return NEXT(name)(at, path, flags, rights);                                                \
    }
OPENAT(openat)
OPENAT(openat64)

#define WRITE(name, parameters, first, rest)                                                       \
    ssize_t name parameters                                                                        \
    {                                                                                              \
        int how = hit_fd(fd, 1);                                                                   \
        if (how == 1) return -1;                                                                   \
        return how && size > 1 ? NEXT(name) first : NEXT(name) rest;                               \
    }
WRITE(write, (int fd, const void *data, size_t size), (fd, data, size / 2), (fd, data, size))
WRITE(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size / 2, at),
      (fd, data, size, at))
WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size / 2, at),
      (fd, data, size, at))
WRITE(writev, (int fd, const struct iovec *data, int size), (fd, data, size / 2), (fd, data, size))

#define CALL(name, parameters, arguments, is_hit)                                                  \
    int name parameters { return is_hit ? -1 : NEXT(name) arguments; }
CALL(fsync, (int fd), (fd), hit_fd(fd, 0))
CALL(fdatasync, (int fd), (fd), hit_fd(fd, 0))
CALL(mkdir, (const char *path, mode_t rights), (path, rights), hit(path, 0, 1))
CALL(mkdirat, (int at, const char *path, mode_t rights), (at, path, rights), hit_at(at, path, 1))
CALL(unlink, (const char *path), (path), hit(path, 0, 0))
CALL(rmdir, (const char *path), (path), hit(path, 0, 0))
CALL(unlinkat, (int at, const char *path, int flags), (at, path, flags), hit_at(at, path, 0))
CALL(rename, (const char *from, const char *to), (from, to), hit(to, 0, 0))
CALL(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to),
     hit_at(b, to, 0))
CALL(renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags), hit_at(b, to, 0))
CALL(link, (const char *from, const char *to), (from, to), hit(to, 0, 1))
CALL(linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags),
     hit_at(b, to, 1))
