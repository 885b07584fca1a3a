/* SPDX-License-Identifier: MIT */
/* From the first env's first instruction to its loop, and from that of process 1's env to its own: private area,
 * family segment, file system, init. What fails here ends the machine, with a line in the log: in process 1's env by
 * way of its end, which the monitor sees. */
#include "library.h"
#include "parts.h"
#include <fs/files.h>
#include <posix/process/usage.h>
#include <rt/rt.h>
#include <run/realtime.h>

static void give_up(const char *what, long error) __attribute__((noreturn));
static void give_up(const char *what, long error)
{
	rt_log("linux: %s: error %ld", what, error);
	for (;;) {
		(void)gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, 125);
		(void)gate_env_kill(0);
	}
}

/* The vDSO as a file without a name. */
static long vdso_make(void)
{
	long size = vdso_image_end - vdso_image, e = inode_segment((uint64_t)size, &F->vdso);

	if (!e && inode_write(F->vdso, vdso_image, (size_t)size, 0) != size)
		e = -ENOMEM;
	return e;
}

/* Once in each round of process 1's loop. */
static void keeper_work(void)
{
	load_sample(clock_ns());
	kill_enforce();
	posix_app.events();
}

void keeper_begin(void *control)
{
	struct task *t;
	int64_t r;

	env_begin_blank(control);
	P->is_keeper = 1;
	clock_start();
	regions_open();
	(void)gate_env_set(0, EXO_SET_OPEN, KEEPER_WORK | KEEPER_REAP | KEEPER_STALLED, 0);
	family_lock();
	t = task_new(0);
	if (!t)
		give_up("no memory for process 1", -ENOMEM);
	t->is_init = 1;
	t->env = P->self;
	t->state = TASK_ALIVE;
	t->threads->state = THREAD_RUNNABLE;
	t->threads->on = 1;
	task_set_name(t, "init");
	P->task = t;
	P->thread = t->threads;
	P->thread_count = 1;
	r = fs_init((const void *)rt_info->root_va, rt_info->root_size, posix_app.kinds);
	if (r < 0)
		give_up("the root image cannot be used", r);
	r = vdso_make();
	if (r < 0)
		give_up("the vDSO cannot be made", r);
	t->files = files_new();
	if (!t->files)
		give_up("no memory for process 1's files", -ENOMEM);
	t->places = &t->files->places;
	posix_app.first();
	if (family_locked())
		family_unlock();
	sched_keep(keeper_work);
}

/* The entries of an env whose calls come by that way. */
static void entries_fill(uint64_t entry[EXO_ENTRY_COUNT], unsigned way)
{
	void (*call)(void) = way & WAY_FILTERED ? posix_filtered_entry : posix_foreign_entry;

	entry[EXO_ENTRY_FAULT] = (uint64_t)posix_fault_entry;
	entry[EXO_ENTRY_ASYNC] = (uint64_t)posix_async_entry;
	entry[EXO_ENTRY_FOREIGN] = (uint64_t)(way & WAY_TRACED ? posix_traced_entry : call);
	entry[EXO_ENTRY_INT80] = (uint64_t)(way & WAY_FILTERED ? posix_int80_filtered_entry : posix_int80_entry);
}

static void entries_say(void)
{
	for (unsigned way = 0; way < WAYS; way++) {
		uint64_t entry[EXO_ENTRY_COUNT];

		entries_fill(entry, way);
		for (unsigned i = 0; i < EXO_ENTRY_COUNT; i++)
			SAID->entry[way][i] = entry[i];
	}
}

static void monitor_begin(void *nothing) __attribute__((noreturn));
static void monitor_begin(void *nothing)
{
	int64_t r;

	(void)nothing;
	regions_open();
	r = said_start(posix_app.said_size);
	if (r < 0)
		give_up("no place for what members read", r);
	entries_say();
	r = family_start();
	if (r < 0)
		give_up("the family segment cannot be made", r);
	F->randomize = 2;
	F->regions_most = (int32_t)regions_max();
	F->latency_ns = posix_app.latency_ns;
	F->granularity_ns = posix_app.granularity_ns;
	realtime_start();
	posix_app.monitor();
}

void box_begin(void *family)
{
	uint64_t entry[EXO_ENTRY_COUNT];
	int64_t r;

	entries_fill(entry, 0);
	r = env_first_of((uint64_t)family, entry);
	if (r < 0)
		give_up("the private area cannot be made", r);
	monitor_begin(NULL);
}

void posix_start_in(exo_name self, const struct rt_box *in)
{
	uint64_t entry[EXO_ENTRY_COUNT];
	int64_t r;

	entries_fill(entry, 0);
	r = env_first(self, in->base, entry);
	if (r < 0)
		give_up("the private area cannot be made", r);
	P->given = in;
	library_restart(monitor_begin, 0);
}

void posix_start(uint32_t self)
{
	uint64_t entry[EXO_ENTRY_COUNT];
	int64_t r;

	entries_fill(entry, 0);
	r = env_first(self, FIRST_FAMILY, entry);
	if (r < 0)
		give_up("the private area cannot be made", r);
	library_restart(monitor_begin, 0);
}
