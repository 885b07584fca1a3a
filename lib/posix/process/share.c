/* SPDX-License-Identifier: MIT */
/* What threads and processes have in common: supplementary groups, the context of their I/O and handlers, which who is
 * made gets from its maker. */
#include <linux/sched.h>
#include <posix/call/calls.h>
#include <posix/library.h>
#include "keys.h"
#include "share.h"

#define GROUPS_MAX 65536u

struct groups { uint32_t refs, count, id[]; }; /* ascending */
struct io_context { uint32_t refs; int priority; };

static void groups_put(struct groups *g)
{
	if (g && !--g->refs)
		fam_free(g);
}

static void io_put_context(struct io_context *io)
{
	if (io && !--io->refs)
		fam_free(io);
}

int io_priority(const struct thread *th) { return th->io ? th->io->priority : 0; }

int io_priority_set(struct thread *th, int priority)
{
	if (!th->io && !(th->io = fam_alloc(sizeof *th->io)))
		return -ENOMEM;
	th->io->refs += !th->io->refs;
	th->io->priority = priority;
	return 0;
}

int share_copy(struct thread *to, const struct thread *from, uint64_t clone_flags)
{
	if (from->io && clone_flags & CLONE_IO)
		to->io = from->io, to->io->refs++;
	else if (from->io && io_priority_set(to, from->io->priority))
		return -ENOMEM;
	to->groups = from->groups;
	if (to->groups)
		to->groups->refs++;
	return keyrings_begin(to, from, !!(clone_flags & CLONE_THREAD));
}

void share_drop(struct thread *th)
{
	groups_put(th->groups);
	io_put_context(th->io);
	th->groups = NULL;
	th->io = NULL;
	keyrings_end(th);
}

/* ---- supplementary groups. Nobody is kept from anything by them: there is one user. */
uint32_t groups_of(const struct thread *th, const uint32_t **list)
{
	*list = th->groups ? th->groups->id : NULL;
	return th->groups ? th->groups->count : 0;
}

CALL2(getgroups, count, list)
{
	const uint32_t *id;
	uint32_t n = groups_of(P->thread, &id);

	if ((int)count < 0 || ((int)count && count < n))
		return -EINVAL;
	return (int)count && user_write(list, id, n * sizeof *id) ? -EFAULT : (long)n;
}

static void sift(uint32_t *id, uint32_t at, uint32_t n)
{
	for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
		uint32_t was = id[at];

		child += child + 1 < n && id[child + 1] > id[child];
		if (was >= id[child])
			return;
		id[at] = id[child];
		id[child] = was;
	}
}

static void sort(uint32_t *id, uint32_t n)
{
	for (uint32_t i = n / 2; i--;)
		sift(id, i, n);
	while (n > 1) {
		uint32_t last = id[--n];

		id[n] = id[0];
		id[0] = last;
		sift(id, 0, n);
	}
}

CALL2(setgroups, count, list)
{
	struct groups *g;

	if ((uint32_t)count > GROUPS_MAX)
		return -EINVAL;
	g = fam_alloc(sizeof *g + (uint32_t)count * sizeof g->id[0]);
	if (!g)
		return -ENOMEM;
	*g = (struct groups){ .refs = 1, .count = (uint32_t)count };
	if (user_read(g->id, list, g->count * sizeof g->id[0])) {
		fam_free(g);
		return -EFAULT;
	}
	sort(g->id, g->count);
	groups_put(P->thread->groups);
	P->thread->groups = g;
	return 0;
}

/* ---- handlers of signals: each process has its own, and who shares them keeps them alike. */
void handlers_join(struct task *child, struct task *with)
{
	child->handlers_with = with->handlers_with ? with->handlers_with : with;
	with->handlers_with = child;
}

void handlers_leave(struct task *t)
{
	struct task *before = t->handlers_with;

	if (!before)
		return;
	while (before->handlers_with != t)
		before = before->handlers_with;
	before->handlers_with = t->handlers_with == before ? NULL : t->handlers_with;
	t->handlers_with = NULL;
}

void handlers_tell_all(const struct task *t, int sig)
{
	for (struct task *o = t->handlers_with; o != t; o = o->handlers_with)
		o->signals.action[sig] = t->signals.action[sig];
}
