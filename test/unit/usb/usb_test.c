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

/* Two hubs at SuperSpeed behind one another, and a device there that nobody drives. */
TEST(usb_super_hubs)
{
	struct usb *u = model_start();
	struct thing *const outer = &hub, inner, disk;

	thing_make(outer, 1, SPEED_SUPER);
	thing_make(&inner, 1, SPEED_SUPER);
	thing_make(&disk, 0, SPEED_SUPER);
	disk.config[14] = 8; /* storage */
	model_run(u, 50);
	plug(NULL, 2, outer);
	plug(outer, 3, &inner);
	plug(&inner, 1, &disk);
	model_run(u, 3000);
	CHECK_EQ(outer->depth, 1);
	CHECK_EQ(inner.depth, 2);
	CHECK(strstr(M.log, "port 2: 1234:5678 a hub of 4 ports") && strstr(M.log, "port 2.3: 1234:5678 a hub of 4 ports"));
	CHECK(strstr(M.log, "port 2.3.1: 1234:5678 nobody drives it"));
	/* Routes, speeds, hubs with their ports, and no translator. */
	for (unsigned i = 1; i <= 3; i++) {
		static const uint32_t route[] = { 0, 0, 3, 0x13 };

		CHECK_EQ(M.slot[i].context[0] & 0xfffff, route[i]);
		CHECK_EQ(M.slot[i].context[0] >> 20 & 15, SPEED_SUPER);
		CHECK_EQ(M.slot[i].context[0] >> 26 & 1, i < 3);
		CHECK_EQ(M.slot[i].context[2], 0);
	}
	for (unsigned port = 1; port <= M_PORTS; port++)
		CHECK(!outer->change[port] && !inner.change[port]);
	/* Its link fails and is mended: it is found anew. */
	strand(outer, 3);
	model_run(u, 3000);
	CHECK_EQ(outer->warm_resets, 1);
	CHECK(strstr(M.log, "port 2.3: 1234:5678 is gone") && strstr(M.log, "port 2.3.1: 1234:5678 is gone"));
	CHECK_EQ(usb_child(u, usb_child(u, NULL, 2), 3)->state, D_RUNS);
	unplug(&inner, 1);
	unplug(outer, 3);
	model_run(u, 500);
	CHECK(!usb_child(u, usb_child(u, NULL, 2), 3));
	unplug(NULL, 2);
	model_run(u, 500);
	for (int i = 1; i < 9; i++)
		CHECK(!M.slot[i].on);
}

/* A device at SuperSpeed that takes no address is tried again and then left, and its hub goes on. */
TEST(usb_super_hub_with_a_silent_device)
{
	struct usb *u = model_start();
	struct thing silent;

	thing_make(&hub, 1, SPEED_SUPER);
	thing_make(&silent, 0, SPEED_SUPER);
	thing_make(&keyboard, 0, SPEED_SUPER);
	silent.silent = 1;
	plug(NULL, 1, &hub);
	plug(&hub, 1, &silent);
	plug(&hub, 4, &keyboard);
	model_run(u, 20000);
	CHECK(strstr(M.log, "port 1.1: is left alone"));
	types(u, &keyboard);
}

/* A bit for each key, behind a report's number; lamps in another report (HID 1.11, E.6, changed). */
static const uint8_t bitmap[] = { 5, 1, 9, 6, 0xa1, 1, 0x85, 2, 5, 7, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0, 0x25, 1,
	0x75, 1, 0x95, 8, 0x81, 2,
	0x19, 4, 0x29, 0x53, 0x95, 80, 0x81, 2, 0x85, 3, 5, 8, 0x95, 3, 0x75, 1, 0x91, 1, 0x19, 1, 0x29, 2, 0x95, 2,
	0x91, 2, 0x95, 3, 0x91, 1, 0xc0 };
static const uint8_t mouse[] = { 5, 1, 9, 2, 0xa1, 1, 5, 9, 0x19, 1, 0x29, 3, 0x15, 0, 0x25, 1, 0x75, 1, 0x95, 3,
	0x81, 2, 0xc0 };

static void types_by_bits(struct usb *u, struct thing *t)
{
	const uint8_t down[12] = { 2, 2, 1, [9] = 1 }, up[12] = { 2 }, other[12] = { 9, 0xff, 0xff, 0xff };

	tell(t, other, sizeof other); /* a report with another number says nothing of keys */
	model_run(u, 20);
	tell(t, down, sizeof down);   /* Shift, A, F3 */
	model_run(u, 20);
	key_is(u, 0x2a, 1);
	key_is(u, 0x1e, 1);
	key_is(u, 0x3d, 1);
	tell(t, up, sizeof up);
	model_run(u, 20);
	key_is(u, 0x2a, 0);
	key_is(u, 0x1e, 0);
	key_is(u, 0x3d, 0);
	usb_leds(u, 3);
	model_run(u, 20);
	CHECK_EQ(t->lamps_size, 2);
	CHECK_EQ(t->lamps[0] | t->lamps[1] << 8, 3 | 3 << 11);
}

TEST(usb_boot_protocol_refused)
{
	struct usb *u = with_keyboard(SPEED_FULL);
	keyboard.refuses_boot = 1;
	keyboard.descriptor = bitmap;
	keyboard.descriptor_size = sizeof bitmap;
	model_run(u, 1000);
	CHECK(strstr(M.log, "a keyboard, by its own reports"));
	types_by_bits(u, &keyboard);
}

/* Neither interface offers the boot protocol: each is asked, in its turn. */
TEST(usb_no_boot_protocol_offered)
{
	static const uint8_t config[] = { 9, 2, 59, 0, 2, 1, 0, 0xa0, 50, 9, 4, 0, 0, 1, 3, 0, 0, 0, 9, 0x21, 0x11, 1, 0,
		1, 0x22, sizeof mouse, 0,
		7, 5, 0x81, 3, 8, 0, 10, 9, 4, 1, 0, 1, 3, 0, 0, 0, 9, 0x21, 0x11, 1, 0, 1, 0x22, sizeof bitmap, 0, 7, 5,
		0x81, 3, 16, 0, 10 };
	struct usb *u = with_keyboard(SPEED_FULL);
	memcpy(keyboard.config, config, keyboard.config_size = sizeof config);
	keyboard.descriptor = mouse;
	keyboard.descriptor_size = sizeof mouse;
	for (int i = 0; i < 1000 && u->device[0].which < 2; i++)
		model_run(u, 1);
	keyboard.descriptor = bitmap;
	keyboard.descriptor_size = sizeof bitmap;
	model_run(u, 1000);
	CHECK(!keyboard.boot && u->device[0].interface == 1);
	types_by_bits(u, &keyboard);
}

TEST(usb_no_keys_at_all)
{
	struct usb *u = with_keyboard(SPEED_FULL);
	keyboard.config[16 - 1] = 0; /* no boot protocol */
	keyboard.descriptor = mouse;
	keyboard.descriptor_size = sizeof mouse;
	model_run(u, 5000);
	CHECK_EQ(u->keyboards, 0);
	CHECK_EQ(u->device[0].state, D_LEFT);
	CHECK(strstr(M.log, "nobody drives it") && !strstr(M.log, "misbehaves"));
}

TEST(usb_lamps)
{
	struct usb *u = with_keyboard(SPEED_LOW);
	model_run(u, 1000);
	for (unsigned lamps = 0; lamps < 4; lamps++) {
		usb_leds(u, lamps);
		model_run(u, 20);
		CHECK_EQ(keyboard.lamps_size, 1);
		CHECK_EQ(keyboard.lamps[0], lamps);
	}
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
	model_run(u, 30000);
	CHECK_EQ(u->keyboards, 0);
	CHECK(strstr(M.log, "port 2: is left alone") || strstr(M.log, "port 2: 1234:5678 is left alone"));
}

/* A controller that takes commands and answers none is reset, some times, and left. */
TEST(usb_deaf_controller_is_left)
{
	M.is_deaf = 1;
	struct usb *u = with_keyboard(SPEED_LOW);
	model_run(u, 60000);
	CHECK(strstr(M.log, "does not answer a command") && strstr(M.log, "is left alone: it fails again and again"));
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
