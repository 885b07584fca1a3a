/* SPDX-License-Identifier: MIT */
/* What the machine says when the kernel cannot go on: why, where (symbolised), the registers, what was said last. On the serial line as it is found out,
 * then on the screen; then what aril.conf wants. */
#include <stdarg.h>
#include <base/fmt.h>
#include <base/string.h>
#include "kernel.h"

struct ksym { uint64_t address; const char *name; };
extern const struct ksym ksyms_start[], ksyms_end[] __attribute__((weak));
extern char text_start[], text_end[];

#define DEPTH 10      /* of the backtrace */
#define ROWS  26u     /* of the report that a screen of 640 x 480 has room for, when two of them wrap */
#define STAY  10u     /* seconds that the screen stands before power-off or reset */

static char report[PANIC_TEXT];
static size_t used, lines;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vfmt(report + used, sizeof(report) - used, format, args);
	va_end(args);
	size_t more = n < 0 ? 0 : (size_t)n < sizeof(report) - used ? (size_t)n : sizeof(report) - used - 1;
	for (; more; more--, used++) {
		klog_raw("\r", report[used] == '\n');
		lines += report[used] == '\n';
		klog_raw(report + used, 1);
	}
}

static void symbol(uint64_t rip)
{
	const struct ksym *best = NULL;
	for (const struct ksym *s = ksyms_start; s < ksyms_end; s++)
		if (s->address <= rip && (!best || s->address > best->address))
			best = s;
	if (best && rip >= (uint64_t)text_start && rip < (uint64_t)text_end)
		say("  %#lx %s+%#lx\n", rip, best->name, rip - best->address);
	else
		say("  %#lx\n", rip);
}

void backtrace(uint64_t rbp, uint64_t rip)
{
	symbol(rip);
	for (int depth = 0; depth < DEPTH; depth++) {
		/* Frames lie in the kernel image (its stacks are in .bss); anything else ends the chain. */
		if (rbp < KERNEL_IMAGE || rbp & 7 || rbp > ~0ul - 16)
			return;
		const uint64_t *frame = (const uint64_t *)rbp;
		if (!frame[1])
			return;
		symbol(frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}

static void head(void)
{
	static bool again;
	__asm__ volatile("cli");
	if (again)
		cpu_stop();
	again = true;
	klog_raw("\r\n", 2);
	say("panic: ");
}

static void origin(void)
{
	say("\nbuild %s\n", boot->build);
	if (current_env())
		say("env %u runs\n", current_env()->index);
}

static void finish(void)
{
	panic_screen(report);
	if (!boot->panic_action || !info || !info->tsc_hz)
		cpu_stop();
	for (uint64_t begin = rdtsc(); rdtsc() - begin < STAY * info->tsc_hz;)
		cpu_relax();
	machine_off(boot->panic_action == BOOT_PANIC_RESET, 125);
}

/* On the main stack, which nobody needs any more: that of an NMI is short. */
__attribute__((noreturn)) static void end(void)
{
	char last[320];
	size_t room = lines < ROWS ? (ROWS - lines) * 40 : 1;
	if (room > sizeof(last))
		room = sizeof(last);
	if (room > sizeof(report) - used)
		room = sizeof(report) - used;
	log_last(last, room);
	say("%s%s", last[0] ? "log:\n" : "", last);
	if (this_cpu()->stack_top)
		cpu_on_stack(this_cpu()->stack_top, finish);
	finish();
	cpu_stop();
}

void panic(const char *format, ...)
{
	char text[200];
	va_list args;
	head();
	va_start(args, format);
	vfmt(text, sizeof(text), format, args);
	va_end(args);
	say("%s", text);
	origin();
	backtrace(*(uint64_t *)__builtin_frame_address(0), (uint64_t)__builtin_return_address(0));
	say("rsp %016lx cr2 %016lx\n", (uint64_t)__builtin_frame_address(0), read_cr2());
	end();
}

void panic_trap(struct trap *t)
{
	head();
	say("%.3s, vector %u, error code %#lx, CR2 %#lx, rip %#lx", &"#DE#DBNMI#BP#OF#BR#UD#NM#DF   #TS#NP#SS#GP#PF   #MF#AC#MC#XM"[t->vector < 20 ? 3 * t->vector : 27],
		(unsigned)t->vector, t->error, read_cr2(), t->rip);
	if (t->vector == 2) {
		/* NMI status and control (Intel's chipsets, all that follow the PC/AT). */
		uint8_t why = inb(0x61);
		say("\nchipset (port 61h %02x): %s%s%s", why, why & 0x80 ? "SERR# of a PCI device or of memory " : "", why & 0x40 ? "IOCHK# " : "",
			why & 0xc0 ? "" : "no reason named; a button, a management controller or a watchdog may have asked");
	}
	origin();
	backtrace(t->rbp, t->rip);
	say("rax %016lx rbx %016lx\nrcx %016lx rdx %016lx\n", t->rax, t->rbx, t->rcx, t->rdx);
	say("rsi %016lx rdi %016lx\nrbp %016lx rsp %016lx\n", t->rsi, t->rdi, t->rbp, t->rsp);
	say("r8  %016lx r9  %016lx\nr10 %016lx r11 %016lx\n", t->r8, t->r9, t->r10, t->r11);
	say("r12 %016lx r13 %016lx\nr14 %016lx r15 %016lx\n", t->r12, t->r13, t->r14, t->r15);
	say("cs %#lx ss %#lx rflags %#lx\n", t->cs, t->ss, t->rflags);
	end();
}
