/* SPDX-License-Identifier: MIT */
/* An epoll and its watches, shared by the calls (epoll.c) and the lists (epoll_list.c). All under the family lock. */
#ifndef POSIX_EPOLL_H
#define POSIX_EPOLL_H
#include <linux/eventpoll.h>
#include <fs/files.h>

struct watch {
	struct waiter waiter;          /* the first: in the list of what is watched */
	struct watch *chain;           /* of the same place in the epoll's table */
	struct watch *file_next, **file_at; /* of the same file */
	struct watch *ready_next, **ready_at; /* of those to be asked; ready_at NULL: not one of them */
	struct epoll *epoll;
	struct file *file;
	int fd, is_told;
	uint32_t events, told;         /* told: mask of the last report, for edges */
	uint64_t data, seen;           /* seen: edges_of at that time */
	uint64_t tells;                /* times that it was told something */
};

struct epoll {
	struct watch **table;          /* by descriptor: a power of two, or NULL */
	uint32_t size, count;
	struct watch *ready, **ready_end; /* whoever may have news; all others have none */
	struct file *file;             /* its own, which holds it */
	struct wait_list waits;        /* of that file */
	uint64_t tells;
};

/* ---- epoll_list.c */
struct watch *watch_find(const struct epoll *e, const struct file *f, int fd); /* NULL */
struct watch *watch_new(struct epoll *e, struct file *f, int fd); /* in all lists but the ready ones; NULL: no memory */
void watch_free(struct watch *w);
void watches_free(struct epoll *e);                /* all of them */
void watch_arm(struct watch *w, uint32_t events);  /* from now on it is for these; it is asked at once */
void ready_join(struct watch *w);                  /* behind all others */
void ready_leave(struct watch *w);
uint32_t news_of(struct watch *w);                 /* what a wait would report of it now */
void told_set(struct watch *w, uint32_t ready);    /* that was reported */
/* How many epolls stand above e, and below f, itself counted: NESTING at most, which is told of a ring, too. */
#define NESTING 6
int  epolls_above(const struct epoll *e);
/* How many epolls lead to a file that is none, f itself counted; negative: there is no such file below. */
#define NESTING_OF_FILES 5
int  epolls_to_file(const struct file *f);
int  epolls_below(const struct file *f, const struct epoll *not);
extern const struct file_ops epoll_ops;
#endif
