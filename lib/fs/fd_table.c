/* SPDX-License-Identifier: MIT */
/* The descriptor tables of processes: which numbers are open, which of them exec closes, and how a table grows. */
#include <linux/resource.h>
#include "files.h"

#define WORD_BITS 64
_Static_assert(FD_FEW == WORD_BITS, "the words of a table that never grew are one each");

static int bit_is(const uint64_t *words, uint32_t fd) { return words[fd / WORD_BITS] >> (fd % WORD_BITS) & 1; }

static void bit_set(uint64_t *words, uint32_t fd, int on)
{
	uint64_t bit = 1ul << (fd % WORD_BITS);

	words[fd / WORD_BITS] = on ? words[fd / WORD_BITS] | bit : words[fd / WORD_BITS] & ~bit;
}

/* A table without a block of its own lies in the record: most processes never leave it. */
static void table_few(struct file_state *fs)
{
	fs->fd = fs->few;
	fs->open = &fs->few_open;
	fs->cloexec = &fs->few_cloexec;
	fs->full = &fs->few_full;
	fs->size = FD_FEW;
}

static uint32_t full_words(uint32_t size) { return (size / WORD_BITS + WORD_BITS - 1) / WORD_BITS; }

/* Room for descriptors below `size`, a power of two above FD_FEW: one block holds the files, then the bits of the open
 * ones, those of close-on-exec, those of full words. */
static int table_grow(struct file_state *fs, uint32_t size)
{
	uint32_t words = size / WORD_BITS, before = fs->size / WORD_BITS;
	struct file **fd = fam_alloc((size_t)size * sizeof(*fd) + (words * 2ul + full_words(size)) * sizeof(uint64_t));
	uint64_t *open = (uint64_t *)(fd + size), *cloexec = open + words, *full = cloexec + words;

	if (!fd)
		return -ENOMEM;
	family_progress(); /* a large one is long cleared and copied */
	memcpy(fd, fs->fd, fs->size * sizeof(*fd));
	memcpy(open, fs->open, before * sizeof(*open));
	memcpy(cloexec, fs->cloexec, before * sizeof(*cloexec));
	memcpy(full, fs->full, full_words(fs->size) * sizeof(*full));
	if (fs->fd != fs->few)
		fam_free(fs->fd);
	fs->fd = fd;
	fs->open = open;
	fs->cloexec = cloexec;
	fs->full = full;
	fs->size = size;
	return 0;
}

static uint32_t size_for(uint32_t fd)
{
	uint32_t size = FD_FEW;

	while (size <= fd)
		size *= 2;
	return size;
}

int fd_next(const struct file_state *fs, uint32_t from)
{
	for (uint32_t word = from / WORD_BITS; word < fs->size / WORD_BITS; word++) {
		uint64_t left = fs->open[word];

		if (word == from / WORD_BITS)
			left &= ~0ul << (from % WORD_BITS);
		if (left)
			return (int)(word * WORD_BITS) + __builtin_ctzl(left);
	}
	return -1;
}

int fd_limit(void)
{
	return (int)min_u64(current_limit(RLIMIT_NOFILE), FD_MAX);
}

/* The first free one in a word behind that one, or the table's size. */
static uint32_t free_behind(const struct file_state *fs, uint32_t word)
{
	uint32_t words = fs->size / WORD_BITS;

	for (word++; word < words; word = (word / WORD_BITS + 1) * WORD_BITS) {
		uint64_t left = ~fs->full[word / WORD_BITS] & ~0ul << (word % WORD_BITS);

		if (!left)
			continue;
		word = word / WORD_BITS * WORD_BITS + (uint32_t)__builtin_ctzl(left);
		return word < words ? word * WORD_BITS + (uint32_t)__builtin_ctzl(~fs->open[word]) : fs->size;
	}
	return fs->size;
}

int fd_free(struct file_state *fs, int from)
{
	uint32_t fd = (uint32_t)from < fs->free_from ? fs->free_from : (uint32_t)from;
	int limit = fd_limit();

	if (fd < fs->size) {
		uint64_t left = ~fs->open[fd / WORD_BITS] & ~0ul << (fd % WORD_BITS);

		if (left)
			fd = fd / WORD_BITS * WORD_BITS + (uint32_t)__builtin_ctzl(left);
		else
			fd = free_behind(fs, fd / WORD_BITS);
	}
	return fd < (uint32_t)limit ? (int)fd : -EMFILE;
}

int fd_new(struct file_state *fs, struct file *f, int from, int cloexec)
{
	int fd = fd_free(fs, from);

	if (fd >= 0 && (uint32_t)fd >= fs->size) {
		if ((uint32_t)fd >= (uint32_t)fs_family()->fd_most)
			fd = -EMFILE;
		else if (table_grow(fs, size_for((uint32_t)fd)))
			fd = -ENOMEM;
	}
	if (fd < 0) {
		file_put(f);
		return fd;
	}
	fs->fd[fd] = f;
	bit_set(fs->open, (uint32_t)fd, 1);
	bit_set(fs->cloexec, (uint32_t)fd, cloexec);
	if (fs->open[fd / WORD_BITS] == ~0ul)
		bit_set(fs->full, (uint32_t)fd / WORD_BITS, 1);
	if ((uint32_t)from <= fs->free_from)
		fs->free_from = (uint32_t)fd + 1;
	return fd;
}

void fd_close(struct file_state *fs, int fd)
{
	struct file *f = fs->fd[fd];

	family_progress(); /* it may be one of many */
	fs->fd[fd] = NULL;
	bit_set(fs->open, (uint32_t)fd, 0);
	bit_set(fs->full, (uint32_t)fd / WORD_BITS, 0);
	bit_set(fs->cloexec, (uint32_t)fd, 0);
	if ((uint32_t)fd < fs->free_from)
		fs->free_from = (uint32_t)fd;
	if (f->ip->locks)
		locks_release(f->ip, fs);
	if (f->ops->closed)
		f->ops->closed(f, fs);
	file_put(f);
}

int fd_cloexec(const struct file_state *fs, uint32_t fd) { return bit_is(fs->cloexec, fd); }
void fd_cloexec_set(struct file_state *fs, uint32_t fd, int on) { bit_set(fs->cloexec, fd, on); }

struct file *fd_any(int fd)
{
	struct file *f = fd_at(current_files(), (uint32_t)fd);

	if (f)
		file_get(f);
	return f;
}

struct file *fd_file(int fd)
{
	struct file *f = fd_any(fd);

	if (f && (f->flags & O_PATH)) {
		file_put(f);
		f = NULL;
	}
	return f;
}

static struct file_state *record_new(void)
{
	struct file_state *fs = fam_alloc(sizeof(*fs));

	if (fs)
		table_few(fs);
	return fs;
}

static void record_put(struct file_state *fs)
{
	if (!fs->users && !fs->places.users)
		fam_free(fs);
}

static struct file_state *record_of(struct places *p)
{
	return (struct file_state *)((char *)p - offsetof(struct file_state, places));
}

struct file_state *files_new(void)
{
	struct file_state *fs = record_new();

	if (!fs)
		return NULL;
	fs->users = 1;
	fs->places = (struct places){ .users = 1, .umask = 022, .cwd = { fs_family()->mounts, fs_family()->root } };
	place_get(&fs->places.cwd);
	return fs;
}

/* How large a copy must be: as Linux's, by the highest one that is open. */
static uint32_t word_top(const struct file_state *fs)
{
	uint32_t word = fs->size / WORD_BITS;

	while (word > 1 && !fs->open[word - 1])
		word--;
	return word;
}

static uint32_t size_used(const struct file_state *fs) { return size_for(word_top(fs) * WORD_BITS - 1); }

struct file_state *files_fork(struct file_state *of, int *error)
{
	struct file_state *fs;
	uint32_t size = size_used(of), words = size / WORD_BITS;

	/* As Linux: who has one beyond what is now the most has no copy. */
	*error = -EMFILE;
	if (word_top(of) > ((uint32_t)fs_family()->fd_most + WORD_BITS - 1) / WORD_BITS)
		return NULL;
	*error = -ENOMEM;
	fs = record_new();
	if (!fs)
		return NULL;
	if (size > FD_FEW && table_grow(fs, size)) {
		fam_free(fs);
		return NULL;
	}
	fs->users = 1;
	fs->free_from = of->free_from;
	memcpy(fs->open, of->open, words * sizeof(*fs->open));
	memcpy(fs->cloexec, of->cloexec, words * sizeof(*fs->cloexec));
	memcpy(fs->full, of->full, full_words(size) * sizeof(*fs->full));
	for (int fd = fd_next(of, 0); fd >= 0; fd = fd_next(of, (uint32_t)fd + 1)) {
		family_progress(); /* it may be one of many */
		fs->fd[fd] = of->fd[fd];
		file_get(fs->fd[fd]);
	}
	return fs;
}

struct places *places_fork(const struct places *of, struct file_state *in)
{
	if (!in && !(in = record_new()))
		return NULL;
	in->places = *of;
	in->places.users = 1;
	place_get(&in->places.cwd);
	if (in->places.root.inode)
		place_get(&in->places.root);
	return &in->places;
}

int files_are_shared(const struct file_state *fs) { return fs->users > 1; }

int files_own(struct file_state **of)
{
	int error = 0;
	struct file_state *own = files_are_shared(*of) ? files_fork(*of, &error) : *of;

	if (!own)
		return error;
	if (own != *of)
		files_free(*of);
	*of = own;
	return 0;
}

int places_own(struct places **of)
{
	struct places *own = (*of)->users > 1 ? places_fork(*of, NULL) : *of;

	if (!own)
		return -ENOMEM;
	if (own != *of)
		places_free(*of);
	*of = own;
	return 0;
}

void files_exec(struct file_state *fs)
{
	for (int fd = fd_next(fs, 0); fd >= 0; fd = fd_next(fs, (uint32_t)fd + 1))
		if (bit_is(fs->cloexec, (uint32_t)fd))
			fd_close(fs, fd);
}

struct file_state *files_share(struct file_state *fs)
{
	fs->users++;
	return fs;
}

struct places *places_share(struct places *p)
{
	p->users++;
	return p;
}

/* The record stays while its last user closes: that may sleep. */
void files_free(struct file_state *fs)
{
	if (fs->users > 1) {
		fs->users--;
		return;
	}
	for (int fd = fd_next(fs, 0); fd >= 0; fd = fd_next(fs, (uint32_t)fd + 1))
		fd_close(fs, fd);
	lock_waits_drop(fs);
	if (fs->fd != fs->few)
		fam_free(fs->fd);
	fs->users = 0;
	record_put(fs);
}

void places_free(struct places *p)
{
	if (p->users > 1) {
		p->users--;
		return;
	}
	place_put(&p->cwd);
	if (p->root.inode)
		place_put(&p->root);
	p->users = 0;
	record_put(record_of(p));
}

int files_open_inode(struct file_state *fs, struct inode *ip)
{
	struct file *f;
	int error = inode_open(ip, O_RDONLY, &f);

	return error ? error : fd_new(fs, f, 0, 0);
}
