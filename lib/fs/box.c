/* SPDX-License-Identifier: MIT */
/* /dev/box: a box of the caller's, which its monitor makes (family/monitor.h), and the bytes that go there and back. */
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/ioctl.h>
#include <rt/gate.h>
#include <family/family.h>
#include <fs/box.h>
#include "files.h"

_Static_assert(BOX_NAME == BOX_NAME_SIZE && BOXES == BOX_PLACES, "one size");
_Static_assert(sizeof ((struct box_tells *)0)->why == sizeof ((struct said_box *)0)->why, "one size");

#define ROOM_PAGES (sizeof(struct ring_side) / PAGE)
#define PATIENCE_NS 10000000000u
/* A monitor, its first process, and what they keep to go on with: not less. */
#define FRAMES_LEAST 2048u
#define ENVS_LEAST 12u
#define HOMES_LEAST 12u

/* An open file. */
struct box { int is_made; unsigned n; uint64_t events; struct wait_list waits; };
#define LEFT ((struct box *)1) /* of a place: nobody's, until the monitor has taken back what it gave */

static struct told_box *told(unsigned n) { return &TOLD->box[n]; }
static volatile struct said_box *said(unsigned n) { return &SAID->box[n]; }
static struct ring_side *mine(unsigned n) { return (struct ring_side *)told(n)->room; }
static const struct ring_side *theirs(unsigned n) { return (const struct ring_side *)BOX_SAID(n); }
static void *channel(unsigned n) { return told(n); }

static struct box *box_at(unsigned n) { return fs_family()->boxes[n] == LEFT ? NULL : fs_family()->boxes[n]; }

static int is_answered(unsigned n) { return said(n)->answered == told(n)->asked; }

static int runs(unsigned n) { return is_answered(n) && said(n)->state == BOX_RUNS; }

static void ask(unsigned n)
{
	__atomic_store_n(&told(n)->asked, told(n)->asked + 1, __ATOMIC_RELEASE);
	(void)gate_notify(SAID->monitor, MONITOR_BOXES);
}

/* A place that nobody uses, and that its last box has left: its number, or -EAGAIN. */
static int place_find(void)
{
	for (unsigned n = 0; n < BOXES; n++)
		if (!told(n)->room && is_answered(n))
			return (int)n;
	return -EAGAIN;
}

static int name_is_taken(const char *name)
{
	for (unsigned n = 0; n < BOXES; n++)
		if (told(n)->room && !strncmp(told(n)->spec.name, name, BOX_NAME))
			return 1;
	return 0;
}

/* The box ends, if there is one; its place is free when the monitor says so. */
static void place_leave(unsigned n)
{
	fs_family()->boxes[n] = LEFT;
	ask(n);
}

static void place_free(unsigned n)
{
	fs_family()->boxes[n] = NULL;
	fam_pages_free((void *)told(n)->room, ROOM_PAGES);
	told(n)->room = 0;
}

static int place_take(unsigned n, const struct box_wants *w)
{
	struct told_box *t = told(n);

	t->room = (uint64_t)fam_pages(ROOM_PAGES);
	if (!t->room)
		return -ENOMEM;
	F->told.boxes = MAX_OF(F->told.boxes, n + 1);
	t->woken = t->ends = 0;
	memset(&t->spec, 0, sizeof t->spec);
	memcpy(t->spec.name, w->name, BOX_NAME);
	memcpy(t->spec.app, w->app, BOX_NAME);
	t->spec.count[EXO_C_FRAMES] = w->frames;
	t->spec.count[EXO_C_ENVS] = w->envs;
	t->spec.count[EXO_C_HOMES] = w->homes + (uint32_t)data_homes_for(w->frames);
	t->spec.count[EXO_C_SLICES] = (uint32_t)MAX_OF(SAID->slices * w->percent / 100, 1u);
	return 0;
}

/* By letters that can be printed, and ended by a zero from here on; empty is well, too. */
static int is_named_well(char name[BOX_NAME])
{
	name[BOX_NAME - 1] = 0;
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '/')
			return 0;
	return 1;
}

static int wants_check(struct box_wants *w)
{
	if (!is_named_well(w->name) || !is_named_well(w->app))
		return -EINVAL;
	return w->frames < FRAMES_LEAST || w->envs < ENVS_LEAST || w->homes < HOMES_LEAST || !w->percent ||
		w->percent > 100 ? -EINVAL : 0;
}

static int make(struct box *b, struct box_wants *w)
{
	uint64_t end = clock_after(PATIENCE_NS);
	int error = wants_check(w), n = place_find();

	if (error || b->is_made)
		return error ? error : -EBUSY;
	if (n < 0)
		return n;
	if (!w->name[0])
		(void)fmt(w->name, sizeof w->name, "box%u", (unsigned)n);
	if (name_is_taken(w->name))
		return -EEXIST;
	error = place_take((unsigned)n, w);
	if (error)
		return error;
	*b = (struct box){ .is_made = 1, .n = (unsigned)n, .waits = b->waits };
	fs_family()->boxes[n] = b;
	ask((unsigned)n);
	while (!is_answered((unsigned)n) && clock_ns() < end)
		sleep_through(channel((unsigned)n), end);
	error = is_answered((unsigned)n) ? said((unsigned)n)->error : -EIO;
	if (error) {
		b->is_made = 0;
		place_leave((unsigned)n);
	}
	return error;
}

static void tells(unsigned n, struct box_tells *t)
{
	static const uint8_t counts[4] = { EXO_C_FRAMES, EXO_C_ENVS, EXO_C_HOMES, EXO_C_SLICES };
	uint32_t top = said(n)->account;

	memset(t, 0, sizeof *t);
	memcpy(t->name, told(n)->spec.name, BOX_NAME);
	t->state = is_answered(n) ? said(n)->state : BOX_NONE;
	t->slices = (uint32_t)SAID->slices;
	t->env = said(n)->env;
	t->taken = said(n)->taken;
	for (int i = 0; i < 4 && t->state == BOX_RUNS; i++)
		for (uint32_t e = 1; e < EXO_ENV_MAX; e++)
			if (account_is_below(e, top)) { /* of who has no account, both are 0 */
				t->limit[i] += rt_envs[e].limit[counts[i]];
				t->used[i] += rt_envs[e].used[counts[i]];
			}
	memcpy(t->why, (const void *)said(n)->why, sizeof t->why);
	t->why[sizeof t->why - 1] = 0;
}

static long tell(unsigned n, uint64_t arg)
{
	struct box_tells t;

	tells(n, &t);
	return user_write(arg, &t, sizeof t);
}

static long list(uint64_t arg)
{
	struct box_tells t;

	if (user_read(&t, arg, sizeof t))
		return -EFAULT;
	return t.state < BOXES && told(t.state)->room ? tell(t.state, arg) : -ENXIO;
}

static int place_of(const char *name)
{
	for (unsigned n = 0; n < BOXES; n++)
		if (box_at(n) && !strncmp(told(n)->spec.name, name, BOX_NAME))
			return (int)n;
	return -ESRCH;
}

static long kill_by_name(uint64_t arg)
{
	char name[BOX_NAME];
	int n;

	if (user_read(name, arg, sizeof name))
		return -EFAULT;
	n = place_of(name);
	if (n < 0)
		return n;
	told((unsigned)n)->ends = told((unsigned)n)->asked;
	(void)gate_notify(SAID->monitor, MONITOR_BOXES);
	return 0;
}

/* Until the request of that number is done, for the box that was asked for by that one. */
static int size_wait(unsigned n, uint32_t asked, uint32_t number)
{
	while ((int32_t)(said(n)->sized - number) < 0) {
		if (told(n)->asked != asked || !runs(n))
			return -ESRCH;
		if (sleep_on(channel(n), 0) == -EINTR)
			return -EINTR;
	}
	return told(n)->asked == asked && runs(n) ? 0 : -ESRCH;
}

static long resize(uint64_t arg)
{
	struct box_sizes s;
	uint32_t number, asked;
	int place, e;

	if (user_read(&s, arg, sizeof s))
		return -EFAULT;
	place = place_of(s.name);
	if (place < 0)
		return place;
	if (s.frames < FRAMES_LEAST)
		return -EINVAL;
	unsigned n = (unsigned)place;
	asked = told(n)->asked;
	do /* those of others come first */
		e = size_wait(n, asked, told(n)->sizes);
	while (!e && said(n)->sized != told(n)->sizes);
	if (e)
		return e;
	told(n)->frames = s.frames;
	told(n)->within_ms = s.within_ms;
	number = told(n)->sizes + 1;
	__atomic_store_n(&told(n)->sizes, number, __ATOMIC_RELEASE);
	(void)gate_notify(SAID->monitor, MONITOR_BOXES);
	e = size_wait(n, asked, number);
	return e ? e : said(n)->size_error;
}

static long box_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	struct box *b = f->own;
	struct box_wants w;

	switch (request) {
	case BOX_MAKE:
		return user_read(&w, arg, sizeof w) ? -EFAULT : make(b, &w);
	case BOX_TELL:
		return b->is_made ? tell(b->n, arg) : -ENXIO;
	case BOX_LIST:
		return list(arg);
	case BOX_KILL:
		return kill_by_name(arg);
	case BOX_SIZE:
		return resize(arg);
	}
	return -ENOTTY;
}

/* Its rings are there: from the making to the last close. */
static int has_rings(const struct box *b)
{
	return b->is_made && is_answered(b->n) && said(b->n)->state != BOX_NONE;
}

/* 0: look again; else what the call gives. */
static long wait(struct file *f, unsigned n)
{
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	return sleep_on(channel(n), 0) == -EINTR ? -ERESTARTSYS : 0;
}

static long box_read(struct file *f, struct io *io, uint64_t at)
{
	const struct box *b = f->own;
	const uint8_t *from;
	size_t done = 0;
	uint32_t piece;
	int error = 0;
	long r;

	(void)at;
	if (!has_rings(b))
		return -ENXIO;
	while (!ring_waiting(mine(b->n), theirs(b->n))) {
		if (!runs(b->n))
			return 0;
		r = wait(f, b->n);
		if (r)
			return r;
	}
	while (!error && (piece = ring_to_take(mine(b->n), theirs(b->n), &from, io->total))) {
		error = io_put(io, from, piece);
		if (error)
			break;
		ring_took(mine(b->n), piece);
		done += piece;
	}
	(void)gate_notify(SAID->monitor, MONITOR_BOXES);
	return done ? (long)done : error;
}

static long box_write(struct file *f, struct io *io, uint64_t at)
{
	const struct box *b = f->own;
	size_t done = 0;
	uint32_t piece;
	uint8_t *to;
	int error = 0;
	long r;

	(void)at;
	if (!has_rings(b))
		return -ENXIO;
	while (io->total && !ring_room(mine(b->n), theirs(b->n))) {
		if (!runs(b->n))
			return -EPIPE;
		r = wait(f, b->n);
		if (r)
			return r;
	}
	if (!runs(b->n))
		return -EPIPE;
	while (!error && (piece = ring_to_put(mine(b->n), theirs(b->n), &to, io->total))) {
		error = io_get(io, to, piece);
		if (error)
			break;
		ring_was_put(mine(b->n), piece);
		done += piece;
	}
	(void)gate_notify(SAID->monitor, MONITOR_BOXES);
	return done ? (long)done : error;
}

static int box_poll(struct file *f)
{
	const struct box *b = f->own;

	if (!has_rings(b))
		return POLLERR;
	return (ring_waiting(mine(b->n), theirs(b->n)) ? POLLIN | POLLRDNORM : 0) |
		(ring_room(mine(b->n), theirs(b->n)) ? POLLOUT | POLLWRNORM : 0) |
		(runs(b->n) ? 0 : POLLIN | POLLRDNORM | POLLHUP);
}

static struct wait_list *box_waits(struct file *f) { return &((struct box *)f->own)->waits; }
static uint64_t box_events(struct file *f) { return ((const struct box *)f->own)->events; }

static void box_release(struct file *f)
{
	struct box *b = f->own;

	waiters_end(&b->waits);
	if (b->is_made)
		place_leave(b->n);
	fam_free(b);
}

static const struct file_ops box_ops = { .read = box_read, .write = box_write, .ioctl = box_ioctl, .poll = box_poll,
	.waits = box_waits, .events = box_events, .release = box_release, .seek = SEEK_NONE };

int box_file_open(struct inode *ip, unsigned flags, struct file **out)
{
	struct fs_family *fs = fs_family();
	struct box *b = fam_alloc(sizeof *b);

	if (!fs->boxes)
		fs->boxes = fam_alloc(BOXES * sizeof *fs->boxes);
	*out = b && fs->boxes ? file_new(ip, &box_ops, flags) : NULL;
	if (!*out) {
		fam_free(b);
		return -ENOMEM;
	}
	(*out)->own = b;
	return 0;
}

/* Changes with its state, whatever the box says, and with that. */
static uint64_t news_of(unsigned n)
{
	const struct ring_side *up = theirs(n);

	if (!is_answered(n) || said(n)->state == BOX_NONE)
		return is_answered(n) ? 1 : 0;
	return (uint64_t)said(n)->sized << 34 | (1 + (uint64_t)said(n)->state) << 32 | (uint32_t)(up->put + up->taken);
}

void box_answers(void)
{
	struct fs_family *fs = fs_family();

	for (unsigned n = 0; n < F->told.boxes && n < BOXES; n++) {
		struct box *b = fs->boxes[n];

		if (b == LEFT && is_answered(n)) {
			place_free(n);
		} else if (b && b != LEFT && news_of(n) != told(n)->woken) {
			told(n)->woken = news_of(n);
			b->events++;
			wake_up(channel(n));
			waiters_tell(&b->waits, WAIT_ANY);
		}
	}
}
