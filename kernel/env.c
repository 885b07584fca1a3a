/* SPDX-License-Identifier: MIT */
/* Environments: names, the public table, making one out of frames that the caller supplies, and changing it. */
#include "kernel.h"

struct exo_env *envs;
struct env *env_records[EXO_ENV_MAX];
uint64_t env_generation[EXO_ENV_MAX];
static uint16_t index_next[EXO_ENV_MAX]; /* chain of indices that were used before */
static uint16_t index_free;
static uint32_t index_fresh = 1;
#define GENERATION_MAX (INT64_MAX / EXO_ENV_MAX)

struct env *env_by_index(uint32_t index) { return env_records[index]; }

void records_clear(uint32_t index) { env_records[index] = NULL; }

bool env_is_child(struct env *e) { return e->creator == current_env(); }
bool env_is_under(struct env *e) { return env_is_child(e) || account_is_under(envs[e->index].account, current_env()); }

bool entry_is_good(uint64_t va) { return va < EXO_USER_END - EXO_PAGE_SIZE; }

static uint32_t index_take(void)
{
	uint32_t i = index_free;
	if (i)
		index_free = index_next[i];
	else if (index_fresh < EXO_ENV_MAX)
		i = index_fresh++;
	return i;
}

void env_index_free(uint32_t index)
{
	envs[index].state = EXO_S_FREE;
	if (env_generation[index] >= GENERATION_MAX)
		return; /* used up: a name never comes twice */
	index_next[index] = index_free;
	index_free = (uint16_t)index;
}

struct env *env_setup(const struct exo_env_spec *spec, struct env *creator)
{
	uint32_t index = index_take();
	if (!index)
		return NULL;
	struct env *e = pfn_ptr(spec->frames[EXO_EF_RECORD]);
	zero_words(e, (sizeof(*e) + 7) & ~7ul);
	env_records[index] = e;
	e->public = &envs[index];
	e->index = (uint16_t)index;
	e->name = ++env_generation[index] * EXO_ENV_MAX + index;
	e->root = spec->frames[EXO_EF_ROOT];
	e->group_va = EXO_GROUPS + index * EXO_GROUP_SIZE;
	e->creator = creator;

	struct exo_env *p = &envs[index];
	p->name = e->name;
	p->creator = creator ? creator->index : 0;
	p->root = e->root;
	p->run_time = p->stuck_addr = p->stuck_rip = p->stuck_vector = 0;
	p->frames = p->disowned = 0;
	p->account = (uint16_t)index;
	for (int i = 0; i < 4; i++)
		p->private_slots[i] = 0;
	if (creator) {
		e->sibling = creator->child;
		if (e->sibling)
			e->sibling->sibling_back = e;
		creator->child = e;
		struct exo_env *payer = &envs[envs[creator->index].account];
		p->account_parent = envs[creator->index].account;
		if (spec->flags & EXO_SPEC_NEW_ACCOUNT) {
			for (int c = 0; c < EXO_C_COUNT; c++) {
				payer->limit[c] -= spec->limit[c];
				p->limit[c] = spec->limit[c];
				p->used[c] = 0;
			}
			p->account_maker = creator->index;
			creator->made++;
		} else {
			p->account = p->account_parent;
		}
		account_charge(p->account_parent, EXO_C_ENVS, 1);
	}

	for (uint32_t i = 0; i < spec->frame_count; i++) {
		uint32_t pfn = spec->frames[i];
		if (frames[pfn].owner != index) {
			bool fits = frames[pfn].account == p->account || frame_charge(pfn, p->account);
			assert(fits);
			if (creator)
				frame_move(pfn, creator, e);
			else
				frame_chain(pfn, e);
		}
		if (i >= EXO_EF_COUNT)
			continue;
		e->group[i] = pfn;
		frames[pfn].pins = 1;
		if (i == EXO_EF_ROOT)
			frames[pfn].flags |= EXO_F_ROOT_USED;
		else
			frames[pfn].type = EXO_ENV;
		if (i < EXO_EF_WINDOW3)
			frames[pfn].flags &= (uint8_t)~FRAME_CLEAN;
	}
	const uint64_t *root = pfn_ptr(e->root);
	for (uint32_t slot = 0; slot < 256; slot++)
		if (slot % 8 == 0 && !(any_of_8(&root[slot]) & EXO_LINK_BIT_PRIVATE))
			slot += 7;
		else if (root[slot] & EXO_LINK_BIT_PRIVATE)
			p->private_slots[slot / 64] |= 1ul << slot % 64;

	e->exo = pfn_ptr(e->group[EXO_EF_EXO]);
	e->save = pfn_ptr(e->group[EXO_EF_SAVE]);
	e->stack[0] = pfn_ptr(e->group[EXO_EF_STACK0]);
	e->stack[1] = pfn_ptr(e->group[EXO_EF_STACK1]);
	e->upcall_end = e->stack[1] + EXO_PAGE_SIZE;
	e->upcall_at = e->group_va + EXO_GROUP_STACK + EXO_STACK_SIZE - sizeof(struct exo_upcall);
	window_build(e);
	zero_words(e->exo, sizeof(struct exo_page));
	trap_aliases(e);
	e->exo->self = e->name;
	e->exo->disabled = spec->disabled;
	zero_words(&e->save->regs, sizeof(e->save->regs));
	fpu_init(e->save);
	e->save->regs.rip = spec->rip;
	e->save->regs.rflags = RFLAGS_IF | RFLAGS_FIX;
	e->save->regs.rsp = spec->rsp;
	e->save->regs.rdi = spec->rdi;
	e->save->regs.rsi = spec->rsi;
	for (int i = 0; i < EXO_ENTRY_COUNT; i++)
		e->entry[i] = spec->entry[i];
	p->state = EXO_S_READY;
	return e;
}

static int64_t spec_check(const struct exo_env_spec *s, struct env *me)
{
	if (s->frame_count < EXO_EF_COUNT || s->frame_count > EXO_SPEC_FRAMES_MAX || s->flags & ~EXO_SPEC_NEW_ACCOUNT)
		return -EXO_EINVAL;
	if (!entry_is_good(s->rip))
		return -EXO_EINVAL;
	for (int i = 0; i < EXO_ENTRY_COUNT; i++)
		if (!entry_is_good(s->entry[i]))
			return -EXO_EINVAL;
	const struct exo_env *a = &envs[envs[me->index].account];
	if (a->limit[EXO_C_ENVS] - a->used[EXO_C_ENVS] < 1)
		return -EXO_ENOMEM;
	if (s->flags & EXO_SPEC_NEW_ACCOUNT) {
		/* What is handed over leaves the payer's count, so only the rest must be spare; further frames may be named twice, and are not reckoned with. */
		if (s->limit[EXO_C_FRAMES] < s->frame_count)
			return -EXO_EINVAL;
		for (int c = 0; c < EXO_C_COUNT; c++) {
			uint64_t held = c == EXO_C_FRAMES ? EXO_EF_COUNT : 0, mine = c == EXO_C_ENVS ? 1 : 0;
			if ((uint64_t)s->limit[c] + mine > (uint64_t)a->limit[c] - a->used[c] + held)
				return -EXO_ENOMEM;
		}
		unsigned depth = 0;
		for (uint32_t up = envs[me->index].account; up; up = envs[up].account_parent)
			depth++;
		if (depth == EXO_ACCOUNT_DEPTH)
			return -EXO_EOVERFLOW; /* accounts go one after the other, in one stretch */
	}
	return 0;
}

static void unpin(const struct exo_env_spec *s, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < EXO_EF_COUNT; i++)
		frames[s->frames[i]].pins = 0;
}

/* The frames are the caller's and of the right kind; those of the group are pinned, which also shows who is named twice. */
static int64_t pin(const struct exo_env_spec *s, uint16_t me)
{
	int64_t r = 0;
	for (uint32_t i = 0; i < s->frame_count; i++) {
		uint32_t pfn = s->frames[i];
		struct exo_frame_rec *f = &frames[index_of(pfn, frame_count)];
		bool group = i < EXO_EF_COUNT;
		if (f->type == EXO_NONE || f->type == EXO_KERNEL) /* as frame 0 is */
			r = -EXO_EINVAL;
		else if (f->type == EXO_FREE || f->owner != me)
			r = -EXO_EPERM;
		else if (f->pins || (group && f->maps))
			r = -EXO_EBUSY;
		else if (i == EXO_EF_ROOT ? f->type != EXO_PT4 : group ? f->type != EXO_DATA : f->type == EXO_PT4 || f->type == EXO_ENV || f->type == EXO_RUN)
			r = -EXO_ETYPE;
		if (r < 0) {
			unpin(s, i);
			return r;
		}
		f->pins = group;
	}
	return 0;
}

int64_t op_env_make(uint64_t at)
{
	struct exo_env_spec spec;
	struct env *me = current_env();
	int64_t r = user_read(&spec, at, offsetof(struct exo_env_spec, frames));
	if (r == 0 && spec.frame_count <= EXO_SPEC_FRAMES_MAX)
		r = user_read(spec.frames, at + offsetof(struct exo_env_spec, frames), (spec.frame_count * 4ul + 7) & ~7ul);
	if (r == 0)
		r = revoke_bars(me) ? -EXO_EREVOKED : spec_check(&spec, me);
	if (r == 0)
		r = pin(&spec, me->index);
	if (r < 0)
		return r;
	struct env *e = env_setup(&spec, me);
	if (!e)
		unpin(&spec, EXO_EF_COUNT);
	return e ? (int64_t)e->name : -EXO_ENOMEM;
}

static int64_t set_entries(struct env *me, uint64_t a)
{
	uint64_t entry[EXO_ENTRY_COUNT];
	int64_t r = user_read(entry, a, sizeof(entry));
	if (r < 0)
		return r;
	for (int i = 0; i < EXO_ENTRY_COUNT; i++)
		if (!entry_is_good(entry[i]))
			return -EXO_EINVAL;
	for (int i = 0; i < EXO_ENTRY_COUNT; i++)
		me->entry[i] = entry[i];
	return 0;
}

/* Of the account that e draws on, whether or not the env lives that it was made for. */
static int64_t set_limit(struct env *me, struct env *e, uint64_t count, uint64_t more)
{
	uint16_t mine = envs[me->index].account, account = envs[e->index].account;
	if (count >= EXO_C_COUNT)
		return -EXO_EINVAL;
	if (!account_is_under(account, me))
		return -EXO_EPERM;
	count = index_of(count, EXO_C_COUNT);
	return (int64_t)more < 0 ? account_move(account, mine, count, -more) : account_move(mine, account, count, more);
}

static int64_t set_regs(struct env *e, uint64_t a)
{
	struct exo_regs regs;
	int64_t r = user_read(&regs, a, sizeof(regs));
	if (r < 0)
		return r;
	if (e->ran && envs[e->index].state != EXO_S_STUCK)
		return -EXO_EBUSY;
	if (!entry_is_good(regs.rip) || regs.fs_base >= EXO_USER_END || regs.gs_base >= EXO_USER_END)
		return -EXO_EINVAL;
	regs.rflags = (regs.rflags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_FIX;
	e->save->regs = regs;
	envs[e->index].state = EXO_S_READY;
	return 0;
}

int64_t op_env_set(uint64_t env, uint64_t what, uint64_t a, uint64_t b)
{
	struct env *me = current_env(), *e = env ? env_by_name(env) : me;
	uint64_t fs, gs;
	if (!e || envs[e->index].state == EXO_S_DYING)
		return -EXO_ESTALE;
	if (e != me && !(what == EXO_SET_LIMIT ? env_is_under(e) : env_is_child(e)))
		return -EXO_EPERM;
	switch (what) {
	case EXO_SET_ENTRIES:
		return e == me ? set_entries(me, a) : -EXO_EPERM;
	case EXO_SET_ALARM:
		if (e != me)
			return -EXO_EPERM;
		me->alarm = a;
		sched_arm();
		return 0;
	case EXO_SET_OPEN:
		if (e != me)
			return -EXO_EPERM;
		me->open_bits = a;
		return 0;
	case EXO_SET_FS:
	case EXO_SET_GS:
		if (e != me)
			return -EXO_EPERM;
		if (a >= EXO_USER_END)
			return -EXO_EINVAL;
		machine_bases_save(&fs, &gs);
		machine_bases_load(what == EXO_SET_FS ? a : fs, what == EXO_SET_GS ? a : gs);
		return 0;
	case EXO_SET_DIRECT:
		if (e != me)
			return -EXO_EPERM;
		me->direct = a != 0;
		trap_direct(me->direct);
		return 0;
	case EXO_SET_LIMIT:
		return e != me ? set_limit(me, e, a, b) : -EXO_EPERM;
	case EXO_SET_REGS:
		return e != me ? set_regs(e, a) : -EXO_EPERM;
	case EXO_SET_RIGHTS:
		if (e == me || !me->machine)
			return -EXO_EPERM;
		if (a != EXO_RIGHT_MACHINE)
			return -EXO_EINVAL;
		e->machine = true;
		return 0;
	case EXO_SET_MACHINE:
		if (e != me || !me->machine)
			return -EXO_EPERM;
		if (a > EXO_MACHINE_RESET)
			return -EXO_EINVAL;
		machine_off(a == EXO_MACHINE_RESET, (uint32_t)b);
	}
	return -EXO_EINVAL;
}
