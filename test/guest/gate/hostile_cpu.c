/* SPDX-License-Identifier: MIT */
/* Hostile tests of the CPU's state: every interrupt number, every selector, segment bases, flags, single steps, debug traps held back, memory types. */
#include "gate.h"

/* ---- int n, for every n: stubs of 4 bytes */

extern const uint8_t int_stubs[];
__asm__(
	".text\n.balign 16\n.globl int_stubs\n.hidden int_stubs\nint_stubs:\n"
	".set int_n, 0\n.rept 256\n	.byte 0xcd, int_n\n	ret\n	nop\n	.set int_n, int_n + 1\n.endr\n");

static void int_n(uint64_t n) { ((void (*)(void))(uint64_t)(int_stubs + 4 * n))(); }

void hostile_int_all(void)
{
	for (uint64_t n = 0; n < 256; n++) {
		uint64_t foreign = seen.foreign_count, stopped = (uint64_t)guarded(int_n, n);

		if (n == 0x80) {
			IS(stopped, 0);
			IS(seen.foreign_count, foreign + 1);
		} else if (n == 3 || n == 4) {
			IS(stopped, 1);
			IS(caught.vector, n);
		} else {
			IS(stopped, 1);
			IS(caught.vector, 13);
			CHECK(caught.error == n * 8 + 2 || caught.error == n * 16 + 2); /* QEMU 7.2 says the latter */
		}
	}
	IS(gate_nop(), 0);
}

/* ---- selectors: every one of the GDT and a few beyond, LDT too, into every segment register and as a far target */

static void load_ds(uint64_t s) { __asm__ volatile("mov %0, %%ds" :: "r"(s)); }
static void load_es(uint64_t s) { __asm__ volatile("mov %0, %%es" :: "r"(s)); }
static void load_fs(uint64_t s) { __asm__ volatile("mov %0, %%fs" :: "r"(s)); }
static void load_gs(uint64_t s) { __asm__ volatile("mov %0, %%gs" :: "r"(s)); }
static void load_ss(uint64_t s) { __asm__ volatile("mov %0, %%ss" :: "r"(s)); }
static void far_return(uint64_t s) { __asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:" :: "r"(s) : "rax", "memory"); }

static int exits_are_ours(void)
{
	uint16_t cs, ss;

	__asm__ volatile("mov %%cs, %0; mov %%ss, %1" : "=r"(cs), "=r"(ss));
	return cs == EXO_USER_CS && ss == EXO_USER_SS;
}

void hostile_selectors(void)
{
	static void (*const load[])(uint64_t) = { load_ds, load_es, load_fs, load_gs, load_ss, far_return };

	for (unsigned i = 0; i < sizeof load / sizeof load[0]; i++)
		for (uint64_t s = 0; s < 0x80; s++) {
			int stopped = guarded(load[i], s);
			int good = i == 5 ? s == EXO_USER_CS : i == 4 ? s == EXO_USER_SS : s < 4 || (s & ~3ul) == 0x28 || (s & ~3ul) == 0x30;

			/* 14: QEMU 7.2 reads a far return's frame with kernel rights, as with iretq (rule 31). */
			if (!good || i < 5)
				IS(stopped, !good);
			IS(gate_nop(), 0);
			CHECK(exits_are_ours());
		}
	/* Left with a loaded GS the kernel still finds its own. */
	load_gs(0x2b);
	(void)gate_yield(witness.name, 0);
	IS(guarded(load_ss, 0x10), 1);
	IS(gate_nop(), 0);
	for (uint64_t end = rt_tsc() + 2 * rt_info->slice_ticks; rt_tsc() < end;)
		__asm__ volatile("pause");
}

/* ---- every exit writes our CS and SS */

static void undefined(uint64_t argument) { (void)argument; __asm__ volatile("ud2"); }
static void break_point(uint64_t argument) { (void)argument; __asm__ volatile("int3"); }

void exit_selectors(void)
{
	uint64_t count = seen.async_count;

	IS(gate_nop(), 0);
	CHECK(exits_are_ours());
	seen.nested = 1; /* answered by skipping it */
	__asm__ volatile("ud2");
	CHECK(exits_are_ours());
	IS(guarded(break_point, 0), 1);
	IS(caught.cs, EXO_USER_CS);
	IS(caught.ss, EXO_USER_SS);
	CHECK(exits_are_ours());
	(void)gate_yield(rt_info->first, 0);
	CHECK(exits_are_ours());
	IS(gate_env_set(0, EXO_SET_ALARM, rt_tsc() + rt_ticks(1000000), 0), 0);
	for (uint64_t end = rt_tsc() + rt_info->tsc_hz; seen.async_count == count && rt_tsc() < end;)
		CHECK(exits_are_ours());
	CHECK(seen.async_count > count);
	CHECK(exits_are_ours());
	door_in[0] = 20;
	door_int80();
	CHECK(exits_are_ours());
	door_syscall();
	CHECK(exits_are_ours());
}

/* ---- bases */

static void fs_set(uint64_t base) { __asm__ volatile("wrfsbase %0" :: "r"(base)); }
static void gs_set(uint64_t base) { __asm__ volatile("wrgsbase %0" :: "r"(base)); }

void hostile_bases(void)
{
	static const uint64_t kernel[] = { KERNEL_IMAGE, KERNEL_DIRECT, KERNEL_DEVICES, 0xfffffffffffff000ul, ~0ul, EXO_WINDOW, EXO_USER_END - 1 };

	IS(gate_env_set(0, EXO_SET_GS, EXO_USER_END, 0), -EXO_EINVAL);
	IS(gate_env_set(0, EXO_SET_FS, KERNEL_IMAGE, 0), -EXO_EINVAL);
	IS(gate_env_set(0, EXO_SET_GS, 1ul << 55, 0), -EXO_EINVAL);
	IS(gate_env_set(0, EXO_SET_GS, 0x5000, 0), 0);
	if (!(rt_info->cpu_features & EXO_CPU_FSGSBASE))
		return;
	/* QEMU 7.2 takes what a CPU refuses: then the kernel has it to save and to load. */
	if (guarded(gs_set, 1ul << 47))
		IS(caught.vector, 13);
	(void)guarded(fs_set, 1ul << 55);
	(void)gate_yield(witness.name, 0);
	/* Canonical, and the kernel's: the kernel does not use it, by whatever way it is entered. */
	for (unsigned i = 0; i < sizeof kernel / sizeof kernel[0]; i++) {
		uint64_t base;

		gs_set(kernel[i]);
		fs_set(kernel[i]);
		IS(gate_nop(), 0);
		IS(guarded(undefined, 0), 1);
		(void)gate_yield(witness.name, 0);
		IS(gate_env_set(0, EXO_SET_ALARM, rt_tsc() + 1000, 0), 0);
		for (uint64_t end = rt_tsc() + rt_info->slice_ticks; rt_tsc() < end;)
			__asm__ volatile("pause");
		__asm__ volatile("rdgsbase %0" : "=r"(base));
		IS(base, kernel[i]);
	}
}

/* ---- flags, single steps */

static void flags_everywhere(uint64_t flags)
{
	/* Set by popf, kept over a system call, a yield, a fault, and int 0x80. */
	__asm__ volatile("push %0; popfq; mov %1, %%eax; syscall; push %0; popfq; mov %2, %%eax; xor %%edi, %%edi; xor %%esi, %%esi; syscall;"
		"push %0; popfq; int $0x80; push %0; popfq; ud2"
		:: "r"(flags), "i"(EXO_GATE_BASE + EXO_GATE_nop), "i"(EXO_GATE_BASE + EXO_GATE_yield) : "rax", "rcx", "r11", "rdi", "rsi", "rdx", "cc", "memory");
}

void hostile_flags(void)
{
	/* NT, AC, DF, IOPL, VIF and VIP, RF, VM, ID, everything but TF. */
	static const uint64_t flags[] = { 0x4002, 0x40002, 0x402, 0x3002, 0x180002, 0x10002, 0x20002, 0x200002, ~0x100ul & 0xffffffff };

	for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		IS(guarded(flags_everywhere, flags[i]), 1);
		IS(caught.vector, 6);
		IS(caught.rflags & 0x23200, 0x200); /* no IOPL, no VM; IF */
	}
	IS(gate_nop(), 0);
}

static void stepped(uint64_t argument)
{
	(void)argument;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq;"
		"nop; mov %0, %%eax; syscall; nop; mov %1, %%eax; xor %%edi, %%edi; xor %%esi, %%esi; syscall; nop; mov $39, %%eax; syscall; nop; int $0x80; nop;"
		"mov %2, %%eax; syscall; nop;"
		"pushfq; andq $~0x100, (%%rsp); popfq"
		:: "i"(EXO_GATE_BASE + EXO_GATE_nop), "i"(EXO_GATE_BASE + EXO_GATE_yield), "i"(EXO_GATE_BASE + 0xff) : "rax", "rcx", "r11", "rdi", "rsi", "rdx", "cc", "memory");
}

void hostile_single_step(void)
{
	seen.stepping = 1;
	for (int i = 0; i < 20; i++) {
		uint64_t steps = seen.steps;

		IS(guarded(stepped, 0), 0);
		/* The handler of a foreign call may be stepped or not; the 20 instructions in between are. */
		CHECK(seen.steps >= steps + 15);
	}
	seen.stepping = 0;
	IS(gate_nop(), 0);
}

/* MOV SS before whatever enters the kernel, with and without a debug trap that waits. */
#define HELD(instruction) __asm__ volatile("pushfq; orq %1, (%%rsp); popfq; mov %0, %%ss; " instruction "; nop; nop" \
	:: "r"((uint64_t)EXO_USER_SS), "r"(flags), "a"(EXO_GATE_BASE + EXO_GATE_nop) : "rcx", "r11", "memory", "cc")
static void held_syscall(uint64_t flags) { HELD("syscall"); }
static void held_int80(uint64_t flags) { HELD("int $0x80"); }
static void held_int3(uint64_t flags) { HELD("int3"); }
static void held_ud2(uint64_t flags) { HELD("ud2"); }
static void held_int14(uint64_t flags) { HELD("int $14"); }
static void held_fault(uint64_t flags) { HELD("mov 0, %%al"); }
static void held_sysenter(uint64_t flags) { HELD("sysenter"); }

void hostile_mov_ss(void)
{
	static void (*const held[])(uint64_t) = { held_syscall, held_int80, held_int3, held_ud2, held_int14, held_fault, held_sysenter };

	for (unsigned i = 0; i < sizeof held / sizeof held[0]; i++)
		for (uint64_t flags = 0; flags <= 0x100; flags += 0x100) {
			int stopped = guarded(held[i], flags);

			if (i > 1 || flags)
				IS(stopped, 1);
			IS(gate_nop(), 0);
		}
}

/* ---- rip and rsp that are nobody's */

static void rip_set(uint64_t rip) { __asm__ volatile("jmp *%0" :: "r"(rip)); }
static void rsp_ud2(uint64_t rsp) { __asm__ volatile("mov %0, %%rsp; ud2" :: "r"(rsp)); }
static void rsp_push(uint64_t rsp) { __asm__ volatile("mov %0, %%rsp; push %%rax" :: "r"(rsp)); }
static void rsp_int80(uint64_t rsp) { __asm__ volatile("mov %0, %%rsp; mov $20, %%eax; int $0x80; ud2" :: "r"(rsp) : "rax"); }

void hostile_addresses(void)
{
	static const uint64_t odd[] = { 0, 8, EXO_USER_END - 8, EXO_USER_END, 1ul << 55, 1ul << 63, KERNEL_DIRECT, KERNEL_IMAGE + 0x8000, KERNEL_DEVICES, ~0ul, ~0ul - 7,
		EXO_INFO + 64, EXO_FRAMES, EXO_GROUPS, EXO_SELF_ENTER + PAGE };
	static struct exo_regs regs;
	exo_name name;

	for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		IS(guarded(rip_set, odd[i]), 1);
		IS(guarded(rsp_ud2, odd[i]), 1);
		IS(caught.vector, 6);
		IS(guarded(rsp_push, odd[i]), 1);
		IS(guarded(rsp_int80, odd[i]), 1);
		rt_page()->disabled = 0; /* the entry of int 0x80 may have been left by a fault on that stack */
	}
	/* By number they are refused, or go nowhere. */
	IS(actor_prepare(0, undefined, 0), 0);
	actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
	name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(env_state(name) == EXO_S_READY);
	for (unsigned i = 2; i < 11; i++) {
		regs.rip = odd[i];
		REFUSED(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0));
		regs.rip = (uint64_t)undefined;
		regs.fs_base = odd[i];
		if (odd[i] >= EXO_USER_END)
			REFUSED(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0));
		regs.fs_base = 0;
	}
	/* Flags too are only what ring 3 may have, segments only ours. */
	regs.rflags = ~0x100ul;
	regs.rsp = KERNEL_IMAGE;
	IS(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0), 0);
	IS(actor_run(name), EXO_S_STUCK);
	IS(rt_envs[EXO_NAME_INDEX(name)].stuck_vector, 6);
	rt_env_end(name);
}

/* ---- nested faults: in the handler, on the handler's stack, without a handler */

static void nest(uint64_t depth)
{
	volatile uint8_t room[256];

	room[0] = (uint8_t)depth;
	seen.nested = depth;
	__asm__ volatile("ud2");
	(void)room[0];
}

static void faults_for_ever(uint64_t argument)
{
	static uint64_t bad[EXO_ENTRY_COUNT];

	/* Its handler faults at its first instruction: the upcall stack fills up, and then it is stuck. */
	bad[EXO_ENTRY_FAULT] = argument;
	(void)gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)bad, 0);
	__asm__ volatile("ud2");
}

void hostile_nested_faults(void)
{
	static const uint64_t handler[] = { 0x10000, 8, EXO_GROUPS, EXO_USER_END - 2 * PAGE };

	IS(guarded(nest, 6), 0);
	for (unsigned i = 0; i < sizeof handler / sizeof handler[0]; i++) {
		exo_name name = actor_start(0, faults_for_ever, handler[i]);

		CHECK(name);
		IS(actor_run(name), EXO_S_STUCK);
		rt_env_end(name);
	}
}

/* ---- memory types and caches */

static void msr_write(uint64_t msr) { __asm__ volatile("wrmsr" :: "a"(0), "d"(0), "c"(msr)); }
static void msr_read(uint64_t msr) { __asm__ volatile("rdmsr" :: "c"(msr) : "rax", "rdx"); }
static void cache_off(uint64_t argument) { (void)argument; __asm__ volatile("mov %%cr0, %%rax; bts $30, %%rax; mov %%rax, %%cr0" ::: "rax"); }
static void invalidate(uint64_t argument) { (void)argument; __asm__ volatile("invd"); }
static void keys_write(uint64_t argument) { (void)argument; __asm__ volatile("wrpkru" :: "a"(0), "c"(0), "d"(0)); }
static void counter_read(uint64_t argument) { (void)argument; __asm__ volatile("rdpmc" :: "c"(0) : "rax", "rdx"); }

void hostile_memory_types(void)
{
	/* PAT, MTRRs, their default, DEBUGCTL, EFER, LSTAR, KERNEL_GS_BASE, APIC base, SMI count. */
	static const uint64_t msr[] = { 0x277, 0x200, 0x201, 0x250, 0x2ff, 0x1d9, 0xc0000080, 0xc0000082, 0xc0000102, 0x1b, 0x34 };
	int64_t pfn = rt_frame();

	IS(rt_tables(0, T, 0, 0), 0);
	/* Every mixture of PWT, PCD, PAT and G. */
	for (uint64_t i = 1; i < 16; i++) {
		uint64_t bits = (i & 1) << 3 | (i & 2) << 3 | (i & 4) << 5 | (i & 8) << 5;

		IS(gate_pte_write(0, T | 1, 1, PTE(pfn, RW | NX | bits), 0, 0), -EXO_EINVAL);
		IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, bits, bits, 0), -EXO_EINVAL);
	}
	for (unsigned i = 0; i < sizeof msr / sizeof msr[0]; i++) {
		IS(guarded(msr_write, msr[i]), 1);
		IS(caught.vector, 13);
		IS(guarded(msr_read, msr[i]), 1);
	}
	IS(guarded(cache_off, 0), 1);
	IS(guarded(invalidate, 0), 1);
	IS(guarded(keys_write, 0), 1);
	IS(guarded(counter_read, 0), 1);
	/* What touches nothing may be asked of any address; it gives nothing away but time. */
	for (uint64_t va = KERNEL_IMAGE; va < KERNEL_IMAGE + 64 * PAGE; va += PAGE)
		__asm__ volatile("prefetcht0 (%0); prefetchnta (%0)" :: "r"(va));
}
