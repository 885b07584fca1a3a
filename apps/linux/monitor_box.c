/* SPDX-License-Identifier: MIT */
/* Boxes: families that this monitor makes for its members, each out of counts of the family's account, with slices of
 * this monitor's, and a monitor of its own. That one gets a root without anything of this family's but library and root
 * image, and one home where two rings lie. What members and boxes say is taken for what it may be.
 *
 *   base - 1 home   what the box's monitor says to its family       claimed by the box
 *   base            its control memory                              claimed by the box
 *   base + 1        the rings: + 0 what the box says, + RING_DOWN   claimed here, linked live
 *   base + 2 ...    its data memory                                 claimed by the box */
#include <base/fmt.h>
#include <base/string.h>
#include <rt/rt.h>
#include "monitor.h"
#include <posix/parts.h>

#define RING_PAGES (sizeof(struct ring_side) / PAGE)
#define READ_ONLY  (EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX)
/* Beside what a box is given: tables, the ring, and what is claimed before it is handed over. */
static const uint32_t beside[EXO_C_COUNT] = { [EXO_C_FRAMES] = 40, [EXO_C_ENVS] = 1, [EXO_C_HOMES] = 1 };
#define SLICES_KEPT 1u
#define LOOK_APART 43u /* homes between where two monitors begin to look for a box's */

_Static_assert(BOXES * sizeof(struct ring_side) <= 2ul << 20, "one level-1 table");

/* What the box has for itself, what is beside it as long as its rings are, or both. */
enum part { PART_BOX = 1, PART_BESIDE = 2, PART_BOTH = 3 };
static int64_t count_of(const struct box_spec *spec, int c, enum part part)
{
	int64_t n = 0;

	if (c == EXO_C_SLICES || c == EXO_C_DEVICES) /* slices are this monitor's, devices nobody's */
		return 0;
	if (part & PART_BOX)
		n += spec->count[c];
	if (part & PART_BESIDE)
		n += beside[c];
	return n;
}

/* Counts come back to the family's account. */
static void counts_return(const struct monitor *m, const struct box_spec *spec, enum part part)
{
	for (int c = 0; c < EXO_C_COUNT; c++)
		if (gate_env_set(m->keeper, EXO_SET_LIMIT, (uint64_t)c, (uint64_t)count_of(spec, c, part)) < 0)
			rt_log("monitor: counts of the box %s do not come back", spec->name);
}

/* They go to the monitor's, where it makes a box out of them: 0 or a gate error, with none gone. */
static int64_t counts_claim(const struct monitor *m, const struct box_spec *spec)
{
	int64_t r = 0;
	int c;

	for (c = 0; c < EXO_C_COUNT && r >= 0; c++)
		r = gate_env_set(m->keeper, EXO_SET_LIMIT, (uint64_t)c, (uint64_t)-count_of(spec, c, PART_BOTH));
	for (c -= 2; r < 0 && c >= 0; c--)
		(void)gate_env_set(m->keeper, EXO_SET_LIMIT, (uint64_t)c, (uint64_t)count_of(spec, c, PART_BOTH));
	return r;
}

static uint64_t homes_of(const struct box_spec *spec) { return 3 + data_homes_for(spec->count[EXO_C_FRAMES]); }

/* The row of a box, which claims its homes when it first runs. */
static int is_in_row(const struct box_kept *b, uint64_t unit)
{
	return unit - (EXO_HOME_OF(b->base) - 1) < homes_of(&b->spec);
}

static int is_free(const struct monitor *m, uint64_t unit)
{
	if (rt_homes[unit].owner || rt_homes[unit].pt2)
		return 0;
	for (unsigned n = 0; n < BOXES; n++)
		if (SAY->box[n].state != BOX_NONE && is_in_row(&m->box[n], unit))
			return 0;
	return 1;
}

/* Where this monitor begins to look for a row. Two that make a box at the same time seldom choose the same homes. */
static uint64_t first_look(void)
{
	return IS_BOX ? EXO_NAME_INDEX(P->self) * LOOK_APART % (HOMES_APPS - HOME_FAMILY) : 0;
}

/* Base of a family in a row of free homes of those kept for families; 0: there is none. Another monitor may choose some
 * of them at the same time: then one of the two boxes finds its homes taken, says so and ends. */
static uint64_t base_find(const struct monitor *m, uint64_t homes)
{
	const uint64_t all = HOMES_APPS - HOME_FAMILY, first = first_look();
	uint64_t run = 0;

	for (uint64_t i = first; i < first + all; i++) {
		uint64_t unit = HOME_FAMILY + i % all;

		if (unit == HOME_FAMILY)
			run = 0;
		run = is_free(m, unit) ? run + 1 : 0;
		if (run == homes)
			return EXO_HOMES_BASE + (unit + 2 - homes) * EXO_HOME_SIZE;
	}
	return 0;
}

/* ---- the rings */

static void rings_drop(uint64_t at, unsigned n)
{
	(void)entries_write(0, BOX_SAID(n), RING_PAGES, 0, 0, 0);
	(void)entries_write(0, at + RING_DOWN, RING_PAGES, 0, 0, 0);
	(void)entries_write(0, at, RING_PAGES, 0, EXO_AT_GIVE, 0);
	(void)gate_pte_write(0, at | EXO_AT_GIVE | 2, 1, 0, 0, 0);
	(void)gate_pte_write(0, at | EXO_AT_GIVE | 3, 1, 0, 0, 0);
	(void)gate_home_set(0, EXO_HOME_RELEASE, at, 1);
}

/* What the box says: new pages, which members read where this monitor says things. */
static int64_t up_make(uint64_t at, unsigned n)
{
	uint64_t frame[RING_PAGES];
	int64_t r = table_new(BOX_SAID(n), 2);

	if (r < 0 && r != -EXO_EEXIST)
		return r;
	r = frames_claim_zeroed(frame, RING_PAGES) ? -EXO_ENOMEM : 0;
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < RING_PAGES && r >= 0; i++)
		r = gate_frame_type(frame[i], 1, EXO_DATA, EXO_F_SHARED);
	if (r < 0)
		frames_release(frame, RING_PAGES);
	else
		r = pages_put(0, at, frame, RING_PAGES);
	for (uint64_t i = 0; i < RING_PAGES && r >= 0; i++)
		r = gate_pte_write(0, (BOX_SAID(n) + i * PAGE) | 1, 1, frame[i] << EXO_PAGE_SHIFT | READ_ONLY, 0, 0);
	return r;
}

/* What is said to it lies in control memory, whose frames are this monitor's. */
static int64_t down_make(uint64_t at, uint64_t room)
{
	int64_t r = 0;

	if (room % PAGE || room < FAMILY_BASE || room > FAMILY_BASE + EXO_HOME_SIZE - sizeof(struct ring_side))
		return -EXO_EINVAL;
	for (uint64_t i = 0; i < RING_PAGES && r >= 0; i++) {
		uint64_t frame = frame_at(room + i * PAGE);

		if (!frame)
			return -EXO_EINVAL;
		(void)gate_frame_type(frame, 1, EXO_DATA, EXO_F_SHARED); /* refused: the entry is, too */
		r = gate_pte_write(0, (at + RING_DOWN + i * PAGE) | 1, 1, frame << EXO_PAGE_SHIFT | READ_ONLY, 0, 0);
	}
	return r;
}

static int64_t rings_make(uint64_t at, unsigned n, uint64_t room)
{
	int64_t r = gate_home_set(0, EXO_HOME_CLAIM, at, 1);

	if (r < 0)
		return r;
	r = table_new(at, 3);
	if (r >= 0)
		r = table_new(at, 2);
	if (r >= 0)
		r = up_make(at, n);
	if (r >= 0)
		r = down_make(at, room);
	if (r < 0)
		rings_drop(at, n);
	return r;
}

/* ---- slices */

/* Those that nobody has are this monitor's again, as far as they are its account's. */
static void slices_fetch(void)
{
	for (uint64_t i = 0; i < EXO_SLICE_COUNT; i++)
		if (!rt_slices->env[i])
			(void)gate_slice_set(i, P->self);
}

/* Spread evenly, the first of a box behind where that of the last one lies. */
static uint64_t slices_choose(uint64_t count, unsigned n)
{
	uint64_t chosen = 0;

	for (uint64_t k = 0; k < count; k++)
		for (uint64_t j = 0; j < EXO_SLICE_COUNT; j++) {
			uint64_t i = (n * 5 + k * EXO_SLICE_COUNT / count + j) % EXO_SLICE_COUNT;

			if (rt_slices->env[i] != P->self || chosen >> i & 1)
				continue;
			chosen |= 1ul << i;
			break;
		}
	return chosen;
}

/* How many it has got: in between they are nobody's, and another monitor may have been faster. */
static uint32_t slices_set(uint64_t chosen, exo_name env)
{
	uint32_t n = 0;

	for (uint64_t i = 0; i < EXO_SLICE_COUNT; i++)
		n += chosen >> i & 1 && gate_slice_set(i, env) >= 0;
	return n;
}

static uint32_t slices_mine(void)
{
	uint32_t n = 0;

	for (uint64_t i = 0; i < EXO_SLICE_COUNT; i++)
		n += rt_slices->env[i] == P->self;
	return n;
}

/* ---- the making */

static long env_make(struct monitor *m, const struct box_spec *spec, uint64_t base)
{
	int64_t r;

	memset(&m->build, 0, sizeof m->build);
	r = env_build_monitor(&m->build);
	if (r < 0)
		return (long)r;
	r = gate_pt_link(m->build.root, (base + FAMILY_OWN) | EXO_AT_LIVE | EXO_AT_RW | 3, 1, 0);
	if (r < 0) {
		env_unbuild(&m->build);
		return gate_errno(r);
	}
	m->build.spec.flags = EXO_SPEC_NEW_ACCOUNT;
	memcpy(m->build.spec.limit, spec->count, sizeof spec->count);
	/* Its app's name lies where its first bytes will be. */
	memcpy(((struct ring_side *)(base + FAMILY_OWN))->bytes, spec->app, sizeof spec->app);
	return env_launch(&m->build, spec->app[0] ? app_begin : box_begin, (void *)base);
}

/* Its slices are nobody's while it is made, so that its account can be given their count. */
static long box_start(struct monitor *m, unsigned n, const struct box_spec *spec, uint64_t base)
{
	uint64_t chosen = slices_choose(spec->count[EXO_C_SLICES], n);
	long name;

	(void)slices_set(chosen, 0);
	name = env_make(m, spec, base);
	if (!slices_set(chosen, name < 0 ? P->self : (exo_name)name) && name >= 0)
		(void)gate_env_kill((exo_name)name); /* it would never run; that it has ended is seen as of any other */
	return name;
}

static long box_make(struct monitor *m, unsigned n, const struct told_box *t)
{
	struct box_kept *b = &m->box[n];
	long name = -EAGAIN;
	int64_t r;

	b->spec = t->spec;
	b->spec.name[BOX_NAME - 1] = 0;
	b->spec.count[EXO_C_DEVICES] = 0;
	if (!b->spec.count[EXO_C_SLICES] || b->spec.count[EXO_C_FRAMES] > SAY->frames ||
		b->spec.count[EXO_C_FRAMES] < EXO_SPEC_FRAMES_MAX ||
		b->spec.count[EXO_C_SLICES] > EXO_SLICE_COUNT)
		return -EINVAL;
	b->base = base_find(m, homes_of(&b->spec));
	if (!b->base || slices_mine() < b->spec.count[EXO_C_SLICES] + SLICES_KEPT)
		return -EAGAIN;
	if (counts_claim(m, &b->spec) < 0)
		return -ENOMEM;
	r = rings_make(b->base + FAMILY_OWN, n, t->room);
	if (r >= 0)
		name = box_start(m, n, &b->spec, b->base);
	else
		name = gate_errno(r);
	if (r >= 0 && name < 0)
		rings_drop(b->base + FAMILY_OWN, n);
	if (name < 0)
		counts_return(m, &b->spec, PART_BOTH);
	return name;
}

/* ---- the end */

/* Ends all that draws on its account or on one below: true when they are gone, and the account with them. */
static int box_is_gone(const struct box_kept *b)
{
	uint32_t top = EXO_NAME_INDEX(b->env);
	const volatile struct exo_env *account = &rt_envs[top];
	int left = 0;

	if (account->name ? account->name != b->env : account->account_maker != EXO_NAME_INDEX(P->self))
		return 1; /* its index is nobody's, or another's already */
	for (const volatile struct exo_env *e = rt_envs + 1; e < rt_envs + EXO_ENV_MAX; e++) {
		/* Its name before its account: who has the index next has another one. */
		exo_name name = e->name;

		if (!name)
			continue;
		if (account->name && account->name != b->env)
			return 1;
		if (account_is_below(e->account, top))
			left |= gate_env_kill(name) != 0;
	}
	if (left)
		return 0;
	return !account->name && account->account_maker != EXO_NAME_INDEX(P->self);
}

/* Why it is to end; NULL: it is not. */
static const char *end_look(const struct box_kept *b, const struct told_box *t, char *why, size_t max)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(b->env)];

	if (e->name != b->env || e->state == EXO_S_DYING)
		return "its monitor has ended";
	if (e->state == EXO_S_STUCK) {
		(void)fmt(why, max, "its monitor is stuck at vector %u, address 0x%lx, rip 0x%lx", e->stuck_vector,
			(unsigned long)e->stuck_addr, (unsigned long)e->stuck_rip);
		return why;
	}
	if (t->asked != b->asked)
		return "nobody holds it any more";
	return t->ends == b->asked ? "it was ended from outside" : NULL;
}

static void box_end(struct monitor *m, unsigned n)
{
	struct box_kept *b = &m->box[n];

	if (!box_is_gone(b)) {
		m->ending = 1;
		return;
	}
	slices_fetch();
	counts_return(m, &b->spec, PART_BOX);
	b->is_ending = 0;
	SAY->box[n].state = BOX_ENDED;
}

/* ---- in each turn that has news */

/* What a member has put or taken lies in its side's first words: seen by the box's own entries. */
static void bytes_look(struct monitor *m, struct box_kept *b)
{
	const volatile struct ring_side *down = (const struct ring_side *)(b->base + FAMILY_OWN + RING_DOWN);
	uint32_t word[2] = { down->put, down->taken };

	if (word[0] == b->seen[0] && word[1] == b->seen[1])
		return;
	memcpy(b->seen, word, sizeof word);
	(void)gate_notify(b->env, MONITOR_BOXES);
	m->box_turn = b->env;
	m->box_until = clock_ns() + posix_app.granularity_ns;
}

static void box_asked(struct monitor *m, unsigned n, const struct told_box *t)
{
	struct box_kept *b = &m->box[n];
	struct said_box *say = &SAY->box[n];
	long r = 0;

	if (say->state == BOX_ENDED) {
		rings_drop(b->base + FAMILY_OWN, n);
		counts_return(m, &b->spec, PART_BESIDE);
		m->boxes--;
	}
	say->state = BOX_NONE;
	b->asked = t->asked;
	if (t->asked & 1) {
		r = box_make(m, n, t);
		say->state = r < 0 ? BOX_NONE : BOX_RUNS;
		m->boxes += r >= 0;
		b->env = say->env = r < 0 ? 0 : (exo_name)r;
		say->account = EXO_NAME_INDEX(b->env);
		b->seen[0] = b->seen[1] = 0;
		memset(&b->size, 0, sizeof b->size);
		b->size.number = say->sized = t->sizes;
		b->size.most = b->spec.count[EXO_C_FRAMES];
		say->taken = 0;
		memset(say->why, 0, sizeof say->why);
	}
	say->error = r < 0 ? (int32_t)r : 0;
	__atomic_store_n(&say->answered, t->asked, __ATOMIC_RELEASE);
}

static void box_serve(struct monitor *m, unsigned n, const struct told_box *t)
{
	struct box_kept *b = &m->box[n];
	struct said_box *say = &SAY->box[n];
	char text[sizeof say->why];
	const char *why;

	if (say->state == BOX_RUNS && !b->is_ending) {
		why = end_look(b, t, text, sizeof text);
		if (!why)
			why = size_serve(m, b, t, say);
		if (why)
			(void)fmt(say->why, sizeof say->why, "%s", why);
		else
			bytes_look(m, b);
		b->is_ending = why != NULL;
	}
	if (b->is_ending)
		box_end(m, n);
	if (t->asked != b->asked && say->state != BOX_RUNS)
		box_asked(m, n, t);
}

/* In a box: who made it may have given memory, or taken some. */
static void frames_look(const struct monitor *m)
{
	SAY->frames = rt_envs[rt_envs[EXO_NAME_INDEX(P->self)].account].limit[EXO_C_FRAMES] +
		rt_envs[EXO_NAME_INDEX(m->keeper)].limit[EXO_C_FRAMES];
}

void box_pump(struct monitor *m)
{
	struct told_box t;

	m->ending = 0;
	m->sizing = 0;
	if (IS_BOX)
		frames_look(m);
	for (unsigned n = 0; n < BOXES && (n < m->told.boxes || SAY->box[n].state != BOX_NONE); n++)
		if (!user_copy(&t, &TOLD->box[n], sizeof t))
			box_serve(m, n, &t);
	m->more |= m->ending;
}

/* ---- inside one */

static const char settings[] = "channel = com2\nrun = channel\nconsole = serial\n";

void box_open(struct monitor *m)
{
	uint64_t at = FAMILY_BASE + FAMILY_OWN;
	struct ring_side *up = P->given ? P->given->up : (struct ring_side *)at;
	const struct ring_side *down = P->given ? P->given->down : (const struct ring_side *)(at + RING_DOWN);

	config_read(CONFIG_SAY, m->nonce, settings, sizeof settings - 1);
	channel_open_rings(&m->channel, up, down, rt_creator(&rt_envs[EXO_NAME_INDEX(P->self)]));
	m->has_port = 1;
}
