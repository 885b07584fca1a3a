/* SPDX-License-Identifier: MIT */
/* What the files of /proc say of processes and of the machine, in Linux's formats. Values that this system does not
 * have are 0. */
#include <posix/process/share.h>
#include "proc.h"

#define TICK_NS 10000000ul /* USER_HZ is 100 */

static unsigned long ticks(uint64_t ns) { return (unsigned long)(ns / TICK_NS); }

/* 0: the process is gone. */
static int look(const struct proc_node *of, struct task_view *v, char name[17])
{
	if (thread_look(of->pid, v))
		return 0;
	memcpy(name, v->name, 16);
	name[16] = 0;
	return 1;
}

/* proc(5), "/proc/[pid]/stat". */
void text_stat(struct text *t, const struct proc_node *of)
{
	struct task_view v;
	int foreground;
	uint32_t device;
	char name[17];

	if (!look(of, &v, name))
		return;
	device = tty_device(v.session, &foreground);
	say(t, "%d (%s) %c %d %d %d %d %d 0 %lu %lu 0 0 ", v.tid, name, v.state, v.ppid, v.pgrp, v.session, (int)device,
		foreground,
		(unsigned long)v.faults, (unsigned long)v.child_faults);
	say(t, "%lu %lu %lu %lu %d %d %u 0 %lu %lu %lu 18446744073709551615 ", ticks(v.user_ns), ticks(v.system_ns),
		ticks(v.child_user_ns),
		ticks(v.child_system_ns), v.rank ? -1 - v.rank : 20 + v.nice, v.nice, v.threads, ticks(v.start_ns),
		(unsigned long)v.vsize, (unsigned long)v.rss_pages);
	say(t, "0 0 0 0 0 %lu %lu %lu %lu 0 0 0 %d 0 %d %d 0 0 0 0 0 0 0 0 0 0 %d\n", (unsigned long)v.pending & 0x7fffffff,
		(unsigned long)v.blocked & 0x7fffffff, (unsigned long)v.ignored & 0x7fffffff,
			(unsigned long)v.caught & 0x7fffffff, v.exit_signal,
		v.priority, v.policy, v.exit_status);
}

static const char *state_name(char state)
{
	switch (state) {
	case 'R': return "R (running)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	case 'Z': return "Z (zombie)";
	}
	return "S (sleeping)";
}

static void say_groups(struct text *t, int tid)
{
	const struct thread *th = thread_by_tid(tid);
	const uint32_t *id = NULL;
	uint32_t n = th ? groups_of(th, &id) : 0;

	for (uint32_t i = 0; i < n; i++)
		say(t, "%s%u", i ? " " : "", id[i]);
}

void text_status(struct text *t, const struct proc_node *of)
{
	struct task_view v;
	char name[17];

	if (!look(of, &v, name))
		return;
	say(t, "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", name,
		v.places ? v.places->umask : 022, state_name(v.state), v.pid, v.tid, v.ppid, v.tracer);
	say(t, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\nGroups:\t", v.files ? v.files->size : 0);
	say_groups(t, v.tid);
	say(t, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", v.pid, v.tid, v.pgrp, v.session);
	text_status_more(t, of);
}

void text_comm(struct text *t, const struct proc_node *of)
{
	struct task_view v;
	char name[17];

	if (look(of, &v, name))
		say(t, "%s\n", name);
}

/* The thread's new name, up to its first line's end. */
long take_comm(const struct proc_node *of, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\n')
			n = i;
	return thread_rename(of->pid, text, min_u64(n, 15));
}

void text_statm(struct text *t, const struct proc_node *of)
{
	struct task_view v;
	char name[17];

	if (look(of, &v, name))
		say(t, "%lu %lu 0 0 0 %lu 0\n", (unsigned long)(v.vsize / PAGE), (unsigned long)v.rss_pages,
			(unsigned long)(v.vsize / PAGE));
}

void text_meminfo(struct text *t, const struct proc_node *of)
{
	struct machine_facts m;
	unsigned long total, free, swap, shared = (unsigned long)data_pages_used() * 4;
	static const char *const zeros[] = { "SwapCached:", "Active:", "Inactive:", "Active(anon):", "Inactive(anon):",
		"Active(file):",
		"Inactive(file):", "Unevictable:", "Mlocked:" };

	(void)of;
	machine_facts(&m);
	total = m.frames * 4;
	free = m.frames_free * 4;
	swap = m.swap * 4;
	say(t, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\nBuffers:               0 kB\n",
		total, free, free);
	say(t, "Cached:         %8lu kB\n", (unsigned long)m.image / 1024);
	for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++)
		say(t, "%-16s%8u kB\n", zeros[i], 0);
	say(t, "SwapTotal:      %8lu kB\nSwapFree:       %8lu kB\nDirty:                 0 kB\n"
		"Writeback:             0 kB\n", swap, swap - (unsigned long)m.swapped * 4);
	say(t, "AnonPages:      %8lu kB\nMapped:         %8u kB\nShmem:          %8lu kB\nSlab:                  0 kB\n",
		total - free - shared, 0, shared);
	say(t,
		"SReclaimable:          0 kB\nSUnreclaim:            0 kB\nCommitLimit:    %8lu kB\nCommitted_AS:   %8lu kB\n",
			total + swap, total - free + (unsigned long)m.swapped * 4);
	say(t,
		"VmallocTotal:   34359738367 kB\nVmallocUsed:           0 kB\nHugePages_Total:       0\n"
		"HugePages_Free:        0\n");
	say(t,
		"HugePages_Rsvd:        0\nHugePages_Surp:        0\nHugepagesize:       2048 kB\n"
		"Hugetlb:               0 kB\n");
}

/* As Linux's mm/swapfile.c lays it out. */
void text_swaps(struct text *t, const struct proc_node *of)
{
	struct machine_facts m;
	unsigned long size, used;

	(void)of;
	machine_facts(&m);
	size = m.swap * 4;
	used = m.swapped * 4;
	say(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	if (size)
		say(t, "%-40s%s\t%lu\t%s%lu\t%s%d\n", "/dev/zram0", "partition", size, size < 10000000 ? "\t" : "", used,
			used < 10000000 ? "\t" : "", m.swap_priority);
}

void text_version(struct text *t, const struct proc_node *of)
{
	(void)of;
	say(t, "Linux version 6.1.0-aril (aril@aril) (gcc) #1 SMP\n");
}

void text_aril(struct text *t, const struct proc_node *of) { (void)of; t->n = machine_text(t->to, t->max); }
void text_aril_hardware(struct text *t, const struct proc_node *of) { (void)of; t->n = machine_report(t->to, t->max); }

/* All processes, those that are gone included. */
struct sum { uint64_t user_ns, system_ns, faults; unsigned threads, running; int last; };

static struct sum tasks_sum(void)
{
	const struct usage_gone gone = tasks_gone();
	struct sum s = { gone.user_ns, gone.system_ns, gone.faults, 0, 0, 0 };

	for (struct task *task = task_first(); task; task = task_next(task)) {
		struct task_view v;

		task_look(task, &v);
		s.user_ns += v.user_ns;
		s.system_ns += v.system_ns;
		s.faults += v.faults;
		s.threads += v.threads;
		s.running += v.state == 'R';
		s.last = v.pid > s.last ? v.pid : s.last;
	}
	return s;
}

static uint64_t idle_ns(const struct sum *s)
{
	uint64_t now = clock_ns();

	return now > s->user_ns + s->system_ns ? now - s->user_ns - s->system_ns : 0;
}

void text_uptime(struct text *t, const struct proc_node *of)
{
	const struct sum s = tasks_sum();
	unsigned long now = ticks(clock_ns()), idle = ticks(idle_ns(&s));

	(void)of;
	say(t, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
}

void text_all_stat(struct text *t, const struct proc_node *of)
{
	const struct sum s = tasks_sum();
	const struct usage_gone gone = tasks_gone();

	(void)of;
	for (int i = 0; i < 2; i++)
		say(t, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", i ? "cpu0" : "cpu ", ticks(s.user_ns), ticks(s.system_ns),
			ticks(idle_ns(&s)));
	say(t,
		"intr 0\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %u\nprocs_blocked 0\n"
		"softirq 0 0 0 0 0 0 0 0 0 0 0\n",
		(unsigned long)gone.switches, (unsigned long)((clock_wall_ns() - clock_ns()) / NS), (unsigned long)gone.forks,
			s.running);
}

void text_loadavg(struct text *t, const struct proc_node *of)
{
	const struct sum s = tasks_sum();
	uint32_t load[3];

	(void)of;
	runnable_average(load);
	for (int i = 0; i < 3; i++) {
		unsigned hundredths = (unsigned)((load[i] * 100ul + 1024) / 2048);

		say(t, "%u.%02u ", hundredths / 100, hundredths % 100);
	}
	say(t, "%u/%u %d\n", s.running, s.threads, s.last);
}

static struct machine_facts machine_now(void)
{
	struct machine_facts m;

	machine_facts(&m);
	return m;
}

void text_vmstat(struct text *t, const struct proc_node *of)
{
	const struct sum s = tasks_sum();
	const struct machine_facts m = machine_now();
	const struct { const char *name; uint64_t value; } row[] = {
		{ "nr_free_pages", m.frames_free }, { "nr_mapped", 0 },
		{ "nr_file_pages", fs_family()->image_size / PAGE }, { "nr_dirty",
			0 }, { "nr_writeback", 0 },
		{ "nr_shmem", data_pages_used() }, { "pgpgin", 0 }, { "pgpgout", 0 }, { "pswpin", m.swap_ins },
			{ "pswpout", m.swap_outs },
			{ "pgfault", s.faults },
		{ "pgmajfault", 0 }, { "oom_kill", 0 },
	};

	(void)of;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		say(t, "%s %lu\n", row[i].name, (unsigned long)row[i].value);
}
