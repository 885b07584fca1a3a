/* SPDX-License-Identifier: MIT */
/* Private to process 1 (init*.c): the streams between the first program and the rings, and how all ends. What
 * aril.conf asked for stands, without the nonce, where the monitor alone writes. */
#ifndef LINUX_INIT_H
#define LINUX_INIT_H
#include <dev/keyboard.h>
#include <family/monitor.h>
#include <family/process.h>
#include <posix/process/task.h>

#define INIT_ARGS    64
#define INIT_GETS    32
#define INIT_TEXT    32768 /* bytes of all configured strings */
#define LEAVE_NS     600000000000u /* who reads what comes out may pause so long, at the end */

enum init_mode {
	INIT_CONSOLE, /* screen and keyboard are a terminal, and so is COM1: what there is of them */
	INIT_TTY,     /* the host's terminal, over the channel */
	INIT_PIPE,    /* three pipes, over the channel */
	INIT_SCRIPT,  /* the same, for a shell that reads its script from standard input */
};

/* What comes when the first program has ended, and what the monitor does when its family is damaged beyond repair. */
enum init_end { INIT_END_DEFAULT, INIT_END_OFF, INIT_END_AGAIN, INIT_END_WAIT };

struct init_config {
	enum init_mode mode;
	int has_channel;            /* COM2 leads to the test driver */
	int by_channel;             /* what the run decides comes over it: monitor_run.c */
	int strace;                 /* log of calls, over the channel */
	int has_serial, has_screen; /* wanted as a console */
	int trace;                  /* the gate's, for the host */
	int font;                   /* screen pixels a font pixel, 0: as the screen's height wants */
	enum init_end end;
	enum keyboard_layout layout;
	int exit_port;              /* written with the status at the end (QEMU's isa-debug-exit), 0 = none */
	int rows, columns;          /* 0: the screen's */
	int unpack;                 /* so many first bytes of the input are an archive for tar, before the first program */
	char term[64];
	int arg_count, get_count;
	char *arg[INIT_ARGS + 1];
	char *get[INIT_GETS];
	char complaints[600];       /* about aril.conf, for the screen */
	size_t text_used;
	char text[INIT_TEXT];
};

/* All that the monitor says: at MONITOR_BASE. */
struct init_said { struct said said; struct init_config config; };
#define CONFIG (&((struct init_said *)MONITOR_BASE)->config)

/* What members tell process 1, in family memory: F->init. */
struct init_news {
	int command_pid;            /* of the first program; 0: none was started */
	int off_requested, off_again;
	char last_words[256];       /* why COMMAND died, for the host's stderr */
};

/* In process 1's env, behind the scratch window. */
struct init {
	struct init_news *news;
	int command_pid;            /* of the first program; 0: none was started, and there are no streams */
	const char *command;        /* its argv[0] */
	/* tar runs first: command_pid is its, and the streams are; or it has ended, and what is left of its archive is
	 * skipped. */
	enum { UNPACKS_NOT, UNPACKS, UNPACKS_REST } unpacks;
	uint32_t archive_left;      /* bytes of the archive that it has not got */
	struct pipe *in, *out, *err;
	uint64_t started_at;        /* the first program, ns of clock_ns */
	int short_lives;            /* of it, one after the other */
	int waits, status;          /* a key is waited for, to end with that status */
	size_t room;                /* of the terminal's input before that key */
	struct { uint32_t taken; uint64_t since; int is_stuck; } leave; /* what the monitor had taken, since when */
	struct pipe *to_agent, *from_agent; /* of a box's agent: init_agent.c. NULL: none was started */
	int agent_pid;              /* 0: it has ended */
	int input_ended;
	uint32_t resized;
	uint8_t buffer[FRAME_MAX];
};

#define PRIVATE_INIT (PRIVATE_SCRATCH + SCRATCH_PAGES * EXO_PAGE_SIZE)
#define INIT_PAGES   ((sizeof(struct init) + EXO_PAGE_SIZE - 1) / EXO_PAGE_SIZE)
#define INIT         ((struct init *)(PRIVATE_BASE + PRIVATE_INIT))

/* What the machine is to do, as process 1 answers when the monitor asks. */
enum init_answer { ANSWER_STATUS = 1, ANSWER_OFF, ANSWER_RESET };

/* Starts what aril.conf names: 0, or the status that the machine ends with. */
int init_command(struct init *in);
/* A program with the first one's environment; it owns `files` from now on. NULL: *error, -errno. */
struct task *init_spawn(const char *path, char *const argv[], struct file_state *files, int *error);
/* The same, but what the host sends first is unpacked before; and when that has ended. Its status is told to the host,
 * behind what tar said. */
int init_begin(struct init *in);
int init_unpacked(struct init *in);
void init_unpack_tell(struct init *in, int status);
/* The first program has ended, or could not be started: what aril.conf wants then. */
void init_ended(struct init *in, int status);
/* The end, if a key is waited for and was pressed. */
void init_key_look(struct init *in);
/* Sends what the host wants, and says that the machine ends with this status. Does not come back. */
void init_finish(struct init *in, int status) __attribute__((noreturn));
/* Moves bytes both ways as far as there is room; never blocks. True when something is left that found no room. */
int init_io_pump(struct init *in);
/* The next bytes of a ring from index `at` on, up to its edge: how many; *from: where. */
uint32_t init_ring_piece(const volatile uint8_t *ring, uint32_t size, uint32_t at, uint32_t put, const uint8_t **from);
/* Bytes of a stream to the host, as frames of that type; NULL: the terminal's. True: some found no room. */
int init_io_stream(char type, struct pipe *p);
/* Lets the monitor run until all that programs wrote is in its hands, or it takes no more (LEAVE_NS). */
void init_io_drain(struct init *in);
/* One frame to the host, waiting for room as long. */
void init_io_frame(char type, const void *data, size_t n);
/* Sends one file to the host: B, D..., N. */
void init_get(struct init *in, const char *path);
/* In a box: what `box exec` says goes to an agent, which is started for it, and what that says back; process `pid` has
 * ended, which may be the agent. */
void init_agent_look(struct init *in);
void init_agent_pump(struct init *in);
int  init_agent_output(struct init *in);
void init_agent_ended(struct init *in, int pid);
/* posix/parts.h: first, events, monitor. */
void init_main(void);
void init_events(void);
void monitor_main(void) __attribute__((noreturn));
#endif
