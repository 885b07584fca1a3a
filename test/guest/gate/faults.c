/* SPDX-License-Identifier: MIT */
/* Tests of what ring 3 must not do, each tried once: the fault arrives as an upcall and the machine goes on (rules 15, 16, 30, 32). */
#include "gate.h"

/* Tries the instructions; the fault must be `vector`. */
#define TRY(name, vec, ...) \
	static void name##_try(uint64_t argument) { (void)argument; __asm__ volatile(__VA_ARGS__); } \
	void name(void) { IS(guarded(name##_try, 0), 1); IS(caught.vector, vec); }

TRY(ring3_cli, 13, "cli")
TRY(ring3_sti, 13, "sti")
TRY(ring3_hlt, 13, "hlt")
TRY(ring3_in, 13, "in $0x60, %%al" ::: "rax")
TRY(ring3_out, 13, "mov $0xcf9, %%edx; mov $6, %%eax; out %%al, %%dx" ::: "rax", "rdx")
TRY(ring3_cr0, 13, "mov %%cr0, %%rax" ::: "rax")
TRY(ring3_cr3, 13, "mov %0, %%cr3" :: "r"(0x1000ul))
TRY(ring3_cr4, 13, "mov %0, %%cr4" :: "r"(0ul))
TRY(ring3_dr7, 13, "mov %0, %%dr7" :: "r"(0x400ul))
TRY(ring3_lgdt, 13, "lgdt %0" :: "m"(door_in))
TRY(ring3_lidt, 13, "lidt %0" :: "m"(door_in))
TRY(ring3_ltr, 13, "ltr %%ax" :: "a"(0x40))
TRY(ring3_wrmsr, 13, "wrmsr" :: "a"(0), "d"(0), "c"(0xc0000082))
TRY(ring3_rdmsr, 13, "rdmsr" :: "c"(0xc0000080) : "rax", "rdx")
TRY(ring3_swapgs, 13, "swapgs")
TRY(ring3_invlpg, 13, "invlpg (%0)" :: "r"(T))
TRY(ring3_wbinvd, 13, "wbinvd")
TRY(ring3_clts, 13, "clts")
TRY(ring3_xsetbv, 13, "xsetbv" :: "a"(1), "d"(0), "c"(0))
TRY(ring3_int_timer, 13, "int $0x20")
TRY(ring3_int_fault, 13, "int $14")
TRY(ring3_load_ss, 13, "mov %0, %%ss" :: "r"(0x10))
TRY(ring3_load_ds, 13, "mov %0, %%ds" :: "r"(0x77))
TRY(fault_ud, 6, "ud2")
TRY(fault_divide, 0, "xor %%ecx, %%ecx; mov $1, %%eax; xor %%edx, %%edx; div %%ecx" ::: "rax", "rcx", "rdx")
TRY(fault_breakpoint, 3, "int3")
TRY(fault_read_noncanonical, 13, "mov (%0), %%rax" :: "r"(1ul << 55) : "rax")
TRY(fault_int_unused, 13, "int $0x81")
TRY(fault_x87, 16, "fninit; push %%rax; movw $0x37b, (%%rsp); fldcw (%%rsp); fld1; fldz; fdivrp; fwait; pop %%rax" ::: "rax")

/* 13; or 14, because QEMU 7.2 reads the frame with kernel rights, which SMAP refuses (GATE 31). */
static void far_kernel(uint64_t to) { __asm__ volatile("pushq $8; push %0; lretq" :: "r"(to)); }
static void iret_kernel(uint64_t to)
{
	__asm__ volatile("pushq $0; push %%rsp; pushq $0x3202; pushq $8; push %0; iretq" :: "r"(to));
}

void ring3_far_kernel(void)
{
	IS(guarded(far_kernel, 0), 1);
	CHECK(caught.vector == 13 || caught.vector == 14);
	IS(guarded(far_kernel, KERNEL_IMAGE), 1);
}

void ring3_iret_kernel(void)
{
	IS(guarded(iret_kernel, KERNEL_IMAGE), 1);
	CHECK(caught.vector == 13 || caught.vector == 14);
	IS(caught.cs, EXO_USER_CS);
	IS(caught.rflags & 0x3000, 0);
	IS(guarded(iret_kernel, 1ul << 47), 1);
	IS(guarded(iret_kernel, 1ul << 63), 1);
}

static void iret_stack(uint64_t rsp) { __asm__ volatile("mov %0, %%rsp; iretq" :: "r"(rsp)); }

/* Frames where there is nothing to read, or not all of it. */
void ring3_iret_stack(void)
{
	static const uint64_t rsp[] = { 0, 0x10000, KERNEL_DIRECT, KERNEL_IMAGE, 1ul << 47, 1ul << 55, EXO_USER_END - 16, ~0ul - 7, T + PAGE - 16 };

	CHECK(page_new(T, EXO_PTE_RW | EXO_PTE_NX));
	for (unsigned i = 0; i < sizeof rsp / sizeof rsp[0]; i++)
		IS(guarded(iret_stack, rsp[i]), 1);
}

static void iret_to_itself(uint64_t iretq)
{
	__asm__ volatile("mov %%rsp, %%rax; pushq %1; push %%rax; pushfq; pushq %2\n"
		"lea 1f(%%rip), %%rcx; push %%rcx; jmp *%0; 1:"
		:: "r"(iretq), "i"(EXO_USER_SS), "i"(EXO_USER_CS) : "rax", "rcx", "memory");
}

/* An iretq that begins on one page and ends on the next returns like any other, also where the kernel has to look
 * at it. */
void ring3_iret_across(void)
{
	uint8_t *code = (uint8_t *)T + PAGE - 1;

	CHECK(page_new(T, EXO_PTE_RW) && page_new(T + PAGE, EXO_PTE_RW));
	code[0] = 0x48;
	code[1] = 0xcf;
	IS(guarded(iret_to_itself, (uint64_t)code), 0);
	/* Its end on a page that is absent: the program's own fault. */
	IS(rt_unmap(0, T + PAGE, 1, 1), 0);
	IS(guarded(iret_to_itself, (uint64_t)code), 1);
	IS(caught.vector, 14);
}

static void jump(uint64_t to) { __asm__ volatile("call *%0" :: "r"(to)); }
static void read_word(uint64_t va) { (void)WORD(va); }
static void write_word(uint64_t va) { WORD(va) = 1; }

void fault_jump_kernel(void)
{
	static const uint64_t to[] = { KERNEL_IMAGE, KERNEL_IMAGE + 0x1000, KERNEL_DIRECT, KERNEL_DEVICES, 0xfffffffffffff000ul };

	for (unsigned i = 0; i < sizeof to / sizeof to[0]; i++) {
		IS(guarded(jump, to[i]), 1);
		IS(caught.vector, 14);
		IS(caught.rip, to[i]);
		IS(caught.addr, to[i]);
	}
}

void fault_read_kernel(void)
{
	IS(guarded(read_word, KERNEL_DIRECT), 1);
	IS(caught.vector, 14);
	IS(caught.error & 5, 5 & caught.error);
	IS(caught.addr, KERNEL_DIRECT);
	IS(guarded(write_word, KERNEL_IMAGE), 1);
	IS(caught.vector, 14);
	IS(guarded(write_word, KERNEL_DIRECT + 0x100000), 1);
}

void fault_read_nobody(void)
{
	IS(guarded(read_word, 99999999999999ul), 1);
	IS(caught.vector, 14);
	IS(caught.error & 7, 4);
	IS(caught.addr, 99999999999999ul);
}

void fault_jump_noncanonical(void)
{
	IS(guarded(jump, 1ul << 47), 1);
	IS(caught.vector, 13);
	IS(guarded(jump, 1ul << 55), 1);
	IS(caught.vector, 13);
	IS(guarded(jump, 0), 1);
	IS(caught.vector, 14);
	IS(caught.addr, 0);
}

/* Ends a syscall at the very last address: the kernel must not SYSRET to a non-canonical rip. The last page is never mapped. */
static void push_noncanonical(uint64_t rsp) { __asm__ volatile("mov %0, %%rsp; push %%rax" :: "r"(rsp)); }

void fault_push_noncanonical(void)
{
	IS(guarded(push_noncanonical, 1ul << 55), 1);
	CHECK(caught.vector == 12 || caught.vector == 13); /* #SS; QEMU 7.2 makes it #GP */
	IS(guarded(push_noncanonical, 1ul << 47), 1);
}

void fault_last_page(void)
{
	IS(guarded(jump, EXO_USER_END - 2), 1);
	IS(caught.vector, 14);
	IS(guarded(read_word, EXO_USER_END - PAGE), 1);
	IS(caught.vector, 14);
}

void window_read_only(void)
{
	uint64_t group = EXO_GROUPS + ME * EXO_GROUP_SIZE;
	static const uint64_t at[] = { EXO_INFO, EXO_SLICES, EXO_ENVS + 128, EXO_HOMES, EXO_FRAMES };

	for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
		IS(guarded(read_word, at[i]), 0);
		IS(guarded(write_word, at[i]), 1);
		IS(caught.vector, 14);
		IS(caught.error & 7, 7);
		IS(guarded(jump, at[i]), 1);
		IS(caught.error & 0x15, 0x15);
	}
	IS(guarded(read_word, group + EXO_GROUP_SAVE), 0);
	IS(guarded(write_word, group + EXO_GROUP_SAVE), 1);
	IS(guarded(write_word, group + EXO_GROUP_EXO + 1024), 0);
	IS(guarded(jump, group + EXO_GROUP_EXO + 1024), 1);
	IS(guarded(write_word, group + EXO_GROUP_STACK + 64), 0);
	IS(guarded(read_word, group + EXO_GROUP_STACK - 8), 1);
	/* Another env's group is in no root but its own. */
	IS(guarded(read_word, EXO_GROUPS + EXO_NAME_INDEX(rt_info->first) * EXO_GROUP_SIZE), 1);
	IS(caught.vector, 14);
}

static void flags_syscall(uint64_t flags)
{
	uint64_t after;
	int64_t r;

	__asm__ volatile("pushq %2; popfq; syscall; pushfq; popq %1; pushq $2; popfq"
		: "=a"(r), "=&r"(after) : "r"(flags), "a"(EXO_GATE_BASE + EXO_GATE_nop) : "rcx", "r11", "memory", "cc");
	shared[0] = (uint64_t)r;
	shared[1] = after;
}

void flags_at_syscall(void)
{
	/* NT, AC, DF, and all arithmetic flags; IOPL cannot be set by popf. */
	static const uint64_t flags[] = { 0x4002, 0x40002, 0x402, 0x8d7, 0x3002, 0x44cd7 };

	for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		IS(guarded(flags_syscall, flags[i]), 0);
		IS(shared[0], 0);
		IS(shared[1] & 0x8d5, flags[i] & 0x8d5);
		IS(shared[1] & 0x3000, 0);
		IS(shared[1] & 0x200, 0x200);
	}
}

void flags_trap_syscall(void)
{
	IS(guarded(flags_syscall, 0x102), 1);
	IS(caught.vector, 1);
	IS(caught.rflags & 0x100, 0x100);
	IS(guarded(flags_syscall, 2), 0);
}

static void icebp(uint64_t argument) { (void)argument; __asm__ volatile(".byte 0xf1"); }

void fault_icebp(void)
{
	IS(guarded(icebp, 0), 1);
	CHECK(caught.vector == 1 || caught.vector == 6); /* QEMU has no INT1 */
}

/* MOV SS holds a debug trap back until after the next instruction: which is one that enters the kernel. */
static void mov_ss_step(uint64_t door)
{
	uint64_t ss;

	__asm__ volatile("mov %%ss, %0" : "=r"(ss));
	if (door)
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; mov %0, %%ss; int $0x80" :: "r"(ss), "a"(20) : "memory", "cc");
	else
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; mov %0, %%ss; syscall" :: "r"(ss), "a"(EXO_GATE_BASE + EXO_GATE_nop)
			: "rcx", "r11", "memory", "cc");
	__asm__ volatile("nop; nop");
}

void hazard_mov_ss(void)
{
	IS(guarded(mov_ss_step, 0), 1);
	IS(caught.vector, 1);
	IS(guarded(mov_ss_step, 1), 1);
	IS(caught.vector, 1);
	IS(gate_nop(), 0);
}

static void sysenter(uint64_t argument) { (void)argument; __asm__ volatile("sysenter"); }

void ring3_sysenter(void)
{
	IS(guarded(sysenter, 0), 1);
	CHECK(caught.vector == 13 || caught.vector == 6);
}

static void syscall_stack(uint64_t rsp)
{
	int64_t r;

	__asm__ volatile("mov %%rsp, %%rbx; mov %2, %%rsp; syscall; mov %%rbx, %%rsp"
		: "=a"(r) : "a"(EXO_GATE_BASE + EXO_GATE_nop), "r"(rsp) : "rbx", "rcx", "r11", "memory");
	shared[0] = (uint64_t)r;
}

void syscall_any_stack(void)
{
	static const uint64_t rsp[] = { 0, 8, KERNEL_IMAGE, KERNEL_DIRECT, 1ul << 55, EXO_INFO, ~0ul };

	for (unsigned i = 0; i < sizeof rsp / sizeof rsp[0]; i++) {
		shared[0] = 1;
		IS(guarded(syscall_stack, rsp[i]), 0);
		IS(shared[0], 0);
	}
}

static void sgdt(uint64_t argument) { (void)argument; __asm__ volatile("sgdt %0" : "=m"(door_out)); }

void ring3_umip(void)
{
	if (!(rt_info->cpu_features & EXO_CPU_UMIP))
		return;
	IS(guarded(sgdt, 0), 1);
	IS(caught.vector, 13);
}
