/* Loaded before libc by the fault runner (LD_PRELOAD): lets the n-th write of a process fail, or kills it there.

   Counted are writes, truncations and syncs of files whose path contains ".db": all that SQLite does to a database, its
   log and its journal. A process arms itself by fault_arm; until then nothing is counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long counted = 0, at = 0;
static int action = 0; /* 1: SIGKILL before the call, 2: ENOSPC, 3: EIO, 4: half of it written, then SIGKILL */
static int lasting = 0; /* every later call fails too, as on a disk that stays full */

void fault_arm(long call, int what, int stays) { counted = 0; at = call; action = what; lasting = stays; }
long fault_count(void) { return counted; }

static int ours(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return strstr(path, ".db") != NULL;
}

static int due(int fd) {
  if (!at || !ours(fd)) return 0;
  counted++;
  return counted == at || (lasting && counted > at);
}

static int fail(void) {
  if (action == 1) kill(getpid(), SIGKILL);
  errno = action == 3 ? EIO : ENOSPC;
  return -1;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define WRITING(name, type) \
  ssize_t name(int fd, const void *data, size_t size, type offset) { \
    REAL(name); \
    if (due(fd)) { \
      if (action == 4) { real(fd, data, size / 2, offset); kill(getpid(), SIGKILL); } \
      return fail(); \
    } \
    return real(fd, data, size, offset); \
  }
WRITING(pwrite, off_t)
WRITING(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t size) { REAL(write); return due(fd) ? fail() : real(fd, data, size); }
int ftruncate(int fd, off_t size) { REAL(ftruncate); return due(fd) ? fail() : real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); return due(fd) ? fail() : real(fd, size); }
int fsync(int fd) { REAL(fsync); return due(fd) ? fail() : real(fd); }
int fdatasync(int fd) { REAL(fdatasync); return due(fd) ? fail() : real(fd); }
