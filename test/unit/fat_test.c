/* SPDX-License-Identifier: MIT */
/* The search for one file on a disk: found wherever it may lie, refused with a reason, and never a block named for it
 * that is a FAT's, a directory's or nobody's. */
#include <asm/errno.h>
#include <dev/fat.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "fat_disk.h"

#define MARK "first line\n"
static const struct fat_wanted wanted = { "HWINFO  TXT", MARK, FAT_FILE_BYTES, sizeof MARK - 1 };
static struct fat_search f;
static uint8_t disk[FAT_DISK_BYTES];

/* Each block is shown alone, so that a sanitizer sees what is read beside it. */
static int search(const struct fat_disk *d)
{
	uint64_t at;
	unsigned blocks = 0;
	int r;

	fat_search_start(&f, &wanted, d->block, d->blocks);
	while ((r = fat_search_next(&f, &at)) > 0) {
		uint8_t *copy = malloc(d->block);

		CHECK(at < d->blocks);
		CHECK(++blocks < 20000);
		memcpy(copy, d->bytes + at * d->block, d->block);
		fat_search_take(&f, copy);
		free(copy);
	}
	return r;
}

/* What the search found is safe to be written, whatever the disk says. */
static void places_check(const struct fat_disk *d)
{
	static uint8_t seen[FAT_DISK_BYTES / 512];
	uint32_t n;

	memset(seen, 0, sizeof seen);
	for (uint32_t at = 0; at < FAT_FILE_BYTES; at += n) {
		uint64_t block = fat_place(&f, at, 4096, &n);

		CHECK(n && n % d->block == 0 && n <= 4096 && at + n <= FAT_FILE_BYTES);
		for (uint32_t i = 0; i < n / d->block; i++, block++) {
			CHECK(block >= f.data && block < d->blocks && !seen[block]);
			seen[block] = 1;
			for (unsigned k = 0; k < f.directory_count; k++) {
				uint64_t first = f.data + (f.directory[k] - 2) * (uint64_t)f.cluster_blocks;

				CHECK(block < first || block >= first + f.cluster_blocks);
			}
		}
	}
}

static const struct fat_disk shapes[] = {
	{ disk, 512, 1, TABLE_GPT, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ disk, 512, 1, TABLE_GPT, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ disk, 512, 8, TABLE_MBR, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ disk, 512, 2, TABLE_NONE, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ disk, 512, 128, TABLE_MBR, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ disk, 4096, 1, TABLE_GPT, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ disk, 4096, 4, TABLE_MBR, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

TEST(fat_file_is_found)
{
	for (unsigned i = 0; i < SHAPES; i++) {
		struct fat_disk d = shapes[i];
		uint32_t n;

		fat_disk_make(&d, MARK);
		if (search(&d))
			test_fail("shape %u: %s", i, f.why);
		for (uint32_t at = 0; at < FAT_FILE_BYTES; at += d.block)
			CHECK_EQ(fat_place(&f, at, d.block, &n), fat_disk_block(&d, at));
		places_check(&d);
		/* What lies together is named together. */
		(void)fat_place(&f, 0, 4096, &n);
		CHECK_EQ(n, d.is_scattered && d.cluster_blocks * d.block < 4096 ? d.cluster_blocks * d.block : 4096);
	}
}

#define GPT_DAMAGED    "has a partition table (GPT) that is damaged"
#define NO_VOLUME      "has no FAT32 volume for its sectors where one should be"
#define VOLUME_DAMAGED "has a FAT32 volume that is damaged"
#define CHAIN_DAMAGED  "has the report's file, but its chain of clusters is damaged"
#define NO_FILE        "has no HWINFO.TXT, which is what a report is written into"
#define NO_PARTITION   "has no partition that could be Aril's"

/* On the disk of the shape `of`, bytes at `at` (of what `base` says) become `value`. */
enum base { AT_DISK, AT_HEADER, AT_ENTRIES, AT_VOLUME, AT_FAT, AT_FILE_ENTRY, AT_FILE, AT_FAT_FILE };
struct wrong { unsigned of; enum base base; int at; uint32_t value, size; int sum; const char *why; };
static const struct wrong wrong[] = {
	{ 0, AT_DISK, 510, 0, 2, 0, "has no partition table" },
	{ 2, AT_DISK, 450, 0x83, 1, 0, NO_PARTITION },
	{ 2, AT_DISK, 454, 0xffffffff, 4, 0, NO_PARTITION },
	{ 2, AT_DISK, 458, 0xffffffff, 4, 0, NO_PARTITION },
	{ 0, AT_HEADER, 0, 0x20494645, 4, 0, 0 }, /* as it was: "EFI " */
	{ 0, AT_HEADER, 0, 0x30494645, 4, 1, GPT_DAMAGED },
	{ 0, AT_HEADER, 12, 91, 4, 1, GPT_DAMAGED },
	{ 0, AT_HEADER, 12, 513, 4, 0, GPT_DAMAGED },
	{ 0, AT_HEADER, 16, 0, 4, 0, GPT_DAMAGED },
	{ 0, AT_HEADER, 24, 2, 4, 1, GPT_DAMAGED },
	{ 0, AT_HEADER, 72, 1, 4, 1, GPT_DAMAGED },
	{ 0, AT_HEADER, 76, 1, 4, 1, GPT_DAMAGED },
	{ 0, AT_HEADER, 80, 0, 4, 1, GPT_DAMAGED },
	{ 0, AT_HEADER, 80, 1000, 4, 1, GPT_DAMAGED },
	{ 0, AT_HEADER, 84, 64, 4, 1, GPT_DAMAGED },
	{ 0, AT_HEADER, 84, 192, 4, 1, GPT_DAMAGED },
	{ 0, AT_ENTRIES, 0, 1, 1, 0, GPT_DAMAGED },
	{ 0, AT_ENTRIES, 3 * 128, 0, 4, 1, NO_PARTITION },
	{ 0, AT_ENTRIES, 3 * 128 + 46, 1, 2, 1, NO_PARTITION }, /* it ends beyond the disk */
	{ 0, AT_ENTRIES, 3 * 128 + 40, 3, 4, 1, NO_PARTITION }, /* before it begins */
	{ 0, AT_VOLUME, 510, 0, 2, 0, NO_VOLUME },
	{ 0, AT_VOLUME, 11, 4096, 2, 0, NO_VOLUME },
	{ 5, AT_VOLUME, 11, 512, 2, 0, NO_VOLUME },
	{ 0, AT_VOLUME, 13, 0, 1, 0, NO_VOLUME },
	{ 0, AT_VOLUME, 13, 3, 1, 0, NO_VOLUME },
	{ 0, AT_VOLUME, 14, 0, 2, 0, NO_VOLUME },
	{ 0, AT_VOLUME, 16, 0, 1, 0, NO_VOLUME },
	{ 0, AT_VOLUME, 17, 512, 2, 0, NO_VOLUME }, /* FAT16 */
	{ 0, AT_VOLUME, 22, 9, 2, 0, NO_VOLUME },
	{ 0, AT_VOLUME, 42, 1, 2, 0, NO_VOLUME },
	{ 0, AT_VOLUME, 32, 0xffffffff, 4, 0, VOLUME_DAMAGED },
	{ 0, AT_VOLUME, 32, 20, 4, 0, VOLUME_DAMAGED },
	{ 0, AT_VOLUME, 36, 0xffffffff, 4, 0, VOLUME_DAMAGED },
	{ 0, AT_VOLUME, 36, 1, 4, 0, VOLUME_DAMAGED },
	{ 0, AT_VOLUME, 40, 0x82, 2, 0, VOLUME_DAMAGED },
	{ 0, AT_VOLUME, 44, 1, 4, 0, "has a damaged root directory" },
	{ 0, AT_VOLUME, 44, 0x0ffffff0, 4, 0, "has a damaged root directory" },
	{ 1, AT_FAT, 2 * 4, 2, 4, 0, "has a damaged root directory" }, /* it comes back to its first cluster */
	{ 1, AT_FAT, 2 * 4, 0, 4, 0, "has a damaged root directory" },
	{ 1, AT_FAT, 2 * 4, 0x0fffffff, 4, 0, NO_FILE },
	{ 0, AT_FILE_ENTRY, 0, 0xe5, 1, 0, NO_FILE },
	{ 0, AT_FILE_ENTRY, 11, 0x10, 1, 0, NO_FILE },
	{ 0, AT_FILE_ENTRY, 11, 0x0f, 1, 0, NO_FILE },
	{ 0, AT_FILE_ENTRY, 28, 65535, 4, 0, "has a HWINFO.TXT of another size" },
	{ 0, AT_FILE_ENTRY, 28, 65537, 4, 0, "has a HWINFO.TXT of another size" },
	{ 0, AT_FILE_ENTRY, 26, 0, 2, 0, CHAIN_DAMAGED },
	{ 0, AT_FILE_ENTRY, 26, 2, 2, 0, CHAIN_DAMAGED }, /* the directory's */
	{ 0, AT_FILE_ENTRY, 20, 0xfff, 2, 0, CHAIN_DAMAGED },
	{ 0, AT_FAT_FILE, 0, 0x0fffffff, 4, 0, CHAIN_DAMAGED }, /* too short */
	{ 0, AT_FAT_FILE, 5 * 4, 2, 4, 0, CHAIN_DAMAGED },
	{ 0, AT_FAT_FILE, 5 * 4, 3, 4, 0, CHAIN_DAMAGED }, /* a ring */
	{ 0, AT_FAT_FILE, 5 * 4, 0x0ffffff7, 4, 0, CHAIN_DAMAGED },
	{ 0, AT_FAT_FILE, 126 * 4, 2, 4, 0, CHAIN_DAMAGED }, /* the directory */
	{ 0, AT_FAT_FILE, 127 * 4, 200, 4, 0, CHAIN_DAMAGED }, /* too long */
	{ 0, AT_FILE, 3, 'x', 1, 0, "has a HWINFO.TXT that is not Aril's" },
};

TEST(fat_wrong_is_refused)
{
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const struct wrong *w = &wrong[i];
		struct fat_disk d = shapes[w->of];

		fat_disk_make(&d, MARK);
		const uint64_t base[] = { 0, d.block, 2 * d.block, d.volume * d.block, d.fat * d.block, d.entry,
			fat_disk_block(&d, 0) * d.block, d.fat * d.block + fat_disk_cluster(&d, 0) * 4ul };
		memcpy(disk + base[w->base] + w->at, &w->value, w->size);
		if (w->sum)
			fat_disk_sum(&d);
		if (search(&d) != (w->why ? -ENOENT : 0) || (w->why && strcmp(f.why, w->why)))
			test_fail("row %u: %s", i, f.phase ? f.why : "found");
	}
}

TEST(fat_second_partition)
{
	struct fat_disk d = shapes[2];

	fat_disk_make(&d, MARK);
	memcpy(disk + 446 + 16, disk + 446, 16);
	disk[446 + 8] = 3; /* the first one is none, and its reason does not count */
	CHECK_EQ(search(&d), 0);
	places_check(&d);
	disk[d.entry] = 0xe5;
	CHECK_EQ(search(&d), -ENOENT);
	CHECK(strstr(f.why, "has no HWINFO.TXT"));
}

/* The one of two FATs that is said to count. */
TEST(fat_active_copy)
{
	struct fat_disk d = shapes[0];

	fat_disk_make(&d, MARK);
	memset(disk + d.fat * d.block, 0, d.fat_blocks * d.block);
	CHECK_EQ(search(&d), -ENOENT);
	disk[d.volume * d.block + 40] = 0x81;
	CHECK_EQ(search(&d), 0);
	places_check(&d);
}

TEST(fat_sizes_of_disks)
{
	struct fat_disk d = shapes[0];

	fat_disk_make(&d, MARK);
	for (d.blocks = 0; d.blocks < 300; d.blocks++)
		CHECK_EQ(search(&d), -ENOENT);
	d.block = 520;
	CHECK_EQ(search(&d), -ENOENT);
	CHECK(!strcmp(f.why, "has sectors of a size that is not read"));
}

/* Directories that are long, and longer than is looked through. */
TEST(fat_long_directory)
{
	for (unsigned n = 100; n <= 140; n += 40) {
		struct fat_disk d = shapes[0];

		d.root_clusters = n;
		fat_disk_make(&d, MARK);
		CHECK_EQ(search(&d), n == 100 ? 0 : -ENOENT);
		if (n == 100)
			places_check(&d);
		else
			CHECK(!strcmp(f.why, "has a root directory that is too long to be looked through"));
	}
}

TEST(fat_wild_by_seed)
{
	unsigned found = 0;

	for (uint64_t seed = 1; seed <= 4000; seed++) {
		struct fat_disk d = shapes[seed % SHAPES];
		random_seed(seed);
		fat_disk_make(&d, MARK);
		const uint64_t start[] = { 0, d.block, 2 * d.block, d.volume * d.block, d.fat * d.block, d.data * d.block };

		for (unsigned i = 0; i <= seed % 3; i++)
			random_mutate(disk + start[random_below(6)], d.block < 1024 ? d.block : 1024);
		if (seed & 1)
			fat_disk_sum(&d);
		if (!search(&d)) {
			places_check(&d);
			found++;
		}
	}
	CHECK(found > 400 && found < 3600);
}
