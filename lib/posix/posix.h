/* SPDX-License-Identifier: MIT */
/* The seam of the library OS: what its process half (env, pager, exec, fork, signals, scheduler) and its file half
 * (vfs, tmpfs, pipes, tty, /proc) promise one another. The library has no writable data of its own: per-process state
 * is `P`, the family's is `F`.
 *
 * Locking: one family lock, taken by the dispatcher around every call that syscall.def does not mark FAST, and by
 * init around its work. Single holder; sleep_on() drops it while asleep. The pager runs under it too (it takes it
 * only when this env does not hold it already), so whoever touches user memory keeps family structures consistent at
 * that point.
 * */
#ifndef POSIX_POSIX_H
#define POSIX_POSIX_H
#include <stddef.h>
#include <stdint.h>
#include <base/duration.h>
#include <family/memory.h>
#include <rt/log.h>
#include <run/run.h>
#include <run/needs.h>
#include <vm/needs.h>
#include <vm/vm.h>
#include <fs/call.h>
#include <tty/needs.h>

#define PROC_MAX 4080
#define FD_MAX   1048576 /* Linux's nr_open */
#define FD_SOFT  1024    /* what a first process may have open, until it asks for more */

struct inode;
struct file;
struct fdtable;
struct task;    /* family record of one process: pid, parent, state, signals pending, file state: in task.h */

/* ---- promised by the process half ---- */

/* Identity of the caller. */
int  current_ppid(void); /* the others: fs/needs.h, tty/needs.h */
struct task *current_task(void);
uint32_t current_threads(void);            /* how many the caller's process has */
struct task *task_first(void);
struct task *task_next(struct task *t);
struct task *task_by_pid(int pid);

/* What /proc shows of a task. */
struct task_view {
	int tracer;             /* the process that traces it, 0 = none */
	int tid, pid, ppid, pgrp, session, exit_status; /* tid: the pid, unless a thread was asked for */
	char state;             /* R S T t Z */
	char name[16];          /* comm */
	uint32_t threads;
	int nice;
	uint64_t start_ns, run_ns, vsize, rss_pages;
	uint64_t user_ns, system_ns, child_user_ns, child_system_ns, faults, child_faults;
	uint64_t pending, blocked, ignored, caught; /* signals below 32 */
	int policy, priority, rank, exit_signal; /* rank: the priority, or a higher one that it inherits */
	struct file_state *files;
	struct places *places;
	struct inode *exe;      /* all three may be NULL */
};
void task_look(struct task *t, struct task_view *out);
/* The same by the number of any thread, whose own name, state and time they are then: 0 or -ESRCH. */
int  thread_look(int tid, struct task_view *out);
int  thread_tid_from(int pid, int from); /* the lowest tid of a process that is not below; 0 = none */
int  thread_rename(int tid, const char *name, size_t n); /* of the caller's process: 0 or -EINVAL */
int  current_tid(void);
/* The caller's process, which has one thread, has its descriptors, or its places, for itself then: 0, -EMFILE (more are
 * open than its limit is), -ENOMEM. */
int files_unshare(void), places_unshare(void);
/* file_read or file_write with RWF_ flags; -EOPNOTSUPP: one that is not known, or not to be had of this file.
 * fs_rw_calls.c. MAY SLEEP. */
struct file;
struct io;
long move_with(struct file *f, struct io *io, uint64_t *at, int writes, uint32_t flags);
/* Bytes that a read (0) or a write (1) of the caller moved, or -errno: for /proc/PID/io. */
void io_note(int writes, long n);
/* uname's field of that name (ostype, osrelease, version, hostname, domainname), in name; and another host or domain
 * name: 0, -EINVAL, -ENOMEM. */
const char *system_name(const char *field, char name[65]);
long system_rename(const char *text, size_t n, int domain);
#define PID_END 4194304                    /* no process or thread has a number from there on */
/* load.c: how many threads were runnable, on the average of 1, 5 and 15 minutes, times 2048; what processes that are
 * gone used. */
void runnable_average(uint32_t to[3]);
struct usage_gone { uint64_t user_ns, system_ns, faults, forks, switches; } tasks_gone(void);
/* Text of /proc/self/maps for the caller: bytes written. */
size_t maps_text(char *to, size_t max);

/* binfmt.c: formats that a user registers. number: of one, or 0: of all. */
#define BINFMT_LINE_MAX 1920
int    binfmt_register(const char *line, size_t n);           /* 0, -EINVAL -EEXIST -ENOMEM */
int    binfmt_command(int number, const char *text, size_t n); /* "0" off, "1" on, "-1" away: 0, -EINVAL, -ENOENT */
size_t binfmt_text(int number, char *to, size_t max);          /* what /proc shows; 0 when it is gone */
int    binfmt_number(const char *name, size_t n);              /* 0: none */
int    binfmt_next(int after, const char **name);              /* the lowest number above: 0 when there is none */

/* ---- promised by the file half ---- */

/* Family's file system: made once by the first env; then the root image at ROOTIMG_BASE is "/" with copy-up into
 * memory. 0 or -errno. */
struct fs_ops;
int fs_init(const void *image, size_t size, const struct fs_ops *const *kinds);

/* A process's descriptors and places (folder, root, umask): they live in family memory, pointed to by struct task. */
struct file_state *files_new(void);                          /* empty; its places: "/", umask 022 */
/* A copy with the same open files, without places; NULL: *error is -EMFILE (more than fs.nr_open), -ENOMEM. */
struct file_state *files_fork(struct file_state *of, int *error);
void files_exec(struct file_state *fs);                      /* closes close-on-exec */
void files_free(struct file_state *fs);                      /* closes everything; not its places */
int  files_open_inode(struct file_state *fs, struct inode *ip); /* a descriptor to read it, or -errno */

/* Path to inode with a reference held (follows symlinks): 0 or -errno. For exec: also checks for a regular file and x
 * permission (-EACCES) that nobody writes (-ETXTBSY). */
int  inode_lookup(const char *path, struct inode **out);
int  inode_lookup_exec(const char *path, struct inode **out);
int  path_is_symlink(const char *path);                           /* its last component */
/* reference held, NULL for /dev/zero; -EBADF, -EACCES when it cannot be read, -ENODEV when it cannot be mapped */
int  inode_of_fd(int fd, struct inode **out, int *open_flags);
/* a process runs it: a reference, and nobody opens it for writing */
void inode_run(struct inode *ip), inode_run_end(struct inode *ip);
int  inode_written_by_map(const struct inode *ip);   /* no seal forbids it */
uint64_t inode_number(struct inode *ip);
long inode_read(struct inode *ip, void *to, size_t n, uint64_t at); /* library memory; bytes or -errno */
/* the same the other way; of a regular file of the tree */
long inode_write(struct inode *ip, const void *from, size_t n, uint64_t at);
/* reads as zeros from then on, and takes no room where it can: 0, -ENOSPC */
int  file_punch(struct inode *ip, uint64_t at, uint64_t n);
int  file_resize(struct inode *ip, uint64_t size);                  /* 0, -ENOSPC, -EFBIG */
/* an empty regular file of the caller's folder, made or emptied, reference held; -EEXIST: another kind */
int  file_in_cwd(const char *name, uint32_t mode, struct inode **out);
/* memory of that size without a name, reference held: 0, -ENOMEM */
int  inode_segment(uint64_t size, struct inode **out);
uint32_t inode_references(struct inode *ip);
long inode_path(struct inode *ip, char *to, size_t max);            /* best-known absolute path: length */
/* Descriptors for init: opens on behalf of the given file state. */
int  files_open_tty(struct file_state *fs);                    /* 0,1,2 = the console tty */
struct pipe;
int  files_open_pipes(struct file_state *fs, struct pipe *in, struct pipe *out, struct pipe *err); /* 0,1,2 */
struct pipe *pipe_new(void);
size_t pipe_put(struct pipe *p, const void *from, size_t n);   /* never blocks: bytes taken */
size_t pipe_take(struct pipe *p, void *to, size_t n);          /* never blocks: bytes given */
size_t pipe_room(struct pipe *p), pipe_fill(struct pipe *p);
void pipe_close_writer(struct pipe *p);                        /* init's own end */
int  pipe_has_reader(struct pipe *p), pipe_has_writer(struct pipe *p);

/* Console tty: init feeds input and drains output; line discipline inside. */
void   tty_input(const void *bytes, size_t n);                 /* echo, editing, signals happen here */
size_t tty_take_output(void *to, size_t max);                  /* bytes for the terminal */
size_t tty_output_fill(void);
void   tty_set_size(int rows, int columns);
void   tty_hangup(void);                                       /* input has ended: reads return 0 for ever */
size_t tty_input_room(void);                                   /* how many bytes may be fed without loss */
/* empty and in the mode of a new one; 0: every key counts, unseen */
void   tty_reset(int lines);
/* straight to the terminal, with CR added (crash lines) */
void   console_message(const char *text, size_t n);

#endif
