/* SPDX-License-Identifier: MIT */
/* Mounts: the table of them, how paths pass from one to another, and how they come and go. */
#include "files.h"

void mount_get(struct mount *m)
{
	if (m)
		m->refs++;
}

static void mount_free(struct mount *m)
{
	struct volume *v = m->volume;

	inode_put(m->root);
	v->mounts--;
	fam_free(m->source);
	fam_free(m);
	volume_drop(v);
}

void mount_put(struct mount *m)
{
	if (m && --m->refs == 0)
		mount_free(m);
}

void place_get(const struct place *p)
{
	mount_get(p->mount);
	inode_get(p->inode);
}

void place_put(const struct place *p)
{
	inode_put(p->inode);
	mount_put(p->mount);
}

/* Inodes of the tree in memory are the same as long as something hangs there. Others may be made anew by each
 * look-up, with the same number. */
static int is_point(const struct mount *m, const struct inode *ip)
{
	return m->point == ip ||
		(ip->kind == KIND_OPS && m->point && m->point->volume == ip->volume && m->point->ino == ip->ino);
}

int mount_may_cross(const struct inode *ip)
{
	return ip->kind == KIND_OPS ? ip->volume->points : ip->marks & INODE_MOUNTED;
}

int mount_is_at(const struct inode *ip)
{
	if (ip->kind != KIND_OPS)
		return ip->marks & INODE_MOUNTED;
	for (struct mount *m = fs_family()->mounts; ip->volume->points && m; m = m->next)
		if (is_point(m, ip))
			return 1;
	return 0;
}

/* What hangs at that place, the last one first. */
static struct mount *mount_at(const struct mount *m, const struct inode *ip)
{
	struct mount *found = NULL;

	for (struct mount *each = fs_family()->mounts; each; each = each->next)
		if (each->parent && each->parent == m && is_point(each, ip))
			found = each;
	return found;
}

void mount_cross(struct mount **m, struct inode **ip)
{
	struct mount *to;

	while (mount_may_cross(*ip) && (to = mount_at(*m, *ip))) {
		mount_get(to);
		inode_get(to->root);
		inode_put(*ip);
		mount_put(*m);
		*m = to;
		*ip = to->root;
	}
}

int mount_up(struct mount **m, struct inode **ip)
{
	struct mount *from = *m;

	if (!from || *ip != from->root || !from->parent)
		return 0;
	*m = from->parent;
	inode_get(from->point);
	inode_put(*ip);
	*ip = from->point;
	mount_get(*m);
	mount_put(from);
	return 1;
}

struct mount *mount_of(const struct inode *ip)
{
	for (struct mount *m = fs_family()->mounts; m; m = m->next)
		if (m->volume == ip->volume && (m->root == m->volume->root || dir_is_within(ip, m->root)))
			return m;
	return NULL;
}

/* Puts text in front of what stands from *at on. */
static int in_front(char *to, size_t *at, const char *text, size_t n)
{
	if (n + 1 > *at)
		return -ENAMETOOLONG;
	*at -= n;
	memcpy(to + *at, text, n);
	return 0;
}

/* From an inode up to that one: 0; 1: no name leads there; 2: what stands there is its whole name. */
static int path_within(const struct inode *ip, const struct inode *top, char *to, size_t *at)
{
	if (ip == top)
		return 0;
	if (ip->kind == KIND_OPS) {
		char below[PATH_MAX], above[PATH_MAX];
		long n = ip->volume->ops->path(ip, below, sizeof(below)), skip = 0;

		if (top)
			skip = top->kind == KIND_OPS ? ip->volume->ops->path(top, above, sizeof(above)) : 0;
		if (n < 0 || skip < 0)
			return -ENAMETOOLONG;
		if (n > 0 && below[0] != '/')
			return in_front(to, at, below, (size_t)n) ? -ENAMETOOLONG : 2;
		skip = min_u64((uint64_t)skip, (uint64_t)n);
		return in_front(to, at, below + skip, (size_t)(n - skip));
	}
	while (ip != top) {
		const struct entry *e = ip->entry;

		if (!e)
			return ip->volume && ip == ip->volume->root ? 0 : 1;
		if (in_front(to, at, e->name, e->name_size) || in_front(to, at, "/", 1))
			return -ENAMETOOLONG;
		ip = e->dir;
	}
	return 0;
}

/* Reached by that mount, it lies at or below that place. */
static int is_below_place(const struct inode *ip, const struct mount *m, const struct place *top)
{
	const struct inode *dir = ip;

	if (m != top->mount)
		return 0;
	if (!IS(ip, S_IFDIR) && ip->kind == KIND_TREE)
		dir = ip->entry ? ip->entry->dir : NULL;
	return ip == top->inode || dir_is_within(dir, top->inode);
}

int mount_is_reachable(const struct mount *m)
{
	struct place root = places_root(current_places());

	if (m->root == root.inode && m == root.mount)
		return 1;
	for (; m->parent; m = m->parent)
		if (is_below_place(m->point, m->parent, &root))
			return 1;
	return 0;
}

/* How much of it is told: what lies in the mount; from the caller's root on; and whether it is not below that. */
enum whole { WHOLE_IN_MOUNT, WHOLE_PLACE, WHOLE_MARKED };

/* Names are put together from the last component on, at the buffer's end, then moved to its start. */
static long path_whole(const struct inode *ip, const struct mount *m, enum whole how, char *to, size_t max)
{
	struct place root = places_root(current_places());
	const struct inode *top;
	size_t at = max;
	int gone = 0, lost = 0, whole = 0, ends;

	if (max < 32)
		return -ENAMETOOLONG;
	to[--at] = 0;
	for (;;) {
		int r;

		ends = how != WHOLE_IN_MOUNT && is_below_place(ip, m, &root);
		if (ends)
			top = root.inode;
		else
			top = m ? m->root : NULL;
		r = path_within(ip, top, to, &at);
		if (r < 0)
			return r;
		gone |= r == 1;
		whole |= r == 2;
		if (how == WHOLE_IN_MOUNT || ends || r || !m || !m->parent)
			break;
		ip = m->point;
		m = m->parent;
	}
	lost = how == WHOLE_MARKED && !ends && !gone && !whole;
	if (at == max - 1 && in_front(to, &at, "/", 1))
		return -ENAMETOOLONG;
	if (lost && in_front(to, &at, "(unreachable)", 13))
		return -ENAMETOOLONG;
	memmove(to, to + at, max - at);
	at = max - at - 1;
	if (gone && at + 11 < max) {
		memcpy(to + at, " (deleted)", 11);
		at += 10;
	}
	return (long)at;
}

long place_path(const struct place *p, int marks_lost, char *to, size_t max)
{
	const struct inode *ip = inode_is_copy(p->inode) ? p->inode->parent : p->inode;
	const struct mount *m = p->mount ? p->mount : mount_of(ip);

	return path_whole(ip, m, marks_lost ? WHOLE_MARKED : WHOLE_PLACE, to, max);
}

long mount_root_path(const struct mount *m, char *to, size_t max)
{
	return path_whole(m->root, NULL, WHOLE_IN_MOUNT, to, max);
}

/* ---- coming and going */
static void mount_join(struct mount *m, struct mount *parent, struct inode *point)
{
	m->parent = parent;
	m->point = point;
	inode_get(point);
	point->marks |= INODE_MOUNTED;
	if (point->volume)
		point->volume->points++;
}

/* It hangs nowhere any more, but is still in the table. */
static void mount_part(struct mount *m)
{
	struct inode *point = m->point;

	m->parent = NULL;
	m->point = NULL;
	if (!point)
		return;
	if (point->volume)
		point->volume->points--;
	point->marks &= (uint8_t)~INODE_MOUNTED;
	for (struct mount *each = fs_family()->mounts; each; each = each->next)
		if (each->point == point)
			point->marks |= INODE_MOUNTED;
	inode_put(point);
}

static void table_add(struct mount *m)
{
	struct mount **end = &fs_family()->mounts;

	while (*end)
		end = &(*end)->next;
	m->next = NULL;
	*end = m;
}

static unsigned table_count(void)
{
	unsigned n = 0;

	for (const struct mount *m = fs_family()->mounts; m; m = m->next)
		n++;
	return n;
}

static void table_remove(struct mount *m)
{
	struct mount **at = &fs_family()->mounts;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
}

int mount_hangs(const struct mount *m)
{
	return m && (m == fs_family()->mounts || m->parent);
}

int mount_hang(const struct place *at, struct volume *v, struct inode *root, unsigned flags, const char *source,
	struct mount **out)
{
	struct fs_family *fs = fs_family();
	struct mount *m;

	if (!root)
		root = v->root;
	if (at && !mount_hangs(at->mount))
		return -EINVAL;
	if (at && IS(at->inode, S_IFDIR) != IS(root, S_IFDIR))
		return -ENOTDIR;
	if (at && !at->inode->nlink && at->inode != at->mount->root)
		return -ENOENT;
	if (table_count() >= MOUNTS_MAX)
		return -ENOSPC;
	m = fam_alloc(sizeof(*m));
	if (m && source && !(m->source = fam_alloc(strlen(source) + 1))) {
		fam_free(m);
		m = NULL;
	}
	if (!m)
		return -ENOMEM;
	if (source)
		memcpy(m->source, source, strlen(source) + 1);
	m->refs = 1;
	m->flags = flags & MOUNT_FLAGS;
	m->id = ++fs->mount_id;
	m->volume = v;
	m->root = root;
	inode_get(root);
	v->mounts++;
	if (at)
		mount_join(m, at->mount, at->inode);
	table_add(m);
	if (out)
		*out = m;
	return 0;
}

/* What hangs in it, at any depth. */
static int is_below(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->parent;
	return m == top;
}

int mount_bind(const struct place *from, const struct place *to, int deep)
{
	struct fs_family *fs = fs_family();
	struct mount *first, *last = fs->mounts;
	int error;

	if (!mount_hangs(from->mount))
		return -EINVAL;
	error = mount_hang(to, from->mount->volume, from->inode, from->mount->flags, from->mount->source, &first);
	if (error || !deep)
		return error;
	for (struct mount *m = fs->mounts; m; m = m->next)
		m->copy = NULL;
	from->mount->copy = first;
	while (last->next != first)
		last = last->next;
	for (struct mount *m = fs->mounts; !error && m != first; m = m->next) {
		struct place at = { m->parent ? m->parent->copy : NULL, m->point };

		if (!at.mount || m == from->mount || (m->parent == from->mount && !dir_is_within(m->point, from->inode)))
			continue;
		error = mount_hang(&at, m->volume, m->root, m->flags, m->source, &m->copy);
	}
	if (error)
		(void)mount_end(first, 1);
	return error;
}

int mount_move(const struct place *from, const struct place *to)
{
	struct mount *m = from->mount;
	int error = 0;

	if (!m || from->inode != m->root || !m->parent || !mount_hangs(to->mount))
		error = -EINVAL;
	else if (IS(to->inode, S_IFDIR) != IS(m->root, S_IFDIR))
		error = -ENOTDIR;
	else if (is_below(to->mount, m))
		error = -ELOOP;
	if (error)
		return error;
	mount_part(m);
	mount_join(m, to->mount, to->inode);
	/* What hangs in it stays behind it in the table. */
	for (struct mount *each = fs_family()->mounts, *next, *end = NULL; each && each != end; each = next) {
		next = each->next;
		if (!is_below(each, m))
			continue;
		end = end ? end : each;
		table_remove(each);
		table_add(each);
	}
	return 0;
}

/* Somebody outside holds an inode of the volume's tree: maps it, runs it, listens at it. */
static int tree_is_used(struct inode *top)
{
	struct inode *dir = top;
	struct entry *e = dir->dir.first;
	uint32_t expected;

	for (;;) {
		struct inode *ip;

		family_progress();
		if (!e) {
			if (dir == top)
				return 0;
			e = dir->entry->next;
			dir = dir->parent;
			continue;
		}
		ip = e->inode;
		if (ip && IS(ip, S_IFDIR)) {
			expected = 1;
			for (struct entry *in = ip->dir.first; in; in = in->next)
				expected += in->inode && IS(in->inode, S_IFDIR);
			if (ip->refs != expected)
				return 1;
			ip->entry = e;
			dir = ip;
			e = ip->dir.first;
			continue;
		}
		if (ip && ip->refs > ip->nlink)
			return 1;
		e = e->next;
	}
}

int mount_is_busy(struct mount *m)
{
	struct volume *v = m->volume;

	for (struct mount *each = fs_family()->mounts; each; each = each->next)
		if (each->parent == m)
			return 1;
	if (m->refs > 1)
		return 1;
	if (v->mounts > 1 || v->ops->is_single)
		return 0;
	return v->root->kind == KIND_TREE ? tree_is_used(v->root) : v->inodes > 1;
}

int mount_end(struct mount *m, int detach)
{
	struct mount *last;

	if (!detach && mount_is_busy(m))
		return -EBUSY;
	/* Those that hang in others come behind them: from the end on nothing is left without its parent. */
	do {
		last = m;
		for (struct mount *each = m; each; each = each->next)
			if (is_below(each, m))
				last = each;
		family_progress();
		mount_part(last);
		table_remove(last);
		mount_put(last);
	} while (last != m);
	return 0;
}
