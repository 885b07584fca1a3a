/* SPDX-License-Identifier: MIT */
#include <asm/errno.h>
#include <base/crc32.h>
#include <base/string.h>
#include "fat.h"

enum { FIND_TABLE, FIND_HEADER, FIND_ENTRIES, FIND_VOLUME, FIND_DIRECTORY, FIND_DIRECTORY_LINK, FIND_FILE_LINK,
	FIND_MARK, FIND_DONE, FIND_NOT };
enum { SIGNATURE = 510, MBR_ENTRIES = 446, MBR_ENTRY = 16, MBR_COUNT = 4 };
enum { TYPE_FAT32 = 0x0b, TYPE_FAT32_LBA = 0x0c, TYPE_GPT = 0xee, TYPE_ESP = 0xef };
enum { GPT_HEADER = 92, GPT_ENTRY = 128, GPT_BYTES = 65536 };
enum { ENTRY = 32, ATTRIBUTES = 11, VOLUME_OR_FOLDER = 0x18, DELETED = 0xe5 };
#define NUMBER_BITS 0x0fffffffu /* of a FAT's entry */
#define LAST        0x0ffffff8u /* and above: the chain ends */

static uint32_t le16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t le32(const uint8_t *p) { return le16(p) | le16(p + 2) << 16; }
static uint64_t le64(const uint8_t *p) { return le32(p) | (uint64_t)le32(p + 4) << 32; }

static void go(struct fat_search *f, unsigned phase, uint64_t at)
{
	f->phase = (uint8_t)phase;
	f->at = at;
}

/* This volume is not the one: the next. Of several reasons that of the volume counts that went furthest. */
static void not_here(struct fat_search *f, const char *why)
{
	if (f->phase >= f->seen) {
		f->seen = f->phase;
		f->why = why;
	}
	if (f->phase >= FIND_VOLUME)
		f->volume++;
	if (f->volume < f->volumes && f->phase >= FIND_ENTRIES)
		go(f, FIND_VOLUME, f->place[f->volume].first);
	else
		f->phase = FIND_NOT;
}

void fat_search_start(struct fat_search *f, const struct fat_wanted *wanted, uint32_t block, uint64_t blocks)
{
	*f = (struct fat_search){ .wanted = wanted, .block = block, .blocks = blocks };
	if (block != 512 && block != 4096)
		not_here(f, "has sectors of a size that is not read");
	else if (blocks < 4)
		not_here(f, "is too small for a partition");
}

int fat_search_next(const struct fat_search *f, uint64_t *at)
{
	*at = f->at;
	if (f->phase == FIND_DONE)
		return 0;
	return f->phase == FIND_NOT ? -ENOENT : 1;
}

/* ---- partitions */

static int volume_add(struct fat_search *f, uint64_t first, uint64_t blocks)
{
	if (f->volumes == FAT_VOLUMES || first >= f->blocks || !blocks || blocks > f->blocks - first)
		return 0;
	f->place[f->volumes].first = first;
	f->place[f->volumes++].blocks = blocks;
	return 1;
}

static void volumes_look(struct fat_search *f)
{
	if (f->volumes)
		go(f, FIND_VOLUME, f->place[0].first);
	else
		not_here(f, "has no partition that could be Aril's");
}

/* A volume without a partition around it says how large its sectors are, where a partition table has code. */
static int is_volume(const struct fat_search *f, const uint8_t *b)
{
	return (b[0] == 0xeb || b[0] == 0xe9) && le16(b + 11) == f->block && b[13] && b[16] && !le16(b + 17) &&
		le32(b + 36);
}

static void table_take(struct fat_search *f, const uint8_t *b)
{
	const uint8_t *entry = b + MBR_ENTRIES;

	if (le16(b + SIGNATURE) != 0xaa55) {
		not_here(f, "has no partition table");
		return;
	}
	if (is_volume(f, b)) {
		(void)volume_add(f, 0, f->blocks);
		volumes_look(f);
		return;
	}
	for (unsigned i = 0; i < MBR_COUNT; i++, entry += MBR_ENTRY) {
		if (entry[4] == TYPE_GPT) {
			go(f, FIND_HEADER, 1);
			return;
		}
		if (entry[4] == TYPE_FAT32 || entry[4] == TYPE_FAT32_LBA || entry[4] == TYPE_ESP)
			(void)volume_add(f, le32(entry + 8), le32(entry + 12));
	}
	volumes_look(f);
}

static void header_take(struct fat_search *f, const uint8_t *b)
{
	static const uint8_t no_sum[4];
	uint64_t entries = le64(b + 72), bytes = le32(b + 80) * (uint64_t)le32(b + 84);
	uint32_t size = le32(b + 12), sum;

	if (memcmp(b, "EFI PART", 8) || size < GPT_HEADER || size > f->block || le64(b + 24) != 1) {
		not_here(f, "has a partition table (GPT) that is damaged");
		return;
	}
	sum = crc32(crc32(crc32(0, b, 16), no_sum, 4), b + 20, size - 20);
	f->table.entry = le32(b + 84);
	if (sum != le32(b + 16) || f->table.entry < GPT_ENTRY || f->table.entry > f->block ||
		f->block % f->table.entry || !bytes || bytes > GPT_BYTES || entries < 2 || entries >= f->blocks ||
		(bytes + f->block - 1) / f->block > f->blocks - entries) {
		not_here(f, "has a partition table (GPT) that is damaged");
		return;
	}
	f->table.left = bytes;
	f->table.crc = le32(b + 88);
	f->table.sum = 0;
	go(f, FIND_ENTRIES, entries);
}

static void entries_take(struct fat_search *f, const uint8_t *b)
{
	static const uint8_t esp[16] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0, 0xa0, 0xc9, 0x3e,
		0xc9, 0x3b };
	static const uint8_t data[16] = { 0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7,
		0x26, 0x99, 0xc7 };
	uint32_t n = f->table.left < f->block ? (uint32_t)f->table.left : f->block;

	f->table.sum = crc32(f->table.sum, b, n);
	for (uint32_t i = 0; i + f->table.entry <= n; i += f->table.entry) {
		const uint8_t *entry = b + i;
		uint64_t first = le64(entry + 32), last = le64(entry + 40);

		if ((!memcmp(entry, esp, 16) || !memcmp(entry, data, 16)) && last >= first && last < f->blocks)
			(void)volume_add(f, first, last - first + 1);
	}
	f->table.left -= n;
	if (f->table.left) {
		f->at++;
		return;
	}
	if (f->table.sum != f->table.crc) {
		f->volumes = 0;
		not_here(f, "has a partition table (GPT) that is damaged");
		return;
	}
	volumes_look(f);
}

/* ---- a volume, and the two chains in it */

static uint64_t cluster_place(const struct fat_search *f, uint32_t cluster)
{
	return f->data + (cluster - 2) * (uint64_t)f->cluster_blocks;
}

static void link_want(struct fat_search *f, unsigned phase, uint32_t cluster)
{
	go(f, phase, f->fat + cluster * 4ul / f->block);
}

static int is_cluster(const struct fat_search *f, uint32_t cluster) { return cluster >= 2 && cluster < f->clusters; }

static int is_among(const uint32_t *list, uint32_t n, uint32_t cluster)
{
	while (n--)
		if (list[n] == cluster)
			return 1;
	return 0;
}

static void directory_go(struct fat_search *f, uint32_t cluster)
{
	if (!is_cluster(f, cluster) || is_among(f->directory, f->directory_count, cluster)) {
		not_here(f, "has a damaged root directory");
	} else if (f->directory_count == FAT_CLUSTERS) {
		not_here(f, "has a root directory that is too long to be looked through");
	} else {
		f->directory[f->directory_count++] = cluster;
		f->directory_block = 0;
		go(f, FIND_DIRECTORY, cluster_place(f, cluster));
	}
}

static void volume_take(struct fat_search *f, const uint8_t *b)
{
	uint64_t all = le32(b + 32), reserved = le16(b + 14), copies = b[16], data, fat_blocks = le32(b + 36);
	uint32_t active = 0, cluster = b[13];

	f->directory_count = f->file_count = 0;
	if (le16(b + SIGNATURE) != 0xaa55 || le16(b + 11) != f->block || !cluster || cluster & (cluster - 1) || !reserved ||
		!copies || copies > 4 || le16(b + 17) || le16(b + 19) || le16(b + 22) || !fat_blocks || le16(b + 42)) {
		not_here(f, "has no FAT32 volume for its sectors where one should be");
		return;
	}
	if (le16(b + 40) & 0x80) /* the FATs are not the same, and one of them counts */
		active = le16(b + 40) & 15;
	data = reserved + copies * fat_blocks;
	if (all > f->place[f->volume].blocks || data >= all || active >= copies) {
		not_here(f, "has a FAT32 volume that is damaged");
		return;
	}
	f->fat = f->place[f->volume].first + reserved + active * fat_blocks;
	f->data = f->place[f->volume].first + data;
	f->cluster_blocks = cluster;
	f->clusters = (uint32_t)((all - data) / cluster) + 2;
	if (f->clusters > NUMBER_BITS - 16 || fat_blocks * f->block / 4 < f->clusters) {
		not_here(f, "has a FAT32 volume that is damaged");
		return;
	}
	directory_go(f, le32(b + 44));
}

static uint32_t file_clusters(const struct fat_search *f)
{
	uint32_t bytes = f->cluster_blocks * f->block;

	return (f->wanted->size + bytes - 1) / bytes;
}

static void file_go(struct fat_search *f, uint32_t cluster)
{
	if (!is_cluster(f, cluster) || is_among(f->file, f->file_count, cluster) ||
		is_among(f->directory, f->directory_count, cluster)) {
		not_here(f, "has the report's file, but its chain of clusters is damaged");
		return;
	}
	f->file[f->file_count++] = cluster;
	link_want(f, FIND_FILE_LINK, cluster);
}

static void directory_take(struct fat_search *f, const uint8_t *b)
{
	static const char none[] = "has no HWINFO.TXT, which is what a report is written into";

	for (uint32_t i = 0; i < f->block; i += ENTRY) {
		const uint8_t *entry = b + i;

		if (!entry[0]) {
			not_here(f, none);
			return;
		}
		if (entry[0] == DELETED || entry[ATTRIBUTES] & VOLUME_OR_FOLDER || memcmp(entry, f->wanted->name, 11))
			continue;
		if (le32(entry + 28) != f->wanted->size)
			not_here(f, "has a HWINFO.TXT of another size");
		else if (file_clusters(f) > FAT_CLUSTERS)
			not_here(f, "has clusters that are too small");
		else
			file_go(f, le16(entry + 26) | le16(entry + 20) << 16);
		return;
	}
	if (++f->directory_block < f->cluster_blocks)
		f->at++;
	else
		link_want(f, FIND_DIRECTORY_LINK, f->directory[f->directory_count - 1]);
}

/* What follows on a cluster in its chain, out of the FAT's block that has it. */
static uint32_t link_read(const struct fat_search *f, const uint8_t *b, uint32_t cluster)
{
	return le32(b + cluster * 4ul % f->block) & NUMBER_BITS;
}

static void directory_link_take(struct fat_search *f, const uint8_t *b)
{
	uint32_t next = link_read(f, b, f->directory[f->directory_count - 1]);

	if (next >= LAST)
		not_here(f, "has no HWINFO.TXT, which is what a report is written into");
	else
		directory_go(f, next);
}

static void file_link_take(struct fat_search *f, const uint8_t *b)
{
	const uint64_t block = f->at;
	uint32_t next;

	do {
		next = link_read(f, b, f->file[f->file_count - 1]);
		if (f->file_count == file_clusters(f)) {
			if (next < LAST)
				not_here(f, "has the report's file, but its chain of clusters is damaged");
			else
				go(f, FIND_MARK, cluster_place(f, f->file[0]));
			return;
		}
		file_go(f, next); /* refuses what ends too early */
	} while (f->phase == FIND_FILE_LINK && f->at == block);
}

static void mark_take(struct fat_search *f, const uint8_t *b)
{
	if (memcmp(b, f->wanted->mark, f->wanted->mark_size))
		not_here(f, "has a HWINFO.TXT that is not Aril's");
	else
		f->phase = FIND_DONE;
}

void fat_search_take(struct fat_search *f, const uint8_t *bytes)
{
	switch (f->phase) {
	case FIND_TABLE: table_take(f, bytes); return;
	case FIND_HEADER: header_take(f, bytes); return;
	case FIND_ENTRIES: entries_take(f, bytes); return;
	case FIND_VOLUME: volume_take(f, bytes); return;
	case FIND_DIRECTORY: directory_take(f, bytes); return;
	case FIND_DIRECTORY_LINK: directory_link_take(f, bytes); return;
	case FIND_FILE_LINK: file_link_take(f, bytes); return;
	case FIND_MARK: mark_take(f, bytes); return;
	}
}

uint64_t fat_place(const struct fat_search *f, uint32_t at, uint32_t most, uint32_t *n)
{
	const uint32_t bytes = f->cluster_blocks * f->block;
	uint32_t i = at / bytes, end = f->wanted->size - at;
	const uint64_t block = cluster_place(f, f->file[i]) + at % bytes / f->block;

	*n = bytes - at % bytes;
	while (++i < f->file_count && f->file[i] == f->file[i - 1] + 1 && *n < most)
		*n += bytes;
	if (*n > end)
		*n = end;
	if (*n > most)
		*n = most;
	return block;
}
