/* SPDX-License-Identifier: MIT */
/* The kernel's log: lines on the serial port that the loader found and set up, every wait bounded. The last ones are
 * kept for a panic. */
#include <base/fmt.h>
#include <base/string.h>
#include "kernel.h"

#define LSR_EMPTY 0x20
#define LOG_BURST 16384u /* bytes in the time of one slice, of all who run in one env's slices */

static bool is_stuck, publishing;
static char last[512]; /* a ring */
static unsigned last_at;

/* The registers of a 16550: line status, and n bytes to the transmitter. */
static uint32_t status(void)
{
	uint64_t at = boot->log_at + 5 * (boot->log_step ? boot->log_step : 1);
	if (boot->log_step == 4)
		return *(const volatile uint32_t *)at;
	return boot->log_step ? *(const volatile uint8_t *)at : inb((uint16_t)at);
}

static void transmit(const char *text, size_t n)
{
	if (!boot->log_step)
		outsb((uint16_t)boot->log_at, text, n);
	for (size_t i = 0; boot->log_step && i < n; i++)
		if (boot->log_step == 4)
			*(volatile uint32_t *)boot->log_at = (uint8_t)text[i];
		else
			*(volatile char *)boot->log_at = text[i];
}

/* What is said before ring 3 is kept in the info page: a library OS with a screen shows it. The oldest makes room. */
static void publish(const char *text, size_t n)
{
	if (n > EXO_INFO_LOG) {
		text += n - EXO_INFO_LOG;
		n = EXO_INFO_LOG;
	}
	size_t over = info->log_size + n > EXO_INFO_LOG ? info->log_size + n - EXO_INFO_LOG : 0;
	memmove(info->log, info->log + over, info->log_size - over);
	memcpy(info->log + info->log_size - over, text, n);
	info->log_size += (uint32_t)(n - over);
}

void log_publish(void)
{
	publishing = true;
	publish(pa_ptr(boot->log), boot->log_size);
}

void log_keep(void) { publishing = false; }

void klog_raw(const char *text, size_t n)
{
	if (publishing)
		publish(text, n);
	for (size_t i = 0; boot->log_at && !is_stuck && i < n; i += 16) {
		for (unsigned spin = 0; !is_stuck && !(status() & LSR_EMPTY); spin++)
			is_stuck = spin == 100000;
		transmit(text + i, n - i < 16 ? n - i : 16); /* an empty FIFO takes 16 */
	}
}

static void last_put(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		last[last_at++ % sizeof(last)] = text[i];
}

static void line(const char *prefix, const char *text, size_t n)
{
	last_put(prefix, strlen(prefix));
	last_put(text, n);
	last_put("\n", 1);
	klog_raw(prefix, strlen(prefix));
	klog_raw(text, n);
	klog_raw("\r\n", 2);
}

void log_last(char *to, size_t room)
{
	size_t n = room - 1 < sizeof(last) ? room - 1 : sizeof(last), skip = 0;
	if (n > last_at)
		n = last_at;
	for (size_t i = 0; i < n; i++)
		to[i] = last[(last_at - n + i) % sizeof(last)];
	to[n] = 0;
	while (n < last_at && skip < n && to[skip++] != '\n')
		;
	memmove(to, to + skip, n - skip + 1);
}

void klog(const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	int n = vfmt(text, sizeof(text), format, args);
	va_end(args);
	line("kernel: ", text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

int64_t op_log(uint64_t at, uint64_t n)
{
	char text[256], prefix[24];
	struct env *me = current_env(), *payer = this_cpu()->owner ? this_cpu()->owner : me;
	uint64_t now = rdtsc();
	if (n > sizeof(text))
		return -EXO_EINVAL;
	bool anew = now - payer->log_since > info->slice_ticks;
	if (!anew && payer->log_bytes + n > LOG_BURST)
		return -EXO_EAGAIN;
	for (size_t i = 0; i < n;) {
		const volatile char *p = user_page(at + i, false);
		if (!p)
			return -EXO_EFAULT;
		size_t here = EXO_PAGE_SIZE - ((at + i) & (EXO_PAGE_SIZE - 1));
		for (; here && i < n; here--, i++) {
			char c = *p++;
			text[i] = c < ' ' || c > '~' ? '.' : c;
		}
	}
	payer->log_bytes = (uint32_t)n + (anew ? 0 : payer->log_bytes);
	if (anew)
		payer->log_since = now;
	fmt(prefix, sizeof(prefix), "[%u] ", me->index);
	line(prefix, text, n);
	return 0;
}
