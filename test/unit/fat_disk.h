/* SPDX-License-Identifier: MIT */
/* A small disk with one FAT32 volume and HWINFO.TXT in it, by a few measures; for tests of who reads it. */
#ifndef UNIT_FAT_DISK_H
#define UNIT_FAT_DISK_H
#include <stdint.h>

#define FAT_DISK_BYTES (4u << 20)
#define FAT_FILE_BYTES 65536u

enum fat_table { TABLE_GPT, TABLE_MBR, TABLE_NONE };
struct fat_disk {
	uint8_t *bytes;                    /* FAT_DISK_BYTES */
	uint32_t block, cluster_blocks;
	enum fat_table table;
	int is_scattered;                  /* no two clusters of a chain lie behind one another */
	unsigned root_clusters;            /* the file's entry stands in the last */
	/* as it was made */
	uint64_t blocks, volume, fat, data;
	uint32_t fat_blocks, clusters, file_clusters;
	uint64_t entry;                    /* byte of the directory entry */
};

/* Its file begins with mark, and is empty lines. */
void fat_disk_make(struct fat_disk *d, const char *mark);
/* The file's cluster i, and the block of its byte. */
uint32_t fat_disk_cluster(const struct fat_disk *d, unsigned i);
uint64_t fat_disk_block(const struct fat_disk *d, uint32_t byte);
/* Links in both FATs. */
void fat_disk_link(struct fat_disk *d, uint32_t cluster, uint32_t next);
/* GPT's checksums, after a change of header or entries. */
void fat_disk_sum(struct fat_disk *d);
#endif
