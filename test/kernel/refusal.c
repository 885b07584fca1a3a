/* SPDX-License-Identifier: MIT */
/* "A refusal changes nothing" (rule 35), held by debug kernels: around each op stands a look at all records, as one sum
 * for each kind; after an error both sums are the same, or the kernel stops and names op, error and kind. With more
 * than 128 MiB of memory only every 256th op is watched, as for the recount. */
#include "../../kernel/walk.h"
#include "watch.h"

/* Memory is looked at only for ops that can reach it: most calls are yields. */
enum kind { ENVS, SLICES, OWN, FRAMES, ENTRIES, HOMES, KINDS };
static const char *const kind_name[KINDS] = {
	"an env", "a slice", "the kernel's own data", "a frame", "a table entry", "a home",
};

#define GATE(number, name, count, flags, arguments, effect) [number] = #name,
static const char *const op_name[EXO_GATE_SPAN] = {
#include <exo/gate.def>
};
#undef GATE

extern uint8_t data_start[], image_end[]; /* kernel.ld */
static unsigned turn, depth;
static uint32_t index_end = 2; /* of env indices: none from here on was ever used */

/* Each step can be undone, so one word that differs is always seen. Most of all tables is zero. */
static uint64_t step(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15;
	return sum ^ sum >> 32;
}

static uint64_t add(uint64_t sum, const void *at, uint64_t size)
{
	const uint64_t *w = at;
	uint64_t n = size / 8, i = 0;
	for (; i + 8 <= n; i += 8)
		if (any_of_8(&w[i])) {
			sum = step(sum, i);
			for (unsigned k = 0; k < 8; k++)
				sum = step(sum, w[i + k]);
		}
	for (; i < n; i++)
		sum = step(sum, w[i]);
	return sum;
}

/* The public records, and of each env the private one, the exo page and the registers; of what comes and goes with time
 * nothing (time_off). That nothing is owed any more is noticed by whoever looks (revoke.c). */
static uint64_t add_envs(uint32_t end)
{
	uint64_t sum = add(0, envs, end * sizeof(*envs));
	for (uint32_t i = 1; i < end; i++) {
		struct env *e = env_by_index(i);
		if (!e)
			continue;
		uint64_t asked = e->revoke_deadline, slice_end = e->exo->slice_end;
		e->revoke_deadline = e->exo->slice_end = 0;
		sum = add(step(sum, i), e, (sizeof(*e) + 7) & ~7ul);
		sum = add(add(sum, e->exo, EXO_PAGE_SIZE), &e->save->regs, sizeof(e->save->regs));
		e->revoke_deadline = asked;
		e->exo->slice_end = slice_end;
	}
	return sum;
}

/* Initialised data and the rest, but for the stack that this runs on. */
static uint64_t add_own(void)
{
	struct cpu *cpu = this_cpu(), was = *cpu;
	const uint8_t *stack_end = (uint8_t *)cpu->stack_top, *stack = stack_end - KERNEL_STACK;
	uint32_t asked = revoke_asked;
	cpu->slice_end = cpu->early_at = cpu->timer_at = revoke_asked = 0;
	cpu->armed = false;
	/* The compiler does not know that they lie between data_start and image_end. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	uint64_t sum = add(0, data_start, (uint64_t)(stack - data_start));
	sum = add(sum, stack_end, (uint64_t)(image_end - stack_end));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*cpu = was;
	revoke_asked = asked;
	return add(sum, &info->frames_free, sizeof(info->frames_free));
}

static uint64_t add_entries(void)
{
	uint64_t sum = 0;
	for (uint32_t pfn = 0; pfn < frame_count; pfn++)
		if (frame_is_table(&frames[pfn]) && !(frames[pfn].flags & FRAME_CLEAN && !frames[pfn].used))
			sum = add(step(sum, pfn), pfn_ptr(pfn), EXO_PAGE_SIZE);
	return sum;
}

static uint64_t look(enum kind kind, bool quiet)
{
	switch (kind) {
	case ENVS:
		return add_envs(quiet ? index_end : EXO_ENV_MAX);
	case SLICES:
		return add(0, slices, EXO_PAGE_SIZE);
	case OWN:
		return add_own();
	case FRAMES:
		return add(0, frames, frame_count * sizeof(*frames));
	case ENTRIES:
		return add_entries();
	default:
		return add(0, homes, EXO_HOME_COUNT * sizeof(*homes));
	}
}

/* Errors that say something else than "refused": the op has done a part, or ends in another env. */
static bool is_refusal(uint64_t op, int64_t r)
{
	return EXO_IS_ERROR(r) && !this_cpu()->switched && !(op == EXO_GATE_env_kill && r == -EXO_EAGAIN);
}

/* Watching takes longer than a slice may: no time goes by meanwhile, and no tick of then waits for the op. */
static uint64_t time_off(void)
{
	timer_arm(~0ul);
	return rdtsc();
}

static void time_on(uint64_t since)
{
	this_cpu()->timer_at = 0;
	sched_longer(rdtsc() - since);
}

int64_t gate_watched(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t op)
{
	uint64_t sum[KINDS], off = 0;
	bool quiet = recount_is_quiet(op, a);
	unsigned kinds = quiet ? FRAMES : KINDS;
	if (frame_count > RECOUNT_ALWAYS && ++turn % 256)
		kinds = 0;
	if (kinds)
		off = time_off();
	for (unsigned kind = 0; kind < kinds; kind++)
		sum[kind] = look(kind, quiet);
	if (kinds)
		time_on(off);
	depth++; /* elements of a batch are watched one by one */
	int64_t r = gate_ops[op](a, b, c, d, e, f);
	depth--;
	if (op == EXO_GATE_env_make && r > 0 && EXO_NAME_INDEX(r) >= index_end)
		index_end = (uint32_t)EXO_NAME_INDEX(r) + 1;
	if (kinds && is_refusal(op, r)) {
		off = time_off();
		for (unsigned kind = 0; kind < kinds; kind++)
			if (look(kind, quiet) != sum[kind])
				panic("refusal: %s gave %ld and changed %s", op_name[op] ? op_name[op] : "no op", r, kind_name[kind]);
		time_on(off);
	}
	if (!depth)
		recount_changed(op, a);
	return r;
}
