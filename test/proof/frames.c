/* SPDX-License-Identifier: MIT */
/* Counts of frames: those that an env owns, those that are free, those of a run. */
#include "../../kernel/frame.c"
#include "prove.h"

/* A frame, or a whole run, that is the caller's. */
static uint32_t owned(bool run)
{
	any_state();
	uint32_t pfn = run ? RUN : FRAME;
	struct exo_frame_rec *f = is_a(pfn, run ? EXO_RUN : EXO_DATA);
	f->owner = ME;
	if (run)
		f->used = EXO_RUN_FRAMES;
	return pfn;
}

/* What is free is counted so. */
static void taken(void)
{
	any_state();
	info->frames_free = any(1, FRAMES_MAX);
	is_a(FRAME, EXO_FREE)->owner = 0;
	frames[FRAME].flags = (uint8_t)(EXO_F_CHAINED | (maybe() ? FRAME_CLEAN : 0));
	frame_take(FRAME, &env_store[ME]);
}

static void freed(bool run)
{
	frame_free(owned(run));
}

static void released(bool run)
{
	frame_release(owned(run));
}

static void given(bool run)
{
	give_one(owned(run), any(0, UINT64_MAX), maybe() ? &env_store[KIN] : NULL);
}

static void charged(bool run)
{
	(void)frame_charge(owned(run), (uint16_t)(maybe() ? KIN : ME));
}

/* A run grows by the frame that follows it: it has at least its head, and is not whole. */
static void joined(void)
{
	uint32_t pfn = owned(true);
	frames[pfn].used = (uint16_t)any(1, EXO_RUN_FRAMES - 1);
	is_a(pfn + 1, EXO_DATA)->owner = ME;
	run_join(pfn + 1, any(0, 1));
}

static void typed(bool run)
{
	type_one(owned(run), any(EXO_DATA, EXO_RUN), any(0, 1));
}

void prove(void)
{
	taken();
	joined();
	for (int run = 0; run < 2; run++) {
		freed(run);
		released(run);
		given(run);
		charged(run);
		typed(run);
	}
}
