/* SPDX-License-Identifier: MIT */
/* Extended state (x87, SSE, AVX and what else fits the save frame): switched eagerly and whole. */
#include "kernel.h"

bool fpu_xsave, fpu_keeps_pointers;

void fpu_start(void)
{
	uint32_t leaf[4];
	/* CPUID 80000008h EBX bit 2: the error pointers are always saved and restored. Only AMD lacks it. */
	cpuid(0, leaf);
	bool amd = leaf[1] == 0x68747541 || leaf[1] == 0x6f677948;
	cpuid(0x80000008, leaf);
	fpu_keeps_pointers = amd && leaf[0] && !(leaf[1] >> 2 & 1);
	info->xsave_size = 512;
	info->xcr0 = 3;
	if (!(info->cpu_features & EXO_CPU_XSAVE))
		return;
	cpuid(0xd, leaf);
	/* Intel SDM vol. 1, 13.3: x87 and SSE, AVX, AVX-512 as a block, PKRU; nothing else has a user. */
	static const uint64_t sets[] = { 0x2e7, 0x207, 7, 3 };
	uint64_t supported = (uint64_t)leaf[3] << 32 | leaf[0];
	for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		uint64_t try = sets[i] & supported;
		if (try & 0xe0 && (try & 0xe0) != 0xe0)
			continue;
		xsetbv(try);
		cpuid(0xd, leaf);
		if (leaf[1] <= sizeof(((struct exo_save *)0)->xstate)) {
			fpu_xsave = true;
			info->xcr0 = (uint32_t)try;
			break;
		}
	}
	info->xsave_size = leaf[1];
	klog("extended state: %u bytes, XCR0 %#x", info->xsave_size, info->xcr0);
}

void fpu_init(struct exo_save *s)
{
	/* An XSAVE header of zeros means "all initial"; MXCSR is always read from memory (vol. 1, 13.8.1). FXRSTOR reads everything. */
	zero_words(s->xstate, 576);
	*(uint16_t *)(s->xstate + 0) = 0x37f;
	*(uint32_t *)(s->xstate + 24) = 0x1f80;
}
