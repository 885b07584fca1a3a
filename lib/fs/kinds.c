/* SPDX-License-Identifier: MIT */
/* Kinds of file systems whose names and contents lie in memory: the root image with what is written over it, tmpfs,
 * and the folders of devices and terminals. */
#include "files.h"

#define TMPFS_MAGIC  0x01021994
#define DEVPTS_MAGIC 0x1cd1

/* An empty root, of that mode. */
static int root_make(struct volume *v, uint32_t mode)
{
	v->root = inode_make(v, S_IFDIR | mode);
	return v->root ? 0 : -ENOMEM;
}

static int image_make(struct volume *v, const char *source, char *options)
{
	struct fs_family *fs = fs_family();
	int error = inode_from_image(v, fs->erofs.root_nid, &v->root);

	(void)source;
	(void)options;
	if (!error && !IS(v->root, S_IFDIR))
		error = -ENOTDIR;
	fs->root = v->root;
	return error;
}

static int devtmpfs_make(struct volume *v, const char *source, char *options)
{
	int error = root_make(v, 0755);

	(void)source;
	(void)options;
	return error ? error : dev_populate(v->root);
}

static int devpts_make(struct volume *v, const char *source, char *options)
{
	int error = root_make(v, 0755);

	(void)source;
	(void)options;
	if (!error)
		inode_get(fs_family()->pts = v->root);
	return error;
}

/* ---- tmpfs: tmpfs(5) */
struct wish {
	uint64_t pages, inodes;
	uint32_t mode, uid, gid;
	uint8_t has_pages, has_inodes, has_mode;
};

/* Digits of that base: behind them, or NULL when there are none. */
static const char *number(const char *p, unsigned base, uint64_t *out)
{
	const char *start = p;

	for (*out = 0; *p >= '0' && *p < (char)('0' + base); p++) {
		if (*out > UINT64_MAX / base - base)
			return NULL;
		*out = *out * base + (uint64_t)(*p - '0');
	}
	return p == start ? NULL : p;
}

/* 100, 64k, 2m, 1g, and of bytes 50%: of the machine's memory. */
static int amount(const char *text, int is_bytes, uint64_t *out)
{
	static const char units[] = "kmg";
	uint64_t n, unit = 1, memory = fs_family()->memory_pages;
	const char *p = number(text, 10, &n);

	if (!p)
		return -EINVAL;
	if (is_bytes && *p == '%') {
		if (n > UINT32_MAX || p[1])
			return -EINVAL;
		*out = n * memory / 100 * PAGE;
		return 0;
	}
	for (int i = 0; *p && i < 3; i++) {
		unit <<= 10;
		if ((*p | 0x20) == units[i]) {
			p++;
			if (n > UINT64_MAX / unit)
				return -EINVAL;
			n *= unit;
			break;
		}
	}
	*out = n;
	return *p ? -EINVAL : 0;
}

static int option_take(struct wish *w, const char *name, size_t n, const char *value)
{
	uint64_t number_of;
	const char *end;
	int error;

#define NAMED(word) (n == sizeof(word) - 1 && !memcmp(name, word, n))
	if (NAMED("size") || NAMED("nr_blocks")) {
		error = amount(value, NAMED("size"), &number_of);
		w->pages = NAMED("size") ? number_of / PAGE + !!(number_of % PAGE) : number_of;
		w->has_pages = 1;
		return error;
	}
	if (NAMED("nr_inodes")) {
		w->has_inodes = 1;
		return amount(value, 0, &w->inodes);
	}
	end = number(value, NAMED("mode") ? 8 : 10, &number_of);
	if (!end || *end || number_of > UINT32_MAX)
		return -EINVAL;
	if (NAMED("mode")) {
		w->mode = number_of & 07777;
		w->has_mode = 1;
	} else if (NAMED("uid")) {
		w->uid = (uint32_t)number_of;
	} else if (NAMED("gid")) {
		w->gid = (uint32_t)number_of;
	} else {
		return -EINVAL;
	}
	return 0;
}

/* "a=1,b=2": options without a value are of no use to a tmpfs. */
static int options_read(struct wish *w, char *options)
{
	memset(w, 0, sizeof(*w));
	while (options && *options) {
		char *end = options, *value;

		while (*end && *end != ',')
			end++;
		for (value = options; value < end && *value != '=';)
			value++;
		if (end > options) {
			int last = !*end, error;

			if (value == end)
				return -EINVAL;
			*end = 0;
			error = option_take(w, options, (size_t)(value - options), value + 1);
			if (error)
				return error;
			options = last ? end : end + 1;
		} else {
			options++;
		}
	}
	return 0;
}

/* Mode and owner are those of the root's making: a remount takes and leaves them, as Linux's. */
static int tmpfs_remake(struct volume *v, char *options)
{
	struct wish w;
	int error = options_read(&w, options);

	if (error)
		return error;
	if ((w.has_pages && w.pages && w.pages < v->room.pages) ||
		(w.has_inodes && w.inodes && w.inodes < v->room.inodes))
		return -EINVAL;
	if (w.has_pages)
		v->room.pages_max = w.pages;
	if (w.has_inodes)
		v->room.inodes_max = w.inodes;
	v->is_size_given |= w.has_pages;
	v->is_count_given |= w.has_inodes;
	return 0;
}

static int tmpfs_make(struct volume *v, const char *source, char *options)
{
	uint64_t half = fs_family()->memory_pages / 2;
	struct wish w;
	int error = options_read(&w, options);

	(void)source;
	if (error)
		return error;
	error = root_make(v, w.has_mode ? w.mode : 01777);
	if (error)
		return error;
	v->room.pages_max = w.has_pages ? w.pages : half;
	v->room.inodes_max = w.has_inodes ? w.inodes : half;
	v->is_mode_given = w.has_mode;
	v->is_size_given = w.has_pages;
	v->is_count_given = w.has_inodes;
	v->root->uid = w.uid;
	v->root->gid = w.gid;
	return 0;
}

static size_t tmpfs_show(const struct volume *v, char *to, size_t max)
{
	size_t n = 0;

	if (v->is_size_given)
		n += (size_t)fmt(to + n, max - n, ",size=%luk", (unsigned long)(v->room.pages_max * (PAGE / 1024)));
	if (v->is_count_given)
		n += (size_t)fmt(to + n, max - n, ",nr_inodes=%lu", (unsigned long)v->room.inodes_max);
	if (v->is_mode_given)
		n += (size_t)fmt(to + n, max - n, ",mode=%o", v->root->mode & 07777);
	if (v->root->uid)
		n += (size_t)fmt(to + n, max - n, ",uid=%u", v->root->uid);
	if (v->root->gid)
		n += (size_t)fmt(to + n, max - n, ",gid=%u", v->root->gid);
	return n;
}

const struct fs_ops image_kind = { .name = "tmpfs", .magic = TMPFS_MAGIC, .is_internal = 1, .make = image_make };
const struct fs_ops tmpfs_kind = { .name = "tmpfs", .magic = TMPFS_MAGIC, .make = tmpfs_make, .remake = tmpfs_remake,
	.show = tmpfs_show };
const struct fs_ops devtmpfs_kind = { .name = "devtmpfs", .magic = TMPFS_MAGIC, .is_single = 1, .make = devtmpfs_make };
const struct fs_ops devpts_kind = { .name = "devpts", .magic = DEVPTS_MAGIC, .is_single = 1, .make = devpts_make };
