/* SPDX-License-Identifier: Apache-2.0
 *
 * Loaded before a hub (LD_PRELOAD): keeps what a disk would have if the power failed now, and no
 * byte more. A file has what it had when it was last synced; a folder has the names that it had
 * when it was last synced. So a file that was written and not synced is empty or old, one whose
 * folder was not synced is not there, and a rename without a sync of the folder has not happened.
 *
 *   POWER_ROOT   the folder that counts
 *   POWER_IMAGE  where that is kept: inodes/INODE has a file's bytes, names/INODE a folder's names
 *                (a line each: inode, d or f, name)
 *   POWER_FAILS  a file; while it is there, fdatasync fails with EIO and syncs nothing
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void must(int ok, const char* what) {
  if (ok) return;
  dprintf(2, "bug: power.c: %s: %s\n", what, strerror(errno));
  abort();
}

static int counts(int fd) {
  char link[64], path[4096];
  const char* root = getenv("POWER_ROOT");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (!root || n < 0) return 0;
  path[n] = '\0';
  const size_t bytes = strlen(root);
  return strncmp(path, root, bytes) == 0 && (path[bytes] == '/' || path[bytes] == '\0');
}

/* Written beside and renamed: a kill between two bytes of it must not count. */
static int begin(const char* kind, ino_t inode, char* path, char* temporary) {
  snprintf(path, 4096, "%s/%s/%lu", getenv("POWER_IMAGE"), kind, (unsigned long)inode);
  snprintf(temporary, 4096, "%s-%d-%ld", path, getpid(), (long)pthread_self());
  const int out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  must(out >= 0, temporary);
  return out;
}

static void keep_file(int fd, const struct stat* st) {
  static char buffer[1 << 16];
  char path[4096], temporary[4160], self[64];
  const int out = begin("inodes", st->st_ino, path, temporary);
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  const int in = open(self, O_RDONLY | O_CLOEXEC);
  must(in >= 0, self);
  for (ssize_t n; (n = read(in, buffer, sizeof buffer)) != 0;) {
    must(n > 0, "read");
    must(write(out, buffer, (size_t)n) == n, "write");
  }
  close(in);
  close(out);
  must(rename(temporary, path) == 0, "rename");
}

static void keep_folder(int fd, const struct stat* st) {
  char path[4096], temporary[4160];
  const int out = begin("names", st->st_ino, path, temporary);
  const int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* folder = again < 0 ? NULL : fdopendir(again);
  must(folder != NULL, "open the folder");
  for (struct dirent* entry; (entry = readdir(folder));) {
    struct stat of;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(fd, entry->d_name, &of, AT_SYMLINK_NOFOLLOW) != 0) continue;
    dprintf(out, "%lu %c %s\n", (unsigned long)of.st_ino, S_ISDIR(of.st_mode) ? 'd' : 'f',
            entry->d_name);
  }
  closedir(folder);
  close(out);
  must(rename(temporary, path) == 0, "rename");
}

static void keep(int fd) {
  struct stat st;
  if (!counts(fd) || fstat(fd, &st) != 0) return;
  pthread_mutex_lock(&one_at_a_time);
  if (S_ISDIR(st.st_mode))
    keep_folder(fd, &st);
  else if (S_ISREG(st.st_mode))
    keep_file(fd, &st);
  pthread_mutex_unlock(&one_at_a_time);
}

static int fails(int fd) {
  const char* path = getenv("POWER_FAILS");
  return path && counts(fd) && access(path, F_OK) == 0;
}

static int sync_with(const char* name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (fails(fd)) {
    errno = EIO;
    return -1;
  }
  const int result = real(fd);
  if (result == 0) keep(fd);
  return result;
}

int fdatasync(int fd) { return sync_with("fdatasync", fd); }
int fsync(int fd) { return sync_with("fsync", fd); }
