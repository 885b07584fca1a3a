/* SPDX-License-Identifier: MIT */
/* inotify(7): watches on files and folders, and the queue of what they were told. Where events come from is fs/tell.h's
 * business. A watch needs no reference on its inode: one that has a name or an opener stays, and one that goes ends its
 * watches. Nodes of /proc come and go as they are looked at: those are held. */
#include <asm/ioctls.h>
#include <asm/poll.h>
#include "inotify.h"
#include "proc.h"
#include <posix/sysv/sysv.h>

#define QUEUE_MAX     16384  /* what /proc/sys/fs/inotify says */
#define WATCHES_MAX   65536
#define MASK_BITS (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR | IN_ONLYDIR | IN_DONT_FOLLOW | \
	IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ONESHOT)
#define KEPT_BITS (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK)

/* An event that waits, as struct inotify_event. size: of the name with the zeros behind it; 0 without one. */
struct event { int32_t wd; uint32_t mask, cookie, size; };
_Static_assert(sizeof(struct event) == sizeof(struct inotify_event), "ABI");
struct note { struct note *next; struct event event; char name[]; };

struct inotify {
	struct note *first, *last;
	struct watcher *watchers;
	uint32_t queued, bytes;
	int last_wd;
	uint64_t ever;               /* events so far */
	struct wait_list waits;
};

struct watcher {
	struct watcher *next;        /* of the same inode */
	struct watcher *others;      /* of the same instance */
	struct inotify *of;
	struct inode *ip;
	int wd;
	uint32_t mask, holds;        /* holds: a reference */
};

struct name_left { struct inode *dir; size_t n; char name[]; }; /* dir: held */

static int note_repeats(const struct note *last, const struct event *event, const char *name, size_t n)
{
	return last && !(last->event.mask & IN_IGNORED) && last->event.mask == event->mask && last->event.wd == event->wd &&
		last->event.size == event->size && (!event->size || (!memcmp(last->name, name, n) && !last->name[n]));
}

/* A queue that is full, or gets no memory, says so once. */
static void note_add(struct inotify *of, struct event event, const char *name, size_t n)
{
	static const struct event lost = { .wd = -1, .mask = IN_Q_OVERFLOW };
	struct note *note;

	event.size = n ? (uint32_t)(n + sizeof(event)) / sizeof(event) * sizeof(event) : 0;
	if (note_repeats(of->last, &event, name, n))
		return;
	note = of->queued < QUEUE_MAX && fam_room(ROOM_CONTENT) ? fam_alloc(sizeof(*note) + event.size) : NULL;
	if (!note && of->last && of->last->event.mask == IN_Q_OVERFLOW)
		return;
	if (!note) {
		event = lost;
		note = fam_alloc(sizeof(*note));
	}
	if (!note)
		return;
	note->event = event;
	memcpy(note->name, name, event.size ? n : 0);
	*(of->last ? &of->last->next : &of->first) = note;
	of->last = note;
	of->queued++;
	of->ever++;
	of->bytes += (uint32_t)sizeof(event) + event.size;
	wake_up(of);
	waiters_tell(&of->waits, WAIT_IN);
}

/* Off both lists; tells that it is gone. Its inode stays with the caller where it is still needed. */
static void watcher_end(struct watcher *w)
{
	struct watcher **link = &w->ip->extra->watchers;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	for (link = &w->of->watchers; *link != w; link = &(*link)->others)
		;
	*link = w->others;
	fs_family()->watches--;
	note_add(w->of, (struct event){ .wd = w->wd, .mask = IN_IGNORED }, "", 0);
	if (w->holds)
		inode_put(w->ip);
	fam_free(w);
}

static void watcher_tell(struct watcher *w, uint32_t event, uint32_t cookie, const char *name, size_t n)
{
	if (!(w->mask & event & IN_ALL_EVENTS))
		return;
	if (event & (IN_MOVE_SELF | IN_DELETE_SELF))
		event &= ~(uint32_t)IN_ISDIR;
	note_add(w->of, (struct event){ .wd = w->wd, .mask = event, .cookie = cookie }, name, n);
	if (w->mask & IN_ONESHOT)
		watcher_end(w);
}

void watched(struct inode *ip, uint32_t event, const char *name, size_t n, uint32_t cookie)
{
	struct watcher *next, *w = ip->extra ? ip->extra->watchers : NULL;

	for (; w; w = next) {
		next = w->next;
		watcher_tell(w, event, cookie, name, n);
	}
}

void watched_left(struct inode *dir, struct inode *ip, const char *name, size_t n)
{
	struct inode_extra *extra;
	struct name_left *left;

	if (!dir->extra || !dir->extra->watchers || !(extra = inode_extra(ip)) || extra->left)
		return;
	left = fam_alloc(sizeof(*left) + n);
	if (!left)
		return;
	inode_get(dir);
	left->dir = dir;
	left->n = n;
	memcpy(left->name, name, n);
	extra->left = left;
}

static void left_tell(const struct name_left *left, uint32_t event)
{
	struct watcher *next, *w = left->dir->extra->watchers;

	for (; w; w = next) {
		next = w->next;
		if (!(w->mask & IN_EXCL_UNLINK) || event & (IN_ATTRIB | TELL_OF_INODE))
			watcher_tell(w, event & ~TELL_OF_INODE, 0, left->name, left->n);
	}
}

void watched_gone(struct inode *ip)
{
	struct name_left *left = ip->extra->left;

	ip->extra->left = NULL;
	if (left) {
		inode_put(left->dir);
		fam_free(left);
	}
	if (!ip->nlink)
		watched(ip, IN_DELETE_SELF, "", 0, 0);
	while (ip->extra->watchers)
		watcher_end(ip->extra->watchers);
}

void inode_told(struct inode *ip, uint32_t event)
{
	const struct entry *e = ip->kind == KIND_TREE ? ip->entry : NULL;

	if (event == IN_IGNORED) {
		if (ip->marks & INODE_SEGMENT)
			segment_gone(ip);
		if (ip->extra)
			watched_gone(ip);
		return;
	}
	event = event_of(ip, event);
	if (e)
		watched(e->dir, event & ~TELL_OF_INODE, e->name, e->name_size, 0);
	else if (ip->extra && ip->extra->left)
		left_tell(ip->extra->left, event);
	watched(ip, event & ~TELL_OF_INODE, "", 0, 0);
}

static long inotify_read(struct file *f, struct io *io, uint64_t at)
{
	struct inotify *of = f->own;
	long done = 0;
	int error;

	(void)at;
	while (!of->first) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(of, 0) == -EINTR && !of->first)
			return -ERESTARTSYS;
	}
	while (of->first) {
		struct note *note = of->first;
		size_t size = sizeof(note->event) + note->event.size;

		if (size > io->total)
			return done ? done : -EINVAL;
		of->first = note->next;
		if (!of->first)
			of->last = NULL;
		of->queued--;
		of->bytes -= (uint32_t)size;
		error = io_put(io, &note->event, size);
		fam_free(note);
		if (error)
			return done ? done : -EFAULT;
		done += (long)size;
	}
	return done;
}

static int inotify_poll(struct file *f)
{
	return ((struct inotify *)f->own)->first ? POLLIN | POLLRDNORM : 0;
}

static struct wait_list *inotify_waits(struct file *f) { return &((struct inotify *)f->own)->waits; }

static uint64_t inotify_events(struct file *f)
{
	return ((struct inotify *)f->own)->ever;
}

static long inotify_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	const struct inotify *of = f->own;

	if (request != FIONREAD)
		return -ENOTTY;
	return user_write(arg, &of->bytes, sizeof(of->bytes)) < 0 ? -EFAULT : 0;
}

static void inotify_release(struct file *f)
{
	struct inotify *of = f->own;

	while (of->watchers) {
		family_progress();
		watcher_end(of->watchers);
	}
	while (of->first) {
		struct note *next = of->first->next;

		fam_free(of->first);
		of->first = next;
	}
	fs_family()->watching--;
	waiters_end(&of->waits);
	fam_free(of);
}

/* As Linux's fdinfo, without the handles. */
static void inotify_show(const struct file *f, struct text *t)
{
	for (const struct watcher *w = ((struct inotify *)f->own)->watchers; w; w = w->others) {
		const uint32_t device = w->ip->volume ? w->ip->volume->device : 13u;

		say(t, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0\n", (unsigned)w->wd,
			(unsigned long)w->ip->ino, device, w->mask & ~(uint32_t)IN_UNMOUNT);
	}
}

static const struct file_ops inotify_ops = { .read = inotify_read, .ioctl = inotify_ioctl, .poll = inotify_poll,
	.waits = inotify_waits, .events = inotify_events, .release = inotify_release, .show = inotify_show };

static long make(uint64_t flags)
{
	struct inotify *of;

	if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (fs_family()->watching >= (uint32_t)fs_family()->watching_most)
		return -EMFILE;
	of = fam_alloc(sizeof(*of));
	if (!of)
		return -ENOMEM;
	fs_family()->watching++;
	return anon_fd("inotify", 0600, &inotify_ops, of, (unsigned)flags);
}

CALL0(inotify_init) { return make(0); }
CALL1(inotify_init1, flags) { return make(flags); }

static long watcher_new(struct inotify *of, struct inode *ip, uint32_t mask)
{
	struct inode_extra *extra = inode_extra(ip);
	struct watcher *w;

	if (!extra)
		return -ENOMEM;
	if (fs_family()->watches >= WATCHES_MAX || !fam_room(ROOM_CONTENT))
		return -ENOSPC;
	w = fam_alloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct watcher){ .next = extra->watchers, .others = of->watchers, .of = of, .ip = ip, .mask = mask };
	w->wd = ++of->last_wd;
	w->holds = ip->kind != KIND_TREE;
	if (w->holds)
		inode_get(ip);
	extra->watchers = of->watchers = w;
	fs_family()->watches++;
	return w->wd;
}

static long watch(struct inotify *of, struct inode *ip, uint32_t mask)
{
	struct watcher *w = ip->extra ? ip->extra->watchers : NULL;

	while (w && w->of != of)
		w = w->next;
	if (!w)
		return watcher_new(of, ip, mask & KEPT_BITS);
	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	w->mask = (mask & IN_MASK_ADD ? w->mask : 0) | (mask & KEPT_BITS);
	return w->wd;
}

CALL3(inotify_add_watch, fd, path, mask_)
{
	uint32_t mask = (uint32_t)mask_;
	struct file *f;
	struct inode *ip;
	long result;

	if (!(mask & MASK_BITS) || mask & ~(uint32_t)MASK_BITS)
		return -EINVAL;
	f = fd_file((int)fd);
	if (!f)
		return -EBADF;
	result = f->ops != &inotify_ops || (mask & IN_MASK_ADD && mask & IN_MASK_CREATE) ? -EINVAL : 0;
	if (!result)
		result = inode_at(AT_FDCWD, path, mask & IN_DONT_FOLLOW ? WALK_NOFOLLOW : 0, &ip);
	if (!result) {
		result = mask & IN_ONLYDIR && !IS(ip, S_IFDIR) ? -ENOTDIR : watch(f->own, ip, mask);
		inode_put(ip);
	}
	file_put(f);
	return result;
}

CALL2(inotify_rm_watch, fd, wd)
{
	struct file *f = fd_file((int)fd);
	struct watcher *w;
	long result = -EINVAL;

	if (!f)
		return -EBADF;
	if (f->ops == &inotify_ops) {
		for (w = ((struct inotify *)f->own)->watchers; w && w->wd != (int)wd; w = w->others)
			;
		if (w) {
			watcher_end(w);
			result = 0;
		}
	}
	file_put(f);
	return result;
}
