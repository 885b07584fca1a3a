/* SPDX-License-Identifier: MIT */
/* The seam of the library OS: what its process half (env, pager, exec, fork, signals, scheduler) and its file half (vfs, tmpfs, pipes, tty, /proc)
 * promise one another. The library has no writable data of its own: per-process state is `P`, the family's is `F`.
 *
 * Locking: one family lock, taken by the dispatcher around every call that syscall.def does not mark FAST, and by init around its work. Single
 * holder; sleep_on() drops it while asleep. The pager runs under it too (it takes it only when this env does not hold it already), so whoever
 * touches user memory keeps family structures consistent at that point.
 */
#ifndef POSIX_POSIX_H
#define POSIX_POSIX_H
#include <stddef.h>
#include <stdint.h>
#include <base/duration.h>
#include <exo/layout.h>
#include <rt/log.h>

/* ---- address map of a member of the family */
#define LINUX_TEXT    (EXO_HOMES_BASE)                     /* home: library and app image, read-only, live in all members */
#define FAMILY_BASE   (LINUX_TEXT + EXO_HOME_SIZE)         /* home: family segment, live read-write in all members */
#define ROOTIMG_BASE  (FAMILY_BASE + EXO_HOME_SIZE)        /* home: root image, read-only (where the loader puts it) */
#define CONFIG_BASE   (ROOTIMG_BASE + EXO_HOME_SIZE)       /* home: aril.conf page(s) and the first env's stack; first env only */
#define MONITOR_BASE  (CONFIG_BASE - (4ul << 20))          /* the root image's home, below the loader's report: what the monitor says (family/monitor.h) */
#define PRIVATE_BASE  (510ul * EXO_HOME_SIZE)              /* slot 0, last GiB but one: struct process, library stack, scratch; never sealed */
#define USER_END      (509ul * EXO_HOME_SIZE)              /* slot 0: what programs may map lies below */

#define PROC_MAX 1024
#define FD_MAX   1048576 /* Linux's nr_open */
#define FD_SOFT  1024    /* what a first process may have open, until it asks for more */

struct inode;
struct file;
struct fdtable;
struct task;    /* family record of one process: pid, parent, state, signals pending, file state: in task.h */
struct process; /* this env's private page(s): registers, regions: in process.h */

/* ---- promised by the process half ---- */

/* Family memory: zeroed, 16-byte aligned (fam_alloc) or page-aligned (fam_pages), valid in every member; NULL when refused. */
void *fam_alloc(size_t size);
void  fam_free(void *p);
void *fam_pages(size_t count);
void  fam_pages_free(void *p, size_t count);
uint64_t fam_pages_used(void);
/* So many more pages may be taken before only `quarters` of the reserve are left, which is there for those who must go on. */
enum room { ROOM_FEW = 1, ROOM_FILES = 2, ROOM_CONTENT = 4 }; /* an open file of who has few; of who has many; what programs fill at will */
uint64_t fam_room(enum room quarters);
void *fam_content(size_t count); /* fam_pages for contents of files and messages: stops before the reserve */
/* Who does much under the family lock shows by this that it gets on: else the monitor ends it (lock.c). */
void family_progress(void);

/* User memory: 0 or -EFAULT; faults are served on the way. user_str copies a NUL-terminated string: its length, -EFAULT, or -ENAMETOOLONG. */
int  user_read(void *to, uint64_t from, size_t n);
int  user_write(uint64_t to, const void *from, size_t n);
long user_str(char *to, uint64_t from, size_t max);

/* Sleep until wake_up(channel), a signal, or deadline (ns of clock_ns, 0 = none): 0 woken, -ETIMEDOUT; -EINTR without having slept when a signal is
 * pending. Callers re-check their condition in a loop, so what came together with a signal is seen first. Drops and retakes the family lock. wake_up also wakes everyone who sleeps on POLL_CHANNEL. */
#define POLL_CHANNEL ((void *)1)
int  sleep_on(void *channel, uint64_t deadline);
void wake_up(void *channel);

/* ns since boot, and ns since 1970. */
uint64_t clock_ns(void);
uint64_t clock_wall_ns(void);
uint64_t clock_after(uint64_t ns);            /* so long from now, at most TIME_END: a deadline */
uint64_t clock_deadline(uint64_t ns, int is_absolute, int is_wall); /* the same; or at that time, of clock_ns or clock_wall_ns; never 0 */
/* A program's struct timespec as ns, at most TIME_END: 0, -EINVAL, and -EFAULT for one at a user address. And back. */
struct __kernel_timespec;
int timespec_ns(const struct __kernel_timespec *t, uint64_t *ns);
int timespec_read(uint64_t from, uint64_t *ns);
struct __kernel_timespec timespec_of(uint64_t ns);
void random_bytes(void *to, size_t n);

/* Signals: to a pid (> 0), to a process group (< -1 as in kill(2)); 0 or -ESRCH. signal_self: to the caller. */
int signal_send(int pid, int sig);
int signal_group(int pgrp, int sig);
int signal_is_ignored_or_blocked(int sig); /* of the caller: for tty background reads and writes */
int signal_pending(void);                  /* true when the caller would be interrupted */
int group_is_orphaned(int pgrp);

/* Identity of the caller. */
int  current_pid(void), current_ppid(void), current_pgrp(void), current_session(void);
struct task *current_task(void);
uint32_t current_threads(void);            /* how many the caller's process has */
uint64_t current_limit(int which); /* the soft one of RLIMIT_which */
struct task *task_first(void);
struct task *task_next(struct task *t);
struct task *task_by_pid(int pid);

/* What /proc shows of a task. */
struct task_view {
	int tid, pid, ppid, pgrp, session, exit_status; /* tid: the pid, unless a thread was asked for */
	char state;             /* R S T Z */
	char name[16];          /* comm */
	uint32_t threads;
	int nice;
	uint64_t start_ns, run_ns, vsize, rss_pages;
	struct file_state *files;
	struct inode *exe;      /* may be NULL */
	const char *cmdline; size_t cmdline_size; /* NUL-separated, in family memory */
};
void task_look(struct task *t, struct task_view *out);
/* The same by the number of any thread, whose own name, state and time they are then: 0 or -ESRCH. */
int  thread_look(int tid, struct task_view *out);
int  thread_tid_from(int pid, int from); /* the lowest tid of a process that is not below; 0 = none */
int  thread_rename(int tid, const char *name, size_t n); /* of the caller's process: 0 or -EINVAL */
int  current_tid(void);
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

/* Family's file system: made once by the first env; then the root image at ROOTIMG_BASE is "/" with copy-up into memory. 0 or -errno. */
int fs_init(const void *image, size_t size);

/* Per-process file state (descriptors, cwd, umask, controlling tty): lives in family memory, pointed to by struct task. */
struct file_state *files_new(void);                          /* empty, cwd "/", umask 022 */
struct file_state *files_fork(struct file_state *of);        /* copy with shared open file descriptions */
void files_exec(struct file_state *fs);                      /* closes close-on-exec */
void files_free(struct file_state *fs);                      /* closes everything */
int  files_open_inode(struct file_state *fs, struct inode *ip); /* a descriptor to read it, or -errno */
struct file_state *current_files(void);                      /* promised by the process half */

/* Path to inode with a reference held (follows symlinks): 0 or -errno. For exec: also checks for a regular file and x permission (-EACCES) that nobody writes (-ETXTBSY). */
int  inode_lookup(const char *path, struct inode **out);
int  inode_lookup_exec(const char *path, struct inode **out);
int  path_is_symlink(const char *path);                           /* its last component */
int  inode_of_fd(int fd, struct inode **out, int *open_flags);  /* reference held, NULL for /dev/zero; -EBADF, -ENODEV when it cannot be mapped */
void inode_run(struct inode *ip), inode_run_end(struct inode *ip);  /* a process runs it: a reference, and nobody opens it for writing */
void inode_get(struct inode *ip);
void inode_put(struct inode *ip);
int  inode_written_by_map(const struct inode *ip);   /* no seal forbids it */
void inode_maps_count(struct inode *ip, int n);      /* so many mappings more by which it can be written */
uint64_t inode_size(struct inode *ip);
uint64_t inode_number(struct inode *ip);
long inode_read(struct inode *ip, void *to, size_t n, uint64_t at); /* library memory; bytes or -errno */
long inode_write(struct inode *ip, const void *from, size_t n, uint64_t at); /* the same the other way; of a regular file of the tree */
int  file_punch(struct inode *ip, uint64_t at, uint64_t n);         /* reads as zeros from then on, and takes no room where it can: 0, -ENOSPC */
int  file_resize(struct inode *ip, uint64_t size);                  /* 0, -ENOSPC, -EFBIG */
int  file_in_cwd(const char *name, uint32_t mode, struct inode **out); /* an empty regular file of the caller's folder, made or emptied, reference held; -EEXIST: another kind */
int  inode_segment(uint64_t size, struct inode **out);              /* memory of that size without a name, reference held: 0, -ENOMEM */
void segment_gone(struct inode *ip);                                /* promised by the process half: the last reference to such memory goes */
uint32_t inode_references(struct inode *ip);
long inode_path(struct inode *ip, char *to, size_t max);            /* best-known absolute path: length */
/* Address, valid in every member, of the page that holds file page `index` (page-aligned; bytes past the end of file are zero), or NULL for a
 * hole or past the end. with make != 0 (shared writable mapping) a private copy-up page is allocated; NULL then means ENOMEM.
 * Root-image pages are read-only there; family pages are SHARED frames mapped read-write. */
void *inode_page(struct inode *ip, uint64_t index, int make);

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
void   tty_reset(int lines);                                     /* empty and in the mode of a new one; 0: every key counts, unseen */
void   console_message(const char *text, size_t n);            /* straight to the terminal, with CR added (crash lines) */

/* Every system call is long name(uint64_t a0..a5); lists in syscall.def: SYSCALL(number, name, arguments, flags). Result: >= 0 or -errno. */
typedef long syscall_function(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
#endif
