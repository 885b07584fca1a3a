/* SPDX-License-Identifier: MIT */
/* Root images with damage in them: whatever is read, no byte outside the image is touched and every call comes back. */
#include <posix/parts.h>
#include "calls.h"
#include <fs/files.h>

static long calls;

static void look(const char *path, int depth)
{
	char *list = malloc(8192), full[600], text[5000];
	long n, fd;
	struct stat st;

	calls++;
	SYS(stat, path, &st);
	SYS(readlink, path, text, sizeof text);
	fd = SYS(open, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0) {
		free(list);
		return;
	}
	if (SYS(pread64, fd, text, sizeof text, 0) > 0)
		SYS(pread64, fd, text, sizeof text, 16000);
	while (depth < 3 && calls < 3000 && (n = SYS(getdents64, fd, list, 8192)) > 0)
		for (long at = 0; at < n && calls < 3000; at += *(uint16_t *)(list + at + 16)) {
			const char *name = list + at + 19;

			if (!strcmp(name, ".") || !strcmp(name, ".."))
				continue;
			snprintf(full, sizeof full, "%.250s/%.255s", path, name);
			look(full, depth + 1);
		}
	SYS(close, fd);
	free(list);
}

TEST(fs_broken_images)
{
	size_t size;
	uint8_t *file = file_load(getenv("FS_IMAGE"), &size), *image = aligned_alloc(4096, (size + 4095) & ~4095ul);
	int mounted = 0;

	random_seed(73);
	for (int i = 0; i < 120; i++) {
		memcpy(image, file, size);
		/* Past the super block, whose checksum is looked at. */
		for (int k = 0; k < 1 + i % 5; k++)
			random_mutate(image + 1152, (k & 1 ? size : size / 4) - 1152);
		*family_slot_fs() = NULL;
		calls = 0;
		if (fs_init(image, size, kinds_of_linux) < 0)
			continue;
		shim_task[0].pid = shim_task[0].pgrp = shim_task[0].session = 100;
		shim_task[0].files = files_new();
		shim_task[0].places = &shim_task[0].files->places;
		mounted++;
		look("", 0);
		look("/link", 0);
		look("/", 0);
	}
	CHECK_EQ(mounted > 20 ? 21 : mounted, 21);
}
