/* SPDX-License-Identifier: MIT */
/* Counts of pins for devices, and the chain of a driver's pinned frames. */
#include "prove.h"

static void *any_page(uint64_t va, bool write);
#define user_page any_page
#define pci_teardown functions_teardown /* world.c's takes the place of the one that others call */
#include "../../kernel/pci.c"

/* What the caller maps there; NO_FRAME: nothing. */
static uint32_t mapped;

static void *any_page(uint64_t va, bool write)
{
	(void)va, (void)write;
	return mapped ? pfn_ptr(mapped) : NULL;
}

/* A driver or not; any pins of each frame, of the caller or of another; in a chain or not. */
static struct env *driver(void)
{
	struct env *me = &env_store[ME];
	any_state();
	for (uint32_t i = 0; i < FRAMES; i++) {
		frames[i].pins = (uint16_t)any(0, UINT16_MAX);
		frames[i].spare = (uint16_t)any(NO_ENV, KIN);
		frames[i].pin_next = (uint32_t)any(NO_FRAME, FRAMES - 1);
		frames[i].pin_prev = (uint32_t)any(NO_FRAME, FRAMES - 1);
	}
	is_a(TABLE, EXO_PT1);
	is_a(RUN + 1, EXO_PART);
	is_a(RUN, EXO_RUN)->used = EXO_RUN_FRAMES;
	is_a(FRAME, EXO_DATA);
	me->pinned = (uint32_t)any(NO_FRAME, FRAMES - 1);
	me->pci = maybe() ? &place[0] : NULL;
	return me;
}

void prove(void)
{
	static const uint32_t what[] = { NO_FRAME, FRAME, RUN + 1, TABLE };
	for (int i = 0; i < 4; i++) {
		mapped = what[i];
		(void)pin(driver(), any(0, UINT64_MAX));
	}
	(void)unpin(driver(), FRAME);
	(void)unpin(driver(), RUN + 1);
	(void)unpin(driver(), any(FRAMES, UINT64_MAX));
}
