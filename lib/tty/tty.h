/* SPDX-License-Identifier: MIT */
/* State of a terminal, the console or a pseudo-terminal's, shared by its line discipline (tty_line.c), its file side (tty.c, tty_ioctl.c) and its host side (tty_host.c). */
#ifndef POSIX_TTY_H
#define POSIX_TTY_H
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <fs/files.h>

#define TTY_IN   4096u   /* powers of two */
#define TTY_OUT  32768u
#define TTY_ECHO 1024u   /* of TTY_OUT: room that only echo may use */
#define TTY_EOF  0       /* stands in the input where EOF was typed, marked as a line's end */

struct window_size { unsigned short rows, columns, x, y; };
_Static_assert(sizeof(struct window_size) == 8, "TIOCGWINSZ");
_Static_assert(sizeof(struct termios) == 36, "TCGETS");

struct tty {
	struct inode *console;         /* of the console: /dev/console, held */
	struct tty *next;              /* all pseudo-terminals */
	int number;                    /* of /dev/pts; NO_PTS: the console */
	uint32_t slaves, slave_opens;  /* open files of a pseudo-terminal's slave, now and ever */
	uint8_t locked, has_master;
	uint8_t packets, news;         /* TIOCPKT; what its master is told by the next read: TIOCPKT_ bits */
	uint8_t exclusive[2];          /* TIOCEXCL of the slave or console, and of the master; root opens it all the same */
	struct termios mode, held;     /* held: TIOCSLCKTRMIOS, the bits and characters of mode that stay */
	struct window_size window;
	uint32_t speed_in, speed_out;  /* bits a second, which nothing here depends on */
	int session, pgrp;             /* 0: nobody's */
	uint32_t tail, canon, head;    /* input: read up to tail; whole lines end at canon; received up to head */
	uint32_t out_head, out_tail;
	uint32_t column, canon_column; /* of the cursor; where the line being typed began */
	uint8_t quoted;                /* the last byte was LNEXT */
	uint8_t stopped, ended;        /* ended: no more input will come */
	struct wait_list waits;        /* of either side */
	uint8_t line_end[TTY_IN / 8];
	uint8_t in[TTY_IN];
	uint8_t out[TTY_OUT];
};

#define NO_PTS (-1)
#define TTY_PAGES ((sizeof(struct tty) + PAGE - 1) / PAGE)

#define MODE_I(t, bit) ((t)->mode.c_iflag & (bit))
#define MODE_O(t, bit) ((t)->mode.c_oflag & (bit))
#define MODE_L(t, bit) ((t)->mode.c_lflag & (bit))

/* tty_line.c */
void line_receive(struct tty *t, uint8_t c);
void line_mode_changed(struct tty *t, unsigned old_lflag);
void line_flush(struct tty *t);
int  line_ready(struct tty *t, unsigned want);       /* want: bytes, when lines do not matter */
unsigned line_waiting(const struct tty *t);
size_t line_take(struct tty *t, uint8_t *to, size_t max); /* canonical: at most to a line's end; *to may receive 0 bytes for EOF */

/* tty_echo.c */
/* One byte through output processing; 0 when there is no room for it. keep: bytes of room that must remain. */
int  line_output(struct tty *t, uint8_t c, uint32_t keep);
void tty_raw_out(struct tty *t, uint8_t c);          /* room was looked for */
void echo_plain(struct tty *t, uint8_t c);
void echo_char(struct tty *t, uint8_t c);            /* control characters as ^X where the mode says so */
void echo_text(struct tty *t, const char *text);

static inline int is_control(uint8_t c)
{
	return c < 32 || c == 127;
}

/* Letters are Latin 1's, whatever the terminal's encoding is. */
static inline int is_upper(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static inline int is_lower(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
}

static inline int is_inside_utf8(const struct tty *t, uint8_t c)
{
	return MODE_I(t, IUTF8) && (c & 0xc0) == 0x80;
}

static inline struct tty *the_tty(void) { return fs_family()->tty; } /* the console */
static inline uint32_t tty_room(const struct tty *t) { return TTY_OUT - (t->out_head - t->out_tail); }

/* Something changed for who sleeps there, or waits at either side. */
static inline void tty_wake(struct tty *t, void *channel)
{
	wake_up(channel);
	waiters_tell(&t->waits, WAIT_ANY);
}

/* pty.c: its master is told by TIOCPKT, if it wants to know. */
void pty_tell(struct tty *t, unsigned news);
long tty_exclusive(uint8_t *flag, unsigned request, uint64_t arg); /* TIOCEXCL, TIOCNXCL, TIOCGEXCL */
void tty_stop(struct tty *t, int on);                 /* output stops or goes on; waking is the caller's */

/* tty.c */
struct wait_list *tty_waits(struct file *f);           /* of the master's, too */
struct file *tty_file(struct tty *t, struct inode *ip, unsigned flags); /* NULL */

/* tty_host.c */
struct tty *tty_new(int number);                      /* as Linux sets a new terminal up; NULL */
size_t tty_output_take(struct tty *t, void *to, size_t max);
size_t tty_output_waits(const struct tty *t);
size_t tty_keys_room(const struct tty *t);
void tty_keys(struct tty *t, const void *bytes, size_t n); /* no more than there is room for */
void tty_end(struct tty *t);                          /* nothing more will be typed */

/* pty.c */
/* Any of them, by its device number: fs_family()->terminal_open. */
int  terminal_open(struct inode *ip, unsigned flags, struct file **out);
int  pty_open_master(struct inode *ip, unsigned flags, struct file **out);
int  pty_open_slave(struct inode *ip, unsigned flags, struct file **out);
void pty_close_slave(struct tty *t);

/* tty_job.c */
void tty_adopt(struct tty *t);                        /* to the caller's session, if no living one owns it */
/* Is the caller of the group that may use the terminal? 0, -EIO, or -ERESTARTSYS after the group was sent sig. */
int tty_check(struct tty *t, int sig);
long tty_set_group(struct tty *t, int pgrp);           /* -ENOTTY -EPERM -ESRCH -EINVAL */
long tty_get_group(struct tty *t, int *pgrp);
long tty_claim(struct tty *t, int steal);            /* makes it the controlling terminal of the calling session leader */
long tty_disown(struct tty *t);
int  tty_is_ours(const struct tty *t);                /* the controlling terminal of the calling session */
struct tty *tty_of_session(int session);              /* NULL */
long tty_ioctl(struct file *f, unsigned request, uint64_t arg);
#endif
