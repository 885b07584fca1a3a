/* SPDX-License-Identifier: MIT */
/* The report of a panic on the framebuffer, with a QR code that holds it. The library that makes the code was compiled for programs: it uses SSE, and a
 * stack guard at FS:0x28. */
#include <base/notice.h>
#include <base/string.h>
#include <qrcodegen/qrcodegen.h>
#include "kernel.h"

#define VERSION 28 /* at most: 1,528 bytes in 129 x 129 modules */
_Static_assert(PANIC_TEXT <= 1528, "ISO/IEC 18004, table 7: version 28-L");

void *__memset_chk(void *to, int byte, size_t n, size_t room);
void *__memset_chk(void *to, int byte, size_t n, size_t room) { return memset(to, byte, n < room ? n : room); }
void __stack_chk_fail(void);
void __stack_chk_fail(void) { cpu_stop(); }
void __assert_fail(void);
void __assert_fail(void) { cpu_stop(); }

void panic_screen(const char *text)
{
	static uint8_t work[qrcodegen_BUFFER_LEN_FOR_VERSION(VERSION)], qr[sizeof(work)], guard[64];
	const uint32_t masks[4] = { boot->fb_red, boot->fb_green, boot->fb_blue, boot->fb_rest };
	struct surface s = { .pixels = (uint8_t *)boot->fb_va };
	struct notice_code code = { 0, qrcodegen_getModule, qr };
	size_t n = strlen(text);
	if (!boot->fb_va || surface_describe(&s, boot->fb_width, boot->fb_height, boot->fb_stride, masks, boot->fb_size))
		return;
	wrmsr(MSR_FS_BASE, (uint64_t)guard);
	write_cr4(read_cr4() | CR4_OSFXSR);
	write_cr0(read_cr0() & ~(uint64_t)(CR0_EM | CR0_TS));
	memcpy(work, text, n);
	if (qrcodegen_encodeBinary(work, n, qr, qrcodegen_Ecc_LOW, 1, VERSION, qrcodegen_Mask_AUTO, true))
		code.size = qrcodegen_getSize(qr);
	notice_draw(&s, &font_spleen, text, &code);
}
