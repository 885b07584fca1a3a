/* SPDX-License-Identifier: MIT */
/* lib/dev's disks against a stick that does as the standard says, but for one fault: a report is written whole into its
 * file or refused with a reason, and no other block is ever changed. */
#include "../fat_disk.h"
#include "model.h"

static uint8_t disk[FAT_DISK_BYTES], before[FAT_DISK_BYTES];
static struct fat_disk fat;
static struct stick stick;
static struct thing thing;
static char report[USB_REPORT_ROOM];
static int is_gone; /* the report's memory */

static int give(void *from, size_t at, void *to, size_t n)
{
	CHECK(from == report && at + n <= sizeof report);
	memcpy(to, report + at, n);
	return is_gone;
}

static void disk_make(uint32_t block, uint32_t cluster_blocks, enum fat_table table)
{
	fat = (struct fat_disk){ .bytes = disk, .block = block, .cluster_blocks = cluster_blocks, .table = table,
		.is_scattered = 1, .root_clusters = 2 };
	fat_disk_make(&fat, USB_REPORT_MARK);
	memcpy(before, disk, sizeof before);
	for (unsigned i = 0; i < sizeof report; i++)
		report[i] = (char)('a' + i % 23);
	is_gone = 0;
}

static struct usb *with_stick(int speed)
{
	struct usb *u = model_start();

	stick_make(&stick, disk, fat.block, fat.blocks);
	thing_stick(&thing, speed, &stick);
	model_run(u, 50);
	plug(NULL, 1, &thing);
	return u;
}

/* As usb_report_end, with its text, when it is over within so many ms. */
static int over(struct usb *u, char text[USB_REPORT_TEXT], unsigned ms)
{
	size_t n = 0;

	while (ms--) {
		int r = usb_report_end(u, text, USB_REPORT_TEXT - 1, &n);

		text[n] = '\0';
		if (r)
			return r;
		model_run(u, 1);
	}
	test_fail("the report does not come to an end; the log:\n%s", M.log);
}

static int asks(struct usb *u, size_t size, char text[USB_REPORT_TEXT])
{
	const struct usb_report what = { give, report, size };

	CHECK_EQ(usb_report(u, &what), 0);
	CHECK_EQ(usb_report(u, &what), -EBUSY);
	return over(u, text, 300000);
}

/* The file's bytes are `size` ones of the report between its first line and empty ones; all else is as it was. */
static void written_check(size_t size)
{
	const size_t mark = sizeof USB_REPORT_MARK - 1;

	for (uint32_t at = 0; at < FAT_FILE_BYTES; at += fat.block) {
		const uint64_t byte = fat_disk_block(&fat, at) * fat.block;
		uint8_t *is = disk + byte, *was = before + byte;

		for (uint32_t i = 0; i < fat.block; i++) {
			size_t n = at + i;
			char expected = '\n';

			if (n < mark)
				expected = USB_REPORT_MARK[n];
			else if (n < mark + size)
				expected = report[n - mark];
			CHECK_EQ(is[i], expected);
		}
		memcpy(is, was, fat.block);
	}
	CHECK(!memcmp(disk, before, sizeof disk));
}

/* No byte has changed but the file's. */
static void outside_check(void)
{
	for (uint32_t at = 0; at < FAT_FILE_BYTES; at += fat.block) {
		const uint64_t byte = fat_disk_block(&fat, at) * fat.block;

		memcpy(disk + byte, before + byte, fat.block);
	}
	CHECK(!memcmp(disk, before, sizeof disk));
}

static void unchanged_check(void) { CHECK(!stick.writes && !memcmp(disk, before, sizeof disk)); }

TEST(usb_disk_report_is_written)
{
	static const struct { uint32_t block, cluster_blocks; enum fat_table table; int speed; } shape[] = {
		{ 512, 1, TABLE_GPT, SPEED_HIGH }, { 512, 8, TABLE_MBR, SPEED_SUPER }, { 512, 32, TABLE_NONE, SPEED_FULL },
		{ 4096, 1, TABLE_GPT, SPEED_HIGH }, { 4096, 4, TABLE_MBR, SPEED_SUPER },
	};
	static const size_t size[] = { 1, 30000, USB_REPORT_ROOM - 1, USB_REPORT_ROOM };
	char text[USB_REPORT_TEXT], list[1024];

	for (unsigned i = 0; i < sizeof shape / sizeof *shape; i++) {
		memset(&M, 0, sizeof M);
		disk_make(shape[i].block, shape[i].cluster_blocks, shape[i].table);
		struct usb *u = with_stick(shape[i].speed);
		for (unsigned k = 0; k < sizeof size / sizeof *size; k++) {
			if (asks(u, size[k], text) != 1)
				test_fail("shape %u: %s; the log:\n%s", i, text, M.log);
			CHECK(!strcmp(text, "00:00.0 port 1 has the report: it is in HWINFO.TXT\n"));
			CHECK_EQ(stick.syncs, k + 1);
			written_check(size[k]);
		}
		CHECK_EQ(stick.resets, 0);
		list[usb_list(&u, list, sizeof list)] = '\0';
		CHECK(strstr(list, shape[i].block == 512 ? "disk, 4 MiB, sectors of 512 bytes" :
			"disk, 4 MiB, sectors of 4096 bytes"));
		free(u);
		model_free();
	}
}

/* It is asked for at once: what is plugged in is waited for, also behind a hub. */
TEST(usb_disk_report_waits_for_the_stick)
{
	struct thing hub;
	char text[USB_REPORT_TEXT];
	disk_make(512, 1, TABLE_GPT);
	struct usb *u = model_start();
	stick_make(&stick, disk, fat.block, fat.blocks);
	thing_stick(&thing, SPEED_HIGH, &stick);
	thing_make(&hub, 1, SPEED_HIGH);
	M.portsc[2] |= PORT_CONNECTED | (uint32_t)hub.speed << 10;
	M.root[2] = &hub;
	plug(&hub, 3, &thing);
	CHECK_EQ(asks(u, 100, text), 1);
	CHECK(strstr(text, "port 2.3 has the report"));
	written_check(100);
}

/* Faults that are got over: what is planted, at which command, and how many resets that takes. */
TEST(usb_disk_faults_are_mended)
{
	static const struct { enum stick_fault fault; unsigned operation, key, code; int times, resets; } row[] = {
		{ STALLS_COMMAND, 0x2a, 0, 0, 1, 1 }, { STALLS_COMMAND, 0x28, 0, 0, 3, 3 },
		{ STALLS_COMMAND, 0x12, 0, 0, 1, 1 },
		{ STALLS_STATUS, 0xff, 0, 0, 1000, 0 }, { STALLS_STATUS_TWICE, 0x2a, 0, 0, 2, 2 },
		{ SHORT_STATUS, 0x28, 0, 0, 1, 1 }, { WRONG_TAG, 0x28, 0, 0, 2, 2 }, { WRONG_TAG, 0x2a, 0, 0, 1, 1 },
		{ WRONG_SIGNATURE, 0x25, 0, 0, 1, 1 }, { PHASE_ERROR, 0x2a, 0, 0, 1, 1 }, { PHASE_ERROR, 0x00, 0, 0, 2, 2 },
		{ LOST, 0x2a, 0, 0, 1, 1 }, { LOST, 0x12, 0, 0, 1, 1 },
		{ STALLS_DATA, 0x2a, 6, 0x29, 1, 0 }, { FAILS, 0x28, 6, 0x28, 1, 0 }, { FAILS, 0x2a, 6, 0x28, 2, 0 },
		{ FAILS, 0x2a, 11, 0, 1, 0 }, { FAILS, 0x00, 2, 4, 20, 0 }, { FAILS, 0x35, 6, 0x29, 1, 0 },
		{ FAILS, 0x25, 6, 0x28, 1, 0 },
	};
	char text[USB_REPORT_TEXT];

	for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
		memset(&M, 0, sizeof M);
		disk_make(512, 4, TABLE_GPT);
		struct usb *u = with_stick(SPEED_HIGH);
		stick.bad.fault = row[i].fault;
		stick.bad.operation = (uint8_t)row[i].operation;
		stick.bad.key = (uint8_t)row[i].key;
		stick.bad.code = (uint8_t)row[i].code;
		stick.bad.times = row[i].times;
		stick.bad.skip = row[i].operation == 0x28 || row[i].operation == 0x2a ? 5 : 0;
		if (asks(u, 5000, text) != 1)
			test_fail("row %u: %s; the log:\n%s", i, text, M.log);
		CHECK_EQ((int)stick.resets, row[i].resets);
		CHECK(row[i].times == 1000 || !stick.bad.times);
		written_check(5000);
		CHECK(!strstr(M.log, "does not answer"));
		free(u);
		model_free();
	}
}

/* Refused with a reason, with not one block changed. */
TEST(usb_disk_refusals)
{
	static const struct { enum stick_fault fault; unsigned operation, key, code; const char *why; } row[] = {
		{ FAILS, 0x28, 3, 0x11, "cannot be read" }, { STALLS_DATA, 0x28, 3, 0x11, "cannot be read" },
		{ STALLS_DATA_SHORT, 0x28, 0, 0, "cannot be read" }, { SENSELESS, 0x28, 0, 0, "cannot be read" },
		{ FAILS, 0x28, 2, 0x3a, "is no longer ready" }, { FAILS, 0x2a, 7, 0x27, "is write-protected" },
		{ STALLS_DATA, 0x2a, 7, 0x27, "is write-protected" }, { FAILS, 0x2a, 3, 0x0c, "cannot be written" },
		{ FAILS, 0x00, 2, 4, "does not become ready" }, { FAILS, 0x00, 2, 0x3a, "has no medium in it" },
		{ FAILS, 0x25, 5, 0x20, "does not say how large it is" },
		{ STALLS_DATA_SHORT, 0x25, 0, 0, "does not say how large it is" },
		{ FAILS, 0x28, 6, 0x28, "cannot be read" },
	};
	char text[USB_REPORT_TEXT];

	for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
		memset(&M, 0, sizeof M);
		disk_make(512, 4, TABLE_GPT);
		struct usb *u = with_stick(SPEED_HIGH);
		model_run(u, 2000);
		stick.bad.fault = row[i].fault;
		stick.bad.operation = (uint8_t)row[i].operation;
		stick.bad.key = (uint8_t)row[i].key;
		stick.bad.code = (uint8_t)row[i].code;
		stick.bad.times = 1000000;
		if (asks(u, 5000, text) != -ENODEV || !strstr(text, row[i].why))
			test_fail("row %u: %s; the log:\n%s", i, text, M.log);
		unchanged_check();
		free(u);
		model_free();
	}
}

/* What never answers, or never as it should, is named and left alone; keys go on. */
TEST(usb_disk_misbehaves_for_ever)
{
	static const struct { enum stick_fault fault; unsigned operation; } row[] = {
		{ STALLS_COMMAND, 0xff }, { WRONG_TAG, 0xff }, { PHASE_ERROR, 0xff }, { SHORT_STATUS, 0xff }, { LOST, 0xff },
		{ STALLS_STATUS_TWICE, 0xff }, { SILENT_COMMAND, 0xff }, { SILENT_DATA, 0x12 }, { SILENT_STATUS, 0x12 },
		{ FAILS, 0x12 },
	};
	struct keyboard_event e;
	struct thing keyboard;
	char text[USB_REPORT_TEXT];

	for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
		memset(&M, 0, sizeof M);
		disk_make(512, 4, TABLE_GPT);
		struct usb *u = with_stick(SPEED_HIGH);
		thing_make(&keyboard, 0, SPEED_LOW);
		plug(NULL, 2, &keyboard);
		stick.bad.fault = row[i].fault;
		stick.bad.operation = (uint8_t)row[i].operation;
		stick.bad.times = 1000000;
		CHECK_EQ(asks(u, 5000, text), -ENODEV);
		model_run(u, 100000);
		if (!strstr(M.log, "port 1: 1234:5678 is left alone"))
			test_fail("row %u: the log:\n%s", i, M.log);
		unchanged_check();
		press(&keyboard, 0, 4);
		model_run(u, 20);
		CHECK(usb_key(u, &e) && e.code == 0x1e);
		free(u);
		model_free();
	}
}

/* It stops answering, or is pulled out, at each command of a report: that ends it, and what was written was the
 * file. */
TEST(usb_disk_vanishes_in_the_middle)
{
	static const enum stick_fault silent[] = { SILENT_COMMAND, SILENT_DATA, SILENT_STATUS };
	char text[USB_REPORT_TEXT];

	for (int is_silent = 0; is_silent < 2; is_silent++)
		for (int at = 0; at < 105; at += 2) { /* commands; the report takes more */
			memset(&M, 0, sizeof M);
			disk_make(512, 2, TABLE_GPT);
			struct usb *u = with_stick(SPEED_HIGH);
			model_run(u, 2000);
			stick.bad.fault = silent[at % 3];
			stick.bad.operation = 0xff;
			stick.bad.skip = at;
			stick.bad.times = 1000000;
			const struct usb_report what = { give, report, 60000 };
			CHECK_EQ(usb_report(u, &what), 0);
			for (int ms = 0; ms < 4000 && (stick.bad.times == 1000000); ms++)
				model_run(u, 1);
			CHECK(stick.bad.times < 1000000);
			if (!is_silent)
				unplug(NULL, 1);
			int r = over(u, text, 300000);
			CHECK(r == -ENODEV || r == -EIO);
			CHECK(strstr(text, "port 1 failed, or was pulled out"));
			outside_check();
			/* Plugged in again, it takes the report. */
			stick_make(&stick, disk, fat.block, fat.blocks);
			if (is_silent)
				unplug(NULL, 1);
			model_run(u, 500);
			plug(NULL, 1, &thing);
			if (asks(u, 100, text) != 1)
				test_fail("at %d: %s; the log:\n%s", at, text, M.log);
			free(u);
			model_free();
		}
}

/* One without the file, one that is protected, one that is no disk, one without a medium: each is passed over, and the
 * one with the file is found. */
TEST(usb_disk_the_right_one_of_several)
{
	static uint8_t others[4][FAT_DISK_BYTES];
	struct stick other[4];
	struct thing more[4], keyboard;
	char text[USB_REPORT_TEXT], list[1024];

	disk_make(512, 1, TABLE_GPT);
	struct usb *u = model_start();
	stick_make(&stick, disk, fat.block, fat.blocks);
	thing_stick(&thing, SPEED_HIGH, &stick);
	for (int i = 0; i < 4; i++) {
		memcpy(others[i], disk, sizeof disk);
		stick_make(&other[i], others[i], fat.block, fat.blocks);
		thing_stick(&more[i], SPEED_HIGH, &other[i]);
	}
	others[0][fat.entry] = 0xe5;
	other[1].is_protected = 1;
	other[2].type = 5;
	other[3].has_no_medium = 1;
	model_run(u, 50);
	plug(NULL, 1, &more[0]);
	plug(NULL, 2, &more[1]);
	plug(NULL, 3, &more[2]);
	plug(NULL, 4, &thing);
	CHECK_EQ(asks(u, 10, text), 1);
	CHECK(strstr(text, "port 1 has no HWINFO.TXT") && strstr(text, "port 2 is write-protected\n"));
	CHECK(strstr(text, "port 4 has the report"));
	written_check(10);
	list[usb_list(&u, list, sizeof list)] = '\0';
	CHECK(strstr(list, "storage that is no disk"));
	unplug(NULL, 3);
	model_run(u, 500);
	plug(NULL, 3, &more[3]);
	unplug(NULL, 4);
	CHECK_EQ(asks(u, 10, text), -ENODEV);
	CHECK(strstr(text, "port 3 has no medium in it\n") && !strstr(text, "port 4"));
	/* A medium is put in. */
	other[3].has_no_medium = 0;
	other[3].sense[0] = 6;
	CHECK_EQ(asks(u, 10, text), 1);
	for (int i = 0; i < 3; i++)
		CHECK(!other[i].writes);
	/* More than there is room for: the fifth is left, and a keyboard is not. */
	struct thing hub;
	struct stick fifth[2];
	struct thing more_sticks[2];
	thing_make(&hub, 1, SPEED_HIGH);
	thing_make(&keyboard, 0, SPEED_LOW);
	plug(NULL, 4, &hub);
	for (int i = 0; i < 2; i++) {
		stick_make(&fifth[i], disk, fat.block, fat.blocks);
		thing_stick(&more_sticks[i], SPEED_HIGH, &fifth[i]);
		plug(&hub, 1 + (unsigned)i, &more_sticks[i]);
	}
	plug(&hub, 3, &keyboard);
	model_run(u, 5000);
	CHECK(strstr(M.log, "is left alone: too many disks"));
	CHECK_EQ(u->keyboards, 1);
}

/* Nothing is plugged in; the controller is dead; the report's memory has gone; the stick does not know its last
 * command, or does not say that it has kept what it was given. */
TEST(usb_disk_nothing_to_write)
{
	char text[USB_REPORT_TEXT];
	disk_make(512, 1, TABLE_GPT);
	struct usb *u = model_start();
	CHECK_EQ(asks(u, 10, text), -ENODEV);
	CHECK(!strcmp(text, "00:00.0 has no disk behind it\n"));
	stick_make(&stick, disk, fat.block, fat.blocks);
	thing_stick(&thing, SPEED_HIGH, &stick);
	plug(NULL, 1, &thing);
	is_gone = 1;
	CHECK_EQ(asks(u, 10, text), -ENODEV);
	CHECK(strstr(text, "cannot be read any more"));
	unchanged_check();
	is_gone = 0;
	stick.knows_no_sync = 1;
	CHECK_EQ(asks(u, 10, text), 1);
	stick.bad.fault = FAILS;
	stick.bad.operation = 0x35;
	stick.bad.key = 3;
	stick.bad.times = 1;
	CHECK_EQ(asks(u, 10, text), -EIO);
	CHECK(strstr(text, "does not say that it has kept"));
	stick.bad.fault = LONG_RESIDUE;
	stick.bad.operation = 0x2a;
	stick.bad.times = 1;
	CHECK_EQ(asks(u, 10, text), -ENODEV);
	CHECK(strstr(text, "cannot be written"));
	M.status = 1 << 2; /* an error of the controller's own, which no reset ends */
	model_run(u, 2000);
	CHECK_EQ(asks(u, 10, text), -ENODEV);
	CHECK(strstr(text, "is a controller that is not driven"));
}

/* Each byte of its configuration is a lie: it is driven, or left, and nothing breaks. */
TEST(usb_disk_lying_lengths)
{
	static const uint8_t lie[] = { 0, 1, 2, 8, 255 };

	for (unsigned at = 0; at < 32; at++)
		for (unsigned i = 0; i < sizeof lie; i++) {
			memset(&M, 0, sizeof M);
			M.is_lenient = 1;
			disk_make(512, 1, TABLE_GPT);
			struct usb *u = with_stick(SPEED_HIGH);
			thing.config[at] = lie[i];
			model_run(u, 1500);
			unchanged_check();
			free(u);
			model_free();
		}
}

/* What it answers, status and descriptors too, is altered by seed: if anything is written it is the file. */
TEST(usb_disk_wild_by_seed)
{
	char text[USB_REPORT_TEXT];

	for (uint64_t seed = 1; seed <= 60; seed++) {
		memset(&M, 0, sizeof M);
		random_seed(seed);
		disk_make(512, 4, TABLE_GPT);
		struct usb *u = with_stick(SPEED_HIGH);
		M.is_lenient = 1;
		model_run(u, 2000);
		M.random = 1;
		(void)asks(u, 1000, text);
		outside_check();
		free(u);
		model_free();
	}
}
