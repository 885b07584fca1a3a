/* SPDX-License-Identifier: MIT */
/* name_to_handle_at and open_by_handle_at, in a tmpfs: what a handle finds after its file has moved or gone. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include "try.h"

static struct { struct file_handle h; char bytes[128]; } handle, few;
static int mount_id, dir;

static int named(int at, const char *path, int flags)
{
	memset(&handle, 0, sizeof handle);
	handle.h.handle_bytes = 128;
	return name_to_handle_at(at, path, &handle.h, &mount_id, flags) ? errno : 0;
}

static void open_it(const char *when, int flags)
{
	int fd = open_by_handle_at(dir, &handle.h, flags);
	char text[20] = "";

	if (fd < 0) {
		printf("open_by_handle_at(%s): error %d\n", when, errno);
		return;
	}
	if (read(fd, text, sizeof text - 1) < 0)
		snprintf(text, sizeof text, "not read: %d", errno);
	printf("%s: %s\n", when, text);
	close(fd);
}

int main(void)
{
	int fd, other;

	CHECK(chdir("/dev/shm") == 0 && mkdir("handles", 0700) == 0 && chdir("handles") == 0);
	CHECK((dir = open(".", O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK((fd = open("f", O_RDWR | O_CREAT, 0600)) >= 0 && write(fd, "hello", 5) == 5);
	CHECK(mkdir("d", 0700) == 0 && symlink("f", "link") == 0);
	printf("named: %d\n", named(dir, "f", 0));
	printf("bytes: %u, mounted: %d\n", handle.h.handle_bytes, mount_id > 0);
	open_it("open", O_RDONLY);
	open_it("to write", O_WRONLY);
	open_it("as a folder", O_RDONLY | O_DIRECTORY);
	open_it("by place", O_PATH);
	CHECK(rename("f", "d/g") == 0);
	open_it("moved", O_RDONLY);
	few = handle;
	printf("by descriptor: %d\n", named(fd, "", AT_EMPTY_PATH));
	printf("same: %d\n", !memcmp(&few, &handle, sizeof few));
	printf("link: %d\n", named(AT_FDCWD, "link", 0));
	open_it("link", O_RDONLY);
	printf("where it leads: %d\n", named(AT_FDCWD, "link", AT_SYMLINK_FOLLOW));
	printf("folder: %d\n", named(AT_FDCWD, "d", 0));
	open_it("folder", O_RDONLY | O_DIRECTORY);
	CHECK(named(dir, "d/g", 0) == 0 && unlink("d/g") == 0 && close(fd) == 0);
	CHECK((fd = open("d/h", O_RDWR | O_CREAT, 0600)) >= 0 && unlink("d/h") == 0);
	open_it("gone", O_RDONLY);
	CHECK(named(dir, "d", 0) == 0);
	handle.h.handle_type = 99;
	open_it("of another type", O_RDONLY);
	few.h.handle_bytes = 4;
	TRY(name_to_handle_at, dir, "d", &few, &mount_id, 0);
	printf("wants %u\n", few.h.handle_bytes);
	TRY(name_to_handle_at, NOFD, "d", &handle, &mount_id, 0);
	TRY(name_to_handle_at, dir, "nothing", &handle, &mount_id, 0);
	TRY(name_to_handle_at, dir, "", &handle, &mount_id, 0);
	TRY(name_to_handle_at, dir, "link/x", &handle, &mount_id, 0);
	TRY(name_to_handle_at, fd, "x", &handle, &mount_id, 0);
	TRY(name_to_handle_at, dir, BAD, &handle, &mount_id, 0);
	TRY(name_to_handle_at, dir, "d", BAD, &mount_id, 0);
	TRY(name_to_handle_at, dir, "d", &handle, BAD, 0);
	TRY(name_to_handle_at, dir, "d", &handle, &mount_id, 0x100);
	few.h.handle_bytes = 129;
	TRY(name_to_handle_at, dir, "d", &few, &mount_id, 0);
	CHECK((other = open("/proc/self", O_RDONLY | O_DIRECTORY)) >= 0);
	handle.h.handle_bytes = 128;
	TRY(name_to_handle_at, other, "status", &handle, &mount_id, 0);
	CHECK(named(dir, "d", 0) == 0);
	TRY(open_by_handle_at, other, &handle, O_RDONLY);
	TRY(open_by_handle_at, NOFD, &handle, O_RDONLY);
	TRY(open_by_handle_at, dir, BAD, O_RDONLY);
	TRY(open_by_handle_at, dir, &few, O_RDONLY);
	few.h.handle_bytes = 0;
	TRY(open_by_handle_at, dir, &few, O_RDONLY);
	few.h.handle_bytes = 4;
	TRY(open_by_handle_at, dir, &few, O_RDONLY);
	CHECK(unlink("link") == 0 && rmdir("d") == 0 && chdir("..") == 0 && rmdir("handles") == 0);
	return 0;
}
