/* SPDX-License-Identifier: MIT */
/* Private to the monitor (monitor*.c): the family's first env. It holds the devices, the slices, the run's nonce and
 * what is queued for the host, in pages that no member maps. It never takes the family's lock and follows no pointer
 * that a member can write. */
#ifndef LINUX_MONITOR_H
#define LINUX_MONITOR_H
#include "channel.h"
#include "init.h"
#include <dev/drivers.h>
#include <posix/library.h>

#define RETRY_NS   1000000u     /* a transmitter without room is tried again after that, and so is a silent device */
#define LOOK_NS    2000000000u  /* an alarm lies at most so far ahead: was anybody, or anything, forgotten? */
#define RUN_TEXT 16384u         /* bytes of settings that come over the channel */

/* A box of this family's: what is remembered of it, where members cannot write (monitor_box.c). */
struct box_kept {
	exo_name env;               /* of its monitor */
	uint64_t base;              /* of its family */
	uint32_t asked;             /* as of the last request that was taken */
	uint32_t seen[2];           /* what the member's side of the ring said last */
	int is_ending;
	struct box_spec spec;       /* what it has now */
	struct {                    /* of another size: monitor_size.c */
		uint32_t number;    /* of the last request that was taken; is_open: it is not done */
		uint32_t wanted, most, asked, taken, found; /* frames; asked: how often it was looked after */
		uint64_t within_ns, begun, due, look, at; /* at: the frame whose record is looked at next */
		exo_name victim;
		uint32_t fuller;    /* tables with more entries than that are looked at */
		int is_open, keeps;
	} size;
};

struct monitor {
	char nonce[17];
	struct drivers dev;         /* all keyboards have one shift, in `keyboard` */
	struct channel channel;
	int has_keys;               /* what is typed at this machine is somebody's */
	int has_port;               /* the channel's port answers, or without a channel COM1 */
	uint64_t seed_next;         /* when the rng device is asked again, ns of clock_ns */
	uint32_t share_asked[SHARES][SHARE_SLOTS]; /* as of the last message that was taken */
	struct {                    /* the last report: monitor_report.c. at: the controller that is asked */
		struct told_report told;
		int is_busy, result;
		unsigned at;
		uint32_t text_size;
		char text[REPORT_TEXT];
	} report;
	uint32_t credit, agent_credit; /* bytes that the host may still send; and for a box's agent */
	int agent_ring;             /* is there */
	int soon;                   /* the transmitter had no room at the last try, or messages do not come */
	int more;                   /* a turn's worth was moved, and more waits */
	int is_silent;              /* that they do not was said */
	struct { uint32_t sent; uint64_t since, asked; int is_stuck; } leave; /* io_leaves: what had left, since when */
	int tracing;                /* the gate's trace is on */
	uint32_t parked_size, parked_done; /* the terminal's bytes that COM1 had no room for */
	uint8_t parked[FRAME_MAX];
	uint8_t buffer[FRAME_MAX];

	/* the family: monitor.c */
	size_t run_size;            /* of what the host has sent of the run's settings */
	char run_text[RUN_TEXT];
	exo_name keeper;            /* env of process 1 */
	struct told_head told;      /* as copied last */
	uint64_t control_top;       /* pages of control memory that there have been: tables for so many are paid for */
	uint64_t look_at;           /* process 1 is asked to look at all lists then, ns of clock_ns */
	exo_name last;              /* who was given the CPU last */
	uint32_t strikes;           /* how often in a row nobody could be given the CPU */
	struct { exo_name holder; uint32_t progress, looks; uint64_t seen, held; } watch; /* of the lock: monitor_watch.c */
	struct env_build build;

	struct box_kept box[BOXES];
	uint32_t boxes;             /* that there are, also those that have ended and are still read */
	int ending;                 /* one is, and its envs are not all gone */
	uint64_t sizing;            /* one is to give memory back, and is looked after then (ns); 0: none is */
	exo_name box_turn;          /* one that has got bytes: it runs next, in all until box_until (ns) */
	uint64_t box_until;
};

/* In the first env, behind the scratch window. */
#define MONITOR ((struct monitor *)(PRIVATE_BASE + PRIVATE_INIT))
#define MONITOR_PAGES ((sizeof(struct monitor) + EXO_PAGE_SIZE - 1) / EXO_PAGE_SIZE)
_Static_assert(PRIVATE_INIT + sizeof(struct monitor) <= 0x200000, "one level-1 table");

/* The same memory that members read. */
#define SAY    (&((struct init_said *)MONITOR_BASE)->said)
#define CONFIG_SAY (&((struct init_said *)MONITOR_BASE)->config)

/* ---- monitor_config.c: reads aril.conf; what it does not say is left at its default. Malformed lines are logged
 * and skipped (the loader refuses them first). */
void config_read(struct init_config *c, char nonce[17], const char *text, size_t size);
/* Settings that come later, and win. */
void config_more(struct init_config *c, char nonce[17], const char *text, size_t size);

/* ---- monitor_run.c: with `run = channel`, waits for the host to say what is to be run. */
void run_wait(struct monitor *m);
/* The same in a box that another build has made, which has taken those frames: P->given. */
void run_given(struct monitor *m);

/* ---- monitor_io.c */
/* Opens the channel, or COM1. A machine without them goes on without. */
void io_open(struct monitor *m);
/* The first frame to the host, which bears the nonce. */
void io_hello(struct monitor *m);
/* Moves bytes both ways as far as there is room; never blocks. m->told is new; messages: bits of msi_bits that were
 * set since the last time. True when process 1 has something to do. */
int  io_pump(struct monitor *m, uint64_t messages);
/* Blocks (busy) until everything that was taken from the ring or queued is out, or nothing leaves any more. */
void io_drain(struct monitor *m);
/* Whether what waits to leave may yet do so, for who asks again and again: false when nothing has left for LEAVE_NS;
 * that is said, and stays so. */
int  io_leaves(struct monitor *m);
/* One frame to the host, waiting for room; nothing without a channel. */
void io_frame(struct monitor *m, char type, const void *data, size_t n);
/* Bytes that the terminal says, waiting for room. */
void io_terminal(struct monitor *m, const char *text, size_t n);
/* Bytes for process 1: how many found room. */
size_t in_put(const void *from, size_t n, const struct monitor *m);
void keys_put(const void *from, size_t n, const struct monitor *m);

/* ---- monitor_console.c */
/* Opens the screen, if it is wanted and there; shows the boot log. */
void console_open(struct monitor *m);
/* Opens the USB; the keyboard, for a run whose terminal is this machine's or the host's. */
void console_keys(struct monitor *m);
/* Bytes that the terminal says; the pixels follow with the screen's next step. */
void console_put(struct monitor *m, const void *bytes, size_t n);
/* Takes what keys have come. True: something was typed. */
int  console_pump(struct monitor *m);
void console_drain(struct monitor *m);

/* ---- monitor_seed.c */
/* Opens a virtio rng device, if there is one, and takes its first bytes. */
void seed_open(struct monitor *m);
/* Takes what has come, and asks again when it is time. */
void seed_pump(struct monitor *m, uint64_t now);

/* ---- monitor_share.c */
/* Opens all virtio 9P devices, as many as SHARES. */
void share_open(struct monitor *m);
/* Gives the devices what members have asked, and members what has been answered: true when process 1 is to wake
 * somebody. */
int  share_pump(struct monitor *m, uint64_t now);

/* ---- monitor_report.c */
/* Begins to write a report that a member has, and sees when it is over. news: one may be there. */
void report_pump(struct monitor *m, int news);

/* ---- monitor_box.c */
/* Of a box's own home: where what is said to it lies. */
#define RING_DOWN (16 * PAGE)
/* Where this monitor is that of a box: the channel, to who made it. */
void box_open(struct monitor *m);
/* Does what members ask of boxes, and sees which have ended. */
void box_pump(struct monitor *m);

/* ---- monitor_size.c */
/* Does what a member asks about the memory of a box that runs; m->sizing: it is to be looked after again. Why the box
 * is to end; NULL: it is not. */
const char *size_serve(struct monitor *m, struct box_kept *b, const struct told_box *t, struct said_box *say);

/* ---- monitor_app.c: a box's first words where its library OS is another app. base: of the homes that are its own, as
 * an address. */
void app_begin(void *base) __attribute__((noreturn));

/* ---- monitor_trace.c: the gate's trace, if aril.conf asks for it: on, before COMMAND starts; off and sent to the
 * host (R), when it has ended. */
void trace_begin(struct monitor *m);
void trace_end(struct monitor *m);

/* ---- monitor_watch.c */
/* An env of the family that can be given the CPU. */
int  member_runs(const struct monitor *m, exo_name env);
/* Who keeps the lock without getting on: its env, 0 = nobody. */
exo_name lock_watch(struct monitor *m);
/* Copies what members have made and may change: n bytes of control memory, 4 or a multiple of 8. True: it is not all
 * there. */
int family_read(void *to, uint64_t from, size_t n);
/* The process of an env as the family's records have it, if they can be read: "name[pid]". */
void member_name(exo_name env, char *to, size_t max);

/* ---- monitor_memory.c */
/* Says how much memory the family begins with. */
void memory_open(struct monitor *m);
/* Does what was asked since the last time. m->told is new. */
void memory_serve(struct monitor *m);

/* ---- monitor.c: the machine ends, or starts again */
void machine_end(struct monitor *m, enum init_answer what, int status) __attribute__((noreturn));
/* The family is damaged beyond repair: says why, to whoever can hear, and does what aril.conf wants then. */
void family_end(struct monitor *m, const char *why) __attribute__((noreturn));
#endif
