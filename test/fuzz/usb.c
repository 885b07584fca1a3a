/* SPDX-License-Identifier: MIT */
/* The USB driver against the model of a controller (test/unit/usb), which takes what it writes at its word. An input is
 * a machine and a story of plugs, keys, events and time; what devices answer is altered by its bytes, too. Some things
 * are sticks with Aril's file, and reports are written on them: no other block may ever change. */
#include "fuzz.h"
#include <stdarg.h>
#include "../unit/fat_disk.h"
#include "../unit/usb/model.h"

enum { THINGS = 6, STEPS = 60, MS_MAX = 4000 };
static struct thing thing[THINGS];
static int is_plugged[THINGS], place_hub[THINGS], place_port[THINGS];
static const uint8_t *at, *end;
/* All sticks have the same disk, and what it was. */
static uint8_t disk[FAT_DISK_BYTES], before[FAT_DISK_BYTES];
static struct fat_disk fat = { .bytes = disk, .block = 512, .cluster_blocks = 8, .table = TABLE_GPT, .is_scattered = 1,
	.root_clusters = 1 };
static struct stick stick[THINGS];

void test_fail(const char *format, ...) { (void)format; abort(); }
static unsigned byte(void) { return at < end ? *at++ : 0; }

static uint64_t word(unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)byte() << 8 * i;
	return v;
}

/* The model's, for what devices answer. */
void random_mutate(uint8_t *bytes, size_t size)
{
	unsigned how = byte();

	for (unsigned i = 0; i < how % 4 && size; i++) {
		size_t where = byte() % size;

		bytes[where] = (uint8_t)byte();
	}
}

static void plug_one(unsigned i)
{
	unsigned hub = byte() % (THINGS + 1), port = 1 + byte() % M_PORTS, how = byte();
	struct thing *h = hub < THINGS && hub != i && is_plugged[hub] && thing[hub].is_hub ? &thing[hub] : NULL;

	if (is_plugged[i] || (h ? h->behind[port] : M.root[port]))
		return;
	thing_make(&thing[i], how & 1, 1 + (how >> 1) % 4);
	if ((how & 0xc1) == 0x40) {
		stick_make(&stick[i], disk, fat.block, fat.blocks);
		thing_stick(&thing[i], 1 + (how >> 1) % 4, &stick[i]);
	}
	thing[i].refuses_boot = how >> 3 & 1;
	thing[i].silent = (how >> 4) == 15;
	thing[i].descriptor = at;
	thing[i].descriptor_size = end - at < 64 ? (unsigned)(end - at) : 64;
	is_plugged[i] = 1;
	place_hub[i] = h ? (int)hub : -1;
	place_port[i] = (int)port;
	plug(h, port, &thing[i]);
}

/* With all that hangs on it. */
static void unplug_one(unsigned i)
{
	if (!is_plugged[i])
		return;
	for (unsigned k = 0; k < THINGS; k++)
		if (is_plugged[k] && place_hub[k] == (int)i)
			unplug_one(k);
	unplug(place_hub[i] < 0 ? NULL : &thing[place_hub[i]], (unsigned)place_port[i]);
	is_plugged[i] = 0;
}

static void event_one(struct usb *u)
{
	uint64_t where = word(8);
	unsigned how = byte();

	if (how & 1)
		where = u->x.commands.page.address + byte() * 16ul;
	else if (how & 2)
		where = u->device[how >> 4 & 3].control.ring.page.address + byte() * 16ul;
	else if (how & 4)
		where = u->device[how >> 4 & 3].in.ring.page.address + byte() * 16ul;
	model_event(where, (uint32_t)word(4), ((uint32_t)word(4) & ~(TRB(63) | 1)) | TRB(32 + byte() % 8));
}

static void fault_one(struct stick *s)
{
	s->bad.fault = (enum stick_fault)(byte() % (LOST + 1));
	s->bad.operation = (uint8_t)byte();
	s->bad.key = (uint8_t)(byte() & 15);
	s->bad.code = (uint8_t)byte();
	s->bad.skip = (int)byte();
	s->bad.times = (int)byte();
	s->has_no_medium = s->bad.skip == 255;
	s->is_protected = s->bad.times == 255;
}

static int give(void *from, size_t where, void *to, size_t n)
{
	PROMISE(from == thing && where + n <= USB_REPORT_ROOM);
	memset(to, 'r', n);
	return byte() == 255;
}

static void report_one(struct usb *u)
{
	const struct usb_report what = { give, thing, 1 + byte() * 256ul % USB_REPORT_ROOM };

	(void)usb_report(u, &what);
}

/* No block has changed but the file's, which become what they were. */
static void disk_check(void)
{
	unsigned writes = 0;

	for (unsigned i = 0; i < THINGS; i++)
		writes += stick[i].writes;
	if (!writes)
		return;
	for (uint32_t byte_at = 0; byte_at < FAT_FILE_BYTES; byte_at += fat.block) {
		const uint64_t where = fat_disk_block(&fat, byte_at) * fat.block;

		memcpy(disk + where, before + where, fat.block);
	}
	PROMISE(!memcmp(disk, before, sizeof disk));
}

static void step(struct usb *u)
{
	uint8_t report[16];
	unsigned i = byte() % THINGS;

	switch (byte() % 10) {
	case 0: plug_one(i); return;
	case 1: unplug_one(i); return;
	case 2: event_one(u); return;
	case 3:
		for (unsigned k = 0; k < sizeof report; k++)
			report[k] = (uint8_t)byte();
		tell(&thing[i], report, byte() % 17);
		return;
	case 4:
		thing[i].silent = byte() & 1;
		if (byte() & 1)
			strand(&thing[i], 1 + byte() % M_PORTS);
		return;
	case 5: usb_leds(u, byte() & 7); return;
	case 6: M.portsc[1 + i % M_PORTS] ^= (uint32_t)word(4); return;
	case 7: thing[i].config[byte() % 34] = (uint8_t)byte(); return;
	case 8: fault_one(&stick[i]); return;
	case 9: report_one(u); return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keyboard_event key;
	struct usb *u;
	char text[4096];
	size_t n;
	unsigned how, ms = 0;

	memset(&M, 0, sizeof M);
	memset(thing, 0, sizeof thing);
	memset(is_plugged, 0, sizeof is_plugged);
	at = data;
	end = data + size;
	how = byte();
	M.wide = how & 1;
	M.scratchpads = how & 2 ? 37 : 0;
	M.firmware = how >> 2 & 1;
	M.dead_port = how & 8 ? 1 + (how >> 4) % M_PORTS : 0;
	M.random = how >> 7;
	M.is_lenient = 1;
	memset(stick, 0, sizeof stick);
	if (!fat.blocks) {
		fat_disk_make(&fat, USB_REPORT_MARK);
		memcpy(before, disk, sizeof before);
	}
	u = model_start();
	for (unsigned i = 0; i < STEPS && at < end && ms < MS_MAX; i++) {
		unsigned time = byte();

		time = time < 200 ? time : 200 + 10 * (time - 200);
		model_run(u, time);
		ms += time;
		step(u);
		while (byte() & 1 && usb_key(u, &key))
			PROMISE(key.code);
		if (usb_report_end(u, text, sizeof text, &n))
			PROMISE(n <= USB_REPORT_TEXT);
		PROMISE(u->keyboards <= USB_DEVICES && usb_list(&u, text, sizeof text) < sizeof text);
	}
	for (unsigned i = 0; i < THINGS; i++)
		unplug_one(i);
	disk_check();
	free(u);
	model_free();
	return 0;
}
