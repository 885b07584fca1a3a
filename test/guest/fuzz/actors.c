/* SPDX-License-Identifier: MIT */
/* Longer stories than chance tells: accounts that outlive their env and come back, frames let go while they are mapped, devices that are used, quotas at their end. */
#include <base/string.h>
#include "fuzz.h"

enum { QUOTA_FRAMES = 2000 };

static int64_t call(struct fuzzer *f, int op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return fuzz_call(f, op, (uint64_t[6]){ a, b, c, d, 0, 0 });
}

uint32_t fuzz_place_own(struct fuzzer *f)
{
	for (int i = 0; i < 64; i++) {
		uint32_t at = (uint32_t)fuzz_below(f, PLACES), pfn = f->place[at];

		if (pfn && rt_frames[pfn].owner == f->index && rt_frames[pfn].type == EXO_DATA && rt_frames[pfn].maps)
			return at;
	}
	return PLACES;
}

/* Let go with an entry left, it is written on; then it is adopted, unmapped, or left to whoever comes. */
static void disown_mapped(struct fuzzer *f)
{
	uint32_t at = fuzz_place_own(f), pfn;
	uint64_t va;

	if (at == PLACES)
		return;
	pfn = f->place[at];
	va = fuzz_place(f, at);
	(void)call(f, EXO_GATE_frame_give, pfn, 1, 0, 0);
	fuzz_touch(va, 1);
	if (fuzz_below(f, 3) == 0)
		(void)call(f, EXO_GATE_frame_claim, pfn, 1, 0, va | 1);
	else if (fuzz_below(f, 2))
		(void)call(f, EXO_GATE_pte_write, 0, va | 1, 1, 0);
	fuzz_touch(va, 1);
}

/* The child, which has an account more often than not, gets frames that stay mapped here, and dies: they are charged to what outlives it, until the last entry goes. */
static void account_outlived(struct fuzzer *f)
{
	uint32_t at[4];

	if (fuzz_env_state(f->child) == EXO_S_FREE)
		fuzz_child_make(f);
	for (int i = 0; i < 4; i++) {
		at[i] = fuzz_place_own(f);
		if (at[i] < PLACES)
			(void)call(f, EXO_GATE_frame_give, f->place[at[i]], 1, f->child, 0);
	}
	for (int i = 0; i < 50 && fuzz_env_state(f->child) != EXO_S_FREE; i++)
		(void)call(f, EXO_GATE_env_kill, f->child, 0, 0, 0);
	for (int i = 0; i < 4; i++)
		if (at[i] < PLACES && fuzz_below(f, 4)) {
			fuzz_touch(fuzz_place(f, at[i]), 1);
			(void)call(f, EXO_GATE_pte_write, 0, fuzz_place(f, at[i]) | 1, 1, 0);
		}
	fuzz_child_make(f);
}

/* Ports of serial lines are bound and read, also some that were refused: those fault. */
static void device_used(struct fuzzer *f)
{
	static const uint16_t base[] = { 0x3e8, 0x2e8, 0x60, 0x1000 };
	uint64_t port = base[fuzz_below(f, sizeof base / sizeof *base)];

	(void)call(f, EXO_GATE_dev_bind, EXO_DEV_PORTS, port, 8, 0);
	fuzz_port(port + fuzz_below(f, 8));
	if (f->lines)
		(void)call(f, EXO_GATE_dev_ack, (uint64_t)__builtin_ctz(f->lines), 0, 0, 0);
}

/* A range, until there is no room for more; and all of it back. More at once than the pool remembers. */
static void quota_frames(struct fuzzer *f)
{
	uint64_t first = 1 + fuzz_below(f, rt_info->frame_count - 2 * QUOTA_FRAMES), got = 0;
	int64_t r = 1;

	for (; got < QUOTA_FRAMES && r > 0; got += r > 0 ? (uint64_t)r : 0)
		r = call(f, EXO_GATE_frame_claim, first + got, QUOTA_FRAMES, 0, 0);
	for (r = 1; got && r > 0; first += (uint64_t)r, got -= r > 0 ? (uint64_t)r : 0)
		r = call(f, EXO_GATE_frame_give, first, got, 0, 0);
}

static void quota_homes(struct fuzzer *f)
{
	uint64_t first = EXO_HOMES_BASE + (200 + 16 * f->slot) * EXO_HOME_SIZE;
	int64_t r = call(f, EXO_GATE_home_set, 0, EXO_HOME_CLAIM, first, 16);

	if (r > 0)
		(void)call(f, EXO_GATE_home_set, 0, EXO_HOME_RELEASE, first, (uint64_t)r);
}

static void quota_slices(struct fuzzer *f)
{
	exo_name me = rt_self();

	for (uint64_t i = 0; i < EXO_SLICE_COUNT; i++)
		if (!rt_slices->env[i] && call(f, EXO_GATE_slice_set, i, me, 0, 0) < 0)
			break;
	for (uint64_t i = 0; i < EXO_SLICE_COUNT; i++)
		if (rt_slices->env[i] == me && fuzz_below(f, 4))
			(void)call(f, EXO_GATE_slice_set, i, 0, 0, 0);
}

void fuzz_act(struct fuzzer *f)
{
	static void (*const acts[])(struct fuzzer *f) = { disown_mapped, disown_mapped, disown_mapped, device_used, fuzz_drive, quota_homes, quota_slices,
		quota_frames, account_outlived };
	uint64_t act = fuzz_below(f, sizeof acts / sizeof *acts);

	if (f->slot % FUZZERS == DRIVER && fuzz_below(f, 2)) {
		fuzz_drive(f);
		return;
	}
	/* A child has no child. */
	if (acts[act] != account_outlived || f->slot < FUZZERS)
		acts[act](f);
}
