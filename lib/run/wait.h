/* SPDX-License-Identifier: MIT */
/* Lists of who waits at an object: threads that wait for several objects at once (poll), and watches that stay (epoll).
 * Each object has its own list, so that what happens to it costs nobody else anything. All lie in family memory and are
 * guarded by the family lock. Who sleeps for one thing alone does so on its channel (run.h). */
#ifndef RUN_WAIT_H
#define RUN_WAIT_H
#include <stdint.h>

/* What is told, in bits of asm/poll.h, which who names them includes: bytes or connections to take, room to put some,
 * anything at all (an end, a new state). */
#define WAIT_IN  (POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLMSG | POLLRDHUP)
#define WAIT_OUT (POLLOUT | POLLWRNORM | POLLWRBAND)
#define WAIT_ANY (~0u)
#define WAIT_SURE (POLLERR | POLLHUP) /* what every waiter is told of */

struct thread;
struct waiter {
	struct waiter *next, **at;       /* at: what points here; NULL: in no list */
	int (*tell)(struct waiter *w);   /* the object may be ready now; it changes no list. True: somebody wakes by it */
	void *owner;
	uint32_t events;                 /* bits of poll that it is told of */
	int is_exclusive;                /* of such ones no more are told when somebody wakes; of an end all are */
};
struct wait_list { struct waiter *first; };

#define WAITS_CHANNEL ((void *)1) /* of all that sleep until a waiter of theirs is told */

/* What one thread waits for at once. */
struct waits {
	uint64_t count, room;
	int is_stale;                    /* an object is gone: its waiter stands nowhere */
	struct waiter waiter[];
};

#pragma GCC visibility push(hidden)
void waiter_join(struct wait_list *list, struct waiter *w); /* it is in none */
void waiter_leave(struct waiter *w);                        /* or it is in none */
void waiters_told(struct wait_list *list, uint32_t events);
/* The object goes: all are told, and are in no list any more. */
void waiters_end(struct wait_list *list);

struct wait_list *clock_waits(void); /* sleep.c: of the wall clock, that are told when it is set */

/* Of the calling thread: room for so many objects (0 or -ENOMEM, and there must be none yet); one of them; a sleep
 * until one is told, as sleep_on. */
int  waits_begin(uint64_t room);
void waits_add(struct wait_list *list, uint32_t events);
int  waits_sleep(uint64_t deadline);
void waits_end(struct thread *th);                          /* of any thread; without any it does nothing */
#pragma GCC visibility pop

static inline void waiters_tell(struct wait_list *list, uint32_t events)
{
	if (list->first)
		waiters_told(list, events);
}
#endif
