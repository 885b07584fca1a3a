/* SPDX-License-Identifier: MIT */
/* Where the blocks of one file lie on a disk: its partitions (MBR or GPT), a FAT32 volume, that volume's root
 * directory, the file's clusters. Pure: it names the block that it wants to see next, is given it, and writes nothing.
 * What a disk says is believed as far as it agrees with itself and with the disk's size (FAT: Microsoft's specification
 * of 2000-12-06; GPT: UEFI 2.10, 5). */
#ifndef DEV_FAT_H
#define DEV_FAT_H
#include <stddef.h>
#include <stdint.h>

#define FAT_BLOCK    4096u /* bytes of the largest block */
#define FAT_CLUSTERS 128u  /* most of a file, and of the root directory as far as it is looked through */
#define FAT_VOLUMES  8u    /* that are looked at */

/* name: eight and three characters, upper case, filled up with spaces. size: bytes of the file, a multiple of FAT_BLOCK
 * and at least one. mark: how its first bytes read, no more than 512. All stay the caller's. */
struct fat_wanted { const char *name, *mark; uint32_t size, mark_size; };

struct fat_search {
	const struct fat_wanted *wanted;
	const char *why;              /* why there is no such file, as far as was seen */
	uint32_t block;               /* bytes */
	uint64_t blocks, at;          /* of the disk; the one that is wanted */
	uint8_t phase, seen;          /* seen: the phase that was come to in any volume, which tells whose reason counts */
	uint8_t volumes, volume;      /* how many, and which one is looked at */
	struct { uint64_t first, blocks; } place[FAT_VOLUMES];
	struct { uint64_t at, left; uint32_t crc, sum, entry; } table; /* GPT's entries */
	uint64_t fat, data;           /* their first blocks */
	uint32_t fat_blocks, cluster_blocks, clusters; /* clusters: as numbers have it, two more than there are */
	uint32_t directory[FAT_CLUSTERS], file[FAT_CLUSTERS], directory_count, file_count, directory_block;
};

/* Begins on a disk of so many blocks of 512 or 4096 bytes. */
void fat_search_start(struct fat_search *f, const struct fat_wanted *wanted, uint32_t block, uint64_t blocks);
/* 1: wants to see block *at; 0: the file is there; -ENOENT: it is not, f->why says why, in words that fit behind the
 * disk's name. Comes to an end after at most some thousands of blocks. */
int fat_search_next(const struct fat_search *f, uint64_t *at);
/* The block that it wanted: f->block bytes. */
void fat_search_take(struct fat_search *f, const uint8_t *bytes);
/* Of a file that is there: the block of its byte `at`, a multiple of f->block below its size. *n: so many bytes lie
 * behind one another from there on, at most `most`. */
uint64_t fat_place(const struct fat_search *f, uint32_t at, uint32_t most, uint32_t *n);
#endif
