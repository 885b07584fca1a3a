/* SPDX-License-Identifier: MIT */
/* The watches of an epoll: found by their descriptor, told by what they watch, and then in the list of those that a
 * wait asks. So a wait costs what has news, however many are watched. Edges are told apart by the number that
 * file_ops.events gives, or by how often a watch was told. A watch goes with its file. And an epoll as a file. */
#include <asm/poll.h>
#include "epoll.h"
#include "watch.h"

#define TABLE_FIRST 8
#define MODES (EPOLLONESHOT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE)

static struct watch **place_of(const struct epoll *e, int fd) { return &e->table[(uint32_t)fd & (e->size - 1)]; }

struct watch *watch_find(const struct epoll *e, const struct file *f, int fd)
{
	struct watch *w = e->table ? *place_of(e, fd) : NULL;

	while (w && (w->file != f || w->fd != fd))
		w = w->chain;
	return w;
}

/* Twice as many places, or the first ones. */
static int table_grow(struct epoll *e)
{
	struct epoll old = *e;
	uint32_t size = e->size ? e->size * 2 : TABLE_FIRST;
	struct watch **table = fam_alloc(size * sizeof(*table)), *next;

	if (!table)
		return -ENOMEM;
	e->table = table;
	e->size = size;
	for (uint32_t i = 0; i < old.size; i++)
		for (struct watch *w = old.table[i]; w; w = next) {
			next = w->chain;
			w->chain = *place_of(e, w->fd);
			*place_of(e, w->fd) = w;
			family_progress();
		}
	fam_free(old.table);
	return 0;
}

void ready_join(struct watch *w)
{
	struct epoll *e = w->epoll;

	w->ready_next = NULL;
	w->ready_at = e->ready_end;
	*e->ready_end = w;
	e->ready_end = &w->ready_next;
}

void ready_leave(struct watch *w)
{
	if (!w->ready_at)
		return;
	*w->ready_at = w->ready_next;
	*(w->ready_next ? &w->ready_next->ready_at : &w->epoll->ready_end) = w->ready_at;
	w->ready_at = NULL;
}

/* Those above hear of it also when it was in the list: for them it is another edge. */
static int watch_tell(struct waiter *waiter)
{
	struct watch *w = (struct watch *)waiter;
	struct epoll *e = w->epoll;
	int wakes = w->waiter.is_exclusive && is_slept_on(e);

	w->tells++;
	e->tells++;
	if (!w->ready_at) {
		ready_join(w);
		wake_up(e);
	}
	waiters_tell(&e->waits, WAIT_IN);
	return wakes;
}

struct watch *watch_new(struct epoll *e, struct file *f, int fd)
{
	struct watch *w = e->count < e->size || !table_grow(e) ? fam_alloc(sizeof(*w)) : NULL;

	if (!w)
		return NULL;
	*w = (struct watch){ .waiter.tell = watch_tell, .epoll = e, .file = f, .fd = fd, .chain = *place_of(e, fd),
		.file_at = &f->watches, .file_next = f->watches };
	*place_of(e, fd) = w;
	e->count++;
	if (w->file_next)
		w->file_next->file_at = &w->file_next;
	f->watches = w;
	waiter_join(f->ops->waits(f), &w->waiter);
	return w;
}

void watch_free(struct watch *w)
{
	struct watch **at = place_of(w->epoll, w->fd);

	while (*at != w)
		at = &(*at)->chain;
	*at = w->chain;
	w->epoll->count--;
	*w->file_at = w->file_next;
	if (w->file_next)
		w->file_next->file_at = w->file_at;
	waiter_leave(&w->waiter);
	ready_leave(w);
	family_progress();
	fam_free(w);
}

void watches_drop(struct file *f)
{
	while (f->watches)
		watch_free(f->watches);
}

void watches_free(struct epoll *e)
{
	for (uint32_t i = 0; i < e->size; i++)
		while (e->table[i])
			watch_free(e->table[i]);
	fam_free(e->table);
}

/* EPOLLONESHOT leaves nothing but itself: such a one hears of nothing. */
static void events_set(struct watch *w, uint32_t events)
{
	w->events = events;
	w->waiter.events = events & ~MODES;
}

void watch_arm(struct watch *w, uint32_t events)
{
	events_set(w, events | WAIT_SURE);
	w->waiter.is_exclusive = !!(events & EPOLLEXCLUSIVE);
	w->is_told = 0;
	if (news_of(w))
		(void)watch_tell(&w->waiter);
}

static uint32_t ready_of(const struct watch *w)
{
	return (uint32_t)w->file->ops->poll(w->file) & w->events;
}

static uint64_t edges_of(const struct watch *w)
{
	return w->file->ops->events ? w->file->ops->events(w->file) : w->tells;
}

uint32_t news_of(struct watch *w)
{
	uint32_t ready = w->events & ~MODES ? ready_of(w) : 0;

	if (!(w->events & EPOLLET))
		return ready;
	if (w->is_told && !(ready & ~w->told) && edges_of(w) == w->seen) {
		w->told &= ready;
		return 0;
	}
	return ready;
}

void told_set(struct watch *w, uint32_t ready)
{
	w->told = ready;
	w->is_told = 1;
	w->seen = edges_of(w);
	if (w->events & EPOLLONESHOT)
		events_set(w, w->events & (EPOLLONESHOT | EPOLLET));
}

int epolls_above(const struct epoll *e)
{
	int most = 0;

	for (const struct watch *w = e->file->watches; w; w = w->file_next) {
		int above = 1 + epolls_above(w->epoll);

		most = above > most ? above : most;
	}
	return most;
}

int epolls_to_file(const struct file *f)
{
	const struct epoll *e = f->own;
	int most = -NESTING;

	if (f->ops != &epoll_ops)
		return 0;
	for (uint32_t i = 0; i < e->size; i++)
		for (const struct watch *w = e->table[i]; w; w = w->chain) {
			int to = 1 + epolls_to_file(w->file);

			most = to > most ? to : most;
			family_progress();
		}
	return most;
}

int epolls_below(const struct file *f, const struct epoll *not)
{
	const struct epoll *e = f->own;
	int most = 1;

	if (f->ops != &epoll_ops)
		return 0;
	if (e == not)
		return NESTING;
	for (uint32_t i = 0; i < e->size && most < NESTING; i++)
		for (const struct watch *w = e->table[i]; w && most < NESTING; w = w->chain) {
			int below = 1 + epolls_below(w->file, not);

			most = below > most ? below : most;
		}
	return most;
}

static long epoll_no_read(struct file *f, struct io *io, uint64_t at)
{
	(void)f;
	(void)io;
	(void)at;
	return -EINVAL;
}

/* Who has none leaves the list of those that may have news. */
static int epoll_poll(struct file *f)
{
	struct epoll *e = f->own;

	while (e->ready) {
		if (news_of(e->ready))
			return POLLIN | POLLRDNORM;
		ready_leave(e->ready);
		family_progress();
	}
	return 0;
}

static struct wait_list *epoll_waits(struct file *f) { return &((struct epoll *)f->own)->waits; }
static uint64_t epoll_events(struct file *f) { return ((struct epoll *)f->own)->tells; }

static void epoll_release(struct file *f)
{
	struct epoll *e = f->own;

	waiters_end(&e->waits);
	watches_free(e);
	fam_free(e);
}

const struct file_ops epoll_ops = { .read = epoll_no_read, .write = epoll_no_read, .poll = epoll_poll,
	.waits = epoll_waits, .events = epoll_events, .release = epoll_release };
