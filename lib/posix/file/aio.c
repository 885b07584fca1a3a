/* SPDX-License-Identifier: MIT */
/* Contexts of asynchronous I/O (io_setup(2)). Events wait in a context's ring, which programs may read, too. */
#include <posix/process/task.h>
#include <run/run.h>
#include <vm/vm.h>
#include "aio_context.h"

struct aio_context **aio_context_at(uint64_t id)
{
	struct aio_context **at = &current_task()->aio;

	while (*at && (*at)->at != id)
		at = &(*at)->next;
	return at;
}

void aio_drop(struct task *t)
{
	struct aio_context *c;

	while ((c = t->aio) != NULL) {
		aio_polls_drop(c);
		t->aio = c->next;
		fam_free(c);
	}
}

uint64_t aio_count(void)
{
	uint64_t n = 0;

	for (struct task *t = task_first(); t; t = task_next(t))
		for (const struct aio_context *c = t->aio; c; c = c->next)
			n += c->asked;
	return n;
}

/* Where the next event is taken; what a program writes there counts modulo the ring's size. */
static uint32_t head_of(const struct aio_context *c)
{
	uint32_t head = 0;

	(void)user_read(&head, RING(c, head), sizeof head);
	return head % c->size;
}

int aio_is_full(const struct aio_context *c)
{
	return (c->tail + c->size - head_of(c)) % c->size + c->poll_count >= c->size - 1;
}

void aio_event_put(struct aio_context *c, const struct io_event *event)
{
	(void)user_write(c->at + (1 + c->tail) * sizeof *event, event, sizeof *event);
	c->tail = (c->tail + 1) % c->size;
	(void)user_write(RING(c, tail), &c->tail, sizeof c->tail);
	wake_up(current_task());
}

int64_t aio_events_take(struct aio_context *c, uint64_t to, int64_t n)
{
	uint32_t head = head_of(c);
	int64_t done = 0;

	for (; done < n && head != c->tail; done++) {
		struct io_event event;

		if (user_read(&event, c->at + (1 + head) * sizeof event, sizeof event) ||
			user_write(to + (uint64_t)done * sizeof event, &event, sizeof event)) {
			done = done ? done : -EFAULT;
			break;
		}
		head = (head + 1) % c->size;
	}
	(void)user_write(RING(c, head), &head, sizeof head);
	return done;
}
