/* SPDX-License-Identifier: MIT */
/* Character devices that are only behaviour: null, zero, full, random, kmsg; and what stands in /dev. Terminals are
 * tty.c's. */
#include <linux/random.h>
#include "files.h"
#include <rt/log.h>

static long null_read(struct file *f, struct io *io, uint64_t at)
{
	(void)f;
	(void)io;
	(void)at;
	return 0;
}

static long null_write(struct file *f, struct io *io, uint64_t at)
{
	(void)f;
	(void)at;
	return (long)io->total;
}

static long zero_read(struct file *f, struct io *io, uint64_t at)
{
	size_t n = io->total, done;
	int error = 0;

	(void)f;
	(void)at;
	while (io->total && !error)
		error = io_zero(io, min_u64(io->total, PAGE));
	done = n - io->total;
	return done ? (long)done : error;
}

static long full_write(struct file *f, struct io *io, uint64_t at)
{
	(void)f;
	(void)at;
	return io->total ? -ENOSPC : 0;
}

static long random_read(struct file *f, struct io *io, uint64_t at)
{
	char chunk[256];
	size_t done = 0;
	int error = 0;

	(void)f;
	(void)at;
	while (io->total && !error) {
		size_t n = min_u64(io->total, sizeof(chunk));

		random_bytes(chunk, n);
		error = io_put(io, chunk, n);
		if (!error)
			done += n;
	}
	return done ? (long)done : error;
}

#define ENTROPY_BITS 256 /* as a generator has that was seeded once */

static long random_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	const int bits = ENTROPY_BITS;

	(void)f;
	return request == RNDGETENTCNT ? user_write(arg, &bits, sizeof bits) : -EINVAL;
}

/* Lines go to the kernel log; a `<N>` priority in front is Linux's and means nothing here. */
static long kmsg_write(struct file *f, struct io *io, uint64_t at)
{
	char line[200];
	size_t n = io->total, part = min_u64(n, sizeof(line) - 1);
	int error = io_get(io, line, part);

	(void)f;
	(void)at;
	if (error)
		return error;
	while (part && line[part - 1] == '\n')
		part--;
	line[part] = 0;
	rt_log("%s", line);
	return (long)n;
}

static const struct file_ops null_ops = { .read = null_read, .write = null_write, .seek = SEEK_ZERO };
static const struct file_ops zero_ops = { .read = zero_read, .write = null_write, .seek = SEEK_ZERO };
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .seek = SEEK_ZERO };
static const struct file_ops random_ops = { .read = random_read, .write = null_write, .ioctl = random_ioctl,
	.seek = SEEK_ZERO };
static const struct file_ops kmsg_ops = { .write = kmsg_write, .seek = SEEK_NONE };

int dev_is_zero(const struct file *f) { return f->ops == &zero_ops; }

#define PTS_MAJOR 136
#define BOX_DEVICE DEVICE(10, 250) /* a number that Linux leaves for local use: Documentation/admin-guide/devices.txt */

/* Without ops: a terminal, or a file with an opening of its own. mode: of a character device, unless it says another
 * kind. */
struct device { const char *name; uint32_t rdev, mode; const struct file_ops *ops; };
static const struct device devices[] = {
	{ "null", DEVICE(1, 3), 0666, &null_ops },
	{ "zero", DEVICE(1, 5), 0666, &zero_ops },
	{ "full", DEVICE(1, 7), 0666, &full_ops },
	{ "random", DEVICE(1, 8), 0666, &random_ops },
	{ "urandom", DEVICE(1, 9), 0666, &random_ops },
	{ "kmsg", DEVICE(1, 11), 0644, &kmsg_ops },
	{ "box", BOX_DEVICE, 0666, NULL },
	{ "tty", DEVICE(5, 0), 0666, NULL },
	{ "console", DEVICE(5, 1), 0600, NULL },
	{ "ptmx", DEVICE(5, 2), 0666, NULL },
	{ "zram0", ZRAM_DEVICE, S_IFBLK | 0660, NULL }, /* only to be named to swapon: it cannot be opened */
};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

struct link { const char *name, *target; };
static const struct link links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};
#define LINKS (sizeof(links) / sizeof(links[0]))

static int terminal_opened(struct inode *ip, unsigned flags, struct file **out)
{
	const struct fs_family *fs = fs_family();

	return fs->terminal_open ? fs->terminal_open(ip, flags, out) : -ENXIO;
}

int dev_open(struct inode *ip, unsigned flags, struct file **out)
{
	if (ip->rdev >> 8 == PTS_MAJOR)
		return terminal_opened(ip, flags, out);
	for (size_t i = 0; i < DEVICES; i++) {
		if (devices[i].rdev != ip->rdev)
			continue;
		if (ip->rdev == BOX_DEVICE)
			return box_file_open(ip, flags, out);
		if (!devices[i].ops)
			return terminal_opened(ip, flags, out);
		*out = file_new(ip, devices[i].ops, flags);
		return *out ? 0 : -ENOMEM;
	}
	return -ENXIO;
}

/* Replaces what the image may have under that name. */
static int node_add(struct inode *dev, const char *name, struct inode *ip)
{
	struct entry *e = entry_find(dev, name, strlen(name));
	int error;

	if (!ip)
		return -ENOMEM;
	if (e)
		entry_remove(e);
	error = entry_add(dev, name, strlen(name), ip);
	inode_put(ip);
	return error;
}

int dev_populate(struct inode *dev)
{
	int error = dir_load(dev);

	for (size_t i = 0; !error && i < DEVICES; i++) {
		const uint32_t mode = devices[i].mode;
		struct inode *ip = inode_make(dev->volume, mode & S_IFMT ? mode : S_IFCHR | mode);

		if (ip)
			ip->rdev = devices[i].rdev;
		error = node_add(dev, devices[i].name, ip);
	}
	for (size_t i = 0; !error && i < LINKS; i++) {
		struct inode *ip = inode_make(dev->volume, S_IFLNK | 0777);

		if (ip) {
			ip->target = links[i].target;
			ip->size = strlen(links[i].target);
		}
		error = node_add(dev, links[i].name, ip);
	}
	return error;
}
