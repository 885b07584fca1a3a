/* SPDX-License-Identifier: MIT */
/* The CPU as the kernel wants it: descriptor tables, control registers, I/O permissions; and the way out of the machine. */
#include "kernel.h"
#include "vector.h"

static struct {
	uint32_t reserved0;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, io_base;
	uint8_t io[8192 + 1]; /* one bit a port, 1 = refused; the last byte ends the map */
} __attribute__((packed, aligned(16))) tss;

/* SYSRET takes SS from STAR + 8 and CS from STAR + 16; there is no 32-bit user code segment. */
static uint64_t gdt[9] = {
	0,
	0x00af9b000000ffff, /* 0x08 kernel code */
	0x00cf93000000ffff, /* 0x10 kernel data */
	0, 0,
	0x00cff3000000ffff, /* 0x28 user data */
	0x00affb000000ffff, /* 0x30 user code, 64 bit */
	0, 0,               /* 0x38 TSS */
};
_Static_assert(EXO_USER_SS == (0x28 | 3) && EXO_USER_CS == (0x30 | 3), "selectors");

static uint8_t stack_fatal[4096] __attribute__((aligned(16)));
static uint8_t stack_debug[1024] __attribute__((aligned(16)));
static uint8_t stack_nmi[4096] __attribute__((aligned(16)));
static uint8_t stack_main[KERNEL_STACK] __attribute__((aligned(4096)));
bool has_fsgsbase, has_hypervisor;

static void descriptors(void)
{
	uint64_t base = (uint64_t)&tss, limit = sizeof(tss) - 1;
	gdt[7] = (limit & 0xffff) | (base & 0xffffff) << 16 | 0x89ul << 40 | (limit >> 16 & 15) << 48 | (base >> 24 & 0xff) << 56;
	gdt[8] = base >> 32;
	tss.rsp[0] = (uint64_t)(stack_main + sizeof(stack_main));
	tss.ist[IST_DEBUG - 1] = (uint64_t)(stack_debug + sizeof(stack_debug));
	tss.ist[IST_NMI - 1] = (uint64_t)(stack_nmi + sizeof(stack_nmi));
	tss.ist[IST_FATAL - 1] = (uint64_t)(stack_fatal + sizeof(stack_fatal));
	tss.io_base = (uint16_t)offsetof(__typeof__(tss), io);
	for (size_t i = 0; i < sizeof(tss.io); i++)
		tss.io[i] = 0xff;
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) gdtr = { sizeof(gdt) - 1, (uint64_t)gdt };
	__asm__ volatile("lgdt %0\n\t"
		"push $8\n\tlea 1f(%%rip), %%rax\n\tpush %%rax\n\tlretq\n1:\n\t"
		"mov $0x10, %%eax\n\tmov %%eax, %%ss\n\t"
		"xor %%eax, %%eax\n\tmov %%eax, %%ds\n\tmov %%eax, %%es\n\tmov %%eax, %%fs\n\tmov %%eax, %%gs\n\t"
		"lldt %%ax\n\tmov $0x38, %%eax\n\tltr %%ax" :: "m"(gdtr) : "rax", "memory");
}

/* Intel's CPUs, unless they say RDCL_NO and MDS_NO (SDM vol. 4, IA32_ARCH_CAPABILITIES bits 0 and 5; CPUID 7 EDX bit 29 says that there is such an MSR). */
static bool leaks(uint32_t vendor, uint32_t seven_edx)
{
	return vendor == 0x756e6547 && !(seven_edx >> 29 & 1 && (rdmsr(MSR_ARCH_CAPABILITIES) & 0x21) == 0x21);
}

static void features(void)
{
	uint32_t one[4], seven[4], state[4], top[4];
	cpuid(1, one);
	cpuid(0x80000001, top);
	cpuid(0xd, state);
	cpuid(0, seven);
	uint32_t vendor = seven[1];
	cpuid(7, seven);
	static const struct { uint32_t bit, cr4; const char *name; } row[] = {
		{ EXO_CPU_SMEP, CR4_SMEP, "SMEP" }, { EXO_CPU_SMAP, CR4_SMAP, "SMAP" }, { EXO_CPU_UMIP, CR4_UMIP, "UMIP" },
		{ EXO_CPU_FSGSBASE, CR4_FSGSBASE, "FSGSBASE" }, { EXO_CPU_XSAVE, CR4_OSXSAVE, "XSAVE" },
		{ EXO_CPU_RDRAND, 0, "RDRAND" }, { EXO_CPU_ERMS, 0, "ERMS" }, { EXO_CPU_NX, 0, "NX" },
	};
	uint32_t have = (seven[1] >> 7 & 1) * EXO_CPU_SMEP | (seven[1] >> 20 & 1) * EXO_CPU_SMAP | (seven[2] >> 2 & 1) * EXO_CPU_UMIP
		| (seven[1] & 1) * EXO_CPU_FSGSBASE | (state[0] ? one[2] >> 26 & 1 : 0) * EXO_CPU_XSAVE | (one[2] >> 30 & 1) * EXO_CPU_RDRAND
		| (seven[1] >> 9 & 1) * EXO_CPU_ERMS | (top[3] >> 20 & 1) * EXO_CPU_NX;
	/* Of the firmware's only PAE and MCE stay: what else it left on would be a right of ring 3 that nobody gave. */
	uint64_t cr4 = (read_cr4() & (CR4_PAE | CR4_MCE)) | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (have & row[i].bit)
			cr4 |= row[i].cr4;
		else
			klog("this CPU has no %s: doing without", row[i].name);
	}
	if (leaks(vendor, seven[3])) {
		have |= EXO_CPU_LEAKS;
		klog("this CPU does not say that it is free of Meltdown and MDS: nothing is claimed against reading the kernel's memory");
	}
	info->cpu_features = have;
	has_fsgsbase = have & EXO_CPU_FSGSBASE;
	has_hypervisor = one[2] >> 31; /* software says that it is there; real CPUs say 0 */
	write_cr4(cr4);
	write_cr0((read_cr0() & ~(uint64_t)(CR0_EM | CR0_TS)) | CR0_WP | CR0_NE | CR0_MP);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	/* Entry 1 write-combining, the rest as at reset (Intel SDM vol. 3, 11.12.4). */
	wrmsr(MSR_PAT, 0x0007040600070106);
	wrmsr(MSR_STAR, 0x23ul << 48 | 0x08ul << 32);
	machine_syscall_entry(syscall_entry);
	wrmsr(MSR_CSTAR, (uint64_t)syscall_refused);
	wrmsr(MSR_SYSENTER_CS, 0);
	wrmsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
	write_dr7(0x400);
}

/* CSTAR: reached only from compatibility mode, which needs a 32-bit code segment that does not exist. */
void syscall_refused(void)
{
	panic("SYSCALL from compatibility mode");
}

void machine_syscall_entry(void (*entry)(void)) { wrmsr(MSR_LSTAR, (uint64_t)entry); }

void machine_start(void)
{
	struct cpu *cpu = this_cpu();
	descriptors();
	cpu->self = cpu;
	cpu->stack_top = tss.rsp[0];
	cpu->trap_stack = (uint64_t *)((char *)&tss + offsetof(__typeof__(tss), rsp));
	cpu->upcall_limit = EXO_GROUPS;
	wrmsr(MSR_GS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	features();
	trap_start();
	/* In the kernel GS is this CPU's; swapgs on the way out gives ring 3 its own. */
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);
}

void machine_bases_save(uint64_t *fs, uint64_t *gs)
{
	*fs = has_fsgsbase ? rdfsbase() : rdmsr(MSR_FS_BASE);
	*gs = rdmsr(MSR_KERNEL_GS_BASE);
}

void machine_bases_load(uint64_t fs, uint64_t gs)
{
	/* Selectors that ring 3 loaded are not saved: nobody finds another env's. A load of GS changes the base in use, which is this CPU's. */
	if (selectors()) {
		__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" :: "r"(0));
		wrmsr(MSR_GS_BASE, (uint64_t)this_cpu());
	}
	if (has_fsgsbase)
		wrfsbase(fs);
	else
		wrmsr(MSR_FS_BASE, fs);
	wrmsr(MSR_KERNEL_GS_BASE, gs);
}

void machine_bases_switch(struct exo_regs *out, const struct exo_regs *in)
{
	machine_bases_save(&out->fs_base, &out->gs_base);
	machine_bases_load(in->fs_base, in->gs_base);
}

void machine_special(const struct env *from, struct env *to)
{
	machine_ports(from, false);
	machine_ports(to, true);
	if (to->direct != this_cpu()->direct)
		trap_direct(to->direct);
	if (to->direct)
		machine_direct_stack(to, this_cpu()->push_alias);
}

void machine_direct_stack(struct env *e, bool alias)
{
	tss.ist[IST_DIRECT - 1] = (alias ? (uint64_t)pfn_ptr(e->group[EXO_EF_DIRECT]) : EXO_SELF_DIRECT) + EXO_PAGE_SIZE;
}

void machine_ports(const struct env *e, bool open)
{
	for (unsigned i = 0; i < e->port_count; i++)
		tss.io[e->port[i].group] = open ? (uint8_t)~e->port[i].mask : 0xff;
}

typedef void __attribute__((ms_abi)) reset_system(uint32_t type, uint64_t status, uint64_t size, void *data);

static int leaving = -1; /* the firmware runs: for a reset (1), for power-off (0) */

/* The ways without the firmware, in turn; a machine that takes none stops here. */
static void __attribute__((noreturn)) machine_off_ports(int reset)
{
	leaving = -1;
	root_load((uint32_t)(boot->kernel_root >> EXO_PAGE_SHIFT));
	if (reset) {
		if (boot->reset_port)
			outb((uint16_t)boot->reset_port, (uint8_t)boot->reset_value);
		outb(0xcf9, 6);
		outb(0x64, 0xfe);
	} else {
		/* SLP_TYP | SLP_EN (ACPI 6.4, 4.8.3.2.1) */
		if (boot->pm1a_cnt && boot->s5_typ_a != 0xff)
			outw((uint16_t)boot->pm1a_cnt, (uint16_t)(boot->s5_typ_a << 10 | 1 << 13));
		if (boot->pm1b_cnt && boot->s5_typ_b != 0xff)
			outw((uint16_t)boot->pm1b_cnt, (uint16_t)(boot->s5_typ_b << 10 | 1 << 13));
		outw(0x604, 0x2000); /* QEMU's */
	}
	for (uint64_t begin = rdtsc(); rdtsc() - begin < 3 * info->tsc_hz; cpu_relax()) { } /* a chipset takes its time */
	klog("this machine cannot be switched off by software: it is safe to do so by hand");
	cpu_stop();
}

void machine_off_fault(const struct trap *t)
{
	if (leaving < 0)
		return;
	klog("the firmware's ResetSystem fails: vector %u, rip %#lx", (unsigned)t->vector, t->rip);
	machine_off_ports(leaving);
}

void machine_off(int reset, uint32_t status)
{
	klog("%s, exit status %u", reset ? "reset" : "power off", status);
	/* The firmware runs in physical mode under its own root; it may use SSE and expects no SMAP. */
	write_cr4(read_cr4() & ~(uint64_t)(CR4_SMAP | CR4_SMEP));
	if (boot->reset_root && boot->reset_system) {
		leaving = reset;
		root_load((uint32_t)(boot->reset_root >> EXO_PAGE_SHIFT));
		(*(reset_system **)boot->reset_system)(reset ? 0 : 2, 0, 0, NULL);
		klog("the firmware's ResetSystem came back");
	}
	machine_off_ports(reset);
}
