/* SPDX-License-Identifier: MIT */
/* Deeds that no program may do. `hostile` does each in a child and prints how that child ended; `hostile DEED` does one itself.
 * Linux refuses all of them too, with the same signals: the lines are compared with the host's. */
#include "check.h"
#include <signal.h>
#include <stdint.h>

static unsigned char table[10];

static void cli(void) { __asm__ volatile("cli"); }
static void sti(void) { __asm__ volatile("sti"); }
static void hlt(void) { __asm__ volatile("hlt"); }
static void in(void) { __asm__ volatile("inb %w1, %b0" : : "a"(0), "d"(0x3f8)); }
static void out(void) { __asm__ volatile("outb %b0, %w1" : : "a"(0xfe), "d"(0x64)); }
static void mov_cr0(void) { __asm__ volatile("mov %0, %%cr0" : : "r"(0ul)); }
static void mov_cr3(void) { __asm__ volatile("mov %0, %%cr3" : : "r"(0ul)); }
static void read_cr3(void) { __asm__ volatile("mov %%cr3, %0" : "=r"(*(unsigned long *)table)); }
static void mov_cr4(void) { __asm__ volatile("mov %0, %%cr4" : : "r"(0ul)); }
static void mov_dr7(void) { __asm__ volatile("mov %0, %%dr7" : : "r"(0ul)); }
static void lgdt(void) { __asm__ volatile("lgdt %0" : : "m"(table)); }
static void lidt(void) { __asm__ volatile("lidt %0" : : "m"(table)); }
static void lldt(void) { __asm__ volatile("lldt %w0" : : "r"(0)); }
static void ltr(void) { __asm__ volatile("ltr %w0" : : "r"(0x40)); }
static void wrmsr(void) { __asm__ volatile("wrmsr" : : "c"(0xc0000082), "a"(0), "d"(0)); }
static void rdmsr(void) { __asm__ volatile("rdmsr" : : "c"(0xc0000082) : "eax", "edx"); }
static void xsetbv(void) { __asm__ volatile("xsetbv" : : "c"(0), "a"(3), "d"(0)); }
static void invlpg(void) { __asm__ volatile("invlpg (%0)" : : "r"(table)); }
static void wbinvd(void) { __asm__ volatile("wbinvd"); }
static void swapgs(void) { __asm__ volatile("swapgs"); }
static void sysretq(void) { __asm__ volatile("sysretq"); }
static void clts(void) { __asm__ volatile("clts"); }
static void stac(void) { __asm__ volatile(".byte 0x0f, 0x01, 0xcb"); }
static void int_timer(void) { __asm__ volatile("int $0x20"); }
static void int_fault(void) { __asm__ volatile("int $14"); }
static void int_double(void) { __asm__ volatile("int $8"); }
static void ud2(void) { __asm__ volatile("ud2"); }
static void divide(void) { __asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" : : : "eax", "ecx", "edx"); }
static void null_read(void) { __asm__ volatile("mov 0, %%al" : : : "eax"); }
static void null_jump(void) { __asm__ volatile("xor %%eax, %%eax\n\tjmp *%%rax" : : : "eax"); }
static void nobody(void) { (void)*(volatile char *)99999999999999ul; }
static void kernel_read(void) { (void)*(volatile char *)0xffff800000000000ul; }
static void kernel_write(void) { *(volatile char *)0xffffffff80000000ul = 1; }
static void kernel_jump(void) { ((void (*)(void))0xffffffff80000000ul)(); }
static void window_write(void) { *(volatile long *)0x7f8000000000ul = 1; }
static void kernel_iret(void)
{
	__asm__ volatile("pushq $0\n\tpushq %0\n\tpushfq\n\tpushq $8\n\tpushq %1\n\tiretq" : : "r"((uint64_t)table), "r"(0xffffffff80000000ul) : "memory");
}
static void kernel_segment(void) { __asm__ volatile("mov %w0, %%ss" : : "r"(0x10)); }
static void odd_jump(void) { __asm__ volatile("jmp *%0" : : "r"(0x8000000000000000ul)); }
static void odd_read(void) { (void)*(volatile char *)0x8000000000000000ul; }
static void odd_stack(void) { __asm__ volatile("mov %0, %%rsp\n\tpush %%rax" : : "r"(0x8000000000000000ul)); }
static void odd_stack_spin(void)
{
	/* The stack pointer alone is no crime until an interrupt or a call comes: spin through some ticks, then use it. */
	__asm__ volatile("mov %0, %%rsp\n\tmov $300000000, %%rcx\n1:\tdec %%rcx\n\tjnz 1b\n\tpush %%rax" : : "r"(0x8000000000000000ul) : "rcx");
}
static void kernel_stack_syscall(void)
{
	__asm__ volatile("mov %0, %%rsp\n\tmov $39, %%eax\n\tsyscall\n\tmov $39, %%eax\n\tsyscall\n\tpush %%rax" : : "r"(0xffffffff80001000ul) : "rax", "rcx", "r11");
}
static void null_stack_fault(void) { __asm__ volatile("xor %%esp, %%esp\n\tpush %%rax" : : :); }

static const struct deed { const char *name; void (*run)(void); int either; } deeds[] = {
#define DEED(f) { #f, f, 0 }
#define EITHER(f) { #f, f, 1 }
	DEED(cli), DEED(sti), DEED(hlt), DEED(in), DEED(out), DEED(mov_cr0), DEED(mov_cr3), DEED(read_cr3), DEED(mov_cr4), DEED(mov_dr7),
	DEED(lgdt), DEED(lidt), DEED(lldt), DEED(ltr), DEED(wrmsr), DEED(rdmsr), DEED(invlpg), DEED(wbinvd), DEED(swapgs),
	DEED(sysretq), DEED(clts), DEED(int_timer), DEED(int_fault), DEED(int_double), DEED(ud2), DEED(divide), DEED(null_read), DEED(null_jump),
	DEED(nobody), DEED(kernel_read), DEED(kernel_write), DEED(kernel_jump), DEED(window_write), DEED(kernel_iret), DEED(kernel_segment), DEED(odd_jump),
	DEED(odd_read),
	/* SIGBUS or SIGSEGV, SIGILL or SIGSEGV: processors and emulators differ. */
	EITHER(odd_stack), EITHER(odd_stack_spin), EITHER(kernel_stack_syscall), EITHER(null_stack_fault), EITHER(xsetbv), EITHER(stac),
};
#define DEEDS ((int)(sizeof deeds / sizeof *deeds))

int main(int argc, char **argv)
{
	for (int i = 0; i < DEEDS; i++) {
		if (argc > 1) {
			if (!strcmp(argv[1], deeds[i].name)) {
				deeds[i].run();
				return 0;
			}
			continue;
		}
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			deeds[i].run();
			_exit(0);
		}
		int st = wait_status(pid);
		if (deeds[i].either && (st == 128 + SIGBUS || st == 128 + SIGSEGV || st == 128 + SIGILL))
			printf("%s died\n", deeds[i].name);
		else
			printf("%s %d\n", deeds[i].name, st);
		fflush(stdout);
	}
	return argc > 1 ? 2 : 0;
}
