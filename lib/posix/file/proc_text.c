/* SPDX-License-Identifier: MIT */
/* What the files of /proc say, in Linux's formats. Values that this system does not have are 0. */
#include <stdarg.h>
#include <fs/files.h>

#define TICK_NS 10000000ul /* USER_HZ is 100 */

struct text { char *to; size_t max, n; };

__attribute__((format(printf, 2, 3)))
static void say(struct text *t, const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vfmt(t->to + t->n, t->max - t->n, format, list);
	va_end(list);
	t->n = min_u64(t->n + (n > 0 ? (size_t)n : 0), t->max - 1);
}

static void say_stat(struct text *t, const struct task_view *v, const char *name)
{
	unsigned long ticks = v->run_ns / TICK_NS, start = v->start_ns / TICK_NS;
	int foreground;
	uint32_t device = tty_device(v->session, &foreground);

	say(t, "%d (%s) %c %d %d %d %d %d 0 0 0 0 0 %lu 0 0 0 %d %d %u 0 %lu %lu %lu 18446744073709551615 ", v->tid, name, v->state, v->ppid, v->pgrp,
		v->session, (int)device, foreground, ticks, 20 + v->nice, v->nice, v->threads, start, (unsigned long)v->vsize,
		(unsigned long)v->rss_pages);
	say(t, "0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 %d\n", v->exit_status);
}

static const char *state_name(char state)
{
	switch (state) {
	case 'R': return "R (running)";
	case 'T': return "T (stopped)";
	case 'Z': return "Z (zombie)";
	}
	return "S (sleeping)";
}

static void say_status(struct text *t, const struct task_view *v, const char *name)
{
	say(t, "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", name,
		v->files ? v->files->umask : 022, state_name(v->state), v->pid, v->tid, v->ppid);
	say(t, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\nGroups:\t0 \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n",
		v->files ? v->files->size : 0, v->pid, v->tid, v->pgrp, v->session);
	if (v->state != 'Z')
		say(t, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\n", (unsigned long)v->vsize / 1024, (unsigned long)v->rss_pages * 4);
	say(t, "Threads:\t%u\n", v->threads);
}

static void say_task(struct text *t, const struct inode *ip)
{
	struct task_view v;
	char name[17];

	if (thread_look(ip->proc.pid, &v))
		return;
	memcpy(name, v.name, 16);
	name[16] = 0;
	switch (ip->proc.what) {
	case PROC_STAT:
		say_stat(t, &v, name);
		break;
	case PROC_STATUS:
		say_status(t, &v, name);
		break;
	case PROC_CMDLINE:
		if (v.state != 'Z' && v.cmdline) {
			t->n = min_u64(v.cmdline_size, t->max);
			memcpy(t->to, v.cmdline, t->n);
		}
		break;
	case PROC_COMM:
		say(t, "%s\n", name);
		break;
	case PROC_MAPS:
		if (v.pid == current_pid())
			t->n = maps_text(t->to, t->max);
		break;
	case PROC_STATM:
		say(t, "%lu %lu 0 0 0 0 0\n", (unsigned long)(v.vsize / PAGE), (unsigned long)v.rss_pages);
		break;
	case PROC_MOUNTS:
		say(t, "root / tmpfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\n");
		break;
	case PROC_MOUNTINFO:
		say(t, "1 1 0:1 / / rw,relatime - tmpfs root rw\n2 1 0:20 / /proc rw,relatime - proc proc rw\n");
	}
}

static void say_meminfo(struct text *t)
{
	struct machine_facts m;
	unsigned long total, free;

	machine_facts(&m);
	total = m.frames * 4;
	free = m.frames_free * 4;
	say(t, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\nBuffers:               0 kB\nCached:         %8lu kB\n", total, free,
		free, (unsigned long)fs_family()->image_size / 1024);
	say(t, "SwapCached:            0 kB\nActive:                0 kB\nInactive:              0 kB\nSwapTotal:             0 kB\n");
	say(t, "SwapFree:              0 kB\nShmem:          %8lu kB\nSlab:                  0 kB\nSReclaimable:          0 kB\n", (unsigned long)fam_pages_used() * 4);
}

static void cpuid(uint32_t leaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(0));
}

struct flag { uint8_t word, bit; const char *name; };
/* Words: leaf 1 edx, leaf 1 ecx, leaf 7 ebx, leaf 0x80000001 edx. */
static const struct flag flags[] = {
	{ 0, 0, "fpu" }, { 0, 4, "tsc" }, { 0, 5, "msr" }, { 0, 8, "cx8" }, { 0, 15, "cmov" }, { 0, 19, "clflush" }, { 0, 23, "mmx" }, { 0, 24, "fxsr" },
	{ 0, 25, "sse" }, { 0, 26, "sse2" }, { 3, 11, "syscall" }, { 3, 20, "nx" }, { 3, 29, "lm" }, { 1, 0, "pni" }, { 1, 1, "pclmulqdq" }, { 1, 9, "ssse3" },
	{ 1, 12, "fma" }, { 1, 13, "cx16" }, { 1, 19, "sse4_1" }, { 1, 20, "sse4_2" }, { 1, 22, "movbe" }, { 1, 23, "popcnt" }, { 1, 25, "aes" },
	{ 1, 26, "xsave" }, { 1, 28, "avx" }, { 1, 29, "f16c" }, { 1, 30, "rdrand" }, { 1, 31, "hypervisor" }, { 2, 0, "fsgsbase" }, { 2, 3, "bmi1" },
	{ 2, 5, "avx2" }, { 2, 7, "smep" }, { 2, 8, "bmi2" }, { 2, 9, "erms" }, { 2, 18, "rdseed" }, { 2, 19, "adx" }, { 2, 20, "smap" },
};

static void say_cpuinfo(struct text *t)
{
	struct machine_facts m;
	uint32_t r[4], id, word[4] = { 0, 0, 0, 0 }, max, extended;
	char vendor[13], model[49];
	unsigned family, mhz;

	machine_facts(&m);
	mhz = (unsigned)(m.tsc_hz / 1000);
	cpuid(0, r);
	max = r[0];
	memcpy(vendor, &r[1], 4);
	memcpy(vendor + 4, &r[3], 4);
	memcpy(vendor + 8, &r[2], 4);
	vendor[12] = 0;
	cpuid(1, r);
	id = r[0];
	word[0] = r[3];
	word[1] = r[2];
	if (max >= 7) {
		cpuid(7, r);
		word[2] = r[1];
	}
	cpuid(0x80000000u, r);
	extended = r[0];
	if (extended >= 0x80000001u) {
		cpuid(0x80000001u, r);
		word[3] = r[3];
	}
	memset(model, 0, sizeof(model));
	for (uint32_t i = 0; extended >= 0x80000004u && i < 3; i++) {
		cpuid(0x80000002u + i, r);
		memcpy(model + 16 * i, r, 16);
	}
	family = (id >> 8 & 15) + ((id >> 8 & 15) == 15 ? id >> 20 & 255 : 0);
	say(t, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %u.%03u\n", vendor, family,
		(id >> 4 & 15) | (id >> 12 & 0xf0), model, id & 15, mhz / 1000, mhz % 1000);
	say(t, "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\nfpu\t\t: yes\nflags\t\t:");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (word[flags[i].word] >> flags[i].bit & 1)
			say(t, " %s", flags[i].name);
	say(t, "\n\n");
}

/* Processes alive and running, and the time that all of them ran. */
static void tasks_sum(unsigned *all, unsigned *running, int *last, uint64_t *run_ns)
{
	*all = *running = 0;
	*last = 0;
	*run_ns = 0;
	for (struct task *task = task_first(); task; task = task_next(task)) {
		struct task_view v;

		task_look(task, &v);
		++*all;
		*running += v.state == 'R';
		*run_ns += v.run_ns;
		if (v.pid > *last)
			*last = v.pid;
	}
}

static void say_machine(struct text *t, uint8_t what)
{
	uint64_t now = clock_ns(), run_ns;
	unsigned all, running;
	unsigned long user, idle;
	int last;

	tasks_sum(&all, &running, &last, &run_ns);
	user = run_ns / TICK_NS;
	idle = now > run_ns ? (now - run_ns) / TICK_NS : 0;
	switch (what) {
	case PROC_UPTIME:
		say(t, "%lu.%02lu %lu.%02lu\n", (unsigned long)(now / TICK_NS / 100), (unsigned long)(now / TICK_NS % 100), idle / 100, idle % 100);
		break;
	case PROC_ALL_STAT:
		say(t, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\ncpu0 %lu 0 0 %lu 0 0 0 0 0 0\nintr 0\nctxt 0\n", user, idle, user, idle);
		say(t, "btime %lu\nprocesses %d\nprocs_running %u\nprocs_blocked 0\n", (unsigned long)((clock_wall_ns() - now) / NS), last, running);
		break;
	case PROC_LOADAVG:
		say(t, "0.00 0.00 0.00 %u/%u %d\n", running, all, last);
	}
}

size_t procfs_text(const struct inode *ip, char *to, size_t max)
{
	struct text t = { to, max, 0 };

	switch (ip->proc.what) {
	case PROC_MEMINFO:
		say_meminfo(&t);
		break;
	case PROC_CPUINFO:
		say_cpuinfo(&t);
		break;
	case PROC_VERSION:
		say(&t, "Linux version 6.1.0-aril (aril@aril) (gcc) #1 SMP\n");
		break;
	case PROC_FILESYSTEMS:
		say(&t, "nodev\tproc\nnodev\ttmpfs\n\terofs\n");
		break;
	case PROC_BINFMT_STATUS:
		t.n = binfmt_text(0, to, max);
		break;
	case PROC_BINFMT_ENTRY:
		t.n = binfmt_text(ip->proc.fd, to, max);
		break;
	case PROC_ARIL:
		t.n = machine_text(to, max);
		break;
	case PROC_ARIL_HARDWARE:
		t.n = machine_report(to, max);
		break;
	case PROC_BOOT_CMDLINE:
		say(&t, "\n");
		break;
	case PROC_UPTIME:
	case PROC_ALL_STAT:
	case PROC_LOADAVG:
		say_machine(&t, ip->proc.what);
		break;
	default:
		say_task(&t, ip);
	}
	return t.n;
}
