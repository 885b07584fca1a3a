/* SPDX-License-Identifier: MIT */
/* A hostile member and the shares of its family: it writes what it likes where messages to them lie and tells the
 * monitor, so many times. Nothing but contents of the folder may come to harm, and nobody hangs. Then it puts back what
 * stood there and prints `done`. Aril only. */
#include "check.h"
#include <family/memory.h>
#include <family/monitor.h>
#include <rt/gate.h>
#include <stdint.h>
#include <time.h>

#define ASKS (&TOLD->share[0])
static uint64_t state = 88172645463325252ul;

static uint64_t any(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void ask(unsigned slot, uint32_t size)
{
	ASKS->slot[slot].size = size;
	__atomic_store_n(&ASKS->slot[slot].asked, ASKS->slot[slot].asked + 1, __ATOMIC_RELEASE);
	(void)gate_notify(rt_info->first, 8);
}

static void rest(void)
{
	struct timespec ms = { .tv_nsec = 2000000 };

	nanosleep(&ms, NULL);
}

/* A message of that type with noise behind its head; some heads are noise too. */
static void noise(unsigned slot, uint8_t type)
{
	uint8_t *m = (uint8_t *)(ASKS->room + slot * SHARE_MESSAGE);
	uint32_t size = 7 + (uint32_t)any(200);

	for (uint32_t i = 7; i < size; i++)
		m[i] = (uint8_t)any(any(2) ? 4 : 256);
	memcpy(m, &size, 4);
	m[4] = type;
	m[5] = (uint8_t)slot;
	m[6] = 0;
	if (!any(4))
		m[any(7)] ^= 1 << any(8);
	ask(slot, any(8) ? size : (uint32_t)any(1u << any(32)));
}

/* Tversion of more than there is room for, and a write that says it is longer than the message. */
static void lies(unsigned slot)
{
	uint8_t *m = (uint8_t *)(ASKS->room + slot * SHARE_MESSAGE);
	static const uint8_t version[] = { 21, 0, 0, 0, 100, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 8, 0,
		'9', 'P', '2', '0', '0', '0', '.', 'L' };

	memcpy(m, version, sizeof version);
	ask(slot, sizeof version);
	rest();
	m[4] = 118;
	m[5] = (uint8_t)slot;
	m[6] = 0;
	memset(m + 7, 0xff, 14);
	ask(slot, sizeof version);
}

int main(int argc, char **argv)
{
	const struct told_share before = *ASKS;
	const uint64_t places[] = { 0, 4096, MONITOR_BASE, ROOTIMG_BASE, CONFIG_BASE, DATA_BASE, PRIVATE_BASE,
		~0xffful, 1ul << 63,
		FAMILY_BASE, FAMILY_BASE + EXO_HOME_SIZE - 4096, FAMILY_BASE + 1, FAMILY_BASE + (512ul << 20) };
	int times = argc > 1 ? atoi(argv[1]) : 100;

	if (!before.room) {
		puts("no share is mounted");
		return 1;
	}
	for (int i = 0; i < times; i++) {
		unsigned slot = (unsigned)any(SHARE_SLOTS);

		switch (any(4)) {
		case 0:
			ASKS->room = places[any(sizeof places / sizeof places[0])];
			ask(slot, 30);
			rest();
			ASKS->room = before.room;
			break;
		case 1:
			lies(slot);
			break;
		default:
			noise(slot, (uint8_t)(any(2) ? any(256) : 8 + 2 * any(60)));
		}
		if (any(2))
			rest();
	}
	*ASKS = before;
	for (unsigned i = 0; i < SHARE_SLOTS; i++) /* as if all had been answered */
		ASKS->slot[i].asked = ((volatile struct said *)MONITOR_BASE)->share[0].slot[i].answered;
	puts("done");
	return 0;
}
