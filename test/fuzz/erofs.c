/* SPDX-License-Identifier: MIT */
/* A root image: opened, walked from the root (so many inodes and names at most), names looked up again. */
#include <base/erofs.h>
#include "fuzz.h"

static int budget;

static void visit(const struct erofs *fs, uint64_t nid, int depth)
{
	struct erofs_inode inode;
	struct erofs_dirent entry;
	uint64_t cursor = 0, again;

	if (budget-- <= 0 || erofs_inode_read(fs, nid, &inode))
		return;
	if ((inode.mode & 0170000) == 0100000 || (inode.mode & 0170000) == 0120000) {
		PROMISE(inode.offset <= fs->size && inode.size <= fs->size - inode.offset);
		PROMISE((inode.mode & 0170000) == 0120000 || inode.offset % 4096 == 0);
		return;
	}
	if ((inode.mode & 0170000) != 0040000 || depth > 8)
		return;
	while (budget-- > 0 && erofs_dir_next(fs, &inode, &cursor, &entry) == 1) {
		PROMISE((const uint8_t *)entry.name >= fs->image && (const uint8_t *)entry.name + entry.name_size <= fs->image + fs->size);
		(void)erofs_lookup(fs, &inode, entry.name, entry.name_size, &again);
		if (entry.name_size && entry.name[0] != '.')
			visit(fs, entry.nid, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct erofs fs;
	struct erofs_inode inode;
	uint8_t *room, *image;

	if (size < 4096)
		return 0;
	room = malloc(size + 4096);
	if (!room)
		abort();
	/* Page-aligned, and the last byte is the last that may be read, as far as the size is a multiple of pages. */
	image = (uint8_t *)(((uintptr_t)room + 4095) & ~4095ul);
	size &= ~4095ul;
	memcpy(image, data, size);
	image[1024 + 8] &= (uint8_t)~1; /* no checksum, so that a damaged super block gets past it */
	budget = 2000;
	if (!erofs_open(&fs, image, size)) {
		PROMISE(fs.size <= size && fs.image == image);
		visit(&fs, fs.root_nid, 0);
		(void)erofs_path(&fs, "/deep/a//b/c/d/file", &inode);
		(void)erofs_path(&fs, "many/name-0001/", &inode);
	}
	free(room);
	return 0;
}
