/* SPDX-License-Identifier: MIT */
/* lib/base/erofs.c against an image that mkfs.erofs made of a folder (both named by the environment: UNIT_EROFS, UNIT_TREE). */
#include "check.h"
#include <base/erofs.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NO_ENTRY = -2, DAMAGED = -5, NOT_DIR = -20, UNKNOWN = -22 };

static uint8_t *image;
static size_t image_size;
static struct erofs fs;
static const char *tree;

static void image_open(void)
{
	const char *path = getenv("UNIT_EROFS");

	tree = getenv("UNIT_TREE");
	if (!path || !tree)
		test_fail("UNIT_EROFS and UNIT_TREE are not set: use test/unit/run");
	image = file_load(path, &image_size);
	CHECK_EQ(erofs_open(&fs, image, image_size), 0);
}

static void file_compare(const char *host, const struct erofs_inode *inode)
{
	size_t size;
	uint8_t *bytes = file_load(host, &size);

	CHECK_EQ(size, inode->size);
	CHECK(!size || !(inode->offset & 4095));
	CHECK(!memcmp(bytes, image + inode->offset, size));
	free(bytes);
}

static int files_seen;

static void tree_compare(const char *path)
{
	struct erofs_inode dir, inode;
	char host[1024], name[1024], target[1024];
	struct stat st;
	struct dirent *d;
	int entries = 0;
	DIR *handle;

	snprintf(host, sizeof host, "%s%s", tree, path);
	CHECK_EQ(erofs_path(&fs, path, &dir), 0);
	if (!(handle = opendir(host)))
		test_fail("%s cannot be read", host);
	for (; (d = readdir(handle)); entries++) {
		snprintf(name, sizeof name, "%s/%s", path, d->d_name);
		snprintf(host, sizeof host, "%s%s", tree, name);
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		CHECK(!lstat(host, &st));
		if (erofs_path(&fs, name, &inode))
			test_fail("%s is not found", name);
		files_seen++;
		CHECK_EQ(inode.mode, st.st_mode);
		if (!S_ISDIR(st.st_mode))
			CHECK_EQ(inode.nlink, st.st_nlink);
		if (S_ISREG(st.st_mode)) {
			file_compare(host, &inode);
		} else if (S_ISLNK(st.st_mode)) {
			ssize_t n = readlink(host, target, sizeof target);

			CHECK_EQ(inode.size, n);
			CHECK(!memcmp(target, image + inode.offset, (size_t)n));
		} else if (S_ISDIR(st.st_mode)) {
			tree_compare(name);
		} else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
			CHECK_EQ(inode.rdev, st.st_rdev);
		}
	}
	closedir(handle);

	struct erofs_dirent e;
	uint64_t cursor = 0;
	char before[256] = "";
	int got;
	while ((got = erofs_dir_next(&fs, &dir, &cursor, &e)) == 1) {
		char text[256];

		snprintf(text, sizeof text, "%.*s", (int)e.name_size, e.name);
		CHECK(strcmp(before, text) < 0);
		strcpy(before, text);
		CHECK_EQ(erofs_inode_read(&fs, e.nid, &inode), 0);
		entries--;
	}
	CHECK_EQ(got, 0);
	CHECK_EQ(entries, 0);
}

TEST(erofs_whole_tree)
{
	image_open();
	tree_compare("");
	CHECK(files_seen > 1000);
}

TEST(erofs_lookup_names)
{
	struct erofs_inode root, dir;
	uint64_t nid;

	image_open();
	CHECK_EQ(erofs_inode_read(&fs, fs.root_nid, &root), 0);
	CHECK_EQ(erofs_path(&fs, "many", &dir), 0);
	CHECK(dir.size > 3 * 4096);
	CHECK_EQ(erofs_lookup(&fs, &dir, "name-0007", 9, &nid), 0);
	CHECK_EQ(erofs_lookup(&fs, &dir, "name-0007", 8, &nid), NO_ENTRY);
	CHECK_EQ(erofs_lookup(&fs, &dir, "name-00070", 10, &nid), NO_ENTRY);
	CHECK_EQ(erofs_lookup(&fs, &dir, "", 0, &nid), NO_ENTRY);
	CHECK_EQ(erofs_lookup(&fs, &dir, "\xff", 1, &nid), NO_ENTRY);
	CHECK_EQ(erofs_lookup(&fs, &dir, "!", 1, &nid), NO_ENTRY);
	CHECK_EQ(erofs_lookup(&fs, &dir, "..", 2, &nid), 0);
	CHECK_EQ(nid, fs.root_nid);
	CHECK_EQ(erofs_lookup(&fs, &dir, ".", 1, &nid), 0);
	CHECK_EQ(nid, dir.nid);
}

TEST(erofs_paths)
{
	struct erofs_inode inode;

	image_open();
	CHECK_EQ(erofs_path(&fs, "", &inode), 0);
	CHECK_EQ(inode.nid, fs.root_nid);
	CHECK_EQ(erofs_path(&fs, "///", &inode), 0);
	CHECK_EQ(inode.nid, fs.root_nid);
	CHECK_EQ(erofs_path(&fs, "//many//../many/./name-0001", &inode), 0);
	CHECK_EQ(erofs_path(&fs, "many/", &inode), 0);
	CHECK_EQ(erofs_path(&fs, "/absent/x", &inode), NO_ENTRY);
	CHECK_EQ(erofs_path(&fs, "/many/name-0001/x", &inode), NOT_DIR);
	CHECK_EQ(erofs_path(&fs, "/many/name-0001/", &inode), NOT_DIR);
	CHECK_EQ(erofs_path(&fs, "/link/name-0001", &inode), NOT_DIR);
}

TEST(erofs_owner_and_time)
{
	struct erofs_inode inode;

	image_open();
	CHECK_EQ(erofs_path(&fs, "/sizes/1", &inode), 0);
	CHECK_EQ(inode.uid, 0);
	CHECK_EQ(inode.gid, 0);
	CHECK_EQ(inode.mtime, 1700000000);
	CHECK_EQ(erofs_path(&fs, "/sizes/0", &inode), 0);
	CHECK_EQ(inode.size, 0);
}

TEST(erofs_not_a_dir)
{
	struct erofs_inode inode;
	struct erofs_dirent e;
	uint64_t cursor = 0, nid;

	image_open();
	CHECK_EQ(erofs_path(&fs, "/sizes/1", &inode), 0);
	CHECK_EQ(erofs_dir_next(&fs, &inode, &cursor, &e), NOT_DIR);
	CHECK_EQ(erofs_lookup(&fs, &inode, "a", 1, &nid), NOT_DIR);
}

TEST(erofs_refuses_inlined_file)
{
	struct erofs other;
	struct erofs_inode inode;
	const char *path = getenv("UNIT_EROFS_INLINE");
	size_t size;
	uint8_t *bytes = file_load(path ? path : "", &size);

	CHECK_EQ(erofs_open(&other, bytes, size), 0);
	CHECK_EQ(erofs_path(&other, "/sizes/1", &inode), UNKNOWN);
	CHECK_EQ(erofs_path(&other, "/sizes/4096", &inode), 0);
	CHECK_EQ(erofs_path(&other, "/many/name-0001", &inode), UNKNOWN);
}

TEST(erofs_refuses_super_blocks)
{
	uint8_t *sb;

	image_open();
	sb = image + 1024;
	CHECK_EQ(erofs_open(&fs, image, 1024), DAMAGED);
	CHECK_EQ(erofs_open(&fs, image, 0), DAMAGED);
	CHECK_EQ(erofs_open(&fs, image, image_size - 4096), DAMAGED);
	sb[0] ^= 1;
	CHECK_EQ(erofs_open(&fs, image, image_size), DAMAGED);
	sb[0] ^= 1;
	sb[100] ^= 1; /* spare byte: only the checksum tells */
	CHECK_EQ(erofs_open(&fs, image, image_size), DAMAGED);
	sb[100] ^= 1;
	sb[12] = 9;   /* block size */
	CHECK_EQ(erofs_open(&fs, image, image_size), UNKNOWN);
	sb[12] = 12;
	sb[80] |= 4;  /* chunked files */
	CHECK_EQ(erofs_open(&fs, image, image_size), UNKNOWN);
	sb[80] &= (uint8_t)~4;
	CHECK_EQ(erofs_open(&fs, image, image_size), 0);
}

TEST(erofs_bad_nids)
{
	struct erofs_inode inode;

	image_open();
	CHECK_EQ(erofs_inode_read(&fs, ~0ul, &inode), DAMAGED);
	CHECK_EQ(erofs_inode_read(&fs, ~0ul >> 5, &inode), DAMAGED);
	CHECK_EQ(erofs_inode_read(&fs, fs.size >> 5, &inode), DAMAGED);
}

/* Visits what can be reached, with a limit, and touches every byte that the reader vouches for. */
static int budget;

static void visit(uint64_t nid, int depth)
{
	struct erofs_inode inode;
	struct erofs_dirent e;
	uint64_t cursor = 0, found;

	if (--budget < 0 || erofs_inode_read(&fs, nid, &inode))
		return;
	if ((inode.mode & S_IFMT) != S_IFDIR) {
		CHECK(inode.offset <= image_size && inode.size <= image_size - inode.offset);
		CHECK((inode.mode & S_IFMT) != S_IFREG || !inode.size || !(inode.offset & 4095));
		return;
	}
	for (int n = 0; n < 40 && erofs_dir_next(&fs, &inode, &cursor, &e) == 1; n++) {
		CHECK((const uint8_t *)e.name >= image && (const uint8_t *)e.name + e.name_size <= image + image_size);
		CHECK(e.name_size && e.name_size < 256 && !memchr(e.name, '/', e.name_size) && !memchr(e.name, 0, e.name_size));
		(void)erofs_lookup(&fs, &inode, e.name, e.name_size, &found);
		if (depth < 6)
			visit(e.nid, depth + 1);
	}
	(void)erofs_lookup(&fs, &inode, "name-0300", 9, &found);
}

TEST(fuzz_erofs)
{
	size_t meta;
	uint8_t *good;
	int rounds = 0, opened = 0;

	image_open();
	good = malloc(image_size);
	memcpy(good, image, image_size);
	/* The damage goes where structures are: the super block's page and the pages of inodes and directories. */
	meta = (size_t)fs.meta;
	random_seed(6);
	for (; test_seconds() < 4 && rounds < 3000; rounds++) {
		size_t at = rounds % 8 ? meta + random_below((image_size - meta) / 4096) * 4096 : 0, n = 4096;

		if (at + n > image_size)
			at = image_size - n;
		random_mutate(image + at, n);
		/* Checksum off, so that a damaged super block gets past it. */
		image[1024 + 8] &= (uint8_t)~1;
		budget = 300;
		if (!erofs_open(&fs, image, image_size)) {
			opened++;
			visit(fs.root_nid, 0);
		}
		if (rounds % 4 == 3)
			memcpy(image, good, image_size);
		else if (at == 0)
			memcpy(image, good, 4096);
	}
	CHECK(opened > rounds / 2);
}
