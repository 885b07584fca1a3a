/* SPDX-License-Identifier: MIT */
/* What memory is kept back for those who must go on, and what comes back from the dead: their frames are free only
 * when their envs are torn down. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>

#define RESERVE_LEAST 1024  /* frames: 4 MiB */
#define RESERVE_MOST  16384

int account_is_below(uint32_t account, uint32_t top)
{
	for (int depth = 0; account && depth <= EXO_ACCOUNT_DEPTH; depth++) {
		if (account == top)
			return 1;
		account = rt_envs[account % EXO_ENV_MAX].account_parent;
	}
	return 0;
}

void env_end(exo_name env)
{
	for (;;) {
		int64_t r = gate_env_kill(env);

		family_progress();
		if (r == 0 || r == -EXO_ESTALE)
			return;
		if (r != -EXO_EAGAIN && gate_yield(env, 0) < 0)
			(void)gate_yield(0, 0);
	}
}

int memory_recover(void)
{
	int any = family_locked() && control_give_back();

	for (uint32_t i = 1; i < EXO_ENV_MAX; i++) {
		const volatile struct exo_env *e = &rt_envs[i];

		if (e->name && e->state == EXO_S_DYING) {
			env_end(e->name);
			any = 1;
		}
	}
	return any;
}

/* An eighth of the machine, but room for some forks and execs in a small one, and no more than a large one has
 * use for. */
void reserves_set(void)
{
	uint64_t frames = SAID->frames / 8;

	F->frame_reserve = MIN_OF(MAX_OF(frames, RESERVE_LEAST), RESERVE_MOST);
}

int memory_wait(uint64_t n)
{
	return memory_spare(n) || (memory_recover() && memory_spare(n));
}

static uint64_t above(uint64_t n, uint64_t least) { return n > least ? n - least : 0; }

static uint64_t room(enum room quarters)
{
	return above(frames_left(), F->frame_reserve / 4 * quarters);
}

uint64_t fam_room(enum room quarters)
{
	uint64_t pages = room(quarters);

	return pages || !memory_recover() ? pages : room(quarters);
}

void *fam_content(size_t count)
{
	return fam_room(ROOM_CONTENT) >= count ? fam_pages(count) : 0;
}
