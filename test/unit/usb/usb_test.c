/* SPDX-License-Identifier: MIT */
/* lib/dev's USB driver against a controller that QEMU does not have: wide contexts, scratchpads, a firmware that does
 * not let go, hubs at high speed, ports and devices that fail. */
#include "model.h"

static struct thing keyboard, second, hub;

/* The next key, or fails. */
static void key_is(struct usb *u, unsigned code, int down)
{
	struct keyboard_event e;

	if (!usb_key(u, &e))
		test_fail("no key, but %x was expected; the log:\n%s", code, M.log);
	CHECK_EQ(e.code, code);
	CHECK_EQ(e.down, down);
}

/* `a` goes down and up. */
static void types(struct usb *u, struct thing *t)
{
	press(t, 0, 4);
	model_run(u, 20);
	key_is(u, 0x1e, 1);
	press(t, 0, 0);
	model_run(u, 20);
	key_is(u, 0x1e, 0);
}

static struct usb *with_keyboard(int speed)
{
	struct usb *u;

	thing_make(&keyboard, 0, speed);
	u = model_start();
	model_run(u, 50);
	plug(NULL, 1, &keyboard);
	return u;
}

TEST(usb_wide_contexts_and_scratchpads)
{
	M.wide = 1;
	M.scratchpads = 37;
	struct usb *u = with_keyboard(SPEED_LOW);
	model_run(u, 1000);
	CHECK(keyboard.boot && keyboard.configured);
	CHECK(strstr(M.log, "contexts of 64 bytes, 37 scratchpads"));
	types(u, &keyboard);
	const uint64_t *pads = *(uint64_t **)M.table;
	for (int i = 0; i < 37; i++)
		CHECK(pads[i] && !(pads[i] & 4095) && (!i || pads[i] != pads[i - 1]));
}

TEST(usb_keys_repeat_and_come_up)
{
	struct usb *u = with_keyboard(SPEED_FULL);
	model_run(u, 1000);
	press(&keyboard, 2, 4); /* shift */
	model_run(u, 20);
	key_is(u, 0x2a, 1);
	key_is(u, 0x1e, 1);
	for (int i = 0; i < 5; i++) {
		model_run(u, i ? 34 : 500);
		key_is(u, 0x1e, 1);
	}
	unplug(NULL, 1);
	model_run(u, 600);
	key_is(u, 0x2a, 0);
	key_is(u, 0x1e, 0);
	struct keyboard_event e;
	CHECK(!usb_key(u, &e));
	CHECK_EQ(u->keyboards, 0);
}

TEST(usb_firmware_that_never_lets_go)
{
	M.firmware = 1;
	struct usb *u = with_keyboard(SPEED_LOW);
	model_run(u, 900);
	CHECK(!strstr(M.log, "driven"));
	model_run(u, 1500);
	CHECK(strstr(M.log, "not let go by the firmware"));
	types(u, &keyboard);
}

TEST(usb_hub_translates)
{
	struct usb *u = model_start();
	thing_make(&hub, 1, SPEED_HIGH);
	thing_make(&keyboard, 0, SPEED_LOW);
	thing_make(&second, 0, SPEED_LOW);
	model_run(u, 50);
	plug(NULL, 2, &hub);
	plug(&hub, 3, &keyboard);
	model_run(u, 2000);
	types(u, &keyboard);
	/* Route, root port, and who translates: hub's slot and port. */
	CHECK_EQ(M.slot[2].context[0] & 0xfffff, 3);
	CHECK_EQ(M.slot[2].context[1] >> 16 & 0xff, 2);
	CHECK_EQ(M.slot[2].context[2] & 0xffff, 1 | 3 << 8);
	CHECK_EQ(M.slot[1].context[0] >> 26 & 1, 1);
	CHECK_EQ(M.slot[1].context[1] >> 24, M_PORTS);
	plug(&hub, 1, &second);
	model_run(u, 1500);
	types(u, &second);
	unplug(&hub, 3);
	model_run(u, 300);
	CHECK_EQ(u->keyboards, 1);
	unplug(NULL, 2);
	model_run(u, 300);
	CHECK_EQ(u->keyboards, 0);
	for (int i = 1; i < 9; i++)
		CHECK(!M.slot[i].on);
}

TEST(usb_dead_port_is_left)
{
	M.dead_port = 1;
	struct usb *u = with_keyboard(SPEED_LOW);
	thing_make(&second, 0, SPEED_FULL);
	plug(NULL, 3, &second);
	model_run(u, 8000);
	CHECK(strstr(M.log, "port 1: its port does not come on") && strstr(M.log, "port 1: is left alone"));
	types(u, &second);
}

/* It vanishes at each moment of its life, and comes back. */
TEST(usb_vanishes_at_any_time)
{
	struct usb *u = with_keyboard(SPEED_FULL);
	for (unsigned ms = 1; ms < 400; ms += 7) {
		model_run(u, ms);
		unplug(NULL, 1);
		model_run(u, 10);
		for (int i = 1; i < 9; i++)
			CHECK(!M.slot[i].on);
		plug(NULL, 1, &keyboard);
	}
	model_run(u, 1000);
	struct keyboard_event e;
	while (usb_key(u, &e))
		;
	types(u, &keyboard);
	CHECK_EQ(u->keyboards, 1);
}

TEST(usb_silent_device_is_left)
{
	struct usb *u = with_keyboard(SPEED_LOW);
	keyboard.silent = 1;
	thing_make(&second, 0, SPEED_LOW);
	plug(NULL, 2, &second);
	model_run(u, 20000);
	CHECK(strstr(M.log, "port 1: is left alone"));
	types(u, &second);
	/* One that stops in the middle of a request is given up after its deadline. */
	unplug(NULL, 2);
	model_run(u, 300);
	second.silent = 0;
	plug(NULL, 2, &second);
	model_run(u, 118);
	second.silent = 1;
	model_run(u, 20000);
	CHECK_EQ(u->keyboards, 0);
}

TEST(usb_lying_lengths)
{
	static const uint8_t lie[] = { 0, 1, 2, 8, 255 };

	for (unsigned at = 0; at < 34; at++)
		for (unsigned i = 0; i < sizeof lie; i++) {
			memset(&M, 0, sizeof M);
			struct usb *u = with_keyboard(SPEED_FULL);
			keyboard.config[at] = lie[i];
			model_run(u, 1500);
			CHECK(!u->keyboards || keyboard.configured);
			free(u);
			model_free();
		}
}

TEST(usb_wild_by_seed)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		memset(&M, 0, sizeof M);
		random_seed(seed);
		M.random = 1;
		struct usb *u = with_keyboard(SPEED_FULL);
		thing_make(&hub, 1, SPEED_HIGH);
		thing_make(&second, 0, SPEED_LOW);
		plug(&hub, 2, &second);
		plug(NULL, 2, &hub);
		for (int i = 0; i < 300; i++) {
			uint64_t where = random_next();

			if (random_below(2))
				where = u->x.commands.page.address + random_below(256) * 16;
			if (random_below(4) == 0)
				where = u->device[random_below(3)].control.ring.page.address + random_below(16) * 16;
			model_event(where, (uint32_t)random_next(), ((uint32_t)random_next() & ~(TRB(63) | 1)) |
				TRB(32 + random_below(3)));
			model_run(u, 10);
		}
		free(u);
		model_free();
	}
}
