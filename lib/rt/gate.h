/* SPDX-License-Identifier: MIT */
/* Typed inline stubs of the gate, one per row of gate.def. Contracts and errors stand there. */
#ifndef RT_GATE_H
#define RT_GATE_H
#include <base/duration.h>
#include <exo/env.h>
#include <exo/error.h>
#include <exo/gate.h>
#include <exo/layout.h>
#include <exo/page.h>

static inline int64_t gate6(long op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	int64_t result;
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	__asm__ volatile("syscall" : "=a"(result) : "a"(EXO_GATE_BASE + op), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}

static inline int64_t gate3(long op, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(EXO_GATE_BASE + op), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

static inline int64_t gate4(long op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	int64_t result;
	register uint64_t r10 __asm__("r10") = d;
	__asm__ volatile("syscall" : "=a"(result) : "a"(EXO_GATE_BASE + op), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return result;
}

static inline int64_t gate_nop(void) { return gate3(EXO_GATE_nop, 0, 0, 0); }
static inline int64_t gate_batch(struct exo_batch *ops, uint64_t n) { return gate3(EXO_GATE_batch, (uint64_t)ops, n,
	0); }
/* Claims n frames of the kernel's choice into list: with whatever they hold when this account had them last, or
 * zeroed. */
static inline int64_t gate_frame_any(uint64_t n, uint64_t *list) { return gate4(EXO_GATE_frame_claim, EXO_ANY, n,
	(uint64_t)list, 0); }
static inline int64_t gate_frame_zeroed(uint64_t n, uint64_t *list) { return gate4(EXO_GATE_frame_claim, EXO_ZEROED, n,
	(uint64_t)list, 0); }
static inline int64_t gate_frame_claim(uint64_t pfn, uint64_t n) { return gate4(EXO_GATE_frame_claim, pfn, n, 0, 0); }
static inline int64_t gate_frame_adopt(uint64_t pfn, uint64_t at) { return gate4(EXO_GATE_frame_claim, pfn, 1, 0, at); }
static inline int64_t gate_frame_give(uint64_t pfn, uint64_t n, exo_name env) { return gate3(EXO_GATE_frame_give, pfn,
	n, env); }
static inline int64_t gate_frame_type(uint64_t pfn, uint64_t n, int type,
	int flags) { return gate4(EXO_GATE_frame_type, pfn, n, type, flags); }
static inline int64_t gate_pte_write(uint64_t root, uint64_t at, uint64_t n, uint64_t value, uint64_t mask,
	uint64_t proof)
{ return gate6(EXO_GATE_pte_write, root, at, n, value, mask, proof); }
static inline int64_t gate_pt_link(uint64_t root, uint64_t at, uint64_t n,
	uint64_t pfn) { return gate4(EXO_GATE_pt_link, root, at, n, pfn); }
static inline int64_t gate_pt_copy(uint64_t root, uint64_t at, uint64_t pfn, uint64_t first, uint64_t n)
{ return gate6(EXO_GATE_pt_copy, root, at, pfn, first, n, 0); }
/* Lets a table go that pt_copy has filled in part, or not at all. Whatever interrupts come: of its 512 entries each
 * call takes one at least, or passes a hundred that are absent. */
static inline void rt_half_end(uint64_t pfn)
{
	for (int tries = 0; tries < 600 && gate_frame_give(pfn, 1, 0) == 0; tries++)
		;
}
static inline int64_t gate_home_set(uint64_t root, int what, uint64_t va, uint64_t n) { return gate4(EXO_GATE_home_set,
	root, what, va, n); }
static inline int64_t gate_env_make(const struct exo_env_spec *spec) { return gate3(EXO_GATE_env_make, (uint64_t)spec,
	0, 0); }
static inline int64_t gate_env_set(exo_name env, int what, uint64_t a, uint64_t b) { return gate4(EXO_GATE_env_set,
	env, what, a, b); }
static inline int64_t gate_env_kill(exo_name env) { return gate3(EXO_GATE_env_kill, env, 0, 0); }
static inline int64_t gate_slice_set(uint64_t i, exo_name env) { return gate3(EXO_GATE_slice_set, i, env, 0); }
static inline int64_t gate_yield(exo_name env, uint32_t mask) { return gate3(EXO_GATE_yield, env, mask, 0); }
static inline int64_t gate_wait(uint32_t mask, uint64_t deadline) { return gate3(EXO_GATE_wait, mask, deadline, 0); }
static inline int64_t gate_notify(exo_name env, uint64_t bits) { return gate3(EXO_GATE_notify, env, bits, 0); }
static inline int64_t gate_dev_bind(int kind, uint64_t base, uint64_t n) { return gate3(EXO_GATE_dev_bind, kind, base,
	n); }
static inline int64_t gate_dev_ack(uint64_t line) { return gate3(EXO_GATE_dev_ack, line, 0, 0); }
static inline int64_t gate_pct(exo_name env, uint64_t deadline) { return gate3(EXO_GATE_pct, env, deadline, 0); }
/* Two words there and back: m is what is said and then what was answered. */
static inline int64_t gate_pct_say(exo_name env, uint64_t deadline, uint64_t m[2])
{
	int64_t result;
	register uint64_t r10 __asm__("r10") = m[1];
	__asm__ volatile("syscall" : "=a"(result), "+d"(m[0]), "+r"(r10) : "a"(EXO_GATE_BASE + EXO_GATE_pct), "D"((uint64_t)env), "S"(deadline)
		: "rcx", "r11", "r8", "r9", "r12", "r13", "r14", "r15", "memory");
	m[1] = r10;
	return result;
}

/* The same of who was called: answers m and waits for the next, whose words it then holds (EXO_PCT_REPLY,
 * EXO_PCT_ACCEPT, or both). */
static inline int64_t gate_pct_answer(int what, uint64_t m[2])
{
	int64_t result;
	register uint64_t r10 __asm__("r10") = m[1];
	__asm__ volatile("syscall" : "=a"(result), "+d"(m[0]), "+r"(r10) : "a"(EXO_GATE_BASE + EXO_GATE_pct_reply), "D"((uint64_t)what)
		: "rcx", "r11", "r8", "r9", "r12", "r13", "r14", "r15", "memory");
	m[1] = r10;
	return result;
}
static inline int64_t gate_revoke(exo_name env, int what, uint64_t a, uint64_t b) { return gate4(EXO_GATE_revoke, env,
	what, a, b); }
static inline int64_t gate_log(const char *text, uint64_t n) { return gate3(EXO_GATE_log, (uint64_t)text, n, 0); }

/* The public tables of the system window. */
#define rt_info   ((const volatile struct exo_info *)EXO_INFO)
#define rt_slices ((const volatile struct exo_slices *)EXO_SLICES)
#define rt_envs   ((const volatile struct exo_env *)EXO_ENVS)
#define rt_homes  ((const volatile struct exo_home *)EXO_HOMES)
#define rt_frames ((const volatile struct exo_frame_rec *)EXO_FRAMES)

/* The exo page and save frame of the env with that name (only one's own is mapped). */
static inline volatile struct exo_page *rt_exo(exo_name self)
{ return (volatile struct exo_page *)(EXO_GROUPS + EXO_NAME_INDEX(self) * EXO_GROUP_SIZE + EXO_GROUP_EXO); }

/* Name of an env's creator, which lives as long as it does; 0 = of the first env. */
static inline exo_name rt_creator(const volatile struct exo_env *e)
{ return e->creator ? rt_envs[e->creator].name : 0; }

/* That env waits for the answer of one that it called (PCT), which runs in the time that it is given. */
static inline int rt_calls(exo_name env)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(env)];

	return env && e->name == env && e->state == EXO_S_CALLING;
}

/* Name of the running env: read where no other env can be meant. */
static inline exo_name rt_self(void) { return rt_info->current; }

static inline uint64_t rt_tsc(void)
{
	uint64_t lo, hi; /* the upper halves come as zeros */
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return hi << 32 | lo;
}

/* TSC ticks to nanoseconds, and back; what does not fit is the last number that does (base/duration.h). */
static inline uint64_t rt_ns(uint64_t ticks) { return ticks_ns(ticks, rt_info->ns_mult); }
static inline uint64_t rt_ticks(uint64_t ns) { return ns_ticks(ns, rt_info->tsc_hz); }
/* Nanoseconds since boot, without a gate call; the TSC then. */
static inline uint64_t rt_now(void) { return rt_ns(rt_tsc() - rt_info->tsc_boot); }
static inline uint64_t rt_tsc_at(uint64_t now) { return add_most(rt_info->tsc_boot, rt_ticks(now), UINT64_MAX); }
#endif
