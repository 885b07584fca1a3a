/* SPDX-License-Identifier: MIT */
/* Files and folders that the host asked for: sent whole when the first program has ended. */
#include <fs/files.h>
#include "init.h"

#define PATH_ROOM 1000 /* of a path in a frame */

struct names { char name[NAME_MAX + 1]; size_t size; };

/* dir_emit: takes the first name that is not the folder's own or its parent's, and stops before the next. */
static int name_take(void *context, const char *name, size_t n, uint64_t ino, unsigned type, uint64_t next)
{
	struct names *to = context;

	(void)ino; (void)type; (void)next;
	if (to->size)
		return 1;
	if (n > NAME_MAX || (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.'))
		return 0;
	memcpy(to->name, name, n);
	to->size = n;
	return 0;
}

static int32_t file_send(struct init *in, struct inode *ip)
{
	for (uint64_t at = 0, size = inode_size(ip); at < size; ) {
		long n = inode_read(ip, in->buffer, sizeof in->buffer, at);
		if (n <= 0)
			return n < 0 ? (int32_t)n : -EIO;
		init_io_frame('D', in->buffer, (size_t)n);
		at += (uint64_t)n;
	}
	return 0;
}

static void link_send(struct init *in, struct inode *ip)
{
	for (uint64_t at = 0; at < ip->size; ) {
		uint64_t n = min_u64(ip->size - at, sizeof in->buffer);
		init_io_frame('D', ip->target + at, n);
		at += n;
	}
}

static void begin(const char *path, size_t n, uint32_t mode, uint64_t size)
{
	uint8_t frame[12 + PATH_ROOM];

	memcpy(frame, &mode, 4);
	memcpy(frame + 4, &size, 8);
	memcpy(frame + 12, path, n);
	init_io_frame('B', frame, 12 + n);
}

static int32_t node_send(struct init *in, char *path, size_t n, struct inode *ip);

/* The family's lock is held, so nothing changes on the way; path has PATH_ROOM bytes, which bound the depth, too. */
static int32_t folder_send(struct init *in, char *path, size_t n, struct inode *dir)
{
	struct names found;
	struct inode *ip;
	uint64_t at = 0;
	int32_t error = 0, one;

	for (;;) {
		found.size = 0;
		one = dir_read(dir, &at, name_take, &found);
		if (one || !found.size)
			return one ? one : error;
		if (n + 1 + found.size >= PATH_ROOM) {
			error = -ENAMETOOLONG;
			continue;
		}
		one = dir_lookup(dir, found.name, found.size, &ip);
		if (one) {
			error = one;
			continue;
		}
		path[n] = '/';
		memcpy(path + n + 1, found.name, found.size);
		one = node_send(in, path, n + 1 + found.size, ip);
		if (one)
			error = one;
		inode_put(ip);
	}
}

/* B, D..., N for a file or link; B, its nodes, N for a folder; nothing for what lives only in a machine. */
static int32_t node_send(struct init *in, char *path, size_t n, struct inode *ip)
{
	int32_t error = 0;

	if ((!IS(ip, S_IFREG) && !IS(ip, S_IFLNK) && !IS(ip, S_IFDIR)) || ip->kind == KIND_OPS)
		return 0;
	begin(path, n, ip->mode, IS(ip, S_IFDIR) ? 0 : inode_size(ip));
	if (IS(ip, S_IFREG))
		error = file_send(in, ip);
	else if (IS(ip, S_IFLNK))
		link_send(in, ip);
	else
		error = folder_send(in, path, n, ip);
	init_io_frame('N', &error, sizeof error);
	return error;
}

void init_get(struct init *in, const char *name)
{
	char path[PATH_ROOM];
	size_t n = strnlen(name, sizeof path);
	struct inode *ip = NULL;
	int32_t error = n < sizeof path ? inode_lookup(name, &ip) : -ENAMETOOLONG;

	if (!error && !IS(ip, S_IFREG) && !IS(ip, S_IFDIR))
		error = -EINVAL;
	n = min_u64(n, sizeof path);
	memcpy(path, name, n);
	if (error) {
		begin(path, n, S_IFREG, 0);
		init_io_frame('N', &error, sizeof error);
	} else {
		/* As one that asked for /x/ expects: the same names below it. */
		while (n > 1 && path[n - 1] == '/')
			n--;
		(void)node_send(in, path, n, ip);
	}
	if (ip)
		inode_put(ip);
}
