/* SPDX-License-Identifier: MIT */
/* IOCB_CMD_POLL: requests that stand in the list of the file that they wait for. Whoever makes it ready may be another
 * process, which does not reach the ring: it marks the request, and the ring's own process looks (ask_look). */
#include <asm/poll.h>
#include <fs/files.h>
#include <posix/file/eventfd.h>
#include <posix/process/task.h>
#include "aio_context.h"

struct aio_poll {
	struct waiter waiter;
	struct aio_context *context;
	struct task *task;
	struct aio_poll *next, **at;
	struct aio_poll *told_next;
	int is_told;                 /* it stands in the context's list of such ones */
	uint32_t events;
	uint64_t obj, data;
	struct file *file, *tells;   /* references */
};

static void told_add(struct aio_poll *p)
{
	struct aio_context *c = p->context;

	p->is_told = 1;
	p->told_next = NULL;
	if (!c->told)
		c->told_end = &c->told;
	*c->told_end = p;
	c->told_end = &p->told_next;
}

static void told_remove(struct aio_poll *p)
{
	struct aio_context *c = p->context;
	struct aio_poll **at = &c->told;

	if (!p->is_told)
		return;
	while (*at != p)
		at = &(*at)->told_next;
	*at = p->told_next;
	if (!*at)
		c->told_end = at;
	p->is_told = 0;
}

static int poll_tell(struct waiter *w)
{
	struct aio_poll *p = (struct aio_poll *)w;

	if (!p->is_told) {
		told_add(p);
		ask_look(p->task);
	}
	return 0;
}

static uint32_t ready_of(struct file *f) /* one without a poll is ready for what is usual */
{
	return (uint32_t)(f->ops->poll ? f->ops->poll(f) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

int aio_poll_begin(struct aio_context *c, struct file *f, struct file *tells, const struct iocb *b,
	const struct io_event *event)
{
	const uint32_t events = (uint32_t)b->aio_buf | WAIT_SURE;
	struct aio_poll *p;
	uint32_t ready;

	if (b->aio_buf > UINT16_MAX || b->aio_offset || b->aio_nbytes || b->aio_rw_flags)
		return -EINVAL;
	ready = ready_of(f) & events;
	if (ready)
		return (int)ready;
	if (!f->ops->poll)
		return -EINVAL;
	p = fam_alloc(sizeof *p);
	if (!p)
		return -EAGAIN;
	*p = (struct aio_poll){ .waiter = { .tell = poll_tell, .events = events }, .context = c, .task = current_task(),
		.next = c->polls, .at = &c->polls, .events = events, .obj = event->obj, .data = event->data, .file = f,
		.tells = tells };
	if (p->next)
		p->next->at = &p->next;
	c->polls = p;
	c->poll_count++;
	file_get(f);
	if (tells)
		file_get(tells);
	waiter_join(f->ops->waits(f), &p->waiter);
	return 0;
}

static void poll_free(struct aio_poll *p)
{
	struct file *f = p->file, *tells = p->tells;

	waiter_leave(&p->waiter);
	told_remove(p);
	*p->at = p->next;
	if (p->next)
		p->next->at = p->at;
	p->context->poll_count--;
	fam_free(p);
	/* Last: it may be the end of others. */
	if (tells)
		file_put(tells);
	file_put(f);
}

static void poll_end(struct aio_poll *p, uint32_t result)
{
	const struct io_event event = { .data = p->data, .obj = p->obj, .res = result };

	aio_event_put(p->context, &event);
	if (p->tells)
		eventfd_signal(p->tells);
	poll_free(p);
}

int aio_poll_cancel(struct aio_context *c, uint64_t obj)
{
	struct aio_poll *p = c->polls;

	while (p && p->obj != obj) {
		p = p->next;
		family_progress();
	}
	if (!p)
		return -EINVAL;
	poll_end(p, 0);
	return 0;
}

void aio_polls_drop(struct aio_context *c)
{
	while (c->polls) {
		poll_free(c->polls);
		family_progress();
	}
}

static struct aio_poll *told_first(const struct task *t)
{
	const struct aio_context *c = t->aio;

	while (c && !c->told)
		c = c->next;
	return c ? c->told : NULL;
}

void aio_serve(struct task *t)
{
	struct aio_poll *p;

	while ((p = told_first(t)) != NULL) {
		uint32_t ready = ready_of(p->file) & p->events;

		told_remove(p);
		if (ready)
			poll_end(p, ready);
		else if (!p->waiter.at) /* what it stood at is gone */
			waiter_join(p->file->ops->waits(p->file), &p->waiter);
		family_progress();
	}
}
