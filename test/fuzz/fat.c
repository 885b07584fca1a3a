/* SPDX-License-Identifier: MIT */
/* The search for one file on a disk. An input is the disk's size and shape, and what becomes of the small disk that is
 * made so: its bytes are changed where the input says. */
#include <dev/fat.h>
#include "../unit/fat_disk.h"
#include "fuzz.h"

#define MARK "first line\n"
static const struct fat_wanted wanted = { "HWINFO  TXT", MARK, FAT_FILE_BYTES, sizeof MARK - 1 };
static uint8_t disk[FAT_DISK_BYTES];

static int search(struct fat_search *f, const struct fat_disk *d)
{
	uint64_t at;
	unsigned blocks = 0;
	int r;

	fat_search_start(f, &wanted, d->block, d->blocks);
	while ((r = fat_search_next(f, &at)) > 0) {
		uint8_t *copy = exact_copy(disk + at * d->block, d->block);

		PROMISE(at < d->blocks && ++blocks < 20000);
		fat_search_take(f, copy);
		free(copy);
	}
	PROMISE(!r || f->why);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t seen[FAT_DISK_BYTES / 512];
	struct fat_disk d = { .bytes = disk };
	struct fat_search f;
	uint32_t n;

	if (size < 2)
		return 0;
	d.block = data[0] & 1 ? 4096 : 512;
	d.cluster_blocks = 1u << (data[0] >> 1) % 4;
	d.table = (enum fat_table)((data[0] >> 3) % 3);
	d.is_scattered = data[0] >> 5 & 1;
	d.root_clusters = 1 + (data[0] >> 6);
	fat_disk_make(&d, MARK);
	const uint64_t start[] = { 0, d.block, 2 * d.block, d.volume * d.block, d.fat * d.block, d.data * d.block, d.entry,
		d.fat * d.block + fat_disk_cluster(&d, 0) * 4ul };
	/* Four bytes a change: where to, as far as 1 KiB from one of the places that count, and what it is. */
	for (size_t i = 2; i + 4 <= size; i += 4)
		disk[start[data[i] & 7] + (data[i] >> 3 | (unsigned)data[i + 1] << 5) % 1024] = data[i + 2];
	if (data[1] & 1 && d.table == TABLE_GPT)
		fat_disk_sum(&d);
	if (search(&f, &d))
		return 0;
	memset(seen, 0, sizeof seen);
	for (uint32_t at = 0; at < FAT_FILE_BYTES; at += n) {
		uint64_t block = fat_place(&f, at, 4096, &n);

		PROMISE(n && n % d.block == 0 && n <= 4096 && at + n <= FAT_FILE_BYTES);
		for (uint32_t i = 0; i < n / d.block; i++, block++) {
			PROMISE(block >= f.data && block < d.blocks && !seen[block]);
			seen[block] = 1;
		}
	}
	return 0;
}
