/* SPDX-License-Identifier: MIT */
/* Instructions that C has no words for, and the bits they take (Intel SDM vol. 3, 2.5 and vol. 4). The host build of the binding core replaces
 * what touches the machine. */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H
#include <exo/layout.h>

#define CR0_WP  (1u << 16)
#define CR0_NE  (1u << 5)
#define CR0_MP  (1u << 1)
#define CR0_EM  (1u << 2)
#define CR0_TS  (1u << 3)
#define CR4_PAE        (1u << 5)
#define CR4_MCE        (1u << 6)
#define CR4_PGE        (1u << 7)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

#define MSR_APIC_BASE      0x1b
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_SYSENTER_CS    0x174
#define MSR_PAT            0x277
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_X2APIC         0x800
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_FMASK          0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define EFER_SCE 1u
#define EFER_NXE (1u << 11)

#define RFLAGS_CF   0x1u
#define RFLAGS_FIX  0x2u
#define RFLAGS_TF   0x100u
#define RFLAGS_IF   0x200u
#define RFLAGS_DF   0x400u
#define RFLAGS_IOPL 0x3000u
#define RFLAGS_NT   0x4000u
#define RFLAGS_RF   0x10000u
#define RFLAGS_AC   0x40000u
/* What ring 3 may have: CF PF AF ZF SF TF DF OF RF AC ID. */
#define RFLAGS_USER 0x250dd5u

#ifndef __ASSEMBLER__
#include <stdint.h>
#ifndef KERNEL_HOST

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{ __asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory"); }
static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}
static inline void cpuid_raw(uint32_t leaf, uint32_t out[4])
{ __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(0)); }
/* Zeros for a leaf beyond the maximum, where Intel's CPUs answer with another leaf's words. */
static inline void cpuid(uint32_t leaf, uint32_t out[4])
{
	cpuid_raw(leaf & 0x80000000, out);
	bool there = leaf <= out[0] && (leaf ^ out[0]) < 0x80000000;
	cpuid_raw(leaf, out);
	for (int i = 0; i < 4 && !there; i++)
		out[i] = 0;
}
static inline uint64_t read_cr0(void) { uint64_t v; __asm__ volatile("mov %%cr0, %0" : "=r"(v)); return v; }
static inline uint64_t read_cr2(void) { uint64_t v; __asm__ volatile("mov %%cr2, %0" : "=r"(v)); return v; }
static inline uint64_t read_cr4(void) { uint64_t v; __asm__ volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static inline void write_cr0(uint64_t v) { __asm__ volatile("mov %0, %%cr0" :: "r"(v) : "memory"); }
static inline void write_cr4(uint64_t v) { __asm__ volatile("mov %0, %%cr4" :: "r"(v) : "memory"); }
static inline void write_dr7(uint64_t v) { __asm__ volatile("mov %0, %%dr7" :: "r"(v)); }
static inline void write_dr6(uint64_t v) { __asm__ volatile("mov %0, %%dr6" :: "r"(v)); }
static inline void invlpg(uint64_t va) { __asm__ volatile("invlpg (%0)" :: "r"(va) : "memory"); }
static inline void xsetbv(uint64_t v) { __asm__ volatile("xsetbv" :: "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))); }
/* All that XCR0 names. */
static inline void xsave(uint8_t *p) { __asm__ volatile("xsave64 %0" : "=m"(*p) : "a"(-1), "d"(-1) : "memory"); }
static inline void xrstor(const uint8_t *p) { __asm__ volatile("xrstor64 %0" :: "m"(*p), "a"(-1), "d"(-1) : "memory"); }
static inline void fxsave(uint8_t *p) { __asm__ volatile("fxsave64 %0" : "=m"(*p) :: "memory"); }
static inline void fxrstor(const uint8_t *p) { __asm__ volatile("fxrstor64 %0" :: "m"(*p) : "memory"); }
/* Another last instruction, with no address of anybody's. */
static inline void x87_forget(void)
{
	static const int32_t zero;
	__asm__ volatile("fnclex; emms; fildl %0" :: "m"(zero));
}
static inline uint64_t rdfsbase(void) { uint64_t v; __asm__ volatile("rdfsbase %0" : "=r"(v)); return v; }
static inline void wrfsbase(uint64_t v) { __asm__ volatile("wrfsbase %0" :: "r"(v)); }
/* Of the two bases of GS the one that is ring 3's while the kernel runs. Only an NMI could come in between, and its handler looks at none. */
static inline uint64_t user_gs_exchange(uint64_t new)
{
	uint64_t old;
	__asm__ volatile("swapgs; rdgsbase %0; wrgsbase %1; swapgs" : "=&r"(old) : "r"(new));
	return old;
}
/* What ring 3 has loaded into its data selectors: 0 = nothing. */
static inline uint32_t selectors(void)
{
	uint32_t ds, es, fs, gs;
	__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3" : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	return ds | es | fs | gs;
}
static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outsb(uint16_t port, const void *p, size_t n) { __asm__ volatile("rep outsb" : "+S"(p), "+c"(n) : "d"(port) : "memory"); }
static inline uint8_t inb(uint16_t port) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(port)); }
static inline uint32_t inl(uint16_t port)
{ uint32_t v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline void outw(uint16_t port, uint16_t v) { __asm__ volatile("outw %0, %1" :: "a"(v), "Nd"(port)); }
static inline uint16_t inw(uint16_t port) { uint16_t v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline void cpu_halt(void) { __asm__ volatile("sti; hlt; cli" ::: "memory"); }
/* Takes the interrupts that wait. */
static inline void cpu_open(void) { __asm__ volatile("sti; nop; cli" ::: "memory"); }
static inline void cpu_relax(void) { __asm__ volatile("pause" ::: "memory"); }
/* Calls f with an empty stack; nothing comes back. */
__attribute__((noreturn)) static inline void cpu_on_stack(uint64_t top, void (*f)(void))
{
	__asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tcall *%1\n1:\tcli\n\thlt\n\tjmp 1b" :: "r"(top), "r"(f) : "memory");
	__builtin_unreachable();
}
__attribute__((noreturn)) static inline void cpu_stop(void) { for (;;) __asm__ volatile("cli; hlt"); }

/* Zero n bytes (a multiple of 8) at an aligned address. */
static inline void zero_words(void *p, uint64_t n)
{
	uint64_t count = n / 8;
	__asm__ volatile("rep stosq" : "+D"(p), "+c"(count) : "a"(0ul) : "memory");
}

/* RAM by physical address: through the direct map. */
static inline void *pa_ptr(uint64_t pa) { return (void *)(KERNEL_DIRECT + pa); }

#else /* KERNEL_HOST: the binding core under the host's sanitizers */
extern uint8_t *host_ram;
static inline void *pa_ptr(uint64_t pa) { return host_ram + pa; }
static inline void zero_words(void *p, uint64_t n) { __builtin_memset(p, 0, n); }
void host_invlpg(uint64_t va) __attribute__((weak)); /* a test that watches translations */
static inline void invlpg(uint64_t va) { if (host_invlpg) host_invlpg(va); }
uint64_t host_tsc(void) __attribute__((weak)); /* a test that lets time pass */
static inline uint64_t rdtsc(void) { return host_tsc ? host_tsc() : 0; }
void outl(uint16_t port, uint32_t v); uint32_t inl(uint16_t port); /* a test that has a bus */
#endif

/* i when it is below n, else 0, without a branch: a number of ring 3's indexes nothing beyond, also while the CPU runs ahead of its check (Spectre v1; rule 39). */
static inline uint64_t index_of(uint64_t i, uint64_t n)
{
	static const uint64_t zero;
	__asm__("cmp %1, %0\n\tcmovae %2, %0" : "+r"(i) : "rme"(n), "m"(zero) : "cc");
	return i;
}

static inline void *pfn_ptr(uint64_t pfn) { return pa_ptr(pfn << EXO_PAGE_SHIFT); }
#endif
#endif
