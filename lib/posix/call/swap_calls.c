/* SPDX-License-Identifier: MIT */
/* swapon and swapoff. There is one place to swap to, /dev/zram0: memory of the family, in which pages are packed. Files
 * are no place for it, since they lie in memory themselves. */
#include <fs/files.h>
#include <posix/library.h>
#include <posix/parts.h>
#include <posix/process/ask.h>
#include <vm/swap.h>
#include "calls.h"

#define SWAP_FLAG_PRIO_MASK 0x7fffu
#define SWAP_FLAG_PREFER    0x8000u
#define SWAP_FLAGS_DISCARD  0x70000u /* what is packed and not wanted any more goes at once anyway */
/* Pages that it takes, as multiples of all RAM: more than LZ4 ever gets into it of what programs have. Room is taken by
 * need only. */
#define TIMES_RAM 4
#define PIECE 256u                   /* pages that come back at once, under the lock */
#define NAP (1000000ul)              /* ns, until an env that is about to end has ended */
#define NAPS 2000

/* 0, or what a path is refused by that does not lead there. */
static long device_find(uint64_t path_at)
{
	char path[4096];
	struct inode *ip;
	long n = user_str(path, path_at, sizeof path);
	int is_there;

	if (n < 0)
		return n;
	n = inode_lookup(path, &ip);
	if (n)
		return n;
	is_there = (ip->mode & S_IFMT) == S_IFBLK && ip->rdev == ZRAM_DEVICE;
	inode_put(ip);
	return is_there ? 0 : -EINVAL;
}

CALL2(swapon, path, flags)
{
	int priority = flags & SWAP_FLAG_PREFER ? (int)(flags & SWAP_FLAG_PRIO_MASK) : -2;
	long e = device_find(path);

	if (flags & ~(uint64_t)(SWAP_FLAG_PRIO_MASK | SWAP_FLAG_PREFER | SWAP_FLAGS_DISCARD))
		return -EINVAL;
	return e ? e : swap_start(TIMES_RAM * SAID->frames, priority, posix_app.victims);
}

static struct task *task_of(exo_name env)
{
	struct task *t = F->tasks;

	while (t && (t->env != env || t->state != TASK_ALIVE))
		t = t->next;
	return t;
}

static void bring(void *with) { *(int *)with = swap_bring(PIECE); }

/* That env takes some of its pages back: 0 or -errno. */
static int env_brings(exo_name env, int *result)
{
	struct task *t = task_of(env);
	int e;

	for (int i = 0; !t && i < NAPS; i++) { /* between two images, or ended */
		if (sleep_on(F->swap, clock_after(NAP)) == -EINTR)
			return -EINTR;
		swap_dead();
		if (!F->swap || swap_someone() != env)
			return 0;
		t = task_of(env);
	}
	if (!t)
		return -EBUSY;
	*result = 0;
	e = task_ask(t, bring, result);
	if (e)
		return e == -ESRCH ? -EBUSY : e;
	return *result;
}

/* Everybody takes back what is there. Meanwhile nothing goes there; who needs the room all the same sets the limit back
 * (swap_room), and that is -ENOMEM. */
static int all_bring(void)
{
	int *result = fam_alloc(sizeof *result), e = result ? 0 : -ENOMEM;
	exo_name env;

	swap_dead();
	while (!e && (env = swap_someone())) {
		e = env_brings(env, result);
		if (!F->swap)
			break;
		if (!e && F->swap->limit)
			e = -ENOMEM;
		swap_dead();
	}
	fam_free(result);
	return e;
}

CALL1(swapoff, path)
{
	long e = device_find(path);

	if (e || !F->swap)
		return e ? e : -EINVAL;
	F->swap->limit = 0;
	e = all_bring();
	if (!F->swap) /* somebody else has done the rest */
		return 0;
	if (e)
		F->swap->limit = F->swap->size;
	else
		swap_end();
	return e;
}
