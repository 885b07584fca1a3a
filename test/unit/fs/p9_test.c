/* SPDX-License-Identifier: MIT */
/* Folders of the host: what the client asks a server that is right, what it makes of a file that has lost its path, and
 * that no answer of one that is not leads outside what came, keeps memory, or hangs. */
#include <asm/statfs.h>
#include "p9_host.h"

static char buffer[70000];

static void mount_p9(void)
{
	shim_start();
	p9_mangle = NULL;
	p9_gone = 0;
	CHECK_EQ(SYS(mkdir, "/tmp/p9", 0755), 0);
	CHECK_EQ(SYS(mount, "other", "/tmp/p9", "9p", 0, "trans=virtio"), -ENOENT);
	CHECK_EQ(SYS(mount, "tag", "/tmp/p9", "9p", 0, "trans=tcp"), -EINVAL);
	CHECK_EQ(SYS(mount, "tag", "/tmp/p9", "9p", 0, "trans=virtio,version=9p2000.L"), 0);
	CHECK_EQ(SYS(mount, "tag", "/tmp/p9", "9p", 0, ""), -EBUSY);
}

static unsigned entries_of(const char *path)
{
	int fd = opened(path, O_RDONLY);
	unsigned count = 0;
	long n;

	while ((n = SYS(getdents64, fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < n; at += *(uint16_t *)(buffer + at + 16))
			count++;
	CHECK_EQ(n, 0);
	CHECK_EQ(SYS(close, fd), 0);
	return count;
}

TEST(fs_p9_is_read)
{
	struct statfs room;
	long allocations, pages;
	unsigned fids;

	mount_p9();
	for (int round = 0; round < 2; round++) {
		allocations = shim_allocations;
		pages = shim_pages;
		fids = p9_fids;
		CHECK_STR(get_file("/tmp/p9/file"), "aaaaaaaa");
		CHECK_STR(get_file("/tmp/p9/folder/link"), "aaaaaaaa");
		CHECK_EQ(SYS(open, "/tmp/p9/none", O_RDONLY), -ENOENT);
		CHECK_EQ(SYS(open, "/tmp/p9/file/x", O_RDONLY), -ENOTDIR);
		CHECK_EQ(entries_of("/tmp/p9"), 5);
		CHECK_EQ(SYS(chdir, "/tmp/p9/folder"), 0);
		CHECK_EQ(SYS(getcwd, buffer, 100), 15);
		CHECK_STR(buffer, "/tmp/p9/folder");
		CHECK_EQ(SYS(chdir, "/"), 0);
		CHECK_EQ(SYS(statfs, "/tmp/p9/file", &room), 0);
		CHECK(room.f_type == 0xef53 && room.f_bsize == 8192 && room.f_blocks == 1l << 40 && room.f_bavail == 3l << 40);
		CHECK(room.f_files == 4l << 40 && room.f_ffree == 5l << 40 && room.f_fsid.val[1] == 6 << 8);
		if (round) {
			CHECK_EQ(shim_allocations, allocations);
			CHECK_EQ(shim_pages, pages);
			CHECK_EQ(p9_fids, fids);
		}
	}
	CHECK_EQ(p9_slots_taken, 0);
	CHECK_EQ(SYS(umount2, "/tmp/p9", 0), 0);
}

/* What is gone is what it was: its server knows its contents alone, and is not asked to change what else lies there. */
TEST(fs_p9_gone)
{
	unsigned changes;
	struct stat st;
	int fd;

	mount_p9();
	fd = opened("/tmp/p9/file", O_RDWR);
	CHECK_EQ(SYS(unlink, "/tmp/p9/file"), 0);
	changes = p9_asked[P9_SETATTR];
	CHECK_EQ(SYS(fchmod, fd, 0600), 0);
	CHECK_EQ(SYS(ftruncate, fd, 3), 0);
	CHECK_EQ(SYS(fstat, fd, &st), 0);
	CHECK(st.st_nlink == 0 && st.st_size == 3 && (st.st_mode & 0777) == 0600);
	CHECK_EQ(SYS(pread64, fd, buffer, 100, 0), 3);
	CHECK_EQ(SYS(ftruncate, fd, 100000), 0);
	CHECK_EQ(SYS(lseek, fd, 0, 2), 100000);
	CHECK_EQ(p9_asked[P9_SETATTR], changes);
	CHECK_EQ(SYS(close, fd), 0);
	/* The same when the host took it: but only who has it open finds out. */
	fd = opened("/tmp/p9/file", O_RDONLY);
	p9_gone = 1;
	CHECK_EQ(SYS(fstat, fd, &st), 0);
	CHECK(st.st_size == 8);
	CHECK_EQ(SYS(fchmod, fd, 0600), 0);
	CHECK_EQ(p9_asked[P9_SETATTR], changes);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(SYS(umount2, "/tmp/p9", 0), 0);
}

/* What a call asks: walks and everything else, but for numbers given back. */
static unsigned walks, others;
static void count(long result, long expected)
{
	CHECK_EQ(result, expected);
	walks = p9_asked[P9_WALK];
	others = 0;
	for (int i = 0; i < 256; i++)
		others += i == P9_WALK || i == P9_CLUNK ? 0 : p9_asked[i];
	memset(p9_asked, 0, sizeof p9_asked);
}

#define STAT(path) SYS(stat, path, buffer)
#define NUMBER (((const struct stat *)buffer)->st_ino)

/* A path is one request, and one for what it leads to; what lies on the way costs nothing until it is asked for. */
TEST(fs_p9_path_is_one_request)
{
	long allocations, pages;
	unsigned fids;

	mount_p9();
	for (int round = 0; round < 2; round++) {
		allocations = shim_allocations;
		pages = shim_pages;
		fids = p9_fids;
		count(0, 0);
		count(STAT("/tmp/p9/folder/sub/file"), 0);
		CHECK(walks == 1 && others == 1 && NUMBER == 2);
		count(STAT("/tmp/p9/folder//sub///link"), 0); /* its text is a request, and what that leads to another path */
		CHECK(walks <= 3 && others <= 4 && NUMBER == 2);
		count(SYS(lstat, "/tmp/p9/folder/sub/link", buffer), 0);
		CHECK(walks == 1 && others == 1 && NUMBER == 4);
		count(STAT("/tmp/p9/folder/way/file"), 0); /* a link in the middle */
		CHECK(NUMBER == 2);
		count(STAT("/tmp/p9/folder/sub/../way"), 0);
		CHECK(NUMBER == 5);
		count(STAT("/tmp/p9/folder/sub/../../file"), 0);
		CHECK(NUMBER == 2);
		count(STAT("/tmp/p9/folder/sub/.."), 0);
		CHECK(NUMBER == 3 && (((const struct stat *)buffer)->st_mode & 07777) == 0755);
		count(STAT("/tmp/p9/folder/sub/none"), -ENOENT); /* what it is that is missing has to be asked */
		CHECK(walks <= 3 && !others);
		count(STAT("/tmp/p9/none/sub/file"), -ENOENT);
		CHECK(walks == 1 && !others);
		count(STAT("/tmp/p9/folder/file/x"), -ENOTDIR);
		count(STAT("/tmp/p9/folder/sub/file/"), -ENOTDIR);
		count(SYS(mkdir, "/tmp/p9/folder/sub/new", 0755), -ENOENT); /* the server does, and shows it to nobody */
		CHECK_EQ(p9_made_in, 5);
		count(SYS(chdir, "/tmp/p9/folder/sub"), 0);
		CHECK_EQ(SYS(getcwd, buffer, 100), 19);
		CHECK_STR(buffer, "/tmp/p9/folder/sub");
		count(STAT("file"), 0);
		CHECK(walks == 1 && others == 1);
		count(STAT("../sub/link"), 0);
		CHECK(NUMBER == 2);
		count(STAT(".."), 0);
		CHECK(NUMBER == 3);
		count(SYS(chdir, "/"), 0);
		CHECK_EQ(entries_of("/tmp/p9/folder/sub/.."), 5);
		if (round) {
			CHECK_EQ(shim_allocations, allocations);
			CHECK_EQ(shim_pages, pages);
			CHECK_EQ(p9_fids, fids);
		}
	}
	/* What is mounted on the way hides what the walk saw there. */
	CHECK_EQ(SYS(mount, "none", "/tmp/p9/folder", "tmpfs", 0, NULL), 0);
	CHECK_EQ(STAT("/tmp/p9/folder/sub/file"), -ENOENT);
	CHECK_EQ(SYS(mkdir, "/tmp/p9/folder/sub", 0755), 0);
	CHECK_EQ(SYS(symlink, "/tmp/p9/file", "/tmp/p9/folder/sub/link"), 0);
	put_file("/tmp/p9/folder/sub/file", "mounted");
	CHECK_STR(get_file("/tmp/p9/folder/sub/file"), "mounted");
	CHECK_STR(get_file("/tmp/p9/folder/sub/link"), "aaaaaaaa");
	CHECK_STR(get_file("/tmp/p9/folder/sub/../../file"), "aaaaaaaa");
	CHECK_EQ(SYS(umount2, "/tmp/p9/folder", 0), 0);
	CHECK_STR(get_file("/tmp/p9/folder/sub/file"), "aaaaaaaa");
	CHECK_EQ(SYS(umount2, "/tmp/p9", 0), 0);
}

/* ---- a server that lies */
static void lies(uint8_t *reply, uint32_t size, uint32_t *said)
{
	if (random_below(4))
		return;
	switch (random_below(6)) {
	case 0: *said = (uint32_t)random_below(size + 1); break;
	case 1: *said = (uint32_t)random_below(SHARE_MESSAGE + 1); break;
	case 2: reply[random_below(size)] = (uint8_t)random_next(); break;
	case 3: reply[4] = (uint8_t)random_below(130); break;
	case 4: reply[P9_HEAD + random_below(24)] = 0xff; break;
	default: random_mutate(reply, size);
	}
}

static void use(void)
{
	static const char *const paths[] = { "/tmp/p9", "/tmp/p9/file", "/tmp/p9/folder", "/tmp/p9/link",
		"/tmp/p9/folder/sub/file", "/tmp/p9/new", "/tmp/p9/folder/new", "/tmp/p9/folder/sub/new",
		"/tmp/p9/folder/way/../sub/link" };
	const char *path = paths[random_below(9)], *other = paths[random_below(9)];
	long fd;

	switch (random_below(10)) {
	case 0: (void)SYS(stat, path, buffer); break;
	case 8: (void)SYS(statfs, path, buffer); break;
	case 1: (void)SYS(mkdir, path, 0755); break;
	case 2: (void)SYS(rename, path, other); break;
	case 3: (void)SYS(unlink, path); break;
	case 4: (void)SYS(symlink, other, path); break;
	case 5: (void)SYS(link, other, path); break;
	case 6: (void)SYS(readlink, path, buffer, 100); break;
	case 7: (void)SYS(truncate, path, 5); break;
	default:
		fd = SYS(open, path, random_below(2) ? O_RDWR | O_CREAT : O_RDONLY, 0644);
		if (fd < 0)
			break;
		CHECK(SYS(read, fd, buffer, 65000) <= 65000);
		CHECK(SYS(write, fd, buffer, 40000) <= 40000);
		for (int i = 0; i < 20 && SYS(getdents64, fd, buffer, 500) > 0; i++)
			;
		(void)SYS(fstat, fd, buffer);
		(void)SYS(ftruncate, fd, 7);
		(void)SYS(fsync, fd);
		CHECK_EQ(SYS(close, fd), 0);
	}
}

TEST(fs_p9_liar)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		long allocations, pages;

		random_seed(seed);
		mount_p9();
		CHECK_EQ(entries_of("/tmp/p9"), 5); /* the root stays, opened */
		allocations = shim_allocations;
		pages = shim_pages;
		p9_mangle = lies;
		for (int i = 0; i < 300; i++)
			use();
		p9_mangle = NULL;
		CHECK_EQ(p9_slots_taken, 0);
		CHECK_EQ(shim_allocations, allocations);
		CHECK_EQ(shim_pages, pages);
		CHECK_EQ(SYS(umount2, "/tmp/p9", 0), 0);
	}
}

/* Its first words too. */
TEST(fs_p9_liar_mounts)
{
	int mounted = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		random_seed(seed);
		if (seed % 50 == 1)
			shim_start();
		(void)SYS(mkdir, "/tmp/p9", 0755);
		p9_mangle = lies;
		if (SYS(mount, "tag", "/tmp/p9", "9p", 0, NULL) == 0) {
			mounted++;
			CHECK_EQ(SYS(umount2, "/tmp/p9", 0), 0);
		}
		CHECK_EQ(p9_slots_taken, 0);
	}
	CHECK(mounted > 50 && mounted < 290);
}
