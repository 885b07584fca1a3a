/* SPDX-License-Identifier: MIT */
/* The trees of /proc and /sys: one row a node (proc_tree.c, sys_tree.c). What a row's file says is made when it is
 * read, by its function, in Linux's formats. */
#ifndef POSIX_PROC_H
#define POSIX_PROC_H
#include <fs/files.h>

struct text { char *to; size_t max, n; };
void say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_bytes(struct text *t, const void *from, size_t n);

typedef void proc_text(struct text *t, const struct proc_node *of);

struct shown {
	const char *name;
	uint32_t mode;
	const struct shown *in;          /* of a directory: its rows, up to one without a name */
	proc_text *text;                 /* of a file, or of a link that names a path */
	const char *fixed;               /* the same, when it never changes */
	/* A write, at least one byte: what it is refused by, or 0. Absent: -EACCES. */
	long (*take)(const struct proc_node *of, const char *text, size_t n);
	/* of a link that leads to a place by itself: 0 with references, or -errno */
	int (*jump)(const struct inode *link, struct place *out);
	const struct shown_more *more;   /* of a directory: names that come and go, behind those of `in` */
	/* of a file without a text: its bytes are of a process's memory. As read and write. MAY SLEEP. */
	long (*move)(const struct proc_node *of, struct io *io, uint64_t at, int writes);
	long (*control)(struct file *f, unsigned request, uint64_t arg); /* ioctl; absent: -ENOTTY */
	uint8_t is_big;                  /* its text may be longer than 64 KiB */
};

struct shown_more {
	int (*find)(struct inode *dir, const char *name, size_t n, struct inode **out); /* -ENOENT */
	/* The first name whose number is not below *number: writes it, its row, what it is of, and its number. 0: none. */
	int (*next)(const struct inode *dir, uint64_t *number, char name[64], const struct shown **row,
		struct proc_node *of);
};

#define DIRECTORY(name, rows)    { name, S_IFDIR | 0555, .in = rows }
#define TEXT(name, function)     { name, S_IFREG | 0444, .text = function }
#define FIXED(name, words)       { name, S_IFREG | 0444, .fixed = words }

/* An inode for that row, child of dir: 0 or -ENOMEM. proc_fs.c */
int proc_node_make(struct inode *dir, const struct shown *row, int pid, int fd, struct inode **out);
/* A number in decimal without leading zeros, below a million; else -1. */
long proc_number(const char *name, size_t n);

/* proc_maps.c: one region as maps shows it: its length. */
struct region;
size_t region_line(const struct region *r, char *to, size_t max);

extern const struct shown proc_root, sys_root, cgroup_root;
/* Whose folder of /proc an open file is: NULL when he is gone, or *is_folder is 0 and it is none. proc_tree.c */
struct task *proc_task_of(const struct file *f, int *is_folder);
/* proc_fs.c: the kinds that show them. */
extern const struct fs_ops proc_kind, sysfs_kind, cgroup_kind, efivars_kind;
/* proc_tree.c: what stands in /proc/sys/fs/binfmt_misc */
extern const struct shown binfmt_rows[];
extern const struct shown_more binfmt_names;

/* proc_text.c: of a process or thread (of->pid), and of the machine */
proc_text text_stat, text_statm, text_status, text_cmdline, text_comm, text_maps;
/* proc_mounts.c */
proc_text text_mounts, text_mountinfo, text_filesystems;
proc_text text_meminfo, text_swaps, text_uptime, text_all_stat, text_loadavg, text_version, text_aril,
	text_aril_hardware,
	text_vmstat;
long take_comm(const struct proc_node *of, const char *text, size_t n);
/* cpu_text.c */
proc_text text_cpuinfo, text_cache;
unsigned cpu_caches(void);       /* how many there are: of->fd of text_cache's rows, eight for each */
/* process/show.c: what only the process half knows */
proc_text text_limits, text_smaps, text_smaps_rollup, text_auxv, text_environ, text_io, text_wchan, text_oom_score,
	text_oom_score_adj, text_timerslack,
	text_coredump, text_personality, text_children, text_schedstat, text_fdinfo, text_tables;
/* process/tables.c: of the caller */
proc_text tables_text;
void text_status_more(struct text *t, const struct proc_node *of);
long take_oom_score_adj(const struct proc_node *of, const char *text, size_t n);
long take_timerslack(const struct proc_node *of, const char *text, size_t n);
long take_coredump(const struct proc_node *of, const char *text, size_t n);
/* proc_report.c: of nobody */
long move_report(const struct proc_node *of, struct io *io, uint64_t at, int writes);
/* process/remote.c */
long move_memory(const struct proc_node *of, struct io *io, uint64_t at, int writes);
long move_pagemap(const struct proc_node *of, struct io *io, uint64_t at, int writes);
/* proc_sysctl.c: /proc/sys */
extern const struct shown sysctl_rows[];
/* lib/fs/fs_lock.c, socket.c, sysv */
proc_text text_locks, text_net_unix, text_sysvipc_shm, text_sysvipc_sem, text_sysvipc_msg;
#endif
