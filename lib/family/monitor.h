/* SPDX-License-Identifier: MIT */
/* What passes between a family and its monitor. Members write struct told_head, on the page of F, and struct told, at
 * the start of their control memory: the monitor copies what it needs and checks each value. The monitor writes struct
 * said, near the end of a home that members link read-only. Indices of rings run freely. */
#ifndef FAMILY_MONITOR_H
#define FAMILY_MONITOR_H
#include <exo/env.h>
#include <family/process.h>
#include <rt/ring.h>

#define FAMILY_PAGES (EXO_HOME_SIZE / EXO_PAGE_SIZE)
#define TOLD_OUT  (SAID->out_size) /* bytes of the rings, powers of two; at most 256 KiB */
#define SAID_IN   (SAID->in_size)
#define SAID_KEYS 256u
#define SAID_AGENT 32768u
#define SAID_DEVICES 4096u
#define SAID_SEED 64u
#define SAID_ENTRIES 4u
#define REPORT_ROOM (16 * EXO_PAGE_SIZE) /* bytes of the longest report for a stick */
#define REPORT_TEXT 1024u               /* of what became of it */
#define HOLE_PAGES 64u    /* of control memory go and come at once: one word of the book of what is used */
#define HOLES_MAX 4096u  /* in a home */
#define FRAME_HEAD 3u    /* type, and 16 bits of length, little-endian */
#define FRAME_MAX  8192u /* bytes behind it */

/* Shares: folders of the host, each behind a device that takes messages of 9P. A message and its answer stand in a slot
 * of their own: what is asked in memory of the family's, what is answered where the monitor alone writes. */
#define SHARES 8u            /* that are looked for */
#define SHARE_SLOTS 4u       /* messages of one that may be under way */
#define SHARE_MESSAGE 36864u /* bytes of the longest, either way */
#define SHARE_TAG 32u        /* of its name, with a zero */

/* Boxes: families that the monitor makes for a member, each with a monitor of its own (lib/fs/box.c asks, the app makes
 * them). Two rings carry bytes: one lies in control memory of who asked, one where the monitor says things; the box has
 * both in its own home FAMILY_OWN, and can write the second alone. */
#define BOXES 64u            /* at once, of one family */
#define BOX_NAME 16u         /* of a name, with a zero */
enum box_state { BOX_NONE, BOX_RUNS, BOX_ENDED };
/* How much of each count (enum exo_count) is the box's; devices: none. */
struct box_spec { char name[BOX_NAME], app[BOX_NAME]; uint32_t count[EXO_C_COUNT]; };

/* Notify bits of the monitor: work for process 1; told.wakes is earlier now; told.asks has grown; something is asked of
 * a share; bytes of a box, or something asked of one; a report is there. Of process 1: look at what there is; an env
 * that was chosen cannot run; it has called one that cannot. */
#define MONITOR_WORK  1u
#define MONITOR_WAKES 2u
#define MONITOR_ASKS  4u
#define MONITOR_SHARES 8u
#define MONITOR_BOXES 16u
#define MONITOR_REPORT 32u
#define MONITOR_OPENS 63u /* all of them */
#define KEEPER_WORK    1u
#define KEEPER_REAP    2u
#define KEEPER_STALLED 4u

struct told_head {
	volatile exo_name lock;   /* name of the env that holds the family's lock, 0 = free */
	exo_name running;         /* env of the thread that was given the CPU last, 0 = nobody */
	exo_name ran;             /* the same, but nobody never counts: who is named when damage is seen */
	uint32_t progress;        /* moves while the lock's holder gets on: lock.c */
	uint32_t run_count;       /* threads that want the CPU */
	uint64_t wakes;           /* ns of clock_ns: process 1 wants the CPU then; 0 = not before an event */
	uint32_t in_taken, keys_taken, agent_taken, out_put;
	uint32_t wants_room;      /* process 1 has more for the ring than fits */
	uint32_t boxes;           /* places of boxes that have been used: the first so many */
	uint32_t ends;            /* process 1 waits to be asked how the machine is to end */
	/* What is asked of the monitor, who is asked again each time that asks grows: control.c */
	uint32_t asks;
	uint32_t control_wanted;  /* pages of control memory that there shall be */
	uint32_t hole_made, hole_filled; /* HOLE_PAGES of it that are to go, to come back: their number, from 1; 0: none */
	uint32_t table_wanted;    /* 2 MiB of data memory that want a table: their number, from 1; 0: none do */
	uint32_t control_used;    /* pages of control memory in use */
	exo_name end_wanted;      /* env that is to be ended, which who asks may not do; 0: none */
};

/* room: address of SHARE_SLOTS * SHARE_MESSAGE bytes of control memory, where messages are put; 0: nobody uses it. A
 * slot is asked each time that its `asked` grows; size: of the message. woken: the last answer that process 1 woke
 * somebody for. */
struct told_share { uint64_t room; struct told_ask { uint32_t asked, size, woken; } slot[SHARE_SLOTS]; };

/* room: address of a struct ring_side of control memory; 0: nobody uses this place. A box is to be made when `asked`
 * grows to an odd number; when it grows to an even one nobody uses what is left of it, and it is to end. ends: the
 * number of the box that is to end, though somebody reads what it says. woken: what was known of the box when
 * process 1 last woke somebody for it. Another size is asked for when `sizes` grows: frames, by so many ms from then
 * on. */
struct told_box { uint64_t room, woken; uint32_t asked, ends, sizes, frames, within_ms; struct box_spec spec; };

/* A report for the stick that Aril is on (/proc/aril-report). room: address of REPORT_ROOM bytes of control memory with
 * it, 0: there is none yet. It is to be written each time that `asked` grows. */
struct told_report { uint64_t room; uint32_t asked, size; };

struct told {
	struct told_share share[SHARES];
	struct told_report report;
	struct told_box box[BOXES];
	uint8_t out[];            /* frames for the outside: TOLD_OUT */
};
/* Control memory is FAMILY_BASE's first SAID->control_pages pages. It begins with a bitmap of used pages, for as many
 * as there can be; then comes struct told with its ring. */
#define CONTROL_MAP ((uint64_t *)FAMILY_BASE)
#define MAP_COVERS (8 * EXO_PAGE_SIZE) /* pages, of a page of the bitmap */
#define CONTROL_MOST (SAID->map_pages * MAP_COVERS)
#define TOLD ((struct told *)(FAMILY_BASE + SAID->map_pages * EXO_PAGE_SIZE))

/* answered: `asked` as of the last message that was answered; size: of the answer, or -errno without one. */
struct said_share { char tag[SHARE_TAG]; struct { uint32_t answered; int32_t size; } slot[SHARE_SLOTS]; };

/* answered: `asked` as of the last request that was done; error: -errno when it could not be made. why: how it ended.
 * From a making to what is asked next its ring can be read. sized: `sizes` as of the last size that it has got, or with
 * size_error has not; taken: frames that it did not give back in time. */
struct said_box {
	uint32_t answered, state;
	int32_t error;
	uint32_t sized, taken;
	int32_t size_error;
	uint32_t account;         /* env index */
	exo_name env;             /* of its monitor */
	char why[104];
};

/* answered: `asked` as of the last report that is over; result: 0, or -errno; text: what became of it, as lines. */
struct said_report { uint32_t answered; int32_t result; uint32_t size; char text[REPORT_TEXT]; };

struct said {
	exo_name keeper, monitor; /* envs of process 1 and of the monitor */
	uint32_t in_put, keys_put, agent_put, out_taken;
	uint32_t input_ended, resized, rows, columns;
	/* A machine that goes on from a saved state: what its clock missed, ns, and bytes that this one alone has. */
	uint64_t wall_shift, entropy[4];
	uint32_t asked;           /* told.asks as of the last request that was served */
	uint32_t control_pages, data_homes; /* control memory ends there, holes included */
	uint32_t holes;
	uint64_t hole[HOLES_MAX / 64]; /* bit set: those HOLE_PAGES are not there */
	uint32_t frame;           /* of F */
	uint64_t entry[SAID_ENTRIES][EXO_ENTRY_COUNT]; /* where the kernel enters members, in each of these states */
	uint64_t frames, slices;  /* that the family has: the machine's, or its box's */
	uint64_t frames_most;     /* that it began with, and never has more of */
	uint32_t in_size, out_size, map_pages;
	uint8_t keys[SAID_KEYS];  /* typed at this machine */
	/* Of a virtio rng device: `seeds` grows when its bytes are new ones. Both halves need not be of one time. */
	uint32_t seeds;
	uint8_t seed[SAID_SEED];
	uint32_t devices_size;
	char devices[SAID_DEVICES]; /* who drives what, as lines of /proc/aril-hardware */
	uint32_t shares;            /* that there are */
	struct said_share share[SHARES];
	struct said_box box[BOXES];
	struct said_report report;
};

#define SAID ((volatile struct said *)MONITOR_BASE)
/* Bytes for standard input, or from the host's terminal: SAID_IN. */
#define IN_AT 0x40000ul
#define IN_RING ((uint8_t *)(MONITOR_BASE + IN_AT))
/* For the program that runs other commands in a box (esp/box-agent.c): SAID_AGENT, there from its first byte on. A
 * box's input has less than this distance. */
#define AGENT_RING ((uint8_t *)(MONITOR_BASE + 0x70000ul))
/* Answers: as many pages as there are shares, behind what is always said. */
#define SHARE_AT(share, slot) (0x80000ul + ((share) * SHARE_SLOTS + (slot)) * 1ul * SHARE_MESSAGE)
#define SHARE_SAID(share, slot) (MONITOR_BASE + SHARE_AT(share, slot))
/* What boxes say: a struct ring_side each, in 2 MiB of their own. */
#define BOX_SAID(box) (MONITOR_BASE + (2ul << 20) + (box) * sizeof(struct ring_side))
#endif
