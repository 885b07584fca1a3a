/* SPDX-License-Identifier: MIT */
/* Lab 4, what is wanted: a program that forks, its children and a grandchild. Code and `all` lie in the home, which all
 * of them have; what is private lies in the program's pages. The first env gives the time to whose turn it is. */
#include <check.h>
#include <lab4.h>

#define DATA   28 /* pages that the program writes; the others are its stack */
#define WRITES 10
#define FAULTS 2000 /* no program here has so many: who comes back so often has not been served */

static struct {
	exo_name program;
	volatile exo_name turn;
	volatile int is_over, has_failed, is_counting;
	volatile uint64_t faults, right, paid, tag[2];
	exo_name child[4];
} all;

#define want(is_so, ...) \
	do { \
		all.has_failed |= !(is_so); \
		lab_check(is_so, __VA_ARGS__); \
	} while (0)

static uint64_t frames_used(void) { return rt_envs[rt_envs[EXO_NAME_INDEX(rt_self())].account].used[EXO_C_FRAMES]; }

static volatile uint64_t *word(uint64_t page) { return (volatile uint64_t *)(PROGRAM + page * EXO_PAGE_SIZE) + page; }

/* How many of the pages [from, to) hold base + their number. */
static uint64_t count(uint64_t from, uint64_t to, uint64_t base)
{
	uint64_t n = 0;

	for (; from < to; from++)
		n += *word(from) == base + from;
	return n;
}

static void fill(uint64_t from, uint64_t to, uint64_t base)
{
	for (; from < to; from++)
		*word(from) = base + from;
}

/* ---- upcalls */

void rt_on_async(struct rt_regs *regs, uint32_t bits)
{
	(void)regs;
	(void)bits; /* a child has ended, or time */
}

/* What it takes, the faults in between counted once. */
static int64_t counted(int64_t (*function)(const struct rt_regs *), const struct rt_regs *regs)
{
	uint64_t start = rt_tsc();
	int is_inner = all.is_counting;
	int64_t r;

	all.is_counting = 1;
	r = function(regs);
	all.is_counting = is_inner;
	if (!is_inner)
		lab_ticks += rt_tsc() - start;
	return r;
}

static int64_t fault(const struct rt_regs *regs) { return fork_fault(regs->at.addr, regs->at.error); }

void rt_on_fault(struct rt_regs *regs)
{
	if (regs->at.vector != 14 || !counted(fault, regs))
		want(0, "faults", "env %lu: vector %lu, error %lx, address %lx, by %lx", EXO_NAME_INDEX(rt_self()),
			regs->at.vector, regs->at.error, regs->at.addr, regs->at.rip);
	if (++all.faults > FAULTS)
		want(0, "faults", "%lu, the last at %lx", all.faults, regs->at.addr);
}

void rt_on_foreign(struct rt_regs *regs) { regs->rax = (uint64_t)counted(program_fork, regs); }

/* ---- the program and its children */

static void hand_to(exo_name env)
{
	all.turn = env;
	while (all.turn != rt_self())
		(void)gate_yield(0, 0);
}

/* tag comes back in a register that the call keeps; all.right becomes 0 when another one is lost. */
static int64_t fork_call(uint64_t *tag)
{
	register uint64_t r8 __asm__("r8") = 8, r9 __asm__("r9") = 9, r10 __asm__("r10") = 10, r12 __asm__("r12") = *tag,
		r13 __asm__("r13") = 13, r14 __asm__("r14") = 14, r15 __asm__("r15") = 15;
	uint64_t b = 3, di = 4, si = 5, d = 6;
	int64_t r;

	__asm__ volatile("syscall" : "=a"(r), "+b"(b), "+D"(di), "+S"(si), "+d"(d), "+r"(r8), "+r"(r9), "+r"(r10),
		"+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15) : "a"(57) : "rcx", "r11", "memory", "cc");
	if (b != 3 || di != 4 || si != 5 || d != 6 || r8 != 8 || r9 != 9 || r10 != 10)
		all.right = 0;
	if (r13 != 13 || r14 != 14 || r15 != 15)
		all.right = 0;
	*tag = r12;
	return r;
}

static void leave(exo_name next) __attribute__((noreturn));
static void leave(exo_name next)
{
	all.turn = next;
	for (;;)
		(void)gate_env_kill(0);
}

static void first_child(void)
{
	uint64_t before;

	all.right &= count(0, DATA, 1000) == DATA;
	before = frames_used();
	fill(0, WRITES, 2000);
	all.paid = frames_used() - before;
	all.right &= count(0, WRITES, 2000) == WRITES;
	hand_to(all.program);
	/* The program has written pages 5 to 14. */
	all.right = count(0, WRITES, 2000) == WRITES && count(WRITES, DATA, 1000) == DATA - WRITES;
	leave(all.program);
}

static void grandchild(exo_name parent)
{
	all.right &= count(0, 5, 1000) == 5 && count(5, 15, 3000) == 10 && count(15, 20, 4000) == 5 &&
		count(20, DATA, 1000) == DATA - 20;
	fill(0, DATA, 5000);
	leave(parent);
}

static void later_child(uint64_t tag, uint64_t number)
{
	exo_name self = rt_self();
	uint64_t no_tag = 0;
	int64_t r;

	all.tag[number] = tag;
	if (number == 1)
		leave(all.program);
	fill(15, 20, 4000);
	r = fork_call(&no_tag);
	if (!r)
		grandchild(self);
	all.child[3] = (exo_name)r;
	if (r > 0) {
		hand_to((exo_name)r);
		rt_env_end((exo_name)r);
	}
	all.right &= r > 0 && count(15, 20, 4000) == 5 && count(0, 5, 1000) == 5;
	leave(all.program);
}

/* Each child is made before the first of them runs. */
static void fork_later(uint64_t number)
{
	uint64_t tag = 70 + number;
	int64_t r = fork_call(&tag);

	if (!r)
		later_child(tag, number);
	want(r > 0, "again", "fork says %ld", r);
	all.child[1 + number] = (exo_name)r;
}

static void refusals(void)
{
	int64_t text = rt_entry((uint64_t)fork_fault, 1);

	want(!fork_fault((uint64_t)fork_fault, 3) && rt_entry((uint64_t)fork_fault, 1) == text, "elsewhere",
		"the code of the home is none of the program's memory");
	want(!fork_fault(PROGRAM_END, 2) && !fork_fault(PROGRAM - 1, 2) && EXO_IS_ERROR(rt_entry(PROGRAM_END, 1)),
		"outside", "a page beside the program's was served");
	want(!fork_fault(PROGRAM, 1), "reads", "a read was refused for another reason than fork's");
}

static void program(void)
{
	uint64_t before, no_tag = 0, entry;
	int64_t r;

	fill(0, DATA, 1000);
	before = frames_used();
	all.right = 1;
	r = fork_call(&no_tag);
	if (!r)
		first_child();
	want(r > 0 && rt_envs[EXO_NAME_INDEX(r)].name == (exo_name)r && (exo_name)r != rt_self(), "forks",
		"it says %ld, and there is no such env", r);
	all.child[0] = (exo_name)r;
	want(frames_used() - before <= EXO_EF_COUNT + 8, "shares", "fork took %lu frames: %u are a new env's, and some "
		"are for tables and the stack", frames_used() - before, EXO_EF_COUNT);
	hand_to((exo_name)r);
	want(all.right, "same", "the child has not the registers or the memory that the program had");
	want(count(0, DATA, 1000) == DATA, "apart", "what the child wrote has changed the program's memory");
	want(all.paid <= WRITES + 2, "pays", "%u pages were written, and that took %lu frames", WRITES, all.paid);
	fill(5, 15, 3000);
	want(count(0, 5, 1000) == 5 && count(5, 15, 3000) == 10 && count(15, DATA, 1000) == DATA - 15, "writes",
		"what the program wrote after the fork is not there");
	hand_to(all.child[0]);
	want(all.right, "apart", "what the program wrote has changed the child's memory");
	fork_later(0);
	fork_later(1);
	hand_to(all.child[2]);
	hand_to(all.child[1]);
	want(all.tag[0] == 70 && all.tag[1] == 71, "own", "two children began with registers %lu and %lu; 70 and 71 are "
		"wanted", all.tag[0], all.tag[1]);
	want(all.right, "grandchild", "a child's child has not the memory that the child had, or changed it");
	for (unsigned i = 0; i < 3; i++)
		rt_env_end(all.child[i]);
	entry = (uint64_t)rt_entry((uint64_t)word(25), 1);
	fill(0, DATA, 6000);
	want(count(0, DATA, 6000) == DATA, "alone", "what was written when all others had ended is not there");
	want((((uint64_t)rt_entry((uint64_t)word(25), 1) ^ entry) & EXO_PTE_ADDR) == 0, "keeps",
		"a page was copied that nobody else has any more");
	want(frames_used() == before, "frames", "%lu were used before the first fork, and %lu after the last end", before,
		frames_used());
	refusals();
	all.is_over = 1;
	leave(0);
}

/* ---- the first env */

void app_main(exo_name self)
{
	struct exo_env_spec spec;
	const volatile struct exo_env *e;

	(void)self;
	lab_must(rt_env_prepare(&spec), "env");
	lab_must(rt_env_home(&spec, (uint64_t)&all, EXO_AT_RW), "home");
	lab_must(rt_env_pages(&spec, PROGRAM, PAGES, EXO_PTE_RW | EXO_PTE_NX, NULL), "pages");
	spec.rip = (uint64_t)program;
	spec.rsp = PROGRAM_END - 8;
	all.program = all.turn = (exo_name)lab_must(gate_env_make(&spec), "program");
	while (!all.is_over) {
		(void)gate_yield(all.turn, 0);
		if (all.has_failed)
			rt_off(1); /* it said why */
		e = &rt_envs[EXO_NAME_INDEX(all.turn)];
		if (e->name == all.turn && e->state == EXO_S_READY)
			continue;
		lab_check(all.is_over, "runs", "env %lu, whose turn it is, cannot run: state %u, vector %u at %lx, by %lx",
			EXO_NAME_INDEX(all.turn), e->state, e->stuck_vector, e->stuck_addr, e->stuck_rip);
	}
	lab_end();
}
