/* SPDX-License-Identifier: MIT */
/* The gate called from a Linux program, always wrongly: every call must come back with an error and change nothing. Aril only. */
#include "check.h"
#include <base/homes.h>
#include <rt/gate.h>

static int wrong, refused;

#define GATE(number, name, count, flags, arguments, effect) [number] = 1,
static const char assigned[EXO_GATE_SPAN] = {
#include <exo/gate.def>
};
#undef GATE

/* wanted 0: any error. */
static void refuse(const char *what, int64_t got, int wanted)
{
	if (wanted ? got == -wanted : got < 0 && got > -4096)
		refused++;
	else {
		printf("%s: got %lld, wanted %d\n", what, (long long)got, -wanted);
		wrong++;
	}
}

/* Asks for all of them, one by one, and says which it was given: none, since its account has no devices. */
static void devices(const char *what, int kind, uint64_t end)
{
	int given = 0;

	printf("%s:", what);
	for (uint64_t i = 0; i < end; i++) {
		int64_t r = gate_dev_bind(kind, i, 1);

		if (r == 0)
			given += printf(" %llx", (unsigned long long)i);
		else if (r != -EXO_EPERM)
			refuse(what, r, EXO_EPERM);
	}
	printf("%s\n", given ? "" : " none");
	wrong += given;
}

#define REFUSE(wanted, call) refuse(#call, call, wanted)

int main(void)
{
	const uint64_t kernel = 0xffffffff80000000ul, window = EXO_INFO, nobody = 300ul * EXO_HOME_SIZE + EXO_HOMES_BASE, hole = 100ul << 30;
	const uint64_t others = HOME_AT(HOME_ROOTIMG);
	static uint64_t list[8], entry[EXO_ENTRY_COUNT];
	static struct exo_env_spec spec;
	exo_name first = rt_info->first, self = rt_self();
	uint64_t free_before = rt_info->frames_free, reserved = 0, foreign = 0, any_free = 0, last = rt_info->frame_count;
	for (uint64_t i = 1; i < last; i++) {
		if (!reserved && rt_frames[i].type == EXO_KERNEL)
			reserved = i;
		if (rt_frames[i].type == EXO_DATA && rt_frames[i].owner == EXO_NAME_INDEX(first))
			foreign = i;
	}
	CHECK(reserved && foreign && first != self);
	/* The first round alone makes pages, of frames that were free. */
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 1; i < last; i++)
			if (rt_frames[i].type == EXO_FREE)
				any_free = i;
		CHECK(any_free);
		refused = wrong = 0;
		free_before = rt_info->frames_free;
		for (int op = 0; op < EXO_GATE_SPAN; op++)
			if (!assigned[op])
				REFUSE(EXO_ENOSYS, gate6(op, kernel, kernel, kernel, kernel, kernel, kernel));
		REFUSE(0, gate_batch((void *)kernel, 1));
		REFUSE(0, gate_batch((void *)window, 1));
		REFUSE(EXO_EINVAL, gate_batch((void *)list, 100000));
		REFUSE(0, gate_frame_claim(reserved, 1));
		REFUSE(0, gate_frame_claim(foreign, 1));
		REFUSE(0, gate_frame_claim(last, 1));
		REFUSE(0, gate_frame_claim(1ul << 52, 1));
		REFUSE(0, gate_frame_claim(any_free, ~0ul));
		REFUSE(0, gate_frame_any(4, (uint64_t *)kernel));
		REFUSE(0, gate_frame_any(4, (uint64_t *)window));
		REFUSE(0, gate_frame_any(4, (uint64_t *)nobody));
		REFUSE(0, gate_frame_adopt(foreign, 1));
		REFUSE(EXO_EPERM, gate_frame_give(foreign, 1, 0));
		REFUSE(0, gate_frame_give(reserved, 1, 0));
		REFUSE(0, gate_frame_give(any_free, 1, 0));
		REFUSE(0, gate_frame_give(1ul << 52, 1, 0));
		REFUSE(0, gate_frame_type(foreign, 1, EXO_PT1, 0));
		REFUSE(0, gate_frame_type(any_free, 1, EXO_PT1, 0));
		REFUSE(0, gate_frame_type(reserved, 1, EXO_DATA, 0));
		REFUSE(0, gate_pte_write(0, kernel | 1, 1, 0, 0, 0));
		REFUSE(0, gate_pte_write(0, window | 1, 1, 0, 0, 0));
		REFUSE(0, gate_pte_write(0, kernel | 4, 1, 0, 0, 0));
		REFUSE(EXO_EINVAL, gate_pte_write(0, hole | 0, 1, 0, 0, 0));
		REFUSE(EXO_EINVAL, gate_pte_write(0, hole | 5, 1, 0, 0, 0));
		REFUSE(EXO_EINVAL, gate_pte_write(0, hole | 0x1001, 0, ~0ul, 0, 0));
		REFUSE(0, gate_pte_write(foreign, hole | 1, 1, 0, 0, 0));
		REFUSE(0, gate_pte_write(reserved, hole | 1, 1, 0, 0, 0));
		REFUSE(0, gate_pte_write(0, 0x1000 | 1, 1, foreign << 12 | EXO_PTE_P | EXO_PTE_U, 0, 0));
		REFUSE(0, gate_pte_write(0, ((uint64_t)list & ~4095ul) | 1, 1, reserved << 12 | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW, 0, 0));
		REFUSE(0, gate_pte_write(0, ((uint64_t)list & ~4095ul) | 1, 1, foreign << 12 | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW, 0, 0));
		REFUSE(0, gate_pte_write(0, ((uint64_t)list & ~4095ul) | 1, 1, any_free << 12 | EXO_PTE_P | EXO_PTE_U, 0, 0));
		REFUSE(0, gate_pt_link(0, window | 4, 1, foreign));
		REFUSE(0, gate_pt_link(0, kernel | 4, 1, foreign));
		REFUSE(0, gate_pt_link(0, hole | 2, 1, foreign));
		REFUSE(0, gate_pt_link(0, others | 3 | EXO_AT_LIVE | EXO_AT_RW, 1, 0));
		REFUSE(0, gate_pt_copy(0, hole | 2, foreign, 0, 512));
		REFUSE(0, gate_pt_copy(0, others | 3, foreign, 0, 512));
		REFUSE(EXO_EBUSY, gate_home_set(0, EXO_HOME_CLAIM, others, 1));
		REFUSE(0, gate_home_set(0, EXO_HOME_RELEASE, others, 1));
		REFUSE(0, gate_home_set(0, EXO_HOME_CLAIM, 0, 1));
		REFUSE(0, gate_home_set(0, EXO_HOME_CLAIM, window, 1));
		REFUSE(0, gate_home_set(0, 99, others, 1));
		REFUSE(0, gate_env_make((void *)kernel));
		REFUSE(0, gate_env_make((void *)8));
		REFUSE(0, gate_env_make(&spec));
		REFUSE(0, gate_env_set(0xfffff123, EXO_SET_ALARM, 0, 0));
		REFUSE(EXO_EPERM, gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, 0));
		REFUSE(0, gate_env_set(first, EXO_SET_MACHINE, EXO_MACHINE_OFF, 0));
		REFUSE(0, gate_env_set(first, EXO_SET_REGS, (uint64_t)list, 0));
		REFUSE(0, gate_env_set(0, 99, 0, 0));
		for (int i = 0; i < EXO_ENTRY_COUNT; i++)
			entry[i] = kernel;
		REFUSE(0, gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0));
		REFUSE(0, gate_env_set(0, EXO_SET_ENTRIES, kernel, 0));
		REFUSE(EXO_EPERM, gate_env_kill(first));
		REFUSE(EXO_ESTALE, gate_env_kill(0xfffff123));
		REFUSE(EXO_ESTALE, gate_env_kill(self ^ 0x40000000));
		REFUSE(0, gate_slice_set(EXO_SLICE_COUNT, self));
		REFUSE(0, gate_slice_set(0, self));
		REFUSE(0, gate_slice_set(0, 0));
		REFUSE(0, gate_yield(0xfffff123, 0));
		REFUSE(0, gate_notify(0xfffff123, 1));
		REFUSE(EXO_EPERM, gate_wait(0, 1));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0x20, 8));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0x40, 8));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0xcf8, 8));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0x3f8, 1));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0x60, 1));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0x64, 1));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0x514, 4)); /* fw_cfg's DMA register */
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_IRQ, 1, 1));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_IRQ, 4, 1));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_IRQ, 11, 1));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0x3e8, 1));
		REFUSE(EXO_EPERM, gate_dev_bind(EXO_DEV_PORTS, 0x2e8, 8));
		REFUSE(0, gate_dev_bind(EXO_DEV_IRQ, 3, 1)); /* COM2's and COM4's */
		devices("ports of a program", EXO_DEV_PORTS, 0x10000);
		devices("lines of a program", EXO_DEV_IRQ, 16);
		for (uint64_t line = 16; line < 256; line++)
			REFUSE(EXO_EINVAL, gate_dev_bind(EXO_DEV_IRQ, line, 1));
		if (rt_info->fb_base) {
			REFUSE(0, gate_dev_bind(EXO_DEV_FRAMES_WC, rt_info->fb_base >> EXO_PAGE_SHIFT, 1));
			REFUSE(0, gate_dev_bind(EXO_DEV_FRAMES, rt_info->fb_base >> EXO_PAGE_SHIFT, 1));
		}
		REFUSE(EXO_EPERM, gate_env_set(0, EXO_SET_LIMIT, EXO_C_DEVICES, 1));
		REFUSE(EXO_EPERM, gate_env_set(first, EXO_SET_LIMIT, EXO_C_DEVICES, 1));
		REFUSE(EXO_EPERM, gate_env_set(0, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0));
		REFUSE(0, gate_dev_bind(EXO_DEV_PORTS, 0x3f9, 8));
		REFUSE(0, gate_dev_bind(EXO_DEV_PORTS, 0x10000, 8));
		REFUSE(0, gate_dev_bind(EXO_DEV_IRQ, 99, 1));
		REFUSE(0, gate_dev_ack(5));
		REFUSE(0, gate_dev_ack(~0ul));
		REFUSE(0, gate_log((const char *)kernel, 10));
		REFUSE(0, gate_log((const char *)list, ~0ul));
		if (gate_nop() != 0)
			wrong++;
	}
	if (rt_info->frames_free != free_before) {
		printf("free frames: %llu before, %llu after\n", (unsigned long long)free_before, (unsigned long long)rt_info->frames_free);
		wrong++;
	}
	printf("%d refused, %d wrong\n", refused, wrong);
	return wrong != 0;
}
