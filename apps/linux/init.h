/* SPDX-License-Identifier: MIT */
/* Private to pid 1 (init*.c): what aril.conf asked for, and the streams between the first program and the outside. It lies in the first env's own pages:
 * no program can reach the nonce, or what is queued for the host, and so none can forge the exit record. */
#ifndef POSIX_INIT_H
#define POSIX_INIT_H
#include "channel.h"
#include <dev/keyboard.h>
#include <posix/process/process.h>
#include <posix/process/task.h>
#include <dev/screen.h>

#define INIT_ARGS    64
#define INIT_GETS    32
#define INIT_TEXT    32768 /* bytes of all configured strings */
#define INIT_BUFFER  1024

enum init_mode {
	INIT_CONSOLE, /* screen and keyboard are a terminal, and so is COM1: what there is of them */
	INIT_TTY,     /* the host's terminal, over the channel */
	INIT_PIPE,    /* three pipes, over the channel */
	INIT_SCRIPT,  /* the same, for a shell that reads its script from standard input */
};

enum init_end { INIT_END_DEFAULT, INIT_END_OFF, INIT_END_AGAIN, INIT_END_WAIT };

struct init_config {
	enum init_mode mode;
	int has_channel;            /* COM2 leads to the test driver */
	int strace;                 /* log of calls, over the channel */
	int has_serial, has_screen; /* wanted as a console */
	int trace;                  /* the gate's, for the host */
	int font;                   /* screen pixels a font pixel, 0: as the screen's height wants */
	enum init_end end;          /* what comes when the first program has ended */
	enum keyboard_layout layout;
	int exit_port;              /* written with the status at the end (QEMU's isa-debug-exit), 0 = none */
	int rows, columns;          /* 0: the screen's */
	char nonce[17];
	char term[64];
	int arg_count, get_count;
	char *arg[INIT_ARGS + 1];
	char *get[INIT_GETS];
	char complaints[600];       /* about aril.conf, for the screen */
	size_t text_used;
	char text[INIT_TEXT];
};

/* What members tell pid 1, in family memory: F->init. */
struct init_news {
	int command_pid;            /* of the first program; 0: none was started */
	int off_requested, off_again;
	char last_words[256];       /* why COMMAND died, for the host's stderr */
};

struct init {
	struct init_news *news;
	struct init_config config;
	struct channel channel;     /* INIT_CONSOLE uses only its serial port */
	int has_port;               /* that port answers */
	struct { struct screen screen; struct keyboard keyboard; } console;
	int command_pid;            /* of the first program; 0: none was started, and there are no streams */
	struct pipe *in, *out, *err;
	uint32_t credit;            /* bytes that the host may still send */
	uint64_t started_at;        /* the first program, ns of clock_ns */
	int short_lives;            /* of it, one after the other */
	int waits, status;          /* a key is waited for, to end with that status */
	size_t room;                /* of the terminal's input before that key */
	int tracing;                /* the gate's trace is on */
	int input_ended, blocked;   /* blocked: the transmitter had no room at the last try */
	uint32_t parked_size, parked_done; /* input that the reader's side had no room for */
	uint8_t parked[CHANNEL_PAYLOAD];
	uint8_t buffer[INIT_BUFFER];
};

/* In the first env, behind the scratch window. */
#define PRIVATE_INIT (PRIVATE_SCRATCH + SCRATCH_PAGES * EXO_PAGE_SIZE)
#define INIT_PAGES   ((sizeof(struct init) + EXO_PAGE_SIZE - 1) / EXO_PAGE_SIZE)
#define INIT         ((struct init *)(PRIVATE_BASE + PRIVATE_INIT))
_Static_assert(PRIVATE_INIT + sizeof(struct init) <= 0x200000, "one level-1 table");

/* Reads aril.conf; what it does not say is left at its default. Malformed lines are logged and skipped (the loader refuses them first). */
void init_config_read(struct init_config *c, const char *text, size_t size);

/* Starts what aril.conf names: 0, or the status that the machine ends with. */
int init_command(struct init *in);

/* The first program has ended, or could not be started: what aril.conf wants then. */
void init_ended(struct init *in, int status);
/* The end, if a key is waited for and was pressed. */
void init_key_look(struct init *in);
/* Tells the host, and switches the machine off. Does not come back. */
void init_finish(struct init *in, int status);

/* Opens the channel, or COM1. A machine without them goes on without. */
void init_io_open(struct init *in);
/* Moves bytes both ways as far as there is room; never blocks. */
void init_io_pump(struct init *in);
/* Blocks (busy) until everything that programs wrote and init queued is out. */
void init_io_drain(struct init *in);
/* One frame to the host, waiting for room; nothing without a channel. */
void init_io_frame(struct init *in, char type, const void *data, size_t n);

/* Opens screen and keyboard, if they are wanted and there; shows the boot log. */
void init_console_open(struct init *in);
/* Bytes that the terminal says; the pixels follow with the pump, which also takes keys after their interrupt. */
void init_console_put(struct init *in, const void *bytes, size_t n);
void init_console_pump(struct init *in, uint32_t irq);
void init_console_drain(struct init *in);
/* When the pump wants to be called next, ns of clock_ns; 0 = not before an event. */
uint64_t init_console_deadline(const struct init *in);

/* Sends one file to the host: B, D..., N. */
void init_get(struct init *in, const char *path);
/* The gate's trace, if aril.conf asks for it: on, before COMMAND starts; off and sent to the host (R), when it has ended. */
void init_trace_begin(struct init *in);
void init_trace_end(struct init *in);
#endif
