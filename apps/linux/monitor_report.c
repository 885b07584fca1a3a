/* SPDX-License-Identifier: MIT */
/* A report of the family's for the stick that Aril is on: one USB controller after the other is asked for a disk with
 * Aril's own file, and writes what a member has in its memory over that file. */
#include <base/fmt.h>
#include <base/string.h>
#include "monitor.h"

static void say(struct monitor *m, const char *text, size_t n)
{
	n = MIN_OF(n, REPORT_TEXT - m->report.text_size);
	memcpy(m->report.text + m->report.text_size, text, n);
	m->report.text_size += (uint32_t)n;
}

static void over(struct monitor *m, int result)
{
	memcpy(SAY->report.text, m->report.text, m->report.text_size);
	SAY->report.size = m->report.text_size;
	SAY->report.result = result;
	m->report.is_busy = 0;
	__atomic_store_n(&SAY->report.answered, m->report.told.asked, __ATOMIC_RELEASE);
}

static void refuse(struct monitor *m, int result, const char *why)
{
	say(m, why, strlen(why));
	over(m, result);
}

/* The driver takes it piece by piece while it writes. Whoever changes it meanwhile changes what stands in the file. */
static int give(void *from, size_t at, void *to, size_t n)
{
	const struct monitor *m = from;

	return user_copy(to, (const void *)(m->report.told.room + at), n);
}

static void ask(struct monitor *m)
{
	const struct usb_report what = { give, m, m->report.told.size };

	if (usb_report(m->dev.usb[m->report.at], &what))
		refuse(m, -EBUSY, "The driver is busy with another report.\n");
}

static void begin(struct monitor *m)
{
	const struct told_report *told = &m->report.told;

	m->report.is_busy = 1;
	m->report.at = m->report.text_size = 0;
	m->report.result = -ENODEV;
	/* Control memory, whole: what members say of an address is no reason to read elsewhere. */
	if (!told->size || told->size > USB_REPORT_ROOM || told->room < FAMILY_BASE || told->room % PAGE ||
		told->room > FAMILY_BASE + EXO_HOME_SIZE - REPORT_ROOM)
		refuse(m, -EINVAL, "The report cannot be read.\n");
	else if (!m->dev.held[DRIVER_usb].count)
		refuse(m, -ENODEV, IS_BOX ? "A box has no devices.\n" : "There is no xHCI controller, so no stick.\n");
	else
		ask(m);
}

static void proceed(struct monitor *m)
{
	char text[USB_REPORT_TEXT];
	size_t n;
	int result = usb_report_end(m->dev.usb[m->report.at], text, sizeof text, &n);

	if (!result)
		return;
	say(m, text, n);
	if (result == -EIO)
		m->report.result = result;
	if (result > 0)
		over(m, 0);
	else if (++m->report.at < m->dev.held[DRIVER_usb].count)
		ask(m);
	else
		over(m, m->report.result);
}

void report_pump(struct monitor *m, int news)
{
	struct told_report told;

	if (m->report.is_busy) {
		proceed(m);
		news = !m->report.is_busy; /* one may have come meanwhile */
	}
	if (!news || user_copy(&told, &TOLD->report, sizeof told) || told.asked == m->report.told.asked)
		return;
	m->report.told = told;
	begin(m);
}
