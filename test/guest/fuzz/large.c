/* SPDX-License-Identifier: MIT */
/* Runs of 2 MiB in a fuzzer's hands: made of frames claimed by number, mapped, shared, sealed, split, given, lost; and single frames of them wrongly named. */
#include "fuzz.h"

static int64_t call(struct fuzzer *f, int op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t g)
{
	return fuzz_call(f, op, (uint64_t[6]){ a, b, c, d, e, g });
}

/* Claims and joins: some other one may take a frame in between, then it is made some other time. */
static void run_make(struct fuzzer *f)
{
	uint64_t head = 0, done = 0;
	int64_t r = 1;

	for (int i = 0; i < 40 && !head; i++) {
		head = fuzz_below(f, rt_info->frame_count / EXO_RUN_FRAMES) * EXO_RUN_FRAMES;
		for (uint64_t n = 0; n < EXO_RUN_FRAMES && head; n++)
			if (rt_frames[head + n].type != EXO_FREE)
				head = 0;
	}
	if (!head)
		return;
	for (; done < EXO_RUN_FRAMES && r > 0; done += r > 0 ? (uint64_t)r : 0)
		r = call(f, EXO_GATE_frame_claim, head + done, EXO_RUN_FRAMES - done, 0, 0, 0, 0);
	f->run = (uint32_t)head;
	for (done = 0, r = 1; done < EXO_RUN_FRAMES && r > 0; done += r > 0 ? (uint64_t)r : 0)
		r = call(f, EXO_GATE_frame_type, head + done, EXO_RUN_FRAMES - done, EXO_RUN, fuzz_below(f, 2), 0, 0);
}

void fuzz_large(struct fuzzer *f)
{
	uint64_t at = (fuzz_place(f, (uint32_t)fuzz_below(f, PLACES)) & -(EXO_RUN_FRAMES * EXO_PAGE_SIZE)) | 2, other = at ^ (EXO_RUN_FRAMES * EXO_PAGE_SIZE);
	uint64_t value, rw = fuzz_below(f, 2) ? EXO_PTE_RW : 0;

	if (!f->run || rt_frames[f->run].owner != f->index || rt_frames[f->run].type != EXO_RUN) {
		/* The rest of one that failed is let go. */
		for (uint64_t i = 0; f->run && i < EXO_RUN_FRAMES; i++)
			if (rt_frames[f->run + i].owner == f->index && fuzz_below(f, 64))
				(void)call(f, EXO_GATE_frame_give, f->run + i, 1, 0, 0, 0, 0);
		f->run = 0;
		run_make(f);
		return;
	}
	value = (uint64_t)f->run << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | rw;
	switch (fuzz_below(f, 16)) {
	case 0: case 1: case 2: case 3:
		(void)call(f, EXO_GATE_pte_write, fuzz_below(f, 8) ? 0 : f->root, at, 1, value, 0, 0);
		break;
	case 4:
		(void)call(f, EXO_GATE_pte_write, 0, other, 1, value, 0, at & -EXO_PAGE_SIZE);
		break;
	case 5: case 6:
		(void)call(f, EXO_GATE_pte_write, 0, at | (fuzz_below(f, 8) ? 0 : EXO_AT_GIVE), 1, 0, 0, 0);
		break;
	case 7: case 8:
		(void)call(f, EXO_GATE_pte_write, 0, at | EXO_AT_CHANGE, 1, rw, fuzz_below(f, 2) ? EXO_PTE_RW : EXO_PTE_A | EXO_PTE_D | EXO_PTE_NX, 0);
		break;
	case 9: /* one of its frames alone */
		(void)call(f, EXO_GATE_pte_write, 0, (at & -EXO_PAGE_SIZE) | 1, 1, value + ((1 + fuzz_below(f, EXO_RUN_FRAMES - 1)) << EXO_PAGE_SHIFT), 0, 0);
		(void)call(f, EXO_GATE_frame_give, f->run + 1 + fuzz_below(f, EXO_RUN_FRAMES - 1), 1, 0, 0, 0, 0);
		break;
	case 10:
		(void)call(f, EXO_GATE_frame_type, f->run + fuzz_below(f, 3), 1 + fuzz_below(f, EXO_RUN_FRAMES), fuzz_below(f, 2) ? EXO_DATA : EXO_PT1, 0, 0, 0);
		break;
	case 11:
		(void)call(f, EXO_GATE_frame_type, f->run, 1, EXO_RUN, fuzz_below(f, 2), 0, 0);
		break;
	case 12:
		(void)call(f, EXO_GATE_frame_give, f->run, fuzz_below(f, 4) ? EXO_RUN_FRAMES : 1, fuzz_below(f, 2) ? f->child : 0, 0, 0, 0);
		(void)call(f, EXO_GATE_frame_claim, f->run, 1, 0, at, 0, 0); /* adopted, if it was let go with an entry left */
		break;
	case 13:
		(void)call(f, EXO_GATE_revoke, f->child, EXO_REVOKE_TAKE + fuzz_below(f, 2), at, 0, 0, 0);
		break;
	default:
		fuzz_touch((at & -EXO_PAGE_SIZE) + fuzz_below(f, EXO_RUN_FRAMES * EXO_PAGE_SIZE / 8) * 8, fuzz_below(f, 2));
	}
}
