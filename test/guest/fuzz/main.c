/* SPDX-License-Identifier: MIT */
/* The first env of the fuzzer: makes the fuzzers and makes them anew when they end, wakes who waits, looks after its own pages, reports at the end.
 * Conf keys: fuzz-calls, fuzz-seed. */
#include <base/conf.h>
#include <base/fmt.h>
#include <base/string.h>
#include "fuzz.h"

#define OWN 0x40000000ul
#define OWN_PAGES 16
#define SLICES 8 /* slices that the first env keeps; all others are the fuzzers' to claim */

static const char *const op_name[FUZZ_OPS] = {
#define GATE(number, name, count, flags, arguments, effect) [number] = #name,
#include <exo/gate.def>
#undef GATE
	[FUZZ_UNASSIGNED] = "unassigned",
};
static const char *const error_name[FUZZ_ERRORS] = {
	"ok",
#define ERROR(name, number, message) [number] = #name,
#include <exo/error.def>
#undef ERROR
};
static exo_name name[FUZZERS];
static struct { uint64_t calls, turns; } stillness[FUZZERS];
static uint64_t seed = 1, lives, damaged;

static uint64_t number(const struct conf_line *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->value_size && l->value[i] >= '0' && l->value[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(l->value[i] - '0');
	return n;
}

static void conf_read(void)
{
	const char *at = (const char *)rt_info->config_va, *end = at + rt_info->config_size;
	struct conf_line l = { 0 };

	total.target = 100000;
	while (conf_next(&at, end, &l) > 0) {
		if (conf_is(&l, "fuzz-calls"))
			total.target = number(&l);
		if (conf_is(&l, "fuzz-seed"))
			seed = number(&l);
	}
}

static uint64_t own_word(uint64_t page, uint64_t i) { return (page << 32 | i) * 0x9e3779b97f4a7c15ul; }

static void own_fill(void)
{
	for (uint64_t page = 0; page < OWN_PAGES; page++) {
		if (rt_tables(0, OWN, 0, 0) < 0 || rt_map(0, OWN + page * EXO_PAGE_SIZE, (uint64_t)rt_frame(), 1, EXO_PTE_RW | EXO_PTE_NX) < 0)
			rt_off(2);
		for (uint64_t i = 0; i < 512; i++)
			((volatile uint64_t *)OWN)[page * 512 + i] = own_word(page, i);
	}
}

/* One page a turn: its words, its owner, its one entry. */
static void own_check(uint64_t turn)
{
	uint64_t page = turn % OWN_PAGES, pfn = ((uint64_t)rt_entry(OWN + page * EXO_PAGE_SIZE, 1) & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT;

	for (uint64_t i = 0; i < 512; i++)
		damaged += ((volatile uint64_t *)OWN)[page * 512 + i] != own_word(page, i);
	damaged += rt_frames[pfn].owner != EXO_NAME_INDEX(rt_info->first) || rt_frames[pfn].maps != 1;
}

/* Envs that are not of the four, and whose maker is gone. */
static void orphans_end(void)
{
	for (uint32_t i = 1; i < EXO_ENV_MAX; i++) {
		int ours = rt_envs[i].name == rt_info->first;

		for (int n = 0; n < FUZZERS; n++)
			ours |= rt_envs[i].name == name[n] && name[n];
		if (rt_envs[i].name && !ours && rt_creator(&rt_envs[i]) == rt_info->first)
			rt_env_end(rt_envs[i].name);
	}
}

static void fuzzer_make(int slot)
{
	static struct exo_env_spec spec;
	struct fuzzer *f = &fuzzer[slot];
	int64_t r = rt_env_prepare(&spec);

	if (r < 0 || (r = rt_env_home(&spec, (uint64_t)fuzzer, EXO_AT_RW)) < 0) {
		rt_log("FUZZ cannot make an env: %s", rt_error(r));
		rt_off(2);
	}
	fuzz_start(f, seed * 1000003 + ++lives);
	spec.rip = (uint64_t)fuzz_main;
	spec.rsp = (uint64_t)(f->stack + sizeof f->stack - 8);
	spec.rdi = (uint64_t)slot;
	spec.flags = EXO_SPEC_NEW_ACCOUNT;
	spec.limit[EXO_C_FRAMES] = 400 + 2 * EXO_RUN_FRAMES;
	spec.limit[EXO_C_ENVS] = 4;
	spec.limit[EXO_C_HOMES] = 6;
	spec.limit[EXO_C_SLICES] = 6;
	spec.limit[EXO_C_DEVICES] = 14;
	r = gate_env_make(&spec);
	if (r < 0) {
		rt_log("FUZZ cannot make an env: %s", rt_error(r));
		rt_off(2);
	}
	name[slot] = (exo_name)r;
	if (slot == DRIVER && gate_env_set(name[slot], EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0) != 0)
		rt_off(2);
	__atomic_fetch_add(&total.made, 1, __ATOMIC_RELAXED);
}

/* Who waits is woken; who has not moved for long, or is gone or stuck, is made anew. */
static void look_after(int slot)
{
	int state = fuzz_env_state(name[slot]);

	if (stillness[slot].calls != fuzzer[slot].calls)
		stillness[slot].turns = 0;
	stillness[slot].calls = fuzzer[slot].calls;
	stillness[slot].turns++;
	if (state == EXO_S_STUCK)
		total.stuck++;
	if (state == EXO_S_FREE || state == EXO_S_DYING || state == EXO_S_STUCK || stillness[slot].turns > 40) {
		rt_env_end(name[slot]);
		name[slot] = 0;
		orphans_end();
		fuzzer_make(slot);
		stillness[slot].turns = 0;
		return;
	}
	if (state != EXO_S_READY) {
		(void)gate_notify(name[slot], ~0ul);
		if (stillness[slot].turns % 8 == 7)
			(void)gate_revoke(name[slot], EXO_REVOKE_ASK, 1, 1);
	}
}

static void report(uint64_t before, uint64_t after)
{
	const volatile uint64_t *bound = total.bound;
	uint64_t all = 0, ok = 0;

	for (int op = 0; op < FUZZ_OPS; op++) {
		char line[256];
		int n = fmt(line, sizeof line, "FUZZ %s", op_name[op]);

		for (int e = 0; e < FUZZ_ERRORS; e++) {
			all += total.count[op][e];
			ok += e ? 0 : total.count[op][e];
			if (total.count[op][e])
				n += fmt(line + n, sizeof line - (size_t)n, " %s=%u", error_name[e], total.count[op][e]);
		}
		rt_log("%s", line);
	}
	rt_log("FUZZ bound: ports %lu, lines %lu, frames %lu, functions %lu, masters %lu, messages %lu, pins %lu, "
		"unpinned %lu", bound[EXO_DEV_PORTS], bound[EXO_DEV_IRQ], bound[EXO_DEV_FRAMES] + bound[EXO_DEV_FRAMES_WC],
		bound[EXO_DEV_PCI], bound[EXO_DEV_MASTER], bound[EXO_DEV_MSI], bound[EXO_DEV_DMA], bound[EXO_DEV_DMA_END]);
	rt_log("FUZZ seed %lu: %lu calls, %lu results, %lu succeeded, %lu envs made, %lu stuck, %lu upcalls, %lu faults, recounts %lu", seed, total.calls, all, ok,
		total.made, total.stuck, total.upcalls, total.faults, rt_info->recounts);
	rt_log("FUZZ DONE strange %lu, damaged %lu, frames free before %lu, after %lu", total.strange, damaged, before, after);
}

void app_main(exo_name self)
{
	uint64_t before;
	int failed;

	(void)self;
	conf_read();
	if (rt_entries_set() < 0)
		rt_off(2);
	own_fill();
	before = rt_info->frames_free;
	for (uint64_t i = SLICES; i < EXO_SLICE_COUNT; i++)
		(void)gate_slice_set(i, 0);
	for (int i = 0; i < FUZZERS; i++)
		fuzzer_make(i);
	for (uint64_t turn = 0; total.calls < total.target; turn++) {
		look_after((int)(turn % FUZZERS));
		own_check(turn);
		(void)gate_yield(name[turn % FUZZERS], turn % 2 ? EXO_PEND_CHILD : 0);
	}
	for (int i = 0; i < FUZZERS; i++) {
		rt_env_end(name[i]);
		name[i] = 0;
	}
	orphans_end();
	rt_log("FUZZ overflow after %lu live links of one table", fuzz_overflow());
	report(before, rt_info->frames_free);
	failed = total.strange || damaged || rt_info->frames_free != before;
	rt_off(failed);
}
