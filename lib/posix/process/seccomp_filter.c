/* SPDX-License-Identifier: MIT */
/* Filters of system calls: read, asked, shared and dropped. What their answers do is seccomp.c's. */
#include <linux/filter.h>
#include <posix/library.h>
#include "seccomp_filter.h"

_Static_assert(sizeof(struct cbpf_insn) == sizeof(struct sock_filter), "as programs pass it");

uint32_t filters_answer(const struct seccomp_filter *f, const struct seccomp_data *d,
	const struct seccomp_filter **whose)
{
	uint32_t answer = SECCOMP_RET_ALLOW;

	for (; f; f = f->before) {
		uint32_t one = cbpf_run(f->insn, (const uint32_t *)d, sizeof *d);

		if ((int32_t)(one & SECCOMP_RET_ACTION_FULL) < (int32_t)(answer & SECCOMP_RET_ACTION_FULL)) {
			answer = one;
			*whose = f;
		}
	}
	return answer;
}

static void filter_put(struct seccomp_filter *f)
{
	while (f && !--f->references) {
		struct seccomp_filter *before = f->before;

		if (f->listener)
			f->listener->gone(f->listener);
		fam_free(f);
		f = before;
		family_progress();
	}
}

/* It is no more in the list of a listener's. */
static void notice_end(struct seccomp_notice *n)
{
	struct seccomp_notice **at = &n->listener->first;

	while (*at && *at != n)
		at = &(*at)->next;
	if (*at)
		*at = n->next;
}

void notice_free(struct thread *th)
{
	struct seccomp_notice *n = th->notice;

	if (n->listener)
		notice_end(n);
	th->notice = NULL;
	fam_free(n);
}

void seccomp_drop(struct thread *th)
{
	if (th->notice)
		notice_free(th);
	filter_put(th->seccomp);
	th->seccomp = NULL;
}

void seccomp_inherit(struct thread *to, const struct thread *from)
{
	to->seccomp_mode = from->seccomp_mode;
	to->seccomp = from->seccomp;
	if (to->seccomp)
		to->seccomp->references++;
}

uint32_t seccomp_count(const struct thread *th)
{
	uint32_t n = 0;

	for (const struct seccomp_filter *f = th->seccomp; f; f = f->before)
		n++;
	return n;
}

int filter_read(uint64_t from, struct seccomp_filter **to)
{
	struct { uint16_t count; uint64_t insn; } program;
	struct seccomp_filter *f;
	uint16_t *known;
	int e = 0;

	_Static_assert(sizeof program == sizeof(struct sock_fprog), "as programs pass it");
	if (user_read(&program, from, sizeof program))
		return -EFAULT;
	if (!program.count || program.count > CBPF_MAX)
		return -EINVAL;
	f = fam_alloc(sizeof *f + program.count * sizeof f->insn[0]);
	known = fam_alloc(program.count * sizeof *known);
	if (!f || !known)
		e = -ENOMEM;
	else if (user_read(f->insn, program.insn, program.count * sizeof f->insn[0]))
		e = -EFAULT;
	else if (!cbpf_is_good(f->insn, program.count, sizeof(struct seccomp_data), known))
		e = -EINVAL;
	if (known)
		fam_free(known);
	if (!e) {
		f->count = program.count;
		*to = f;
	} else if (f) {
		fam_free(f);
	}
	return e;
}

static int descends(const struct seccomp_filter *f, const struct seccomp_filter *from)
{
	while (f && f != from)
		f = f->before;
	return f == from;
}

int thread_apart(const struct thread *me)
{
	for (const struct thread *th = me->task->threads; th; th = th->next) {
		if (th == me || th->state == THREAD_ENDED || th->seccomp_mode == SECCOMP_MODE_DISABLED)
			continue;
		if (th->seccomp_mode != SECCOMP_MODE_FILTER || !descends(me->seccomp, th->seccomp))
			return th->tid;
	}
	return 0;
}

void threads_follow(const struct thread *me)
{
	for (struct thread *th = me->task->threads; th; th = th->next) {
		if (th == me || th->state == THREAD_ENDED)
			continue;
		me->seccomp->references++;
		filter_put(th->seccomp); /* it may wait for an answer */
		th->seccomp = me->seccomp;
		th->seccomp_mode = SECCOMP_MODE_FILTER;
		th->no_new_privs |= me->no_new_privs;
	}
}

