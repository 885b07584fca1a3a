/* SPDX-License-Identifier: MIT */
/* Time: the slice vector, handing the CPU from env to env, parking and waking. Who should run is never decided here: slices are owned, and given away by yield. */
#include "kernel.h"

struct exo_slices *slices;
struct cpu cpu0;

/* Who runs while nobody can: the kernel, in its own root. Its record is the env table's first. */
static struct env nobody;
static struct exo_page nobody_exo;
static struct exo_save nobody_save __attribute__((aligned(64)));

/* General registers are where they belong already (struct trap); the rest of the state is saved and loaded here, always and whole. */
void sched_switch(struct env *e)
{
	struct cpu *cpu = this_cpu();
	struct env *old = cpu->current;
	struct exo_regs *out = &old->save->regs, *in = &e->save->regs;
	if (e == old)
		return;
	uint64_t now = rdtsc();
	old->public->run_time += now;
	e->public->run_time -= now;
	if (__builtin_expect(!has_fsgsbase || selectors(), 0)) {
		machine_bases_switch(out, in);
	} else {
		out->fs_base = rdfsbase();
		wrfsbase(in->fs_base);
		out->gs_base = user_gs_exchange(in->gs_base);
	}
	fpu_switch(old->save, e->save);
	root_load(e->root);
	if (__builtin_expect(old->port_count | e->port_count | e->direct | cpu->direct, 0))
		machine_special(old, e);
	if (old->alarm | e->alarm)
		cpu->armed = false;
	e->ran = true;
	e->yield_mask = 0;
	e->exo->slice_end = cpu->slice_end;
	cpu->current = e;
	cpu->switched = true;
	*cpu->trap_stack = cpu->save_end = (uint64_t)in + TRAP_SIZE;
	TRACE(EXO_T_SWITCH, 0, e->name, info->current);
	info->current = e->name;
}

static bool is_ready(const struct env *e) { return e->public->state == EXO_S_READY; }

/* Who runs in e's time: e, or while it waits for a reply whom it called, and so on, eight calls deep. NULL: nobody can. */
static __attribute__((noinline)) struct env *runner(struct env *e)
{
	for (int i = 0; i < 8 && e->public->state == EXO_S_CALLING; i++)
		e = e->callee;
	return is_ready(e) ? e : NULL;
}

/* A parked env's wait is over: `result` is what wait returns. */
static void unpark(struct env *e, uint32_t result)
{
	e->wait_deadline = 0;
	e->save->regs.rax = result;
	envs[e->index].state = EXO_S_READY;
}

void sched_event(struct env *e, uint32_t bits)
{
	uint32_t now = __atomic_or_fetch(&e->exo->pending, bits, __ATOMIC_SEQ_CST);
	if (e->public->state == EXO_S_PARKED && now & e->wait_mask)
		unpark(e, now & e->wait_mask);
	else if (e->public->state == EXO_S_ACCEPTING && !e->exo->disabled)
		unpark(e, 0);
}

/* What time has brought to e. */
static void clock_check(struct env *e, uint64_t now)
{
	if (e->alarm && now >= e->alarm) {
		e->alarm = 0;
		sched_event(e, EXO_PEND_TIMER);
	}
	if (envs[e->index].state == EXO_S_PARKED && e->wait_deadline && now >= e->wait_deadline)
		unpark(e, 0);
	if (envs[e->index].state == EXO_S_CALLING && e->wait_deadline && now >= e->wait_deadline)
		pct_release(e, -EXO_ETIME);
}

void sched_arm(void)
{
	struct cpu *cpu = this_cpu();
	uint64_t next = cpu->early_sent ? cpu->slice_end : cpu->early_at;
	if (cpu->current->alarm && cpu->current->alarm < next)
		next = cpu->current->alarm;
	if (cpu->owner && cpu->owner->alarm && cpu->owner->alarm < next)
		next = cpu->owner->alarm;
	cpu->armed = true;
	if (next != cpu->timer_at) {
		cpu->timer_at = next;
		timer_arm(next);
	}
}

/* The next slice whose owner can run begins: true; or nobody can. */
static bool next_slice(void)
{
	struct cpu *cpu = this_cpu();
	uint64_t now = rdtsc();
	for (uint32_t i = 1; i <= EXO_SLICE_COUNT; i++) {
		uint32_t position = (slices->position + i) % EXO_SLICE_COUNT;
		struct env *e = env_by_name(slices->env[position]);
		if (!e)
			continue;
		clock_check(e, now);
		struct env *run = runner(e);
		if (!run)
			continue;
		slices->position = position;
		cpu->owner = e;
		cpu->slice_end = now + info->slice_ticks;
		cpu->early_at = cpu->slice_end - info->early_ticks;
		cpu->early_sent = cpu->armed = false;
		TRACE(EXO_T_SLICE, position, e->name, cpu->slice_end);
		sched_switch(run);
		run->exo->slice_end = cpu->slice_end;
		return true;
	}
	return false;
}

/* No slice's owner can run: take down the dead, then sleep until an interrupt. Events arrive in ring 0 here and only set bits. */
static void idle(void)
{
	struct cpu *cpu = this_cpu();
	sched_switch(&nobody);
	cpu->owner = NULL;
	cpu->idle = true;
	do {
		if (teardown_waits()) {
			cpu_open();
			teardown_push();
			cpu_open();
			continue;
		}
		uint64_t next = dev_late;
		for (uint32_t i = 0; i < EXO_SLICE_COUNT; i++) {
			struct env *e = env_by_name(slices->env[i]);
			if (e && e->alarm && e->alarm < next)
				next = e->alarm;
			if (e && e->wait_deadline && e->wait_deadline < next)
				next = e->wait_deadline;
		}
		cpu->timer_at = next;
		timer_arm(next);
		cpu_halt();
	} while (!next_slice());
	cpu->idle = false;
}

void sched_leave(void)
{
	struct cpu *cpu = this_cpu();
	if (cpu->owner && cpu->owner != cpu->current && is_ready(cpu->owner))
		sched_switch(cpu->owner);
	else if (!next_slice())
		idle();
}

void sched_tick(void)
{
	struct cpu *cpu = this_cpu();
	uint64_t now = rdtsc();
	cpu->timer_at = 0;
	cpu->armed = false;
	if (now >= dev_late)
		dev_overdue(now);
	if (cpu->idle)
		return;
	clock_check(cpu->current, now);
	if (cpu->owner)
		clock_check(cpu->owner, now);
	if (now >= cpu->slice_end) {
		if (!next_slice())
			idle();
	} else if (now >= cpu->early_at && !cpu->early_sent) {
		cpu->early_sent = true;
		sched_event(cpu->current, EXO_PEND_TIMER);
	}
}

void sched_check(void)
{
	struct cpu *cpu = this_cpu();
	struct env *owner = cpu->owner;
	/* The owner lent its slice and named what fetches it back. */
	if (owner != cpu->current && owner && is_ready(owner) && owner->exo->pending & owner->yield_mask)
		sched_switch(owner);
	/* An env without room for its upcall is left behind here; the next one may have something pending too. An interrupt that waits leads here again. */
	do {
		cpu->switched = false;
		if (cpu->current->exo->pending)
			upcall_async();
	} while (cpu->switched && !(cpu->switched = false, interrupt_waits()));
	if (!cpu->armed)
		sched_arm();
}

void sched_longer(uint64_t ticks)
{
	struct cpu *cpu = this_cpu();
	if (cpu->idle || !cpu->current)
		return;
	cpu->slice_end += ticks;
	cpu->early_at += ticks;
	cpu->current->exo->slice_end = cpu->slice_end;
	sched_arm();
}

void sched_forget(struct env *e)
{
	for (uint32_t i = 0; i < EXO_SLICE_COUNT && e->slice_count; i++)
		if (slices->env[i] == e->name) {
			slices->env[i] = 0;
			e->slice_count--;
			account_refund(envs[e->index].account, EXO_C_SLICES, 1);
		}
	if (this_cpu()->owner == e)
		this_cpu()->owner = NULL;
}

/* Slice i goes from one env to another (NULL: free), with its charge. */
static int64_t slice_move(uint64_t i, struct env *from, struct env *to)
{
	if (to && !(from && envs[from->index].account == envs[to->index].account)
		&& !account_charge(envs[to->index].account, EXO_C_SLICES, 1))
		return -EXO_ENOMEM;
	if (from) {
		from->slice_count--;
		if (!to || envs[from->index].account != envs[to->index].account)
			account_refund(envs[from->index].account, EXO_C_SLICES, 1);
	}
	if (to)
		to->slice_count++;
	slices->env[i] = to ? to->name : 0;
	return 0;
}

int64_t slice_take(uint64_t i, struct env *from)
{
	if (i >= EXO_SLICE_COUNT)
		return -EXO_EINVAL;
	i = index_of(i, EXO_SLICE_COUNT);
	if (slices->env[i] != from->name)
		return -EXO_ENOENT;
	/* Into an account that is used up the count comes along: the limit first, what is charged follows. */
	struct exo_env *mine = &envs[envs[current_env()->index].account], *its = &envs[envs[from->index].account];
	if (mine != its && mine->used[EXO_C_SLICES] == mine->limit[EXO_C_SLICES]) {
		its->limit[EXO_C_SLICES]--;
		mine->limit[EXO_C_SLICES]++;
	}
	return slice_move(i, from, current_env());
}

int64_t op_slice_set(uint64_t i, uint64_t name)
{
	struct env *me = current_env(), *to = name ? env_by_name(name) : NULL;
	if (i >= EXO_SLICE_COUNT)
		return -EXO_EINVAL;
	i = index_of(i, EXO_SLICE_COUNT);
	if (name && (!to || envs[to->index].state == EXO_S_DYING))
		return -EXO_ESTALE;
	struct env *from = env_by_name(slices->env[i]);
	if (from && from != me)
		return -EXO_EPERM;
	return slice_move(i, from, to);
}

int64_t op_yield(uint64_t name, uint64_t mask)
{
	struct cpu *cpu = this_cpu();
	struct env *me = cpu->current, *to = name ? env_by_name(name) : cpu->owner;
	if (name && !to)
		return -EXO_ESTALE;
	if (__builtin_expect(name && to != me && !is_ready(to), 0) && (!(to = runner(to)) || to == me))
		return -EXO_EAGAIN;
	me->save->regs.rax = 0;
	me->yield_mask = 0;
	if (to && to != me && is_ready(to)) {
		if (me == cpu->owner && me->exo->pending & mask)
			return 0;
		sched_switch(to);
		me->yield_mask = (uint32_t)mask;
	} else if (!name && !next_slice()) {
		idle();
	}
	return 0;
}

int64_t op_wait(uint64_t mask, uint64_t deadline)
{
	struct env *me = current_env();
	if (deadline && !me->slice_count)
		return -EXO_EPERM;
	uint32_t now = me->exo->pending & (uint32_t)mask;
	if (now || (deadline && rdtsc() >= deadline))
		return now;
	me->wait_mask = (uint32_t)mask;
	me->wait_deadline = deadline;
	envs[me->index].state = EXO_S_PARKED;
	sched_leave();
	/* Woken before it was left (its alarm came due): unpark has put the result here, as for a switch. */
	return (int64_t)me->save->regs.rax;
}

int64_t op_notify(uint64_t name, uint64_t bits)
{
	struct env *to = env_by_name(name);
	if (!to || envs[to->index].state == EXO_S_DYING)
		return -EXO_ESTALE;
	bits &= to->open_bits;
	if (!bits)
		return -EXO_EPERM;
	__atomic_or_fetch(&to->exo->notify_bits, bits, __ATOMIC_SEQ_CST);
	sched_event(to, EXO_PEND_NOTIFY);
	return 0;
}

void sched_start(struct env *first)
{
	for (uint32_t i = 0; i < EXO_SLICE_COUNT; i++)
		slices->env[i] = first->name;
	first->slice_count = EXO_SLICE_COUNT;
	envs[first->index].used[EXO_C_SLICES] = EXO_SLICE_COUNT;
	slices->position = EXO_SLICE_COUNT - 1;
	nobody.exo = &nobody_exo;
	nobody.save = &nobody_save;
	nobody.public = envs;
	nobody.root = (uint32_t)(boot->kernel_root >> EXO_PAGE_SHIFT);
	fpu_init(&nobody_save);
	this_cpu()->current = &nobody;
	next_slice();
	sched_arm();
	this_cpu()->switched = false;
	klog("time to first user instruction: %lu ticks since the firmware was left (this line not included)", rdtsc() - boot->tsc_exit);
	log_keep();
	info->tsc_first_user = rdtsc();
	return_to_env();
}
