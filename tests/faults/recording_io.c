/* Loaded before libc by the fault runner (LD_PRELOAD): writes down what a process asks of the files of its database.

   One record a call, in the order of the calls: a line "what path offset size", and behind a write its bytes. A process
   begins by record_into; what it holds in shared memory (-shm) is no promise of SQLite's and left out. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int book = -1;

void record_into(const char *path) { book = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600); }

static int ours(const char *path) { return book >= 0 && strstr(path, ".db") && !strstr(path, "-shm"); }

static void note(const char *what, const char *path, long offset, size_t size, const void *data) {
  char line[4200];
  int length = snprintf(line, sizeof line, "%s %s %ld %zu\n", what, path, offset, size);
  syscall(SYS_write, book, line, length);
  if (data) syscall(SYS_write, book, data, size);
}

static void note_file(const char *what, int fd, long offset, size_t size, const void *data) {
  char link[64], path[4096];
  if (book < 0 || fd == book) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return;
  path[n] = 0;
  if (path[0] == '/' && ours(path)) note(what, path, offset, size, data);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define WRITING(name, type) \
  ssize_t name(int fd, const void *data, size_t size, type offset) { \
    REAL(name); \
    ssize_t done = real(fd, data, size, offset); \
    if (done > 0) note_file("write", fd, offset, done, data); \
    return done; \
  }
WRITING(pwrite, off_t)
WRITING(pwrite64, off64_t)

int ftruncate(int fd, off_t size) { REAL(ftruncate); note_file("truncate", fd, size, 0, NULL); return real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); note_file("truncate", fd, size, 0, NULL); return real(fd, size); }
int fsync(int fd) { REAL(fsync); int done = real(fd); note_file("sync", fd, 0, 0, NULL); return done; }
int fdatasync(int fd) { REAL(fdatasync); int done = real(fd); note_file("sync", fd, 0, 0, NULL); return done; }
int unlink(const char *path) { REAL(unlink); if (ours(path)) note("unlink", path, 0, 0, NULL); return real(path); }
int rename(const char *from, const char *to) {
  REAL(rename);
  if (ours(from)) note("rename", from, 0, strlen(to), to);
  return real(from, to);
}
