/* SPDX-License-Identifier: MIT */
/* A model of a stick by the bulk-only transport, with a disk in memory: it does as the standard says, but for one fault
 * that a test may plant. What it is told wrongly fails the test, unless its seed is a fuzzer's. */
#ifndef UNIT_USB_STICK_H
#define UNIT_USB_STICK_H
#include <stddef.h>
#include <stdint.h>

enum stick_fault {
	GOOD,
	STALLS_COMMAND,      /* and everything, until a reset */
	STALLS_DATA,         /* nothing of it moves, and the command fails with the planted sense */
	STALLS_DATA_SHORT,   /* half of it moves; the status is good */
	STALLS_STATUS,       /* once */
	STALLS_STATUS_TWICE,
	SHORT_STATUS, LONG_RESIDUE, WRONG_TAG, WRONG_SIGNATURE, PHASE_ERROR,
	FAILS,               /* with the planted sense */
	SENSELESS,           /* the same, and REQUEST SENSE fails too */
	SILENT_COMMAND, SILENT_DATA, SILENT_STATUS, /* from there on for ever */
	LOST,                /* a transaction error where the status should be */
};
enum { STICK_STALLS = -1, STICK_WAITS = -2, STICK_LOST = -3 };

struct stick {
	uint8_t *disk;
	uint32_t block;
	uint64_t blocks;
	int type, has_no_medium, is_protected, knows_no_sync, is_silent;
	/* From the skip-th command with that first byte on (0xff: any), so many times. */
	struct { enum stick_fault fault; uint8_t operation, key, code; int skip, times; } bad;
	int halted[2], toggle[2]; /* of in, of out */
	unsigned resets, syncs, writes, reads;
	uint64_t low, high;       /* blocks that were written */
	/* a command */
	enum { STICK_COMMAND, STICK_DATA, STICK_STATUS } state;
	enum stick_fault fault;
	int is_jammed, is_in, status;
	uint8_t command[31], sense[2], data[8192];
	uint32_t size, moves, done, before_stall; /* the host's; what the device moves of it; what moved, in all, and now */
};

void stick_make(struct stick *s, uint8_t *disk, uint32_t block, uint64_t blocks);
/* It is given a configuration: all that was before is over. */
void stick_reset(struct stick *s);
/* Bytes moved, or STICK_. */
int stick_out(struct stick *s, const uint8_t *bytes, unsigned n);
int stick_in(struct stick *s, uint8_t *to, unsigned n);
/* A class request or CLEAR_FEATURE: 0, or -1, which is none of its. */
int stick_request(struct stick *s, const uint8_t setup[8]);
/* Its configuration descriptor; its length. */
unsigned stick_config(uint8_t to[64], unsigned packet);
#endif
