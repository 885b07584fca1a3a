/* SPDX-License-Identifier: MIT */
/* A report for the stick: one disk after the other is asked for Aril's file until one has it. Disks that are still on
 * their way are waited for. */
#include "usb_core.h"

#define QUIET_NS (500 * USB_MS)   /* nothing new for so long: whatever is plugged in has come */
#define COMES_NS (15000 * USB_MS)
#define DISK_NS  (90000 * USB_MS) /* longer than a disk's own */

/* A line for who asked. */
static void say(struct usb *u, const char *place, const char *what)
{
	size_t n = u->report.size, room = USB_REPORT_TEXT - n;

	n += (size_t)fmt(u->report.text + n, room, "%s %s\n", place, what);
	u->report.size = n < USB_REPORT_TEXT ? n : USB_REPORT_TEXT - 1;
}

static void over(struct usb *u, int result)
{
	u->report.result = result;
	u->report.state = REPORT_DONE;
}

static int is_settled(const struct usb *u)
{
	if (u->ports_at)
		return 0;
	for (const struct usb_device *d = u->device; d < u->device + USB_DEVICES; d++) {
		if (d->state != D_FREE && d->state != D_LEFT && d->state != D_RUNS)
			return 0;
		if (d->state == D_RUNS && d->kind == KIND_HUB && !hub_is_settled(d))
			return 0;
		if (d->disk && !disk_is_settled(d->disk))
			return 0;
	}
	return 1;
}

/* From u->report.disk on. */
static void disk_next(struct usb *u)
{
	struct usb_disk *k = u->disk + u->report.disk;

	while (k < u->disk + USB_DISKS && !(k->of && k->of->state == D_RUNS && disk_is_settled(k)))
		k++;
	u->report.disk = (unsigned)(k - u->disk);
	if (k == u->disk + USB_DISKS) {
		if (!u->report.size) {
			usb_place(u, NULL, u->report.place);
			say(u, u->report.place, "has no disk behind it");
		}
		over(u, u->report.result);
		return;
	}
	usb_place(u, k->of, u->report.place);
	u->report.until = u->now + DISK_NS;
	disk_report(u, k);
}

static void wait_step(struct usb *u)
{
	if (!u->report.until)
		u->report.until = u->now + COMES_NS;
	if (!u->report.quiet_at || u->report.version != u->version || !is_settled(u)) {
		u->report.version = u->version;
		u->report.quiet_at = u->now + QUIET_NS;
	}
	if (u->now < u->report.quiet_at && u->now < u->report.until) {
		wake_by(u, u->report.quiet_at < u->report.until ? u->report.quiet_at : u->report.until);
		return;
	}
	u->report.state = REPORT_RUNS;
	disk_next(u);
}

static void disk_wait(struct usb *u)
{
	struct usb_disk *k = &u->disk[u->report.disk];

	if (k->of && k->of->state == D_RUNS && k->is_wanted) {
		if (u->now >= u->report.until)
			usb_fail(u, k->of, "a disk that takes too long");
		else
			wake_by(u, u->report.until);
		return;
	}
	if (k->is_written) {
		say(u, u->report.place, "has the report: it is in HWINFO.TXT");
		over(u, 1);
		return;
	}
	if (k->at)
		u->report.result = -EIO;
	say(u, u->report.place, k->why ? k->why : "failed, or was pulled out");
	u->report.disk++;
	disk_next(u);
}

void report_step(struct usb *u)
{
	if (u->report.state == REPORT_WAITS)
		wait_step(u);
	else if (u->report.state == REPORT_RUNS)
		disk_wait(u);
}

int usb_report(struct usb *u, const struct usb_report *what)
{
	if (u->report.state != REPORT_NONE)
		return -EBUSY;
	memset(&u->report, 0, sizeof u->report);
	u->report.state = REPORT_WAITS;
	u->report.what = *what;
	u->report.result = -ENODEV;
	u->progress = 1;
	return 0;
}

int usb_report_end(struct usb *u, char *to, size_t max, size_t *n)
{
	if (u->report.state != REPORT_NONE && u->report.state != REPORT_DONE && u->x.state == X_DEAD) {
		usb_place(u, NULL, u->report.place);
		say(u, u->report.place, "is a controller that is not driven");
		over(u, u->report.result);
	}
	if (u->report.state != REPORT_DONE)
		return 0;
	*n = u->report.size < max ? u->report.size : max;
	memcpy(to, u->report.text, *n);
	u->report.state = REPORT_NONE;
	return u->report.result;
}
