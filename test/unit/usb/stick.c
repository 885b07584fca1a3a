/* SPDX-License-Identifier: MIT */
#include <string.h>
#include "model.h"

static uint32_t le32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static void put_le32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }
static uint32_t be32(const uint8_t *p) { return __builtin_bswap32(le32(p)); }
static void put_be32(uint8_t *p, uint32_t v) { put_le32(p, __builtin_bswap32(v)); }

void stick_make(struct stick *s, uint8_t *disk, uint32_t block, uint64_t blocks)
{
	memset(s, 0, sizeof *s);
	s->disk = disk;
	s->block = block;
	s->blocks = blocks;
	s->low = ~0ul;
	s->sense[0] = 6; /* UNIT ATTENTION: it has just come */
	s->sense[1] = 0x29;
}

void stick_reset(struct stick *s)
{
	s->state = STICK_COMMAND;
	s->is_jammed = s->halted[0] = s->halted[1] = s->toggle[0] = s->toggle[1] = 0;
}

unsigned stick_config(uint8_t to[64], unsigned packet)
{
	const uint8_t config[] = { 9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2, 8, 6, 0x50, 0,
		7, 5, 0x81, 2, (uint8_t)packet, (uint8_t)(packet >> 8), 0,
		7, 5, 2, 2, (uint8_t)packet, (uint8_t)(packet >> 8), 0 };

	memcpy(to, config, sizeof config);
	return sizeof config;
}

static void fails(struct stick *s, int key, int code)
{
	s->status = 1;
	s->moves = 0;
	s->sense[0] = (uint8_t)key;
	s->sense[1] = (uint8_t)code;
}

/* A READ or WRITE of what the disk has. */
static int blocks_fit(const struct stick *s, uint64_t at, uint32_t n)
{ return n * s->block <= sizeof s->data && at + n <= s->blocks; }

/* The command block: what it moves and how it ends. Data out are taken when they have come. */
static void command_run(struct stick *s)
{
	const uint8_t *cdb = s->command + 15;
	uint32_t at = be32(cdb + 2), n = (uint32_t)(cdb[7] << 8 | cdb[8]);

	memset(s->data, 0, sizeof s->data);
	if (cdb[0] == 0x12) {
		s->data[0] = (uint8_t)s->type;
		s->data[4] = 31;
		s->moves = 36;
		return;
	}
	if (cdb[0] == 3) {
		s->data[0] = 0x70;
		s->data[2] = s->sense[0];
		s->data[7] = 10;
		s->data[12] = s->sense[1];
		s->moves = 18;
		s->sense[0] = s->sense[1] = 0;
		return;
	}
	if (s->sense[0] == 6) {
		fails(s, 6, s->sense[1]);
		return;
	}
	if (s->has_no_medium) {
		fails(s, 2, 0x3a);
		return;
	}
	switch (cdb[0]) {
	case 0: return;
	case 0x25:
		put_be32(s->data, (uint32_t)(s->blocks - 1));
		put_be32(s->data + 4, s->block);
		s->moves = 8;
		return;
	case 0x28:
		s->moves = n * s->block;
		s->reads++;
		if (!blocks_fit(s, at, n))
			fails(s, 5, 0x21);
		else
			memcpy(s->data, s->disk + (uint64_t)at * s->block, s->moves);
		return;
	case 0x2a:
		s->moves = n * s->block;
		if (s->is_protected)
			fails(s, 7, 0x27);
		else if (!blocks_fit(s, at, n))
			fails(s, 5, 0x21);
		return;
	case 0x35:
		s->syncs++;
		if (s->knows_no_sync)
			fails(s, 5, 0x20);
		return;
	default: fails(s, 5, 0x20);
	}
}

static void written(struct stick *s)
{
	const uint8_t *cdb = s->command + 15;
	uint64_t at = be32(cdb + 2), n = s->done / s->block;

	if (cdb[0] != 0x2a || s->status || !n)
		return;
	memcpy(s->disk + at * s->block, s->data, n * s->block);
	s->writes++;
	s->low = at < s->low ? at : s->low;
	s->high = at + n - 1 > s->high ? at + n - 1 : s->high;
}

static void jam(struct stick *s) { s->is_jammed = s->halted[0] = s->halted[1] = 1; }

static int command_take(struct stick *s, const uint8_t *bytes, unsigned n)
{
	if (n != 31 || le32(bytes) != 0x43425355 || bytes[14] < 1 || bytes[14] > 16 || bytes[13]) {
		CHECK(M.is_lenient);
		jam(s);
		return STICK_STALLS;
	}
	memcpy(s->command, bytes, 31);
	s->fault = GOOD;
	if (s->bad.times && (s->bad.operation == 0xff || s->bad.operation == bytes[15]) && s->bad.skip-- <= 0) {
		s->bad.skip = 0;
		s->bad.times--;
		s->fault = s->bad.fault;
	}
	if (s->fault == SILENT_COMMAND) {
		s->is_silent = 1;
		return STICK_WAITS;
	}
	if (s->fault == STALLS_COMMAND) {
		jam(s);
		return STICK_STALLS;
	}
	s->size = le32(bytes + 8);
	s->is_in = bytes[12] >> 7;
	s->status = 0;
	s->moves = s->done = 0;
	command_run(s);
	if (s->fault == STALLS_DATA || s->fault == FAILS || s->fault == SENSELESS)
		fails(s, s->bad.key, s->bad.code);
	if (s->fault == SENSELESS) {
		s->bad.fault = FAILS;
		s->bad.operation = 3;
		s->bad.times = 1;
	}
	if (s->moves > s->size)
		s->moves = s->size;
	if (s->fault == STALLS_DATA_SHORT)
		s->moves /= 2;
	s->state = s->size ? STICK_DATA : STICK_STATUS;
	return 31;
}

static int falls_silent(struct stick *s)
{
	s->is_silent = 1;
	return STICK_WAITS;
}

/* One transfer of data is all that the driver gives for one command. */
static int data_move(struct stick *s, uint8_t *to, const uint8_t *from, unsigned n)
{
	unsigned moved = n < s->moves ? n : s->moves;

	if (s->fault == SILENT_DATA)
		return falls_silent(s);
	if (to)
		memcpy(to, s->data, moved);
	else
		memcpy(s->data, from, moved);
	s->done = moved;
	s->state = STICK_STATUS;
	if (moved && s->fault != STALLS_DATA_SHORT && (to || moved == n))
		return (int)moved;
	s->halted[from != NULL] = 1;
	s->before_stall = moved;
	return STICK_STALLS;
}

int stick_out(struct stick *s, const uint8_t *bytes, unsigned n)
{
	if (s->is_silent)
		return STICK_WAITS;
	if (s->halted[1])
		return STICK_STALLS;
	if (s->state == STICK_COMMAND)
		return command_take(s, bytes, n);
	if (s->state == STICK_DATA && !s->is_in)
		return data_move(s, NULL, bytes, n);
	CHECK(M.is_lenient);
	jam(s);
	return STICK_STALLS;
}

static int status_give(struct stick *s, uint8_t *to, unsigned n)
{
	uint8_t csw[13];

	if (s->fault == SILENT_STATUS || s->fault == SILENT_DATA)
		return falls_silent(s);
	if (s->fault == LOST) {
		s->fault = GOOD;
		return STICK_LOST;
	}
	if (s->fault == STALLS_STATUS || s->fault == STALLS_STATUS_TWICE) {
		s->fault = s->fault == STALLS_STATUS ? GOOD : STALLS_STATUS;
		s->halted[0] = 1;
		return STICK_STALLS;
	}
	written(s);
	s->state = STICK_COMMAND;
	put_le32(csw, s->fault == WRONG_SIGNATURE ? 0x53425356 : 0x53425355);
	put_le32(csw + 4, le32(s->command + 4) + (s->fault == WRONG_TAG));
	put_le32(csw + 8, s->size - s->done);
	if (s->fault == LONG_RESIDUE)
		put_le32(csw + 8, s->size);
	csw[12] = (uint8_t)s->status;
	if (s->fault == PHASE_ERROR) {
		csw[12] = 2;
		jam(s);
	}
	if (M.random)
		random_mutate(csw, sizeof csw);
	n = n < sizeof csw ? n : sizeof csw;
	n = s->fault == SHORT_STATUS ? 12 : n;
	s->fault = GOOD;
	memcpy(to, csw, n);
	return (int)n;
}

int stick_in(struct stick *s, uint8_t *to, unsigned n)
{
	if (s->is_silent || (s->state == STICK_COMMAND && !s->halted[0]))
		return STICK_WAITS;
	if (s->halted[0])
		return STICK_STALLS;
	if (s->state == STICK_DATA && s->is_in)
		return data_move(s, to, NULL, n);
	if (s->state == STICK_STATUS)
		return status_give(s, to, n);
	return STICK_WAITS;
}

int stick_request(struct stick *s, const uint8_t setup[8])
{
	unsigned what = setup[0] | setup[1] << 8, endpoint = setup[4];

	if (what == 0xff21) {
		s->is_jammed = 0;
		s->state = STICK_COMMAND;
		s->resets++;
		return 0;
	}
	if (what != 0x0102 || (endpoint != 0x81 && endpoint != 2))
		return -1;
	s->halted[endpoint == 2] = s->is_jammed;
	s->toggle[endpoint == 2] = 0;
	return 0;
}
