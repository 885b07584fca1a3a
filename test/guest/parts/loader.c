/* SPDX-License-Identifier: MIT */
/* A loader for a format that nobody else knows; all other files are those of the library's. */
#include <fs/files.h>
#include "parts.h"

struct flat_head { uint64_t magic, entry; };

int flat_load(struct exec_plan *plan, const char *path)
{
	struct flat_head head;
	struct inode *ip;
	uint64_t size;
	int e = inode_lookup_exec(path, &ip);

	if (e)
		return e;
	if (inode_read(ip, &head, sizeof head, 0) != sizeof head || head.magic != FLAT_MAGIC) {
		inode_put(ip);
		return load_binary(plan, path);
	}
	size = inode_size(ip);
	plan->program.inode = ip;
	plan->program.elf = (struct elf_image){
		.type = ET_EXEC, .entry = head.entry, .low = FLAT_BASE, .high = FLAT_BASE + size, .align = PAGE,
		.load_count = 1, .load = { { .va = FLAT_BASE, .file_size = size, .mem_size = size, .flags = PF_R | PF_X } },
	};
	return 0;
}
