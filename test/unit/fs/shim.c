/* SPDX-License-Identifier: MIT */
/* The process half's promises, kept with malloc and memcpy, so that the file half runs on the host. One thread: who sleeps runs a hook. */
#include <posix/file/proc.h>
#include "shim.h"
#include <posix/parts.h>
#include <asm/errno.h>
#include <fs/async.h>
#include <posix/file/watch.h>
#include <posix/process/share.h>
#include <posix/sysv/sysv.h>
#include <posix/file/efi_vars.h>

void *malloc(size_t), *calloc(size_t, size_t), *aligned_alloc(size_t, size_t);

struct task shim_task[SHIM_TASKS];
static struct thread shim_thread[SHIM_TASKS];
int shim_current;
int (*shim_sleep)(void *, uint64_t);
int shim_signals[65], shim_group_of[65], shim_blocked, shim_orphaned;
long shim_allocations, shim_pages, shim_page_limit = 1l << 40;
uint64_t shim_clock = 5000000000ul;
static struct fs_family *fs_slot;

void *fam_alloc(size_t size)
{
	shim_allocations++;
	return calloc(1, size);
}

void fam_free(void *p)
{
	if (p)
		shim_allocations--;
	free(p);
}

void *fam_pages(size_t count)
{
	void *p;

	if (shim_pages + (long)count > shim_page_limit)
		return NULL;
	p = aligned_alloc(4096, count * 4096);
	memset(p, 0, count * 4096);
	shim_pages += (long)count;
	return p;
}

uint64_t fam_room(enum room quarters)
{
	long room = shim_page_limit - shim_pages;

	if (quarters != ROOM_CONTENT)
		return 1;
	return room > 0 ? (uint64_t)room : 0;
}
void *fam_pages_any(size_t count) { return fam_pages(count); }
void *fam_content(size_t count) { return fam_pages(count); }

void fam_pages_free(void *p, size_t count)
{
	if (p)
		shim_pages -= (long)count;
	free(p);
}

void segment_gone(struct inode *ip) { (void)ip; }
uint64_t current_limit(int which) { return which == 7 ? FD_SOFT : ~0ul; }
void family_progress(void) {}
void *data_page(enum room quarters) { return quarters == ROOM_ANY || fam_room(quarters) ? fam_pages(1) : NULL; }
void data_page_free(void *page) { fam_pages_free(page, 1); }
void data_page_leave(void *page) { fam_pages_free(page, 1); }
uint64_t data_pages_used(void) { return (uint64_t)shim_pages; }
int data_lost(void) { return 0; }

/* The first 64 KiB are nobody's, as in the real thing. */
int user_read(void *to, uint64_t from, size_t n)
{
	if (n && from < 65536)
		return -EFAULT;
	if (n)
		memcpy(to, (void *)from, n);
	return 0;
}

int user_write(uint64_t to, const void *from, size_t n)
{
	if (n && to < 65536)
		return -EFAULT;
	if (n)
		memcpy((void *)to, from, n);
	return 0;
}

long user_str(char *to, uint64_t from, size_t max)
{
	size_t n;

	if (from < 65536)
		return -EFAULT;
	n = strnlen((char *)from, max);
	if (n == max)
		return -ENAMETOOLONG;
	memcpy(to, (void *)from, n + 1);
	return (long)n;
}

int sleep_on(void *channel, uint64_t deadline)
{
	if (shim_sleep)
		return shim_sleep(channel, deadline);
	if (deadline) {
		shim_clock = deadline;
		return -ETIMEDOUT;
	}
	return -EINTR;
}

void wake_up(void *channel) { (void)channel; }
int is_slept_on(const void *channel) { (void)channel; return 0; }
uint64_t aio_count(void) { return 0; }
void thread_run(struct thread *th) { (void)th; }
uint64_t clock_ns(void) { return shim_clock; }
void wakes_by(uint64_t at) { (void)at; } /* nobody sleeps here but who is woken by a step of the test */
uint64_t clock_after(uint64_t ns) { return shim_clock + ns; }

int timespec_read(uint64_t from, uint64_t *ns)
{
	int64_t t[2];

	if (user_read(t, from, sizeof(t)))
		return -EFAULT;
	*ns = (uint64_t)t[0] * 1000000000u + (uint64_t)t[1];
	return t[0] < 0 || t[1] < 0 || t[1] >= 1000000000 ? -EINVAL : 0;
}

uint64_t clock_wall_ns(void) { return 1700000000000000000ul + shim_clock++; }
void random_bytes(void *to, size_t n) { memset(to, 0x5a, n); }

int signal_send(int pid, int sig)
{
	(void)pid;
	shim_signals[sig]++;
	return 0;
}

int signal_group(int pgrp, int sig)
{
	shim_signals[sig]++;
	shim_group_of[sig] = pgrp;
	return 0;
}

int signal_is_ignored_or_blocked(int sig) { (void)sig; return shim_blocked; }
int signal_pending(void) { return 0; }
int group_is_orphaned(int pgrp) { (void)pgrp; return shim_orphaned; }

int current_pid(void) { return current_task()->pid; }
int current_ppid(void) { return 1; }
int current_pgrp(void) { return current_task()->pgrp; }
int current_session(void) { return current_task()->session; }
struct task *current_task(void) { return &shim_task[shim_current]; }
struct thread *current_thread(void) { return &shim_thread[shim_current]; }
struct file_state *current_files(void) { return current_task()->files; }
struct places *current_places(void) { return current_task()->places; }

struct task *task_next(struct task *t)
{
	while (++t < shim_task + SHIM_TASKS)
		if (t->pid)
			return t;
	return NULL;
}

struct task *task_first(void) { return task_next(shim_task - 1); }

struct task *task_by_pid(int pid)
{
	for (struct task *t = task_first(); t; t = task_next(t))
		if (t->pid == pid)
			return t;
	return NULL;
}

void task_look(struct task *t, struct task_view *out)
{
	memset(out, 0, sizeof *out);
	out->pid = out->tid = t->pid;
	out->ppid = 1;
	out->pgrp = t->pgrp;
	out->session = t->session;
	out->state = 'R';
	memcpy(out->name, "tester", 7);
	out->files = t->files;
	out->places = t->places;
	out->exe = t->exe;
}

/* Each process has one thread, whose number is its pid. */
int thread_look(int tid, struct task_view *out)
{
	struct task *t = task_by_pid(tid);

	if (!t)
		return -ESRCH;
	task_look(t, out);
	return 0;
}

int thread_tid_from(int pid, int from) { return task_by_pid(pid) && from <= pid ? pid : 0; }
int binfmt_register(const char *line, size_t n) { (void)line; (void)n; return -EINVAL; }
int binfmt_command(int number, const char *text, size_t n) { (void)number; (void)text; (void)n; return -EINVAL; }
size_t binfmt_text(int number, char *to, size_t max) { (void)number; (void)to; (void)max; return 0; }
int binfmt_number(const char *name, size_t n) { (void)name; (void)n; return 0; }
int binfmt_next(int after, const char **name) { (void)after; (void)name; return 0; }
int thread_rename(int tid, const char *name, size_t n) { (void)name; (void)n; return tid == current_pid() ? 0 : -EINVAL; }
int current_tid(void) { return current_pid(); }

size_t maps_text(char *to, size_t max)
{
	memset(to, 0, max < 64 ? max : 64);
	memcpy(to, "00400000-00401000 r-xp\n", 23);
	return 23;
}

/* What only the process half can tell of a process says nothing here. */
#define SILENT(name) void name(struct text *t, const struct proc_node *of) { (void)t, (void)of; }
SILENT(text_limits) SILENT(text_smaps) SILENT(text_tables) SILENT(text_smaps_rollup) SILENT(text_auxv)
SILENT(text_cmdline) SILENT(text_environ) SILENT(text_io) SILENT(text_wchan) SILENT(text_oom_score)
SILENT(text_oom_score_adj) SILENT(text_timerslack) SILENT(text_coredump) SILENT(text_personality)
SILENT(text_children) SILENT(text_schedstat) SILENT(text_fdinfo) SILENT(text_status_more)
SILENT(text_locks) SILENT(text_net_unix) SILENT(text_sysvipc_shm) SILENT(text_sysvipc_sem)
SILENT(text_sysvipc_msg)
long move_memory(const struct proc_node *of, struct io *io, uint64_t at, int writes)
{
	(void)of, (void)io, (void)at, (void)writes;
	return -EIO;
}

long move_report(const struct proc_node *of, struct io *io, uint64_t at, int writes)
{
	(void)of;
	(void)io;
	(void)at;
	return writes ? -ENODEV : 0;
}

long move_pagemap(const struct proc_node *of, struct io *io, uint64_t at, int writes)
{
	return move_memory(of, io, at, writes);
}

void text_maps(struct text *t, const struct proc_node *of) { (void)of; t->n = maps_text(t->to, t->max); }
#define REFUSED(name) \
	long name(const struct proc_node *of, const char *text, size_t n) { (void)of, (void)text, (void)n; return -EINVAL; }
REFUSED(take_oom_score_adj) REFUSED(take_timerslack) REFUSED(take_coredump)
void io_note(int writes, long n) { (void)writes, (void)n; }
const char *system_name(const char *field, char name[65]) { (void)field; memcpy(name, "host", 5); return name; }
long system_rename(const char *text, size_t n, int domain) { (void)text, (void)n, (void)domain; return -EINVAL; }
uint64_t regions_max(void) { return 1000; }
uint64_t frames_end(void) { return 65536; }
int frames_are_ram(uint64_t first, uint64_t n) { (void)first, (void)n; return 1; }
uint64_t frames_kept(void) { return 100; }
void runnable_average(uint32_t to[3]) { to[0] = to[1] = to[2] = 1024; }
struct usage_gone tasks_gone(void) { return (struct usage_gone){ .forks = 7 }; }

void rt_log(const char *format, ...) { (void)format; }
struct fs_family **family_slot_fs(void) { return &fs_slot; }

size_t machine_text(char *to, size_t max)
{
	return (size_t)fmt(to, max, "build: host\n");
}

void file_gone(struct file *f) { watches_drop(f); }
int async_can(const struct file *f) { (void)f; return 0; }
int async_set(struct file *f, int fd, int on) { (void)f; (void)fd; (void)on; return 0; }
long async_fcntl(struct file *f, int command, uint64_t arg) { (void)f; (void)command; (void)arg; return -EINVAL; }
uint32_t mappings_look(void) { return 1; }
long lease_fcntl(struct file *f, int fd, int command, uint64_t arg)
{
	(void)f, (void)fd, (void)command, (void)arg;
	return -EINVAL;
}

size_t leases_text(const struct inode *ip, size_t number, char *to, size_t max, size_t *used)
{
	(void)ip, (void)number, (void)to, (void)max, (void)used;
	return 0;
}

struct thread *thread_by_tid(int tid) { return (struct thread *)task_by_pid(tid); }
uint32_t groups_of(const struct thread *th, const uint32_t **list) { (void)th; *list = NULL; return 0; }
int32_t *ipc_most(enum ipc_kind kind) { (void)kind; return NULL; }
void async_tell(const void *object, int band) { (void)object; (void)band; }
uint32_t current_threads(void) { return 1; }
uint64_t file_room(void) { return 1 << 20; }

void machine_facts(struct machine_facts *out)
{
	*out = (struct machine_facts){ .frames = 65536, .frames_free = 1000, .tsc_hz = 1000000000 };
}

void shim_start(void)
{
	size_t size;
	uint8_t *file = file_load(getenv("FS_IMAGE"), &size), *image = aligned_alloc(4096, (size + 4095) & ~4095ul);

	memcpy(image, file, size);
	free(file);
	CHECK_EQ(fs_init(image, size, kinds_of_linux), 0);
	shim_task[0].pid = shim_task[0].pgrp = shim_task[0].session = 100;
	shim_task[0].files = files_new();
	CHECK(shim_task[0].files != NULL);
	shim_task[0].places = &shim_task[0].files->places;
}

int shim_fork(void)
{
	int error;

	for (int i = 1; i < SHIM_TASKS; i++) {
		if (shim_task[i].pid)
			continue;
		shim_task[i] = shim_task[shim_current];
		shim_task[i].pid = 100 + i;
		shim_task[i].files = files_fork(shim_task[shim_current].files, &error);
		CHECK(shim_task[i].files != NULL);
		shim_task[i].places = places_fork(shim_task[shim_current].places, shim_task[i].files);
		return i;
	}
	test_fail("no task left");
}

/* No firmware here, and no variables of one. */
const char *efi_var_name(uint64_t at, size_t *n) { (void)at; *n = 0; return NULL; }
uint64_t efi_var_next(uint64_t at) { return at; }
uint64_t efi_var_file_size(uint64_t at) { (void)at; return 0; }
size_t efi_var_read(uint64_t at, void *to, size_t n, uint64_t from)
{
	(void)at, (void)to, (void)n, (void)from;
	return 0;
}

size_t machine_report(char *to, size_t max)
{
	return (size_t)fmt(to, max, "firmware: host\n");
}

/* No eventfd is made here, and nobody shares a table. */
int is_eventfd(const struct file *f) { (void)f; return 0; }
int files_unshare(void) { return 0; }
int places_unshare(void) { return 0; }
