/* SPDX-License-Identifier: MIT */
/* argv and envp on their way from one image to the next: one block of family memory that grows as they are read. */
#include "exec.h"

static int room(struct exec_plan *plan, uint64_t more)
{
	uint64_t wanted = plan->strings_size + more, pages = plan->strings_pages ? plan->strings_pages : 2;
	char *block;

	if (wanted > STRINGS_MAX)
		return -E2BIG;
	if (wanted <= plan->strings_pages * PAGE)
		return 0;
	while (pages * PAGE < wanted)
		pages *= 2;
	block = fam_pages_any(pages);
	if (!block)
		return -ENOMEM;
	memcpy(block, plan->strings, plan->strings_size);
	fam_pages_free(plan->strings, plan->strings_pages);
	plan->strings = block;
	plan->strings_pages = pages;
	return 0;
}

/* One string of user memory, piece by piece. */
static int add_user(struct exec_plan *plan, uint64_t from)
{
	uint64_t size = 0;

	for (;;) {
		char piece[256];
		long n = user_str(piece, from + size, sizeof piece);
		uint64_t bytes = n < 0 ? sizeof piece : (uint64_t)n + 1;
		int e;

		if (n == -EFAULT)
			return -EFAULT;
		if (size + bytes > STRING_MAX)
			return -E2BIG;
		e = room(plan, bytes);
		if (e)
			return e;
		memcpy(plan->strings + plan->strings_size, piece, bytes);
		plan->strings_size += bytes;
		size += bytes;
		if (n >= 0)
			return 0;
	}
}

static int add(struct exec_plan *plan, const char *s)
{
	uint64_t bytes = strlen(s) + 1;
	int e = room(plan, bytes);

	if (e)
		return e;
	memcpy(plan->strings + plan->strings_size, s, bytes);
	plan->strings_size += bytes;
	return 0;
}

/* NULL-terminated array of user pointers; its length, or -errno. A NULL array is empty, as on Linux. */
static long list_user(struct exec_plan *plan, uint64_t at)
{
	long count = 0;

	for (; at; at += 8, count++) {
		uint64_t from;
		int e;

		if (user_read(&from, at, sizeof from))
			return -EFAULT;
		if (!from)
			return count;
		e = add_user(plan, from);
		if (e)
			return e;
		/* The pointers count against the limit, too. */
		if ((uint64_t)count * 8 + plan->strings_size > STRINGS_MAX)
			return -E2BIG;
	}
	return 0;
}

/* Programs rely on argv[0]: an empty argv gets an empty one. */
static int args_done(struct exec_plan *plan)
{
	int e = plan->argc ? 0 : add(plan, "");

	if (!plan->argc)
		plan->argc = 1;
	plan->args_size = plan->strings_size;
	return e;
}

int strings_user(struct exec_plan *plan, uint64_t argv, uint64_t envp)
{
	long n = list_user(plan, argv);
	int e;

	if (n < 0)
		return (int)n;
	plan->argc = (uint32_t)n;
	e = args_done(plan);
	if (e)
		return e;
	n = list_user(plan, envp);
	if (n < 0)
		return (int)n;
	plan->envc = (uint32_t)n;
	return 0;
}

int strings_library(struct exec_plan *plan, char *const argv[], char *const envp[])
{
	int e = 0;

	for (; !e && argv[plan->argc]; plan->argc++)
		e = add(plan, argv[plan->argc]);
	if (!e)
		e = args_done(plan);
	for (; !e && envp[plan->envc]; plan->envc++)
		e = add(plan, envp[plan->envc]);
	return e;
}

int strings_script(struct exec_plan *plan, const char *interp, const char *argument, const char *script, int keeps)
{
	const char *part[3] = { interp, argument, script };
	uint64_t old = keeps ? 0 : strlen(plan->strings) + 1, new = 0, at = 0;
	int e;

	for (int i = 0; i < 3; i++)
		new += part[i] ? strlen(part[i]) + 1 : 0;
	e = room(plan, new);
	if (e)
		return e;
	memmove(plan->strings + new, plan->strings + old, plan->strings_size - old);
	for (int i = 0; i < 3; i++)
		if (part[i]) {
			uint64_t n = strlen(part[i]) + 1;

			memcpy(plan->strings + at, part[i], n);
			at += n;
		}
	plan->strings_size += new - old;
	plan->args_size += new - old;
	plan->argc += (argument ? 2u : 1u) + (keeps != 0);
	return 0;
}
