/* SPDX-License-Identifier: MIT */
/* Disks: SCSI commands over the bulk-only transport (SPC-2, SBC-2), what a disk is, and the one thing that is done with
 * it: a report is written over one file that is there (fat.h). No other block is ever written. */
#include "usb_core.h"

enum { DESCRIPTOR_INTERFACE = 4, DESCRIPTOR_ENDPOINT, CLASS_STORAGE = 8, SUBCLASS_SCSI = 6, PROTOCOL_BULK_ONLY = 0x50 };
enum { TEST_UNIT_READY = 0x00, REQUEST_SENSE = 0x03, INQUIRY = 0x12, READ_CAPACITY = 0x25, READ_10 = 0x28,
	WRITE_10 = 0x2a, SYNCHRONIZE_CACHE = 0x35 };
enum { SHORT_CDB = 6, LONG_CDB = 10 };
enum { INQUIRY_BYTES = 36, SENSE_BYTES = 18, CAPACITY_BYTES = 8 };
enum { KEY_NOT_READY = 2, KEY_ILLEGAL_REQUEST = 5, KEY_UNIT_ATTENTION = 6, KEY_DATA_PROTECT = 7, KEY_ABORTED = 11,
	KEY_UNKNOWN = 16, CODE_NO_MEDIUM = 0x3a };
enum { DISK_INQUIRY, DISK_READY, DISK_CAPACITY, DISK_IDLE, DISK_NONE, DISK_FIND, DISK_WRITE, DISK_SYNC };
#define READY_NS  (10000 * USB_MS)
#define REPORT_NS (60000 * USB_MS)
#define AGAIN_NS  (100 * USB_MS)
#define FAILURES  3 /* of the transport, in a row */

static const struct fat_wanted wanted = { USB_REPORT_FILE, USB_REPORT_MARK, USB_REPORT_BYTES,
	sizeof USB_REPORT_MARK - 1 };
_Static_assert(FAT_BLOCK <= EXO_PAGE_SIZE && sizeof USB_REPORT_MARK <= 512, "a block lies on a page");

static uint32_t be32(const uint8_t *p)
{ return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void go(struct usb *u, struct usb_disk *k, unsigned phase)
{
	k->phase = (uint8_t)phase;
	u->progress = 1;
}

/* ---- its place */

void disk_find(struct usb_device *d, const uint8_t *at, unsigned size)
{
	const uint8_t *end = at + size;
	unsigned is_disk = 0, interface = 0, packet;

	for (; end - at >= 2 && at[0] >= 2 && at[0] <= end - at && !d->kind; at += at[0]) {
		if (at[1] == DESCRIPTOR_INTERFACE && at[0] >= 9) {
			interface = at[2];
			is_disk = !at[3] && at[5] == CLASS_STORAGE && at[6] == SUBCLASS_SCSI && at[7] == PROTOCOL_BULK_ONLY;
			d->endpoint = d->as_disk.endpoint = 0;
		}
		if (!is_disk || at[1] != DESCRIPTOR_ENDPOINT || at[0] < 7 || !(at[2] & 15) || (at[3] & 3) != 2)
			continue;
		packet = (at[4] | (unsigned)at[5] << 8) & 0x7ff;
		if (!packet || packet > 1024)
			continue;
		if (at[2] & 0x80) {
			d->endpoint = at[2] & 15;
			d->endpoint_packet = (uint16_t)packet;
		} else {
			d->as_disk.endpoint = at[2] & 15;
			d->as_disk.packet = (uint16_t)packet;
		}
		d->interface = (uint8_t)interface;
		d->kind = d->endpoint && d->as_disk.endpoint ? KIND_DISK : KIND_NONE;
	}
}

int disk_take(struct usb *u, struct usb_device *d)
{
	struct usb_disk *k = u->disk;

	while (k < u->disk + USB_DISKS && k->of)
		k++;
	if (k == u->disk + USB_DISKS) {
		d->kind = KIND_NONE;
		return 0;
	}
	*k = (struct usb_disk){ .of = d, .data = k->data, .out = { .ring.page = k->out.ring.page } };
	ring_start(&k->out.ring);
	k->out.place = (uint8_t)(2 * d->as_disk.endpoint);
	d->disk = k;
	return 1;
}

void disk_release(struct usb_device *d)
{
	if (d->disk)
		d->disk->of = NULL;
	d->disk = NULL;
}

void disk_text(const struct usb_disk *k, char *to, size_t max)
{
	if (k->phase == DISK_NONE)
		(void)fmt(to, max, "storage that is no disk");
	else if (k->blocks)
		(void)fmt(to, max, "disk, %lu MiB, sectors of %u bytes", (unsigned long)(k->blocks * k->block >> 20), k->block);
	else
		(void)fmt(to, max, k->phase == DISK_IDLE ? "disk, without a medium" : "disk, on its way");
}

int disk_is_settled(const struct usb_disk *k) { return k->phase == DISK_IDLE || k->phase == DISK_NONE; }

/* ---- commands */

/* As usb_ask; -EPIPE: refused, k->key and k->code say why. When the way to it fails for good so does the device, and
 * that is -ENODEV. */
static int scsi(struct usb *u, struct usb_device *d, const struct bulk_command *c)
{
	static const uint8_t sense[SHORT_CDB] = { REQUEST_SENSE, [4] = SENSE_BYTES };
	const struct bulk_command ask = { sense, SHORT_CDB, 0, SENSE_BYTES, d->buffer.address + BULK_SHORT };
	struct usb_disk *k = d->disk;
	const uint8_t *b = d->buffer.page + BULK_SHORT;
	int r = bulk_ask(u, d, k->is_sensing ? &ask : c);

	if (!r)
		return 0;
	if (r == -ENODEV || (r == -EIO && ++k->failures > FAILURES)) {
		usb_fail(u, d, "a disk that does not answer as it should");
		return -ENODEV;
	}
	u->progress = 1;
	if (r == -EIO)
		return 0; /* the same again */
	k->failures = 0;
	if (k->is_sensing) {
		int is_told = r > 0 && k->bulk.got > 12 && (b[0] & 0x7e) == 0x70;

		k->key = is_told ? b[2] & 15 : KEY_UNKNOWN;
		k->code = is_told ? b[12] : 0;
		k->is_sensing = 0;
		return -EPIPE;
	}
	k->is_sensing = r == -EPIPE;
	return r > 0 ? 1 : 0;
}

static int scsi_short(struct usb *u, struct usb_device *d, const uint8_t *cdb, uint8_t cdb_size, uint16_t size)
{
	return scsi(u, d, &(struct bulk_command){ cdb, cdb_size, 0, size, d->buffer.address + BULK_SHORT });
}

/* READ(10) and WRITE(10), of k->data. */
static int blocks_move(struct usb *u, struct usb_device *d, unsigned operation, uint64_t block, uint32_t bytes)
{
	const uint32_t n = bytes / d->disk->block;
	const uint8_t cdb[LONG_CDB] = { (uint8_t)operation, 0, (uint8_t)(block >> 24), (uint8_t)(block >> 16),
		(uint8_t)(block >> 8), (uint8_t)block, 0, (uint8_t)(n >> 8), (uint8_t)n, 0 };
	const struct bulk_command c = { cdb, LONG_CDB, operation == WRITE_10, (uint16_t)bytes, d->disk->data.address };
	int r = scsi(u, d, &c);

	if (r > 0 && d->disk->bulk.got != bytes) {
		d->disk->key = KEY_UNKNOWN;
		return -EPIPE;
	}
	return r;
}

/* ---- what it is */

static void report_over(struct usb *u, struct usb_disk *k, const char *why)
{
	if (k->is_wanted && why)
		k->why = why;
	k->is_wanted = 0;
	go(u, k, DISK_IDLE);
}

static void inquiry_step(struct usb *u, struct usb_device *d)
{
	static const uint8_t cdb[SHORT_CDB] = { INQUIRY, [4] = INQUIRY_BYTES };
	struct usb_disk *k = d->disk;
	int r = scsi_short(u, d, cdb, SHORT_CDB, INQUIRY_BYTES);

	if (r == -EPIPE || (r > 0 && k->bulk.got < 5)) {
		usb_fail(u, d, "a disk that does not say what it is");
	} else if (r > 0 && d->buffer.page[BULK_SHORT]) { /* a type of device, or none there */
		usb_say(u, d, "is storage, but no disk: nobody needs it");
		u->version++;
		go(u, k, DISK_NONE);
	} else if (r > 0) {
		k->until = u->now + READY_NS;
		go(u, k, DISK_READY);
	}
}

/* A card reader without a card says so for ever, a disk that begins to turn for a while. */
static void ready_step(struct usb *u, struct usb_device *d)
{
	static const uint8_t cdb[SHORT_CDB] = { TEST_UNIT_READY };
	struct usb_disk *k = d->disk;
	int r = scsi_short(u, d, cdb, SHORT_CDB, 0);

	if (r > 0) {
		go(u, k, DISK_CAPACITY);
	} else if (r == -EPIPE && u->now < k->until && !(k->key == KEY_NOT_READY && k->code == CODE_NO_MEDIUM)) {
		k->look_at = u->now + AGAIN_NS;
	} else if (r == -EPIPE) {
		u->version += k->blocks != 0;
		k->blocks = 0;
		report_over(u, k, k->code == CODE_NO_MEDIUM ? "has no medium in it" : "does not become ready");
	}
}

static void capacity_step(struct usb *u, struct usb_device *d)
{
	static const uint8_t cdb[LONG_CDB] = { READ_CAPACITY };
	const uint8_t *b = d->buffer.page + BULK_SHORT;
	struct usb_disk *k = d->disk;
	uint64_t old = k->blocks;
	int r = scsi_short(u, d, cdb, LONG_CDB, CAPACITY_BYTES);
	char text[USB_PLACE];

	if (!r || r == -ENODEV)
		return;
	if (r == -EPIPE && k->key == KEY_UNIT_ATTENTION && u->now < k->until) {
		go(u, k, DISK_READY);
		return;
	}
	if (r < 0 || k->bulk.got < CAPACITY_BYTES || !be32(b + 4) || be32(b + 4) > 1u << 20) {
		report_over(u, k, "does not say how large it is");
		return;
	}
	k->blocks = be32(b) + 1ul; /* of a larger one this is as far as READ(10) comes */
	k->block = be32(b + 4);
	if (k->blocks != old) {
		disk_text(k, text, sizeof text);
		usb_say(u, d, text);
		u->version++;
	}
	if (k->is_wanted) {
		fat_search_start(&k->search, &wanted, k->block, k->blocks);
		go(u, k, DISK_FIND);
	} else {
		go(u, k, DISK_IDLE);
	}
}

/* ---- a report */

/* Refused. What has been found of a medium holds for that medium: when it may be another, all begins anew. */
static void refused(struct usb *u, struct usb_disk *k, const char *why)
{
	if ((k->key == KEY_UNIT_ATTENTION || k->key == KEY_ABORTED) && u->now < k->until) {
		k->size = 0;
		go(u, k, DISK_READY);
	} else if (k->key == KEY_NOT_READY) {
		report_over(u, k, "is no longer ready");
	} else {
		report_over(u, k, k->key == KEY_DATA_PROTECT ? "is write-protected" : why);
	}
}

static void find_step(struct usb *u, struct usb_device *d)
{
	struct usb_disk *k = d->disk;
	uint64_t block;
	int r = fat_search_next(&k->search, &block);

	if (r < 0) {
		report_over(u, k, k->search.why);
		return;
	}
	if (!r) {
		k->at = k->size = 0;
		go(u, k, DISK_WRITE);
		return;
	}
	r = blocks_move(u, d, READ_10, block, k->block);
	if (r > 0)
		fat_search_take(&k->search, k->data.page);
	else if (r == -EPIPE)
		refused(u, k, "cannot be read");
}

/* The next bytes of the file: its first line, the report, empty lines. True: the report cannot be had. */
static int piece_make(struct usb *u, struct usb_disk *k)
{
	const uint32_t mark = wanted.mark_size, end = mark + (uint32_t)u->report.what.size;
	uint32_t at = k->at, n;
	uint8_t *to = k->data.page;

	(void)fat_place(&k->search, at, EXO_PAGE_SIZE, &n);
	k->size = n;
	memset(to, '\n', n);
	if (at < mark) {
		memcpy(to, wanted.mark + at, mark - at);
		to += mark - at;
		n -= mark - at;
		at = mark;
	}
	if (at >= end)
		return 0;
	return u->report.what.give(u->report.what.from, at - mark, to, n < end - at ? n : end - at);
}

static void write_step(struct usb *u, struct usb_device *d)
{
	struct usb_disk *k = d->disk;
	uint32_t n;
	int r;

	if (!k->size && piece_make(u, k)) {
		report_over(u, k, "was to have a report that cannot be read any more");
		return;
	}
	r = blocks_move(u, d, WRITE_10, fat_place(&k->search, k->at, k->size, &n), k->size);
	if (r > 0) {
		k->at += k->size;
		k->size = 0;
	}
	if (r > 0 && k->at == wanted.size)
		go(u, k, DISK_SYNC);
	else if (r == -EPIPE)
		refused(u, k, "cannot be written");
}

/* Many sticks keep nothing back, and do not know the command. */
static void sync_step(struct usb *u, struct usb_device *d)
{
	static const uint8_t cdb[LONG_CDB] = { SYNCHRONIZE_CACHE };
	struct usb_disk *k = d->disk;
	int r = scsi_short(u, d, cdb, LONG_CDB, 0);

	if (r > 0 || (r == -EPIPE && k->key == KEY_ILLEGAL_REQUEST)) {
		k->is_written = 1;
		usb_say(u, d, "has the report in HWINFO.TXT");
		report_over(u, k, NULL);
	} else if (r == -EPIPE) {
		refused(u, k, "does not say that it has kept what was written");
	}
}

void disk_report(struct usb *u, struct usb_disk *k)
{
	k->is_written = 0;
	k->why = "is no disk";
	k->is_wanted = k->phase != DISK_NONE;
	if (!k->is_wanted)
		return;
	k->why = NULL;
	k->at = k->size = 0;
	k->until = u->now + REPORT_NS;
	go(u, k, DISK_READY);
}

void disk_step(struct usb *u, struct usb_device *d)
{
	struct usb_disk *k = d->disk;

	if (u->now < k->look_at) {
		wake_by(u, k->look_at);
		return;
	}
	switch (k->phase) {
	case DISK_INQUIRY: inquiry_step(u, d); return;
	case DISK_READY: ready_step(u, d); return;
	case DISK_CAPACITY: capacity_step(u, d); return;
	case DISK_FIND: find_step(u, d); return;
	case DISK_WRITE: write_step(u, d); return;
	case DISK_SYNC: sync_step(u, d); return;
	}
}
