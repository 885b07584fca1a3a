/* SPDX-License-Identifier: MIT */
/* What slices, waiting, PCT, revocation and devices must answer, written from gate.def: results out of the public
 * records; who holds which device is kept here. */
#include "time_test.h"

enum { MEMORY = 64 }; /* ranges of device memory that can be held */
static uint16_t port_holder[0x10000], line_holder[16][4];
static struct { uint64_t first, count; uint16_t holder; } memory[MEMORY];

static struct env *named(exo_name name) { return env_by_name(name); }
static bool lives(const struct env *e) { return e && envs[e->index].state != EXO_S_DYING; }
static int state(const struct env *e) { return envs[e->index].state; }
static struct exo_env *account(const struct env *e) { return &envs[envs[e->index].account]; }
static bool full(const struct env *e, int count) { return account(e)->used[count] == account(e)->limit[count]; }

static bool under(const struct env *e, const struct env *me)
{
	if (envs[e->index].creator == me->index)
		return true;
	for (uint16_t a = envs[e->index].account; a; a = envs[a].account_parent)
		if (envs[a].account_maker == me->index)
			return true;
	return false;
}

int64_t time_yield(exo_name name)
{
	struct env *me = current_env(), *to = named(name);

	if (!name || to == me)
		return 0;
	if (!to)
		return -EXO_ESTALE;
	for (int deep = 0; deep < 8 && state(to) == EXO_S_CALLING; deep++)
		to = to->callee;
	return state(to) == EXO_S_READY && to != me ? 0 : -EXO_EAGAIN;
}

int64_t time_wait(uint64_t mask, uint64_t deadline)
{
	struct env *me = current_env();

	if (deadline && !me->slice_count)
		return -EXO_EPERM;
	return me->exo->pending & (uint32_t)mask;
}

int64_t time_notify(exo_name name, uint64_t bits)
{
	struct env *to = named(name);

	if (!lives(to))
		return -EXO_ESTALE;
	return bits & to->open_bits ? 0 : -EXO_EPERM;
}

int64_t time_pct(exo_name name, uint64_t deadline)
{
	struct env *to = named(name);

	if (!to)
		return -EXO_ESTALE;
	if (state(to) != EXO_S_ACCEPTING)
		return -EXO_EAGAIN;
	return deadline && !current_env()->slice_count ? -EXO_EPERM : 0;
}

int64_t time_reply(uint64_t what)
{
	bool called = current_env()->caller;

	switch (what) {
	case EXO_PCT_REPLY:
		return called ? 0 : -EXO_ENOENT;
	case EXO_PCT_ACCEPT:
		return called ? -EXO_EBUSY : 0;
	case EXO_PCT_REPLY | EXO_PCT_ACCEPT:
		return 0;
	}
	return -EXO_EINVAL;
}

int64_t time_slice(uint64_t i, exo_name name)
{
	struct env *to = named(name), *from;

	if (i >= EXO_SLICE_COUNT)
		return -EXO_EINVAL;
	if (name && !lives(to))
		return -EXO_ESTALE;
	from = named(slices->env[i]);
	if (from && from != current_env())
		return -EXO_EPERM;
	if (name && (!from || account(from) != account(to)) && full(to, EXO_C_SLICES))
		return -EXO_ENOMEM;
	return 0;
}

static uint32_t held(const struct env *e)
{
	const struct exo_env *p = &envs[e->index];

	return p->account == e->index ? p->used[EXO_C_FRAMES] : p->frames + p->disowned;
}

/* Of an entry of level 1 in e's own root: of a frame that `owner` has; of what e owes also one that nobody has and its
 * account pays for. */
static int64_t take(const struct env *e, uint64_t va, const struct env *owner)
{
	uint64_t leaf = leaf_seen(e->root, va);
	const struct exo_frame_rec *f = &frames[(leaf & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT];

	if (!leaf)
		return -EXO_ENOENT;
	if (f->owner != owner->index && !(owner == e && !f->owner && f->account == envs[e->index].account))
		return -EXO_EPERM;
	return 1;
}

int64_t time_revoke(exo_name name, uint64_t what, uint64_t a, uint64_t b)
{
	struct env *me = current_env(), *e = named(name);

	if (!lives(e))
		return -EXO_ESTALE;
	if (what > EXO_REVOKE_SLICE)
		return -EXO_EINVAL;
	if (what != EXO_REVOKE_FRAME && !under(e, me))
		return -EXO_EPERM;
	switch (what) {
	case EXO_REVOKE_ASK:
		return !a || a > held(e) || !b ? -EXO_EINVAL : 0;
	case EXO_REVOKE_TAKE:
		if (!e->revoke_deadline || held(e) <= e->revoke_target || time_now < e->revoke_deadline)
			return -EXO_EBUSY;
		return take(e, a, e);
	case EXO_REVOKE_FRAME:
		return e == me ? -EXO_EINVAL : take(e, a, me);
	}
	if (a >= EXO_SLICE_COUNT)
		return -EXO_EINVAL;
	return slices->env[a] == e->name ? 0 : -EXO_ENOENT;
}

/* ---- devices */

enum who { NOBODY, ANYONE, MACHINE };

/* Groups of ports in which some can be bound. */
static const uint16_t group[] = { 0x2f8, 0x3e8, 0x2e8, 0x3f8, 0x60, 0xf0 };
#define GROUPS (sizeof group / sizeof *group)

static enum who port_for(uint64_t port)
{
	for (unsigned i = 0; i < 3; i++)
		if (port - group[i] < 8) /* COM2 to COM4 */
			return ANYONE;
	return port - 0x3f8 < 8 || port == 0x60 || port == 0x64 || port == 0xf4 ? MACHINE : NOBODY;
}

static enum who line_for(uint64_t line)
{
	if (line == 3)
		return ANYONE;
	return line == 1 || line == 4 || line == 12 || irq_is_level((unsigned)line) ? MACHINE : NOBODY;
}

static bool may(enum who who) { return who == ANYONE || (who == MACHINE && current_env()->machine); }

static int64_t bind_ports(uint64_t base, uint64_t n)
{
	uint16_t me = current_env()->index;
	bool mine = false, busy = false;

	if (base > 0xffff || n == 0 || n > 8 - base % 8)
		return -EXO_EINVAL;
	for (uint64_t p = base; p < base + n; p++)
		if (!may(port_for(p)))
			return -EXO_EPERM;
	for (uint64_t p = base & ~7ul; p < (base & ~7ul) + 8; p++) {
		mine |= port_holder[p] == me;
		busy |= p >= base && p < base + n && port_holder[p];
	}
	if (busy)
		return -EXO_EBUSY;
	return !mine && full(current_env(), EXO_C_DEVICES) ? -EXO_EPERM : 0;
}

static int64_t bind_line(uint64_t l, uint64_t n)
{
	unsigned binders = 0;

	if (n != 1 || l >= 16)
		return -EXO_EINVAL;
	if (!may(line_for(l)))
		return -EXO_EPERM;
	for (unsigned i = 0; i < 4; i++) {
		if (line_holder[l][i] == current_env()->index)
			return -EXO_EEXIST;
		binders += line_holder[l][i] != 0;
	}
	if (binders == (irq_is_level((unsigned)l) ? 4 : 1))
		return -EXO_EBUSY;
	return full(current_env(), EXO_C_DEVICES) ? -EXO_EPERM : 0;
}

static int64_t bind_memory(uint64_t first, uint64_t n)
{
	unsigned ranges = 0;

	if (n == 0 || n > 1ul << 20)
		return -EXO_EINVAL;
	/* Below 1 MiB; RAM; where APICs, HPET and flash are. */
	if (first < WORLD_FRAMES || (first < 0x100000 && first + n > 0xfec00) || !current_env()->machine)
		return -EXO_EPERM;
	for (unsigned i = 0; i < MEMORY; i++) {
		if (memory[i].count && first < memory[i].first + memory[i].count && first + n > memory[i].first)
			return -EXO_EBUSY;
		ranges += memory[i].count != 0;
	}
	if (ranges == MEMORY)
		return -EXO_ENOMEM;
	return full(current_env(), EXO_C_DEVICES) ? -EXO_EPERM : 0;
}

int64_t time_bind(uint64_t kind, uint64_t base, uint64_t n)
{
	switch (kind) {
	case EXO_DEV_PORTS:
		return bind_ports(base, n);
	case EXO_DEV_IRQ:
		return bind_line(base, n);
	case EXO_DEV_FRAMES:
	case EXO_DEV_FRAMES_WC:
		return bind_memory(base, n);
	}
	return kind == EXO_DEV_TRACE ? -EXO_EPERM : -EXO_EINVAL;
}

void time_bound(uint64_t kind, uint64_t base, uint64_t n)
{
	uint16_t me = current_env()->index;
	unsigned i = 0;

	if (kind == EXO_DEV_PORTS) {
		for (uint64_t p = base; p < base + n; p++)
			port_holder[p] = me;
	} else if (kind == EXO_DEV_IRQ) {
		while (line_holder[base][i])
			i++;
		line_holder[base][i] = me;
	} else {
		while (memory[i].count)
			i++;
		memory[i].first = base;
		memory[i].count = n;
		memory[i].holder = me;
	}
}

int64_t time_ack(uint64_t line)
{
	if (line >= 16)
		return -EXO_EINVAL;
	for (unsigned i = 0; i < 4; i++)
		if (line_holder[line][i] == current_env()->index)
			return 0;
	return -EXO_ENOENT;
}

void time_lost(unsigned line, unsigned index)
{
	for (unsigned i = 0; i < 4; i++)
		if (line_holder[line][i] == index)
			line_holder[line][i] = 0;
}

void time_left(unsigned index)
{
	for (unsigned g = 0; g < GROUPS; g++)
		for (unsigned p = group[g]; p < group[g] + 8u; p++)
			if (port_holder[p] == index)
				port_holder[p] = 0;
	for (unsigned line = 0; line < 16; line++)
		time_lost(line, index);
	for (unsigned i = 0; i < MEMORY; i++)
		if (memory[i].holder == index)
			memory[i].count = memory[i].holder = 0;
}

static uint32_t devices_of(unsigned index)
{
	uint32_t n = 0;

	for (unsigned g = 0; g < GROUPS; g++) {
		bool any = false;
		for (unsigned p = group[g]; p < group[g] + 8u; p++)
			any |= port_holder[p] == index;
		n += any;
	}
	for (unsigned i = 0; i < MEMORY; i++)
		n += memory[i].count && memory[i].holder == index;
	for (unsigned line = 0; line < 16; line++)
		for (unsigned k = 0; k < 4; k++)
			n += line_holder[line][k] == index;
	return n;
}

static const char *env_wrong(const struct env *e)
{
	unsigned owned = 0;

	for (unsigned i = 0; i < EXO_SLICE_COUNT; i++)
		owned += slices->env[i] == e->name;
	if (owned != e->slice_count)
		return "the number of slices that an env has";
	if ((state(e) == EXO_S_CALLING) != (e->callee != NULL))
		return "an env that calls has whom it called";
	if (e->callee && e->callee->caller != e)
		return "whom an env called knows its caller";
	if (e->caller && (e->caller->callee != e || state(e->caller) != EXO_S_CALLING))
		return "a caller waits for whom it called";
	if (state(e) == EXO_S_PARKED && e->exo->pending & e->wait_mask)
		return "an env sleeps on a bit that is pending";
	if (state(e) == EXO_S_DYING && (e->slice_count || e->port_count || e->irq_lines || e->caller || e->callee))
		return "a dying env holds slices, devices or a call";
	return NULL;
}

const char *time_wrong(void)
{
	uint32_t used[WORLD_INDEX_MAX][2] = { 0 }, limits[2] = { 0 };
	const struct env *e;
	const char *wrong;

	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++) {
		if (!(e = world_env(i)))
			continue;
		if ((wrong = env_wrong(e)))
			return wrong;
		used[envs[i].account][0] += e->slice_count;
		used[envs[i].account][1] += devices_of(i);
	}
	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++)
		for (int c = 0; c < 2; c++) {
			int count = c ? EXO_C_DEVICES : EXO_C_SLICES;
			if (envs[i].used[count] != used[i][c])
				return c ? "devices charged" : "slices charged";
			if (envs[i].used[count] > envs[i].limit[count])
				return "more is charged than the limit";
			limits[c] += envs[i].limit[count];
		}
	if (limits[0] != TIME_SLICES || limits[1] != TIME_DEVICES)
		return "the sum of all limits";
	for (unsigned i = 0; i < EXO_SLICE_COUNT; i++)
		if (slices->env[i] && !lives(named(slices->env[i])))
			return "a slice belongs to nobody who lives";
	if (current_env()->index && state(current_env()) != EXO_S_READY)
		return "who runs is not ready";
	return NULL;
}
