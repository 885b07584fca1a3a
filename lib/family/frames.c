/* SPDX-License-Identifier: MIT */
/* Frames for whoever needs some: claimed all or none, after what the dead still hold has come back. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>

static int claim(uint64_t *list, uint64_t n, int zeroed)
{
	uint64_t done = 0;

	while (done < n) {
		int64_t r = zeroed ? gate_frame_zeroed(n - done, list + done) : gate_frame_any(n - done, list + done);

		if (r == -EXO_ENOMEM && memory_recover())
			continue;
		if (r <= 0) {
			frames_release(list, done);
			return -ENOMEM;
		}
		done += (uint64_t)r;
	}
	return 0;
}

int frames_claim(uint64_t *list, uint64_t n) { return claim(list, n, 0); }
int frames_claim_zeroed(uint64_t *list, uint64_t n) { return claim(list, n, 1); }

void frames_release(const uint64_t *list, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		(void)gate_frame_give(list[i], 1, 0);
}

uint64_t frame_at(uint64_t va)
{
	int64_t e = gate_pte_write(0, PAGE_DOWN(va) | EXO_AT_CHANGE | 1, 1, 0, 0, 0);

	return EXO_IS_ERROR(e) ? 0 : ((uint64_t)e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT;
}

struct fs_family **family_slot_fs(void) { return &F->fs; }
