/* SPDX-License-Identifier: MIT */
#include <base/crc32.h>
#include <string.h>
#include "fat_disk.h"

enum { RESERVED = 8, COPIES = 2, ROOT = 2, ENTRIES = 128, ENTRY = 128 };

static void put16(uint8_t *p, uint32_t v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static void put32(uint8_t *p, uint32_t v) { put16(p, v), put16(p + 2, v >> 16); }
static void put64(uint8_t *p, uint64_t v) { put32(p, (uint32_t)v), put32(p + 4, (uint32_t)(v >> 32)); }
static uint8_t *block_at(const struct fat_disk *d, uint64_t n) { return d->bytes + n * d->block; }

void fat_disk_sum(struct fat_disk *d)
{
	uint8_t *b = block_at(d, 1);

	put32(b + 88, crc32(0, block_at(d, 2), ENTRIES * ENTRY));
	put32(b + 16, 0);
	put32(b + 16, crc32(0, b, 92));
}

static void table_make(struct fat_disk *d)
{
	static const uint8_t esp[16] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0, 0xa0, 0xc9, 0x3e,
		0xc9, 0x3b };
	uint8_t *b = d->bytes, *entry;

	d->volume = d->table == TABLE_NONE ? 0 : 64;
	if (d->table == TABLE_NONE)
		return;
	put16(b + 510, 0xaa55);
	b[446 + 4] = d->table == TABLE_GPT ? 0xee : 0x0c;
	put32(b + 446 + 8, d->table == TABLE_GPT ? 1 : (uint32_t)d->volume);
	put32(b + 446 + 12, (uint32_t)(d->table == TABLE_GPT ? d->blocks - 1 : d->blocks - d->volume));
	if (d->table == TABLE_MBR)
		return;
	b = block_at(d, 1);
	memcpy(b, "EFI PART\0\0\1", 12);
	put32(b + 12, 92);
	put64(b + 24, 1);
	put64(b + 72, 2);
	put32(b + 80, ENTRIES);
	put32(b + 84, ENTRY);
	entry = block_at(d, 2) + 3 * ENTRY;
	memcpy(entry, esp, 16);
	put64(entry + 32, d->volume);
	put64(entry + 40, d->blocks - 1);
	fat_disk_sum(d);
}

static void volume_make(struct fat_disk *d)
{
	uint8_t *b = block_at(d, d->volume);
	uint32_t all = (uint32_t)(d->blocks - d->volume);

	d->fat_blocks = (all / d->cluster_blocks + 2) * 4 / d->block + 1;
	d->fat = d->volume + RESERVED;
	d->data = d->fat + COPIES * d->fat_blocks;
	d->clusters = (uint32_t)((d->blocks - d->data) / d->cluster_blocks) + 2;
	memcpy(b, "\xeb\x58\x90MTOO4043", 11);
	put16(b + 11, d->block);
	b[13] = (uint8_t)d->cluster_blocks;
	put16(b + 14, RESERVED);
	b[16] = COPIES;
	put32(b + 32, all);
	put32(b + 36, d->fat_blocks);
	put32(b + 44, ROOT);
	put16(b + 510, 0xaa55);
}

void fat_disk_link(struct fat_disk *d, uint32_t cluster, uint32_t next)
{
	for (unsigned i = 0; i < COPIES; i++)
		put32(block_at(d, d->fat + i * d->fat_blocks) + cluster * 4ul, next);
}

/* The directory has 2, and then what lies behind the file. */
static uint32_t root_cluster(const struct fat_disk *d, unsigned i)
{
	if (!i)
		return ROOT;
	return ROOT + 1 + (d->is_scattered ? 2 : 1) * d->file_clusters + (d->root_clusters - i);
}

uint32_t fat_disk_cluster(const struct fat_disk *d, unsigned i)
{
	return ROOT + 1 + (d->is_scattered ? 2 * (d->file_clusters - 1 - i) : i);
}

static uint8_t *cluster_at(const struct fat_disk *d, uint32_t n)
{
	return block_at(d, d->data + (n - 2) * (uint64_t)d->cluster_blocks);
}

uint64_t fat_disk_block(const struct fat_disk *d, uint32_t byte)
{
	uint32_t bytes = d->block * d->cluster_blocks;

	return d->data + (fat_disk_cluster(d, byte / bytes) - 2) * (uint64_t)d->cluster_blocks + byte % bytes / d->block;
}

static void file_make(struct fat_disk *d, const char *mark)
{
	const uint32_t bytes = d->block * d->cluster_blocks;
	uint32_t entries = bytes / 32;
	uint8_t *entry;

	for (unsigned i = 0; i < d->file_clusters; i++) {
		memset(cluster_at(d, fat_disk_cluster(d, i)), '\n', bytes);
		fat_disk_link(d, fat_disk_cluster(d, i), i + 1 < d->file_clusters ? fat_disk_cluster(d, i + 1) : 0xfffffff);
	}
	memcpy(cluster_at(d, fat_disk_cluster(d, 0)), mark, strlen(mark));
	for (unsigned i = 0; i < d->root_clusters; i++) {
		fat_disk_link(d, root_cluster(d, i), i + 1 < d->root_clusters ? root_cluster(d, i + 1) : 0xffffff8);
		const unsigned last = i + 1 < d->root_clusters ? entries : 5;

		for (unsigned n = 0; n < last; n++) {
			/* All are full but for the last: deleted, a long name, a volume's name, a folder, another file. */
			static const uint8_t attributes[] = { 0x20, 0x0f, 8, 0x10, 0x20 };

			entry = cluster_at(d, root_cluster(d, i)) + 32 * n;
			memcpy(entry, n % 5 == 4 ? "HWINFO  TXX" : "HWINFO  TXT", 11);
			entry[11] = attributes[n % 5];
			if (n % 5 == 0)
				entry[0] = 0xe5;
			put16(entry + 26, 0xffff);
		}
	}
	entry = cluster_at(d, root_cluster(d, d->root_clusters - 1)) + 32 * 5;
	d->entry = (uint64_t)(entry - d->bytes);
	memcpy(entry, "HWINFO  TXT\x20", 12);
	put16(entry + 20, fat_disk_cluster(d, 0) >> 16);
	put16(entry + 26, fat_disk_cluster(d, 0));
	put32(entry + 28, FAT_FILE_BYTES);
}

void fat_disk_make(struct fat_disk *d, const char *mark)
{
	memset(d->bytes, 0, FAT_DISK_BYTES);
	d->blocks = FAT_DISK_BYTES / d->block;
	table_make(d);
	volume_make(d);
	d->file_clusters = (FAT_FILE_BYTES + d->block * d->cluster_blocks - 1) / (d->block * d->cluster_blocks);
	file_make(d, mark);
}
