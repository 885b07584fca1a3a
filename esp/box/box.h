/* SPDX-License-Identifier: MIT */
/* Private to `box`: a command in a family of its own (lib/fs/box.h). It speaks with the box's monitor as the host does
 * with the machine's, by frames of the channel: type, 16 bits of length (little-endian), payload. */
#ifndef ESP_BOX_H
#define ESP_BOX_H
#include <stddef.h>
#include <stdint.h>
#include <fs/box.h>
#include "exec.h"

#define STATUS_OWN  125 /* as env(1) and timeout(1): what is this program's fault */
#define PAYLOAD     8192
#define TEXT_MAX    16384
#define FILES       64
#define TAR_FIRST   7

/* `box exec`s that are under way: those that have come to this box's socket, and what its agent has begun to say. */
struct execs {
	int listener; /* -1: there is none */
	uint32_t credit; /* bytes that the agent has room for */
	size_t from_agent_fill;
	uint8_t from_agent[EXEC_HEAD + EXEC_DATA];
	struct exec_client {
		int fd; /* -1: none */
		uint16_t number;
		size_t fill;
		uint8_t in[FRAME_HEAD + EXEC_DATA];
	} client[EXEC_SESSIONS];
};

struct box {
	int fd, is_terminal, is_app, is_readonly, input_ended, is_over;
	int app; /* the file of its library OS, which is sent; -1: none is */
	size_t app_size;
	int archive; /* -1: none, or all of it is sent */
	size_t file_count;
	char *files[TAR_FIRST + FILES + 1]; /* tar's arguments, the first ones for its options */
	uint32_t credit;
	int status;
	char name[BOX_NAME_SIZE], nonce[17];
	size_t text_size;
	char text[TEXT_MAX];
	size_t in_fill;
	uint8_t in[3 + PAYLOAD];
	struct execs execs;
};

/* ---- io.c */
/* One line on the standard error, and the end with STATUS_OWN. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* All n bytes: false when they could not be written, with errno. */
int all_write(int fd, const void *from, size_t n);
/* To standard output or error: who has no reader any more ends by SIGPIPE, and what it holds with it. */
void output_write(int fd, const void *from, size_t n);
void frame_write(int fd, char type, const void *data, size_t n);
/* The whole frames that have come: to `take`; one with more than `most` bytes is `name`'s fault. What is left lies at
 * the beginning of `in`. */
void frames_take(uint8_t *in, size_t *fill, size_t most, const char *name,
	void (*take)(void *to, char type, const uint8_t *data, size_t n), void *to);
/* This terminal passes on what is typed, until the end of this program, which restores it. */
void terminal_take(void);
void terminal_restore(void);
/* ^C and its like: `end`. What makes a poll end, and whether the terminal has another size since it was asked last. */
void signals_set(int is_terminal, void (*end)(int sig));
extern int signal_pipe[2];
int terminal_has_changed(void);
/* Rows and columns, 16 bits each: true; false: standard input is no terminal. */
int terminal_size(uint8_t word[4]);
/* Who reads from a terminal in the background is stopped; nobody says when a job comes to the front. */
#define FRONT_LOOK_MS 200
int is_in_background(void);

/* ---- app.c: another library OS for it */
/* By a name in /aril or by the path of its file; `text`, BOX_NAME_SIZE bytes, is what its maker is told. Sets app,
 * app_size and is_app: it takes settings, but neither command nor files nor a terminal. */
void app_find(struct box *b, char *text, const char *name);
/* Its file, if it has none in the root image. */
void app_send(struct box *b);

/* ---- settings.c */
/* What --file names, as names[n]: from the root on, as tar wants to find it again. */
void file_add(char **names, size_t n, const char *path);
/* What is to run, with its files, and that it may. */
void settings_send(struct box *b, char **argv);
void go_send(struct box *b);

/* ---- run.c */
/* Sends what is to run, and moves bytes until the box has ended: the status of its command. */
int box_run(struct box *b, char **argv);

/* ---- exec.c: other commands in the same box */
/* Where they come to: of the box that bears this name. */
void execs_open(struct execs *e, const char *name);
/* What is to be polled, at most EXEC_POLLS; and what is done when it was. */
#define EXEC_POLLS (1 + EXEC_SESSIONS)
struct pollfd;
size_t execs_poll(const struct execs *e, struct pollfd *p);
void execs_serve(struct box *b, const struct pollfd *p, size_t n);
/* What the box's agent says. */
void execs_take(struct execs *e, const uint8_t *data, size_t n);
/* box exec: the status of the command. */
int exec_run(char **argv);
#endif
