/* SPDX-License-Identifier: MIT */
/* lib/rt/space.c: the figures of a made-up machine, and a second meaning seen. */
#include "check.h"
#include <rt/space.h>

#define UNIT 5
#define BASE(unit) (uint32_t)((EXO_HOMES_BASE + (unit) * EXO_HOME_SIZE) >> 21)

static struct exo_frame_rec frames[2048];
static struct exo_home homes[EXO_HOME_COUNT];
static struct rt_space space;

/* A home of two pages and a run, one private page that two entries map, a free frame and two of the kernel. */
static void machine_make(void)
{
	memset(frames, 0, sizeof frames);
	memset(homes, 0, sizeof homes);
	frames[0].type = EXO_KERNEL;
	frames[1] = (struct exo_frame_rec){ .type = EXO_PT2, .base = BASE(UNIT), .glinks = 2, .used = 2 };
	frames[2] = (struct exo_frame_rec){ .type = EXO_PT1, .base = BASE(UNIT), .glinks = 1, .used = 2 };
	frames[3] = (struct exo_frame_rec){ .type = EXO_DATA, .maps = 1 };
	frames[4] = (struct exo_frame_rec){ .type = EXO_DATA, .maps = 1 };
	frames[5] = (struct exo_frame_rec){ .type = EXO_PT2, .plinks = 2, .used = 1 };
	frames[6] = (struct exo_frame_rec){ .type = EXO_PT1, .plinks = 1, .used = 2 };
	frames[7] = (struct exo_frame_rec){ .type = EXO_DATA, .maps = 2 };
	frames[8] = (struct exo_frame_rec){ .type = EXO_DATA };
	frames[512] = (struct exo_frame_rec){ .type = EXO_RUN, .maps = 1, .used = EXO_RUN_FRAMES };
	for (int i = 1; i < EXO_RUN_FRAMES; i++)
		frames[512 + i].type = EXO_PART;
	homes[UNIT].pt2 = 1;
}

static void count(void) { rt_space_count(frames, sizeof frames / sizeof *frames, homes, &space); }

TEST(space_figures)
{
	machine_make();
	count();
	CHECK_EQ(space.mapped, 3 + EXO_RUN_FRAMES);
	CHECK_EQ(space.names, 2 + EXO_RUN_FRAMES);
	CHECK_EQ(space.private, 2);
	CHECK_EQ(space.disagreements, 0);
}

TEST(space_second_meaning_is_seen)
{
	machine_make();
	frames[9] = (struct exo_frame_rec){ .type = EXO_PT2, .base = BASE(UNIT), .glinks = 1 };
	count();
	CHECK_EQ(space.disagreements, 1);
	frames[2].glinks = 2;
	count();
	CHECK_EQ(space.disagreements, 2);
	homes[UNIT].pt2 = 0;
	count();
	CHECK_EQ(space.disagreements, 3);
}
