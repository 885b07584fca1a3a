/* SPDX-License-Identifier: MIT */
/* Files that the host asked for: sent whole when the first program has ended. */
#include <fs/files.h>
#include "init.h"

static int file_open(const char *path, struct inode **out)
{
	int error = inode_lookup(path, out);

	if (error)
		return error;
	if (IS(*out, S_IFREG))
		return 0;
	error = IS(*out, S_IFDIR) ? -EISDIR : -EINVAL;
	inode_put(*out);
	*out = NULL;
	return error;
}

void init_get(struct init *in, const char *path)
{
	struct inode *ip = NULL;
	uint8_t begin[12 + 1000];
	int32_t result = file_open(path, &ip);
	uint32_t mode = 0;
	uint64_t size = 0, at = 0;
	size_t name = strnlen(path, sizeof begin - 12);

	if (!result) {
		mode = ip->mode & 07777;
		size = inode_size(ip);
	}
	memcpy(begin, &mode, 4);
	memcpy(begin + 4, &size, 8);
	memcpy(begin + 12, path, name);
	init_io_frame('B', begin, 12 + name);
	while (!result && at < size) {
		long n = inode_read(ip, in->buffer, sizeof in->buffer, at);
		if (n <= 0) {
			result = n < 0 ? (int32_t)n : -EIO;
			break;
		}
		init_io_frame('D', in->buffer, (size_t)n);
		at += (uint64_t)n;
	}
	init_io_frame('N', &result, sizeof result);
	if (ip)
		inode_put(ip);
}
