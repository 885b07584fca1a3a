/* SPDX-License-Identifier: MIT */
/* The loader's voice: the firmware's console before the exit, a serial port after it, and a text copy for the kernel.
 * Also the one way to give up. */
#include <stdarg.h>
#include <base/fmt.h>
#include <base/string.h>
#include "cpu.h"
#include "loader.h"

#define LOG_PAGES 4
#define LINE_MAX  400

static char *log_text, *file_text; /* file_text: what \aril\bootlog.txt will be, log and report */
static size_t log_size;
static int quiet, file_wanted;

/* UEFI 2.10, appendix D; 0 = reserved. */
static const char status_names[][24] = {
	"success", "load error", "invalid parameter", "unsupported", "bad buffer size", "buffer too small", "not ready", "device error", "write protected",
	"out of resources", "volume corrupted", "volume full", "no media", "media changed", "not found", "access denied", "no response", "no mapping",
	"timeout", "not started", "already started", "aborted", "ICMP error", "TFTP error", "protocol error", "incompatible version", "security violation",
	"CRC error", "end of media", "", "", "end of file", "invalid language", "compromised data", "IP address conflict", "HTTP error",
};

/* Also of a warning, which has the same numbers and no top bit. */
static const char *status_name(EFI_STATUS status)
{
	uint64_t number = status & ~EFI_ERROR_MASK;

	return EFI_ERROR(status) && number < sizeof(status_names) / sizeof(*status_names) && status_names[number][0] ? status_names[number] : "unknown";
}

static void screen_put(const char *text)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = firmware_system->ConOut;
	CHAR16 wide[LINE_MAX + 8];
	size_t n = 0;

	if (!out)
		return;
	for (; *text && n < LINE_MAX + 4; text++) {
		if (*text == '\n')
			wide[n++] = '\r';
		wide[n++] = (unsigned char)*text;
	}
	wide[n] = 0;
	(void)out->OutputString(out, wide); /* a console that fails leaves nobody to tell */
}

static void put(const char *text, int silent)
{
	size_t n = strlen(text);

	if (silent) {
		/* only kept */
	} else if (firmware_boot) {
		screen_put(text);
	} else {
		for (size_t i = 0; i < n; i++) {
			if (text[i] == '\n')
				serial_put('\r');
			serial_put(text[i]);
		}
	}
	if (log_text && log_size + n < LOG_PAGES * EXO_PAGE_SIZE) {
		memcpy(log_text + log_size, text, n);
		log_size += n;
	}
}

static void put_format(const char *prefix, const char *format, va_list list, int silent)
{
	char line[LINE_MAX];
	int n = fmt(line, sizeof(line) - 1, "%s", prefix), more = vfmt(line + n, sizeof(line) - 1 - n, format, list);

	n += more < (int)sizeof(line) - 2 - n ? more : (int)sizeof(line) - 2 - n;
	line[n] = '\n';
	line[n + 1] = 0;
	put(line, silent);
}

void log_init(void)
{
	if (firmware_system->ConOut)
		(void)firmware_system->ConOut->ClearScreen(firmware_system->ConOut); /* of the maker's picture; a console that cannot shows both */
	log_text = (char *)memory_pages(LOG_PAGES, BOOT_KERNEL, "the log");
}

void log_line(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	put_format("efi: ", format, list, quiet);
	va_end(list);
}

void log_error(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	put_format("efi: ", format, list, 0);
	va_end(list);
}

void log_quiet(int on)
{
	quiet = on;
}

void log_file_wanted(void)
{
	file_wanted = 1;
	file_text = (char *)memory_pages(LOG_PAGES + REPORT_PAGES, BOOT_FREE, "the boot log's file");
}

void log_file_write(void)
{
	EFI_STATUS status;
	const char *page;
	size_t size;

	if (!file_wanted)
		return;
	page = report_page(&size);
	memcpy(file_text, log_text, log_size);
	memcpy(file_text + log_size, page, size);
	file_wanted = 0; /* one try: a medium that fails shall not keep the reason off the screen */
	status = file_write(L"bootlog.txt", file_text, log_size + size);
	if (EFI_ERROR(status))
		log_line("\\aril\\bootlog.txt: not written (%s, %lx); the medium may be full or write-protected", status_name(status),
			(unsigned long)status);
}

void log_leave(void)
{
	serial_start(); /* the firmware need not have */
	firmware_boot = NULL;
}

void log_hand_over(struct boot_info *info)
{
	info->log = (uint64_t)log_text;
	info->log_size = log_size;
}

static void wait_for_key(void)
{
	SIMPLE_INPUT_INTERFACE *in = firmware_system->ConIn;
	EFI_INPUT_KEY key;
	UINTN index;

	if (!in || !firmware_system->ConsoleInHandle) {
		(void)firmware_boot->Stall(30000000);
		return;
	}
	(void)in->Reset(in, FALSE); /* keys typed ahead shall not hide the message */
	put("Press a key to power off\n", 0);
	if (EFI_ERROR(firmware_boot->WaitForEvent(1, &in->WaitForKey, &index)))
		(void)firmware_boot->Stall(30000000);
	(void)in->ReadKeyStroke(in, &key);
}

_Noreturn void stop(EFI_STATUS status, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	put_format("efi: stopped: ", format, list, 0);
	va_end(list);
	quiet = 0; /* the firmware's status explains what stands above it */
	if (status)
		log_line("firmware status: %s (%lx)", status_name(status), (unsigned long)status);
	if (firmware_boot) {
		log_file_write();
		wait_for_key();
	}
	firmware_system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	cpu_halt();
}
