/* SPDX-License-Identifier: MIT */
/* Contents of regular files: pages of the root image until one is written or cut, then pages of family memory, in a radix tree that grows with the file. */
#include <asm/signal.h>
#include <linux/resource.h>
#include "files.h"

#define WAY_SHIFT 9
#define WAYS      (1u << WAY_SHIFT)

/* Pages that a tree of that height can hold. */
static uint64_t reach(unsigned height)
{
	return 1ul << (WAY_SHIFT * height);
}

static void *memory_page(const struct pages *p, uint64_t index)
{
	void *node = p->root;

	if (index >= reach(p->height))
		return NULL;
	for (unsigned h = p->height; h && node; h--)
		node = ((void **)node)[index >> (WAY_SHIFT * (h - 1)) & (WAYS - 1)];
	return node;
}

void *page_find(struct inode *ip, uint64_t index)
{
	void *page = memory_page(&ip->pages, index);

	if (!page && index * PAGE < ip->pages.backed)
		page = (void *)(uintptr_t)(ip->pages.image + index * PAGE);
	return page;
}

/* The volume has room for another page. */
static int pages_left(const struct inode *ip)
{
	const struct volume_room *room = ip->volume ? &ip->volume->room : NULL;

	return !room || !room->pages_max || room->pages < room->pages_max;
}

/* What mappings may show is not the file's any more. */
static void pages_cut(struct pages *p)
{
	p->cuts = mappings_look();
}

void *page_make(struct inode *ip, uint64_t index)
{
	struct pages *p = &ip->pages;
	void **link = &p->root, *page = memory_page(p, index);

	if (page)
		return page;
	while (index >= reach(p->height)) {
		if (p->root) {
			void **node = fam_content(1);

			if (!node)
				return NULL;
			node[0] = p->root;
			p->root = node;
		}
		p->height++;
	}
	for (unsigned h = p->height; h; h--) {
		if (!*link && !(*link = fam_content(1)))
			return NULL;
		link = &((void **)*link)[index >> (WAY_SHIFT * (h - 1)) & (WAYS - 1)];
	}
	if (index * PAGE >= p->backed && !pages_left(ip))
		return NULL;
	page = data_page(ROOM_CONTENT);
	if (!page)
		return NULL;
	if (index * PAGE < p->backed) {
		memcpy(page, p->image + index * PAGE, min_u64(PAGE, p->backed - index * PAGE));
		if (p->mapped)
			pages_cut(p);
	} else {
		p->count++;
		if (ip->volume)
			ip->volume->room.pages++;
	}
	*link = page;
	return page;
}

/* Drops the pages from index `from` on in the tree below *link. Those that a mapping may show stay there until it
 * looks: zeros, in case somebody is just being served. */
static void tree_cut(struct pages *p, void **link, unsigned height, uint64_t from)
{
	void **node = *link;

	if (!node)
		return;
	if (!height) {
		if (p->mapped) {
			memset(node, 0, PAGE);
			data_page_leave(node);
		} else {
			data_page_free(node);
		}
		*link = NULL;
		p->count--;
		return;
	}
	for (uint64_t i = from >> (WAY_SHIFT * (height - 1)); i < WAYS; i++) {
		uint64_t start = i << (WAY_SHIFT * (height - 1));

		tree_cut(p, &node[i], height - 1, start < from ? from - start : 0);
	}
	if (from == 0) {
		fam_pages_free(node, 1);
		*link = NULL;
	}
}

/* Drops the pages [from, to) in the tree below *link, as tree_cut does; its nodes stay. */
static void tree_punch(struct pages *p, void **link, unsigned height, uint64_t from, uint64_t to)
{
	void **node = *link;
	unsigned shift = WAY_SHIFT * (height - 1);

	if (!node)
		return;
	if (!height) {
		tree_cut(p, link, 0, 0);
		return;
	}
	for (uint64_t i = from >> shift; i < WAYS && i << shift < to; i++) {
		uint64_t start = i << shift, end = start + (1ul << shift);

		tree_punch(p, &node[i], height - 1, start < from ? from - start : 0, min_u64(to, end) - start);
	}
}

/* The file occupied so many pages before some were dropped. */
static void pages_gone(const struct inode *ip, uint64_t before)
{
	if (ip->volume)
		ip->volume->room.pages -= before - ip->pages.count;
}

/* Those bytes of a page that is there. */
static int bytes_clear(struct inode *ip, uint64_t at, size_t n)
{
	char *page = page_find(ip, at / PAGE);

	if (page && !(page = page_make(ip, at / PAGE)))
		return -ENOSPC;
	if (page)
		memset(page + at % PAGE, 0, n);
	return data_lost() ? -EIO : 0;
}

int file_punch(struct inode *ip, uint64_t at, uint64_t n)
{
	struct pages *p = &ip->pages;
	uint64_t end = at + n, last = end / PAGE;
	int error = 0;

	/* Of the image's pages none goes: they are hidden by zeros. */
	while (!error && at < end && (at % PAGE || at < p->backed)) {
		size_t part = min_u64(PAGE - at % PAGE, end - at);

		error = bytes_clear(ip, at, part);
		at += part;
	}
	if (!error && at < end && end % PAGE)
		error = bytes_clear(ip, last * PAGE, end % PAGE);
	if (!error && at / PAGE < last && at / PAGE < reach(p->height)) {
		uint64_t before = p->count;

		tree_punch(p, &p->root, p->height, at / PAGE, min_u64(last, reach(p->height)));
		pages_gone(ip, before);
		if (p->mapped)
			pages_cut(p);
	}
	inode_touch(ip, TOUCH_M | TOUCH_C);
	return data_lost() ? -EIO : error;
}

int file_zero(struct inode *ip, uint64_t at, uint64_t n)
{
	int error = 0;

	for (uint64_t end = at + n; !error && at < end; at += min_u64(PAGE - at % PAGE, end - at)) {
		error = bytes_clear(ip, at, min_u64(PAGE - at % PAGE, end - at));
		family_progress();
	}
	inode_touch(ip, TOUCH_M | TOUCH_C);
	return error;
}

/* Image pages below memory pages are counted once; this makes both kinds countable before the image part shrinks. */
static void image_cut(struct pages *p, uint64_t size)
{
	uint64_t before = (p->backed + PAGE - 1) / PAGE, after = size / PAGE;

	if (size >= p->backed)
		return;
	for (uint64_t i = after; i < before; i++)
		if (!memory_page(p, i))
			p->count--;
	p->backed = after * PAGE;
}

int file_resize(struct inode *ip, uint64_t size)
{
	struct pages *p = &ip->pages;
	uint64_t first = (size + PAGE - 1) / PAGE, before;

	if (size > FILE_LIMIT)
		return -EFBIG;
	/* Pages that were allocated past the end go too. */
	if (size <= ip->size) {
		if (size < ip->size && size % PAGE) {
			char *page = page_find(ip, size / PAGE);

			if (page && !(page = page_make(ip, size / PAGE)))
				return -ENOSPC;
			if (page)
				memset(page + size % PAGE, 0, PAGE - size % PAGE);
		}
		before = p->count;
		image_cut(p, size);
		if (first < reach(p->height))
			tree_cut(p, &p->root, p->height, first);
		if (!p->root)
			p->height = 0;
		pages_gone(ip, before);
		if (p->mapped && size < ip->size)
			pages_cut(p);
	}
	ip->size = size;
	inode_touch(ip, TOUCH_M | TOUCH_C);
	return data_lost() ? -EIO : 0;
}

void pages_free(struct inode *ip)
{
	uint64_t before = ip->pages.count;

	ip->pages.mapped = 0;
	tree_cut(&ip->pages, &ip->pages.root, ip->pages.height, 0);
	pages_gone(ip, before);
}

void *inode_page(struct inode *ip, uint64_t index, int make)
{
	if (!IS(ip, S_IFREG) || ip->kind != KIND_TREE || index >= (ip->size + PAGE - 1) / PAGE)
		return NULL;
	ip->pages.mapped = 1;
	return make ? page_make(ip, index) : page_find(ip, index);
}

uint32_t inode_cuts(struct inode *ip) { return IS(ip, S_IFREG) && ip->kind == KIND_TREE ? ip->pages.cuts : 0; }

static long contents_read(struct inode *ip, struct io *io, uint64_t at)
{
	size_t done = 0;

	while (io->total && at < ip->size) {
		size_t n = min_u64(min_u64(PAGE - at % PAGE, io->total), ip->size - at);
		size_t before = io->total;
		char *page = page_find(ip, at / PAGE);
		int error = page ? io_put(io, page + at % PAGE, n) : io_zero(io, n);

		done += before - io->total;
		if (error)
			return done ? (long)done : error;
		at += n;
	}
	return data_lost() ? -EIO : (long)done;
}

static long regular_read(struct file *f, struct io *io, uint64_t at)
{
	struct inode *ip = f->ip;
	long done = contents_read(ip, io, at);

	if (done > 0 && !(f->flags & O_NOATIME) && ip->atime <= ip->mtime &&
		!(f->mount && f->mount->flags & (MOUNT_NOATIME | MOUNT_READ_ONLY)))
		inode_touch(ip, TOUCH_A);
	return done;
}

static long contents_write(struct inode *ip, struct io *io, uint64_t at)
{
	size_t done = 0;
	int error = 0;

	if (!io->total)
		return 0;
	if (at >= FILE_LIMIT)
		return -EFBIG;
	while (io->total && at < FILE_LIMIT && !error) {
		size_t n = min_u64(PAGE - at % PAGE, io->total), before = io->total;
		char *page = page_make(ip, at / PAGE);

		if (!page) {
			error = -ENOSPC;
			break;
		}
		error = io_get(io, page + at % PAGE, n);
		n = before - io->total;
		at += n;
		done += n;
		if (n && at > ip->size)
			ip->size = at;
	}
	if (data_lost())
		return -EIO;
	if (!done)
		return error;
	inode_touch(ip, TOUCH_M | TOUCH_C);
	return (long)done;
}

int size_allowed(uint64_t size)
{
	if (size <= current_limit(RLIMIT_FSIZE))
		return 0;
	(void)signal_send(current_pid(), SIGXFSZ);
	return -EFBIG;
}

int write_allowed(struct io *io, uint64_t at)
{
	uint64_t limit = current_limit(RLIMIT_FSIZE);

	if (io->total && at >= limit)
		return size_allowed(at + io->total);
	if (io->total > limit - at)
		io->total = (size_t)(limit - at);
	return 0;
}

static long regular_write(struct file *f, struct io *io, uint64_t at)
{
	int error;

	if (f->ip->seals && io->total && seals_allow_write(f->ip, at + io->total))
		return -EPERM;
	error = write_allowed(io, at);
	return error ? error : contents_write(f->ip, io, at);
}

long inode_read(struct inode *ip, void *to, size_t n, uint64_t at)
{
	struct io io;

	if (!IS(ip, S_IFREG) || ip->kind != KIND_TREE)
		return IS(ip, S_IFDIR) ? -EISDIR : -EINVAL;
	io_lib(&io, to, n);
	return contents_read(ip, &io, at);
}

long inode_write(struct inode *ip, const void *from, size_t n, uint64_t at)
{
	struct io io;

	io_lib(&io, (void *)from, n);
	return contents_write(ip, &io, at);
}

const struct file_ops regular_ops = { .read = regular_read, .write = regular_write, .seek = SEEK_FILE,
	.is_regular = 1 };
