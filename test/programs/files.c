/* SPDX-License-Identifier: MIT */
/* Descriptors and files: dup, append, seek, holes, rename over, unlink while open, O_EXCL, close-on-exec, nonblocking pipes, mmap of a file, poll. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int main(void)
{
	char b[64];
	struct stat st;
	CHECK(!mkdir("files.d", 0755) && !chdir("files.d"));
	CHECK(mkdir(".", 0755) == -1 && errno == EEXIST);
	int a = open("a", O_RDWR | O_CREAT | O_EXCL, 0640);
	CHECK(a >= 0 && open("a", O_RDWR | O_CREAT | O_EXCL, 0640) == -1 && errno == EEXIST);
	CHECK(write(a, "hello world", 11) == 11 && lseek(a, 6, SEEK_SET) == 6 && read(a, b, 64) == 5 && !memcmp(b, "world", 5));
	int d = dup(a);
	CHECK(d > a && lseek(d, 0, SEEK_CUR) == 11);
	CHECK(pwrite(a, "HE", 2, 0) == 2 && pread(d, b, 4, 0) == 4 && !memcmp(b, "HEll", 4));
	CHECK(lseek(a, 100000, SEEK_SET) == 100000 && write(a, "x", 1) == 1 && !fstat(a, &st) && st.st_size == 100001);
	CHECK(pread(a, b, 64, 50000) == 64 && !b[0] && !b[63]);
	CHECK(!ftruncate(a, 5) && !fstat(a, &st) && st.st_size == 5 && (st.st_mode & 07777) == 0640 && S_ISREG(st.st_mode));
	int app = open("a", O_WRONLY | O_APPEND);
	CHECK(app >= 0 && write(app, "!", 1) == 1 && !fstat(a, &st) && st.st_size == 6);
	CHECK(!link("a", "b") && !fstat(a, &st) && st.st_nlink == 2);
	int c = open("c", O_WRONLY | O_CREAT, 0600);
	CHECK(c >= 0 && !rename("c", "b") && !fstat(a, &st) && st.st_nlink == 1);
	CHECK(!unlink("a") && pread(a, b, 6, 0) == 6 && !memcmp(b, "HEllo!", 6) && !fstat(a, &st) && st.st_nlink == 0);
	CHECK(!symlink("b", "l") && readlink("l", b, 64) == 1 && b[0] == 'b' && !lstat("l", &st) && S_ISLNK(st.st_mode) && !stat("l", &st) && S_ISREG(st.st_mode));
	CHECK(!symlink("loop", "loop") && open("loop", O_RDONLY) == -1 && errno == ELOOP);
	CHECK(open("b/x", O_RDONLY) == -1 && errno == ENOTDIR && open("none", O_RDONLY) == -1 && errno == ENOENT);
	CHECK(open(".", O_WRONLY) == -1 && errno == EISDIR && rmdir("../files.d") == -1 && errno == ENOTEMPTY);
	CHECK(read(app, b, 1) == -1 && errno == EBADF && close(99) == -1 && errno == EBADF && lseek(a, -1, SEEK_SET) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_pread64, a, 8ul, 6ul, 0ul) == -1 && errno == EFAULT && syscall(SYS_write, a, 8ul, 6ul) == -1 && errno == EFAULT);

	int m = open("m", O_RDWR | O_CREAT, 0600);
	CHECK(m >= 0 && !ftruncate(m, 8192));
	char *s = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, m, 0);
	char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, m, 0);
	CHECK(s != MAP_FAILED && p != MAP_FAILED);
	s[5000] = 'S';
	CHECK(pread(m, b, 1, 5000) == 1 && b[0] == 'S' && p[5000] == 'S');
	p[5000] = 'P';
	CHECK(s[5000] == 'S' && pwrite(m, "W", 1, 1) == 1 && s[1] == 'W');

	int fd[2];
	CHECK(!pipe2(fd, O_NONBLOCK | O_CLOEXEC) && (fcntl(fd[0], F_GETFD) & FD_CLOEXEC) && read(fd[0], b, 1) == -1 && errno == EAGAIN);
	struct pollfd pf[2] = { { fd[0], POLLIN, 0 }, { fd[1], POLLOUT, 0 } };
	CHECK(poll(pf, 2, 0) == 1 && pf[0].revents == 0 && pf[1].revents == POLLOUT);
	long filled = 0, n;
	char chunk[4096] = { 1 };
	while ((n = write(fd[1], chunk, sizeof chunk)) > 0)
		filled += n;
	CHECK(errno == EAGAIN && filled == 65536);
	CHECK(poll(pf, 2, -1) == 1 && pf[0].revents == POLLIN && pf[1].revents == 0);
	close(fd[1]);
	while ((n = read(fd[0], chunk, sizeof chunk)) > 0)
		filled -= n;
	CHECK(n == 0 && filled == 0);
	pf[0].revents = 0;
	CHECK(poll(pf, 1, 0) == 1 && (pf[0].revents & POLLHUP));

	int n0 = 0;
	DIR *dir = opendir(".");
	CHECK(dir);
	for (struct dirent *e; (e = readdir(dir)); n0++)
		;
	closedir(dir);
	CHECK(n0 == 6);
	CHECK(!access("b", R_OK) && access("b", X_OK) == -1 && errno == EACCES);
	CHECK(!unlink("b") && !unlink("l") && !unlink("loop") && !unlink("m") && !chdir("..") && !rmdir("files.d"));
	char cwd[64];
	CHECK(getcwd(cwd, sizeof cwd) && umask(022) == 022 && umask(022) == 022);
	printf("ok\n");
	return 0;
}
