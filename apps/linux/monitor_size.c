/* SPDX-License-Identifier: MIT */
/* The memory of a box that runs, more or less: counts that it does not use come back at once; for the rest it is asked
 * (revoke), and gives back what its library OS chooses; what it has not given back at the deadline is taken out of its
 * tables, from the env that has most. A box that keeps memory where nothing can be taken ends. */
#include <rt/page.h>
#include "monitor.h"
#include <posix/parts.h>

/* Between two looks at what has come back: the longer it lasts the longer, up to the deadline. */
#define LOOK_LEAST_NS 500000u
#define LOOK_MOST_NS  100000000u
#define RECORDS_A_LOOK 4096
#define ASK_AGAIN 16          /* looks: others may have claimed what was given back */
#define ENTRIES 512u

static uint32_t counts_of(uint32_t account) { return rt_envs[account].limit[EXO_C_FRAMES]; }
static uint32_t unused_of(uint32_t account) { return counts_of(account) - rt_envs[account].used[EXO_C_FRAMES]; }

/* Where most of a box's memory is counted: the account of its family, or of an app the box's own. */
static uint32_t account_of(const struct box_kept *b)
{
	uint32_t most = EXO_NAME_INDEX(b->env);

	for (uint32_t i = 1; i < EXO_ENV_MAX; i++)
		if (counts_of(i) > counts_of(most) && account_is_below(i, EXO_NAME_INDEX(b->env)))
			most = i;
	return most;
}

/* The env that has most frames of those that draw on it or on one below; 0: there is none. */
static exo_name largest_of(uint32_t account)
{
	uint32_t most = 0;

	for (uint32_t i = 1; i < EXO_ENV_MAX; i++)
		if (rt_envs[i].name && rt_envs[i].state != EXO_S_DYING && account_is_below(rt_envs[i].account, account)
			&& (!most || rt_envs[i].frames > rt_envs[most].frames))
			most = i;
	return rt_envs[most].name;
}

/* An env to name it by. */
static exo_name who_draws(uint32_t account)
{
	return rt_envs[account].name && rt_envs[account].account == account ? rt_envs[account].name : largest_of(account);
}

static void tell(const struct box_kept *b) { (void)gate_notify(b->env, MONITOR_BOXES | MONITOR_WORK); }

static uint32_t left_of(const struct box_kept *b) { return b->spec.count[EXO_C_FRAMES] - b->size.wanted; }

/* ---- more */

static int32_t grow(const struct monitor *m, struct box_kept *b)
{
	uint64_t n = b->size.wanted - b->spec.count[EXO_C_FRAMES];

	if (b->size.wanted > b->size.most)
		return -EINVAL;
	if (gate_env_set(m->keeper, EXO_SET_LIMIT, EXO_C_FRAMES, -n) < 0)
		return -ENOMEM;
	if (gate_env_set(who_draws(account_of(b)), EXO_SET_LIMIT, EXO_C_FRAMES, n) < 0) {
		(void)gate_env_set(m->keeper, EXO_SET_LIMIT, EXO_C_FRAMES, n);
		return -ESRCH;
	}
	b->spec.count[EXO_C_FRAMES] = b->size.wanted;
	tell(b);
	return 0;
}

/* ---- less */

static void unused_take(const struct monitor *m, struct box_kept *b, uint32_t account)
{
	uint64_t n = MIN_OF(unused_of(account), left_of(b));

	if (!n || gate_env_set(who_draws(account), EXO_SET_LIMIT, EXO_C_FRAMES, -n) < 0)
		return; /* it was faster: next time */
	(void)gate_env_set(m->keeper, EXO_SET_LIMIT, EXO_C_FRAMES, n);
	b->spec.count[EXO_C_FRAMES] -= (uint32_t)n;
	tell(b);
}

static void ask(struct monitor *m, struct box_kept *b, uint32_t account)
{
	uint64_t n = MIN_OF(left_of(b), rt_envs[account].used[EXO_C_FRAMES]);

	/* Each request has a deadline of its own, by which it is known. */
	(void)gate_revoke(who_draws(account), EXO_REVOKE_ASK, n, rt_tsc_at(b->size.due) + b->size.asked);
	m->box_turn = b->env;
	m->box_until = clock_ns() + posix_app.granularity_ns;
}

/* Of an env's table at `base`: how many frames were taken. */
static uint32_t table_take(exo_name env, uint64_t base, int level, uint32_t most)
{
	uint64_t span = level == 2 ? EXO_RUN_FRAMES * PAGE : PAGE;
	uint32_t n = 0;

	for (uint64_t i = 0; i < ENTRIES && n < most; i++)
		if (gate_revoke(env, EXO_REVOKE_TAKE, (base + i * span) | (uint64_t)level, 0) > 0)
			n += level == 2 ? EXO_RUN_FRAMES : 1;
	return n;
}

/* Of that level, if the frame is a table of leaves; else 0. */
static int level_of(const volatile struct exo_frame_rec *f)
{
	if (f->type == EXO_PT1)
		return 1;
	return f->type == EXO_PT2 ? 2 : 0;
}

/* Where its pages are is seen by its tables, whose records are public. The fullest come first: an app's code and stack
 * are few pages. False: a whole look found nothing. */
static int force(struct box_kept *b, uint32_t account)
{
	exo_name env = largest_of(account);
	uint32_t n = 0, held = rt_envs[EXO_NAME_INDEX(env)].frames;
	int goes_on;

	if (!b->size.at) {
		b->size.found = 0;
		b->size.victim = env;
	}
	env = b->size.victim;
	(void)gate_revoke(env, EXO_REVOKE_ASK, MIN_OF(left_of(b), held), 1); /* its account's may be another's debt */
	for (int k = 0; k < RECORDS_A_LOOK && b->size.at < rt_info->frame_count && n < left_of(b); k++, b->size.at++) {
		const volatile struct exo_frame_rec *f = &rt_frames[b->size.at];
		int level = level_of(f);

		if (level && f->owner == EXO_NAME_INDEX(env) && f->used > b->size.fuller)
			n += table_take(env, (uint64_t)f->base << 21, level, left_of(b) - n);
	}
	b->size.taken += n;
	b->size.found += n;
	if (b->size.at < rt_info->frame_count)
		return 1;
	b->size.at = 0;
	if (b->size.found)
		return 1;
	goes_on = b->size.fuller != 0;
	b->size.fuller /= 2;
	return goes_on;
}

/* True: it is done, or the box is to end. */
static int shrink(struct monitor *m, struct box_kept *b, uint64_t now)
{
	uint32_t account = account_of(b);
	int goes_on = 1;

	if (!b->size.due) {
		b->size.begun = now;
		b->size.due = now + b->size.within_ns;
	}
	b->size.look = now + LOOK_LEAST_NS;
	if (now < b->size.due) {
		b->size.look = now + MIN_OF(MAX_OF((now - b->size.begun) / 8, LOOK_LEAST_NS), LOOK_MOST_NS);
		b->size.look = MIN_OF(b->size.look, b->size.due);
	}
	unused_take(m, b, account);
	if (left_of(b) && now < b->size.due) {
		if (b->size.asked % ASK_AGAIN == 0)
			ask(m, b, account);
		b->size.asked++;
		tell(b);
	} else if (left_of(b)) {
		goes_on = force(b, account);
		unused_take(m, b, account);
	}
	b->size.keeps = !goes_on && left_of(b);
	return !left_of(b) || b->size.keeps;
}

/* ---- what members ask */

static void size_asked(struct box_kept *b, const struct told_box *t)
{
	b->size.number = t->sizes;
	b->size.wanted = t->frames;
	b->size.within_ns = t->within_ms * 1000000ul;
	b->size.due = b->size.at = 0;
	b->size.fuller = ENTRIES / 2;
	b->size.asked = b->size.taken = 0;
	b->size.is_open = 1;
}

const char *size_serve(struct monitor *m, struct box_kept *b, const struct told_box *t, struct said_box *say)
{
	uint64_t now = clock_ns();
	int32_t error = 0;

	/* One after another: what the box was asked for cannot be unsaid. */
	if (!b->size.is_open && t->sizes != b->size.number)
		size_asked(b, t);
	if (!b->size.is_open)
		return NULL;
	if (b->size.wanted < EXO_SPEC_FRAMES_MAX)
		error = -EINVAL;
	else if (b->size.wanted > b->spec.count[EXO_C_FRAMES])
		error = grow(m, b);
	else if ((b->size.due && now < b->size.look) || !shrink(m, b, now)) {
		m->sizing = earlier(m->sizing, b->size.look);
		return NULL;
	}
	b->size.is_open = 0;
	say->taken += b->size.taken;
	if (b->size.keeps)
		return "it kept memory that was asked back";
	say->size_error = error;
	__atomic_store_n(&say->sized, b->size.number, __ATOMIC_RELEASE);
	return NULL;
}
