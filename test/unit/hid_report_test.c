/* SPDX-License-Identifier: MIT */
/* Report descriptors of keyboards: usual ones, rare ones, and such as are wrong. */
#include <dev/hid_report.h>
#include "check.h"

/* HID 1.11, E.6. */
static const uint8_t usual[] = { 5, 1, 9, 6, 0xa1, 1, 5, 7, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0, 0x25, 1, 0x75, 1,
	0x95, 8, 0x81, 2, 0x95, 1, 0x75, 8,
	0x81, 1, 0x95, 5, 0x75, 1, 5, 8, 0x19, 1, 0x29, 5, 0x91, 2, 0x95, 1, 0x75, 3, 0x91, 1, 0x95, 6, 0x75, 8, 0x15, 0,
	0x25, 0x65, 5, 7,
	0x19, 0, 0x29, 0x65, 0x81, 0, 0xc0 };

static void keys_are(const struct hid_layout *l, const uint8_t *report, size_t size, const char *wanted)
{
	char said[256] = "";
	struct hid_reader r;
	unsigned usage;

	hid_report_start(&r, l, report, size);
	while ((usage = hid_report_next(&r)) != 0)
		sprintf(said + strlen(said), " %02x", usage);
	CHECK_STR(said, wanted);
}

TEST(hid_report_as_the_boot_protocol)
{
	const uint8_t report[8] = { 0x22, 0, 4, 0x52, 0x66, 9 };
	struct hid_layout l;
	uint8_t lamps[33];

	CHECK(hid_layout_read(&l, usual, sizeof usual));
	CHECK_EQ(l.fields, 2);
	CHECK_EQ(l.bytes, 8);
	keys_are(&l, report, 8, " e1 e5 04 52 09"); /* 66 is more than it says it has */
	keys_are(&l, report, 3, " e1 e5 04");
	keys_are(&l, report, 0, "");
	keys_are(&hid_boot, report, 8, " e1 e5 04 52 66 09");
	CHECK_EQ(hid_lamps(&l, 3, lamps), 1);
	CHECK_EQ(lamps[0], 3);
	CHECK_EQ(hid_lamps(&hid_boot, 2, lamps), 1);
	CHECK_EQ(lamps[0], 2);
}

/* Usages one by one, of a page of their own (32 bits); logical minimum 1; PUSH and POP. */
TEST(hid_report_rare_items)
{
	static const uint8_t rare[] = { 5, 1, 9, 6, 0xa1, 1, 0x85, 7, 0x75, 1, 0x95, 3, 0xa4, 5, 7, 0x0b, 4, 0, 7, 0,
		0x0b, 5, 0, 7, 0,
		0x0b, 0xe1, 0, 7, 0, 0x81, 2, 0xb4, 0x95, 5, 0x81, 1, 5, 7, 0x15, 1, 0x26, 0xff, 0, 0x19, 0x10, 0x29, 0x20,
		0x75, 8, 0x95, 2, 0x81, 0, 0xc0 };
	const uint8_t report[] = { 7, 5, 1, 0x11 }, foreign[] = { 6, 5, 1, 0x11 };
	struct hid_layout l;
	struct hid_reader r;

	CHECK(hid_layout_read(&l, rare, sizeof rare));
	keys_are(&l, report, sizeof report, " 04 e1 10 20");
	keys_are(&l, foreign, sizeof foreign, "");
	hid_report_start(&r, &l, report, sizeof report);
	CHECK(hid_report_covers(&r, 0xe1) && hid_report_covers(&r, 0x18) && !hid_report_covers(&r, 0xe2));
	CHECK_EQ(hid_lamps(&l, 3, (uint8_t[33]){ 0 }), 0);
}

TEST(hid_report_no_keyboard)
{
	static const uint8_t mouse[] = { 5, 1, 9, 2, 0xa1, 1, 5, 9, 0x19, 1, 0x29, 3, 0x15, 0, 0x25, 1, 0x75, 1, 0x95, 3,
		0x81, 2, 0xc0 };
	static const uint8_t media[] = { 5, 0x0c, 9, 1, 0xa1, 1, 0x15, 0, 0x26, 0xff, 3, 0x19, 0, 0x2a, 0xff, 3, 0x75,
		16, 0x95, 1, 0x81, 0, 0xc0 };
	struct hid_layout l;

	CHECK(!hid_layout_read(&l, mouse, sizeof mouse));
	CHECK(!hid_layout_read(&l, media, sizeof media));
	CHECK(!hid_layout_read(&l, mouse, 0));
}

/* Each cut, each byte at wrong values, and by seed: nothing beyond the descriptor or the report is touched. */
TEST(hid_report_wrong_descriptors)
{
	static const uint8_t lie[] = { 0, 1, 2, 7, 0x80, 0xfe, 0xff };
	uint8_t *descriptor = guarded(sizeof usual), *report = guarded(64), to[33];

	random_seed(1);
	memset(report, 0xff, 64);
	for (unsigned round = 0; round < 20000; round++) {
		size_t n = round < sizeof usual ? round : sizeof usual;
		uint8_t *bytes = descriptor + sizeof usual - n;
		struct hid_layout l;
		struct hid_reader r;
		unsigned found = 0;

		memcpy(bytes, usual, n);
		if (round >= 64 && round < 64 + sizeof usual * sizeof lie)
			bytes[(round - 64) / sizeof lie] = lie[(round - 64) % sizeof lie];
		else if (round >= 64)
			random_mutate(bytes, n);
		(void)hid_layout_read(&l, bytes, n);
		hid_report_start(&r, &l, report + 64 - round % 64, round % 64);
		while (hid_report_next(&r))
			found++;
		CHECK(found <= HID_FIELDS * 255 && l.bytes <= HID_BYTES);
		CHECK(hid_lamps(&l, 3, to) <= sizeof to);
	}
}
