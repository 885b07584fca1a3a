/* SPDX-License-Identifier: MIT */
/* What the machine says when the kernel cannot go on: why, where (symbolised), the registers. */
#include <stdarg.h>
#include <base/fmt.h>
#include <base/string.h>
#include "kernel.h"

struct ksym { uint64_t address; const char *name; };
extern const struct ksym ksyms_start[], ksyms_end[] __attribute__((weak));
extern char text_start[], text_end[];

static void symbol(uint64_t rip)
{
	const struct ksym *best = NULL;
	for (const struct ksym *s = ksyms_start; s < ksyms_end; s++)
		if (s->address <= rip && (!best || s->address > best->address))
			best = s;
	if (best && rip >= (uint64_t)text_start && rip < (uint64_t)text_end)
		klog("  %#lx %s+%#lx", rip, best->name, rip - best->address);
	else
		klog("  %#lx", rip);
}

void backtrace(uint64_t rbp, uint64_t rip)
{
	symbol(rip);
	for (int depth = 0; depth < 24; depth++) {
		/* Frames lie in the kernel image (its stacks are in .bss); anything else ends the chain. */
		if (rbp < KERNEL_IMAGE || rbp & 7 || rbp > ~0ul - 16)
			return;
		const uint64_t *frame = (const uint64_t *)rbp;
		if (!frame[1] || frame[0] <= rbp)
			return;
		symbol(frame[1]);
		rbp = frame[0];
	}
}

static void head(const char *text)
{
	static bool again;
	__asm__ volatile("cli");
	if (again)
		cpu_stop();
	again = true;
	klog_raw("\r\npanic: ", 9);
	klog_raw(text, strlen(text));
	klog_raw("\r\n", 2);
	klog("build %s", boot ? boot->build : "?");
	if (current_env())
		klog("env %u runs", current_env()->index);
}

void panic(const char *format, ...)
{
	char text[200];
	va_list args;
	va_start(args, format);
	vfmt(text, sizeof(text), format, args);
	va_end(args);
	head(text);
	backtrace((uint64_t)__builtin_frame_address(0), (uint64_t)__builtin_return_address(0));
	cpu_stop();
}

void panic_trap(struct trap *t)
{
	char text[200];
	fmt(text, sizeof(text), "vector %u, error code %#lx, CR2 %#lx, rip %#lx", (unsigned)t->vector, t->error, read_cr2(), t->rip);
	head(text);
	klog("rax %016lx rbx %016lx rcx %016lx rdx %016lx", t->rax, t->rbx, t->rcx, t->rdx);
	klog("rsi %016lx rdi %016lx rbp %016lx rsp %016lx", t->rsi, t->rdi, t->rbp, t->rsp);
	klog("r8  %016lx r9  %016lx r10 %016lx r11 %016lx", t->r8, t->r9, t->r10, t->r11);
	klog("r12 %016lx r13 %016lx r14 %016lx r15 %016lx", t->r12, t->r13, t->r14, t->r15);
	klog("cs %#lx ss %#lx rflags %#lx", t->cs, t->ss, t->rflags);
	backtrace(t->rbp, t->rip);
	cpu_stop();
}
