/* SPDX-License-Identifier: MIT */
/* Folders of the host: members' messages of 9P to the devices, and their answers back. A member may write what it
 * likes where messages lie: what is given away is a copy, looked at after it was made, and all that it can reach is
 * the folder. */
#include <base/string.h>
#include "monitor.h"

_Static_assert(SHARE_SLOTS == V9P_SLOTS && SHARE_MESSAGE == V9P_MESSAGE && SHARE_TAG == V9P_TAG, "one slot for one");
_Static_assert(sizeof(struct init_said) <= SHARE_AT(0, 0), "answers lie behind what is said");
_Static_assert(SHARE_AT(SHARES, 0) <= 2ul << 20, "one level-1 table");

void share_open(struct monitor *m)
{
	int error = drivers_open(&m->dev, DRIVER_v9p);

	if (error && error != -ENODEV)
		rt_log("monitor: a virtio 9P device cannot be used: error %d", -error);
	for (unsigned n = 0; n < m->dev.held[DRIVER_v9p].count; n++) {
		if (said_more(SHARE_SAID(n, 0), SHARE_SLOTS * SHARE_MESSAGE / PAGE) < 0) {
			rt_log("monitor: no memory for what the folder `%s` answers", m->dev.v9p[n].tag);
			break;
		}
		memcpy(SAY->share[n].tag, m->dev.v9p[n].tag, SHARE_TAG);
		rt_log("monitor: a virtio 9P device leads to the folder `%s` of the host", m->dev.v9p[n].tag);
		SAY->shares = n + 1;
	}
}

static void answer(struct monitor *m, unsigned share, unsigned slot, const uint8_t *from, int size)
{
	struct said_share *say = &SAY->share[share];

	if (size > 0)
		memcpy((void *)SHARE_SAID(share, slot), from, (size_t)size);
	say->slot[slot].size = size;
	__atomic_store_n(&say->slot[slot].answered, m->share_asked[share][slot], __ATOMIC_RELEASE);
}

/* Control memory, whole: what members say of an address is no reason to read elsewhere. */
static int is_room(uint64_t at)
{
	return at % PAGE == 0 && at >= FAMILY_BASE && at <= FAMILY_BASE + EXO_HOME_SIZE - SHARE_SLOTS * SHARE_MESSAGE;
}

/* 0, or what is answered instead. */
static int ask(struct monitor *m, unsigned share, unsigned slot, uint64_t room, uint32_t size, uint64_t now)
{
	struct v9p *d = &m->dev.v9p[share];
	uint8_t *to = v9p_room(d, slot);

	if (!to)
		return -EIO; /* the device has not come back to an earlier one */
	if (size > SHARE_MESSAGE || !is_room(room) || user_copy(to, (const void *)(room + slot * SHARE_MESSAGE), size))
		return -EINVAL;
	return v9p_ask(d, slot, size, now);
}

/* True: something was refused at once, which is an answer. */
static int asks_take(struct monitor *m, unsigned share, uint64_t now)
{
	struct told_share told;
	int error, news = 0;

	if (user_copy(&told, &TOLD->share[share], sizeof told) || !told.room)
		return 0;
	for (unsigned slot = 0; slot < SHARE_SLOTS; slot++) {
		/* What is asked while an earlier message is under way waits for that. */
		if (told.slot[slot].asked == m->share_asked[share][slot] ||
			SAY->share[share].slot[slot].answered != m->share_asked[share][slot])
			continue;
		m->share_asked[share][slot] = told.slot[slot].asked;
		error = ask(m, share, slot, told.room, told.slot[slot].size, now);
		if (error)
			answer(m, share, slot, NULL, error);
		news |= error;
	}
	return news != 0;
}

int share_pump(struct monitor *m, uint64_t now)
{
	const uint8_t *from;
	int news = 0, size, slot;

	for (unsigned share = 0; share < SAY->shares; share++) {
		while ((slot = v9p_take(&m->dev.v9p[share], now, &from, &size)) >= 0) {
			answer(m, share, (unsigned)slot, from, size);
			news = 1;
		}
		news |= asks_take(m, share, now);
	}
	return news;
}
