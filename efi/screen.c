/* SPDX-License-Identifier: MIT */
/* Which of the machine's graphics outputs is the screen, and in which mode: one whose pixels lie in memory, since nobody calls the firmware's Blt later. */
#include "loader.h"

#define OUTPUTS_MAX 16
#define SCALE_LIMIT 16384u /* pixels of a side: beyond it a mode is nonsense */

typedef EFI_GRAPHICS_OUTPUT_PROTOCOL output;
static EFI_GUID output_guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
static output *found[OUTPUTS_MAX];
static int count;

static void output_add(EFI_HANDLE handle)
{
	output *gop;

	if (EFI_ERROR(firmware_boot->HandleProtocol(handle, &output_guid, (void **)&gop)) || !gop || !gop->Mode || !gop->Mode->Info)
		return;
	for (int i = 0; i < count; i++)
		if (found[i] == gop)
			return;
	if (count < OUTPUTS_MAX)
		found[count++] = gop;
}

/* The console's own first: there the person looks. With two cards it is one that copies to both, and has no pixels of its own. */
static void outputs_find(void)
{
	EFI_HANDLE *handle;
	UINTN handles;

	if (firmware_system->ConsoleOutHandle)
		output_add(firmware_system->ConsoleOutHandle);
	if (EFI_ERROR(firmware_boot->LocateHandleBuffer(ByProtocol, &output_guid, NULL, &handles, &handle)))
		return;
	for (UINTN i = 0; i < handles; i++)
		output_add(handle[i]);
	(void)firmware_boot->FreePool(handle); /* what it cannot take back is lost with boot services */
}

static int is_linear(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode)
{
	return mode->PixelFormat < PixelBltOnly && mode->HorizontalResolution && mode->HorizontalResolution <= SCALE_LIMIT &&
		mode->VerticalResolution && mode->VerticalResolution <= SCALE_LIMIT && mode->PixelsPerScanLine >= mode->HorizontalResolution;
}

static int is_usable(const output *gop)
{
	return is_linear(gop->Mode->Info) && gop->Mode->FrameBufferBase && gop->Mode->FrameBufferSize;
}

/* Switches to its first linear mode of that size (0 = any). 0: it has none, or cannot. */
static int mode_take(output *gop, uint32_t width, uint32_t height)
{
	for (UINT32 i = 0; i < gop->Mode->MaxMode; i++) {
		EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;
		UINTN size;
		int good;

		if (EFI_ERROR(gop->QueryMode(gop, i, &size, &mode)))
			continue;
		good = is_linear(mode) && (!width || (mode->HorizontalResolution == width && mode->VerticalResolution == height));
		(void)firmware_boot->FreePool(mode);
		if (good && (i == gop->Mode->Mode || !EFI_ERROR(gop->SetMode(gop, i))) && is_usable(gop))
			return 1;
	}
	return 0;
}

/* As configured; else as the firmware left it; else in a mode that can be used. */
static output *output_choose(uint32_t width, uint32_t height)
{
	for (int i = 0; width && i < count; i++)
		if (mode_take(found[i], width, height))
			return found[i];
	if (width)
		log_error("screen: no output has %ux%u (`screen` in aril.conf); hwinfo lists what it has", width, height);
	for (int i = 0; i < count; i++)
		if (is_usable(found[i]))
			return found[i];
	for (int i = 0; i < count; i++)
		if (mode_take(found[i], 0, 0))
			return found[i];
	return NULL;
}

static void mode_facts(struct boot_info *info, const output *gop)
{
	const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = gop->Mode->Info;

	info->fb_width = mode->HorizontalResolution;
	info->fb_height = mode->VerticalResolution;
	info->fb_stride = mode->PixelsPerScanLine;
	info->fb_format = mode->PixelFormat;
	info->fb_red = mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor ? 0xff0000 : 0xff;
	info->fb_green = 0xff00;
	info->fb_blue = mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor ? 0xff : 0xff0000;
	info->fb_rest = 0xff000000;
	if (mode->PixelFormat == PixelBitMask) {
		info->fb_red = mode->PixelInformation.RedMask;
		info->fb_green = mode->PixelInformation.GreenMask;
		info->fb_blue = mode->PixelInformation.BlueMask;
		info->fb_rest = mode->PixelInformation.ReservedMask;
	}
	info->fb_base = gop->Mode->FrameBufferBase;
	info->fb_size = gop->Mode->FrameBufferSize;
}

void screen_facts(struct boot_info *info, uint32_t width, uint32_t height)
{
	output *gop;

	outputs_find();
	gop = output_choose(width, height);
	if (!gop) {
		log_error("screen: none (%d graphics outputs, none with its pixels in memory); from here on only the serial port speaks", count);
		return;
	}
	mode_facts(info, gop);
	log_line("screen: %ux%u, stride %u, format %u at %lx%s", info->fb_width, info->fb_height, info->fb_stride, info->fb_format,
		(unsigned long)info->fb_base, gop == found[0] ? "" : ", not the firmware's own console, which cannot be drawn on");
}

void report_modes(void)
{
	static struct { uint32_t width, height; } seen[64];
	int n = 0;

	report("modes:    ");
	for (int i = 0; i < count; i++)
		for (UINT32 m = 0; m < found[i]->Mode->MaxMode; m++) {
			EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;
			UINTN size;
			int known = 0;

			if (EFI_ERROR(found[i]->QueryMode(found[i], m, &size, &mode)))
				continue;
			for (int k = 0; k < n && !known; k++)
				known = seen[k].width == mode->HorizontalResolution && seen[k].height == mode->VerticalResolution;
			if (is_linear(mode) && !known && n < (int)(sizeof(seen) / sizeof(*seen))) {
				seen[n].width = mode->HorizontalResolution;
				seen[n++].height = mode->VerticalResolution;
				report(" %ux%u", mode->HorizontalResolution, mode->VerticalResolution);
			}
			(void)firmware_boot->FreePool(mode);
		}
	report("%s\n", n ? "" : " none");
}
