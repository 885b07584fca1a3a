/* SPDX-License-Identifier: MIT */
/* EROFS directories: blocks of entries whose names ascend. erofs_inode_read has proved that the blocks lie in the image; nothing in them is trusted. */
#include "erofs_disk.h"
#include "string.h"

enum { NAME_LIMIT = 255 };

struct __attribute__((packed)) disk_dirent { uint64_t nid; uint16_t name_offset; uint8_t type, spare; };
_Static_assert(sizeof(struct disk_dirent) == 12, "EROFS directory entry");

/* One directory block: its bytes, how many of them, and how many entries. 0 or an error. */
struct dir_block { const uint8_t *bytes; uint32_t size, count; };

static int block_open(const struct erofs *fs, const struct erofs_inode *dir, uint64_t block, struct dir_block *out)
{
	uint64_t from = block << BLOCK_BITS, left = dir->size - from;
	struct disk_dirent first;

	out->size = left < BLOCK ? (uint32_t)left : BLOCK;
	out->bytes = fs->image + (left < BLOCK ? dir->tail : dir->offset + from);
	if (out->size < sizeof first)
		return DAMAGED;
	memcpy(&first, out->bytes, sizeof first);
	if (!first.name_offset || first.name_offset % sizeof first || first.name_offset > out->size)
		return DAMAGED;
	out->count = first.name_offset / sizeof first;
	return 0;
}

static int entry_read(const struct dir_block *b, uint32_t i, struct erofs_dirent *out)
{
	struct disk_dirent d, next;
	uint32_t end = b->size;

	memcpy(&d, b->bytes + i * sizeof d, sizeof d);
	if (i + 1 < b->count) {
		memcpy(&next, b->bytes + (i + 1) * sizeof d, sizeof next);
		end = next.name_offset;
	}
	if (d.name_offset < b->count * sizeof d || d.name_offset >= end || end > b->size)
		return DAMAGED;
	out->nid = d.nid;
	out->type = d.type;
	out->name = (const char *)b->bytes + d.name_offset;
	out->name_size = end - d.name_offset;
	/* Only the last name of a block ends by a NUL, when it does not fill the block. */
	if (i + 1 == b->count)
		out->name_size = strnlen(out->name, out->name_size);
	if (!out->name_size || out->name_size > NAME_LIMIT)
		return DAMAGED;
	for (size_t k = 0; k < out->name_size; k++)
		if (!out->name[k] || out->name[k] == '/')
			return DAMAGED;
	return 0;
}

int erofs_dir_next(const struct erofs *fs, const struct erofs_inode *dir, uint64_t *cursor, struct erofs_dirent *out)
{
	struct dir_block b;
	int error;

	if ((dir->mode & MODE_TYPE) != MODE_DIR)
		return NOT_DIR;
	/* The cursor is block number x BLOCK + entry number: a block has fewer entries than bytes. */
	while (*cursor < dir->size) {
		error = block_open(fs, dir, *cursor >> BLOCK_BITS, &b);
		if (error)
			return error;
		if ((*cursor & (BLOCK - 1)) < b.count) {
			error = entry_read(&b, *cursor & (BLOCK - 1), out);
			if (error)
				return error;
			++*cursor;
			return 1;
		}
		*cursor = (*cursor & ~(uint64_t)(BLOCK - 1)) + BLOCK;
	}
	return 0;
}

static int name_compare(const char *a, size_t a_size, const struct erofs_dirent *b)
{
	int order = memcmp(a, b->name, a_size < b->name_size ? a_size : b->name_size);

	return order ? order : a_size < b->name_size ? -1 : a_size > b->name_size;
}

int erofs_lookup(const struct erofs *fs, const struct erofs_inode *dir, const char *name, size_t name_size, uint64_t *nid)
{
	uint64_t low = 0, high = (dir->size + BLOCK - 1) >> BLOCK_BITS;
	struct erofs_dirent e;
	struct dir_block b;
	uint32_t first, last;
	int error, order;

	if ((dir->mode & MODE_TYPE) != MODE_DIR)
		return NOT_DIR;
	if (!high)
		return NO_ENTRY;
	/* Names ascend over the whole directory: find the last block whose first name is not beyond ours. */
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		error = block_open(fs, dir, middle, &b);
		if (!error)
			error = entry_read(&b, 0, &e);
		if (error)
			return error;
		if (name_compare(name, name_size, &e) < 0)
			high = middle;
		else
			low = middle;
	}
	error = block_open(fs, dir, low, &b);
	if (error)
		return error;
	for (first = 0, last = b.count; first < last; ) {
		uint32_t middle = first + (last - first) / 2;

		error = entry_read(&b, middle, &e);
		if (error)
			return error;
		order = name_compare(name, name_size, &e);
		if (!order) {
			*nid = e.nid;
			return 0;
		}
		if (order < 0)
			last = middle;
		else
			first = middle + 1;
	}
	return NO_ENTRY;
}

int erofs_path(const struct erofs *fs, const char *path, struct erofs_inode *out)
{
	int error = erofs_inode_read(fs, fs->root_nid, out);
	uint64_t nid;

	while (!error) {
		size_t n = 0;

		if (*path == '/' && (out->mode & MODE_TYPE) != MODE_DIR)
			return NOT_DIR;
		while (*path == '/')
			path++;
		if (!*path)
			return 0;
		while (path[n] && path[n] != '/')
			n++;
		error = erofs_lookup(fs, out, path, n, &nid);
		if (!error)
			error = erofs_inode_read(fs, nid, out);
		path += n;
	}
	return error;
}
