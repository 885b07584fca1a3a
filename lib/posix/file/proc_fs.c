/* SPDX-License-Identifier: MIT */
/* /proc and /sys as file systems: nodes by their rows. Inodes live only while somebody uses them; a node has the
 * same number whenever it is made. */
#include "proc.h"
#include <run/thread.h>
#include "efi_vars.h"

#define TEXT_PAGES     16
#define TEXT_PAGES_BIG 256  /* at first */
#define TEXT_PAGES_MOST 4096

/* Rows lie in the library's text, at addresses that are the same for all. */
static uint64_t node_number(const struct shown *row, int pid, int fd)
{
	uint64_t place = (uintptr_t)row / 8 & 0xfffff;

	return 0xf0000000ul + (((uint64_t)pid << 22 | ((uint64_t)(fd + 1) & 0x3fffff)) << 20 | place);
}

static struct inode *shown_make(struct volume *v, const struct shown *row, int pid, int fd)
{
	struct inode *ip = inode_make(v, row->mode);

	if (!ip)
		return NULL;
	memset(&ip->dir, 0, sizeof(ip->dir));
	ip->kind = KIND_OPS;
	ip->proc = (struct proc_node){ .row = row, .pid = pid, .fd = fd };
	ip->ino = node_number(row, pid, fd);
	return ip;
}

int proc_node_make(struct inode *dir, const struct shown *row, int pid, int fd, struct inode **out)
{
	struct inode *ip = shown_make(dir->volume, row, pid, fd);

	if (!ip)
		return -ENOMEM;
	inode_get(dir);
	ip->parent = dir;
	if (S_ISLNK(row->mode) && row->fixed)
		ip->size = strlen(row->fixed);
	else if (row->jump)
		ip->size = 64;
	*out = ip;
	return 0;
}

long proc_number(const char *name, size_t n)
{
	long value = 0;

	if (!n || n > 6 || (name[0] == '0' && n > 1))
		return -1;
	while (n--) {
		if (*name < '0' || *name > '9')
			return -1;
		value = value * 10 + (*name++ - '0');
	}
	return value;
}

static int is_gone(const struct proc_node *of)
{
	return of->pid && !thread_by_tid(of->pid);
}

static int shown_lookup(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	const struct shown *row = dir->proc.row;

	if (is_gone(&dir->proc))
		return -ENOENT;
	for (const struct shown *r = row->in; r && r->name; r++)
		if (*r->name == *name && strlen(r->name) == n && !memcmp(r->name, name, n))
			return proc_node_make(dir, r, dir->proc.pid, dir->proc.fd, out);
	return row->more ? row->more->find(dir, name, n, out) : -ENOENT;
}

static int shown_read_dir(struct inode *dir, uint64_t *at, dir_emit *emit, void *context)
{
	const struct shown *row = dir->proc.row, *r;
	uint64_t fixed = 2, number;
	struct proc_node of;
	char name[64];

	if (is_gone(&dir->proc))
		return 0;
	for (r = row->in; r && r->name; r++, fixed++) {
		if (*at > fixed)
			continue;
		if (emit(context, r->name, strlen(r->name), node_number(r, dir->proc.pid, dir->proc.fd), r->mode >> 12,
			fixed + 1))
			return 0;
		*at = fixed + 1;
	}
	for (number = *at - fixed; row->more && row->more->next(dir, &number, name, &r, &of); number++) {
		if (emit(context, name, strlen(name), node_number(r, of.pid, of.fd), r->mode >> 12, fixed + number + 1))
			return 0;
		*at = fixed + number + 1;
	}
	return 0;
}

static int shown_jump(struct inode *link, struct place *to)
{
	const struct shown *row = link->proc.row;

	if (!row->jump)
		return 1;
	return is_gone(&link->proc) ? -ENOENT : row->jump(link, to);
}

static long shown_link_text(struct inode *link, const char **text)
{
	const struct shown *row = link->proc.row;
	struct text t = { link->proc.text, sizeof(link->proc.text), 0 };

	*text = row->fixed;
	if (row->fixed)
		return (long)strlen(row->fixed);
	row->text(&t, &link->proc);
	*text = t.to;
	return (long)t.n;
}

/* From the node up to its root; a name that comes and goes is its number, or its process's. */
static long shown_path(const struct inode *ip, char *to, size_t max)
{
	const struct inode *chain[16];
	struct text t = { to, max, 0 };
	size_t n = 0;

	if (strchr(ip->proc.row->name, ':')) /* a namespace's file is named by itself */
		return fmt(to, max, "%s", ip->proc.row->name);
	for (; ip->parent && n < sizeof(chain) / sizeof(chain[0]); ip = ip->parent)
		chain[n++] = ip;
	while (n--) {
		const struct proc_node *of = &chain[n]->proc;

		if (of->row->name[0] && of->row->name[0] != '%')
			say(&t, "/%s", of->row->name);
		else if (of->row->name[0])
			say(&t, "/%s%d", of->row->name + 1, of->fd);
		else
			say(&t, "/%d", of->fd >= 0 ? of->fd : of->pid);
	}
	return (long)t.n;
}

/* What reads see: made at the first one and at every one from the start. */
struct proc_bytes { size_t size, pages; char bytes[]; };

static size_t room_of(const struct proc_bytes *b) { return b->pages * PAGE - sizeof(*b); }

static size_t shown_text(const struct inode *ip, char *to, size_t max)
{
	const struct shown *row = ip->proc.row;
	struct text t = { to, max, 0 };

	if (row->fixed)
		say(&t, "%s\n", row->fixed);
	else if (row->text)
		row->text(&t, &ip->proc);
	return t.n;
}

/* Made anew with four times the room, as often as it does not fit: maps of who has tens of thousands. */
static struct proc_bytes *text_make(const struct inode *ip, struct proc_bytes *b)
{
	struct proc_bytes *more;

	b->size = shown_text(ip, b->bytes, room_of(b));
	while (ip->proc.row->is_big && b->size + 1 >= room_of(b) && b->pages < TEXT_PAGES_MOST) {
		more = fam_pages_any(b->pages * 4);
		if (!more)
			break;
		more->pages = b->pages * 4;
		fam_pages_free(b, b->pages);
		b = more;
		b->size = shown_text(ip, b->bytes, room_of(b));
	}
	return b;
}

static long proc_read(struct file *f, struct io *io, uint64_t at)
{
	struct proc_bytes *b = f->own;
	size_t n, pages = f->ip->proc.row->is_big ? TEXT_PAGES_BIG : TEXT_PAGES;

	if (f->ip->proc.row->move)
		return f->ip->proc.row->move(&f->ip->proc, io, at, 0);
	if (!f->ip->proc.row->text && !f->ip->proc.row->fixed)
		return -EINVAL;
	if (!b) {
		if (!(b = f->own = fam_pages_any(pages)))
			return -ENOMEM;
		b->size = 0;
		b->pages = pages;
	}
	if (at == 0 || !b->size)
		b = f->own = text_make(f->ip, b);
	if (is_gone(&f->ip->proc))
		return -ESRCH;
	if (at >= b->size)
		return 0;
	n = min_u64(io->total, b->size - at);
	return io_put(io, b->bytes + at, n) < 0 ? -EFAULT : (long)n;
}

static long proc_write(struct file *f, struct io *io, uint64_t at)
{
	const struct shown *row = f->ip->proc.row;
	size_t n = io->total, part = min_u64(n, BINFMT_LINE_MAX);
	char *text;
	long e;

	if (row->move)
		return row->move(&f->ip->proc, io, at, 1);
	if (!row->take)
		return -EACCES;
	if (n > BINFMT_LINE_MAX && (f->ip->mode & 0777) == 0200)
		return -EINVAL;
	if (is_gone(&f->ip->proc))
		return -ESRCH;
	if (!(text = fam_pages(1)))
		return -ENOMEM;
	e = io_get(io, text, part) ? -EFAULT : row->take(&f->ip->proc, text, part);
	fam_pages_free(text, 1);
	return e ? e : (long)n;
}

static void proc_release(struct file *f)
{
	struct proc_bytes *b = f->own;

	if (b)
		fam_pages_free(b, b->pages);
}

static long proc_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	const struct shown *row = f->ip->proc.row;

	return row->control ? row->control(f, request, arg) : -ENOTTY;
}

/* A process's memory has no end. */
static int64_t proc_end(struct file *f)
{
	return f->ip->proc.row->move ? -EINVAL : (int64_t)f->ip->size;
}

static const struct file_ops shown_ops = {
	.read = proc_read, .write = proc_write, .release = proc_release, .ioctl = proc_ioctl, .seek = SEEK_FILE,
	.end = proc_end,
};

/* ---- the three that are shown so */
static int shown_root(struct volume *v, const struct shown *row)
{
	v->root = shown_make(v, row, 0, -1);
	return v->root ? 0 : -ENOMEM;
}

static int proc_make(struct volume *v, const char *source, char *options)
{
	(void)source;
	(void)options;
	return shown_root(v, &proc_root);
}

static int sysfs_make(struct volume *v, const char *source, char *options)
{
	(void)source;
	(void)options;
	return shown_root(v, &sys_root);
}

static int cgroup_make(struct volume *v, const char *source, char *options)
{
	(void)source;
	(void)options;
	return shown_root(v, &cgroup_root);
}

#define SHOWN .is_single = 1, .regular = &shown_ops, .lookup = shown_lookup, .read_dir = shown_read_dir, \
	.jump = shown_jump, .link_text = shown_link_text, .path = shown_path
const struct fs_ops proc_kind = { .name = "proc", .magic = 0x9fa0, .make = proc_make, SHOWN };
const struct fs_ops sysfs_kind = { .name = "sysfs", .magic = 0x62656572, .make = sysfs_make, SHOWN };
const struct fs_ops cgroup_kind = { .name = "cgroup2", .magic = 0x63677270, .make = cgroup_make, SHOWN };

/* ---- the firmware's variables: each is a node of one row, by its place */
static const struct shown vars_root = { .name = "efivars", .mode = S_IFDIR | 0755 };
static const struct shown variable_row = { .name = "%", .mode = S_IFREG | 0644 };

static int vars_make(struct volume *v, const char *source, char *options)
{
	(void)source;
	(void)options;
	return shown_root(v, &vars_root);
}

static int vars_lookup(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	const char *own;
	size_t own_n;

	for (uint64_t at = 0; (own = efi_var_name(at, &own_n)) != NULL; at = efi_var_next(at)) {
		if (own_n != n || memcmp(own, name, n))
			continue;
		if (proc_node_make(dir, &variable_row, 0, (int)at, out))
			return -ENOMEM;
		(*out)->size = efi_var_file_size(at);
		return 0;
	}
	return -ENOENT;
}

static int vars_read_dir(struct inode *dir, uint64_t *at, dir_emit *emit, void *context)
{
	const char *name;
	size_t n;

	(void)dir;
	for (; (name = efi_var_name(*at - 2, &n)) != NULL; *at = efi_var_next(*at - 2) + 2)
		if (emit(context, name, n, node_number(&variable_row, 0, (int)*at - 2), S_IFREG >> 12,
			efi_var_next(*at - 2) + 2))
			return 0;
	return 0;
}

static long vars_read(struct inode *ip, void *to, size_t n, uint64_t at)
{
	return (long)efi_var_read((uint64_t)ip->proc.fd, to, n, at);
}

static long vars_path(const struct inode *ip, char *to, size_t max)
{
	size_t n;
	const char *name = ip->parent ? efi_var_name((uint64_t)ip->proc.fd, &n) : NULL;

	return name ? fmt(to, max, "/%.*s", (int)n, name) : 0;
}

const struct fs_ops efivars_kind = { .name = "efivarfs", .magic = 0xde5e81e4, .is_single = 1, .make = vars_make,
	.lookup = vars_lookup, .read_dir = vars_read_dir, .read = vars_read, .path = vars_path };
