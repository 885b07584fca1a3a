/* SPDX-License-Identifier: MIT */
/* Report descriptors and reports: two bytes of length, the descriptor, then reports of 16 bytes. */
#include "fuzz.h"
#include <dev/hid_report.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hid_layout l;
	struct hid_reader r;
	uint8_t *descriptor, *report, lamps[33], key;
	size_t n;

	if (size < 2)
		return 0;
	n = (size_t)(data[0] | data[1] << 8) % (size - 1);
	descriptor = exact_copy(data + 2, n);
	(void)hid_layout_read(&l, descriptor, n);
	free(descriptor);
	PROMISE(l.fields <= HID_FIELDS && l.bytes <= HID_BYTES && hid_lamps(&l, 3, lamps) <= sizeof lamps);
	for (size_t at = 2 + n; at < size; at += 16) {
		size_t length = size - at < 16 ? size - at : 16;

		report = exact_copy(data + at, length);
		hid_report_start(&r, &l, report, length);
		while ((key = hid_report_next(&r)) != 0)
			PROMISE(hid_report_covers(&r, key));
		free(report);
	}
	return 0;
}
