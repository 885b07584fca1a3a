/* SPDX-License-Identifier: MIT */
/* What /proc says of a process beyond its record: limits, signals, memory by regions, its strings. Of its memory it
 * tells itself (ask.h). */
#include <linux/resource.h>
#include <base/fmt.h>
#include <posix/file/proc.h>
#include <posix/library.h>
#include <posix/signal/signals.h>
#include <vm/swap.h>
#include "ask.h"
#include "seccomp.h"
#include "usage.h"

static struct thread *thread_of(const struct proc_node *of) { return thread_by_tid(of->pid); }

/* ---- limits */
#define RLIM_NLIMITS 16
static const struct { const char *name, *unit; } limit_names[RLIM_NLIMITS] = {
	{ "Max cpu time", "seconds" }, { "Max file size", "bytes" }, { "Max data size", "bytes" }, { "Max stack size",
		"bytes" }, { "Max core file size", "bytes" },
	{ "Max resident set", "bytes" }, { "Max processes", "processes" }, { "Max open files", "files" },
		{ "Max locked memory", "bytes" },
	{ "Max address space", "bytes" }, { "Max file locks", "locks" }, { "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" },
	{ "Max nice priority", 0 }, { "Max realtime priority", 0 }, { "Max realtime timeout", "us" },
};

void text_limits(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);

	say(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; th && i < RLIM_NLIMITS; i++) {
		say(t, "%-25s ", limit_names[i].name);
		for (int hard = 0; hard < 2; hard++)
			if (th->task->limit[i][hard] == ~0ul)
				say(t, "%-20s ", "unlimited");
			else
				say(t, "%-20lu ", (unsigned long)th->task->limit[i][hard]);
		if (limit_names[i].unit)
			say(t, "%-10s", limit_names[i].unit);
		say(t, "\n");
	}
}

/* ---- what the process itself says: a text, made in its env */
struct told_text { struct text text; struct proc_node of; void (*make)(struct text *t, const struct proc_node *of); };

static void tell(void *with)
{
	struct told_text *told = with;

	told->make(&told->text, &told->of);
}

static void ask_text(struct text *t, const struct proc_node *of, void (*make)(struct text *t,
	const struct proc_node *of))
{
	struct thread *th = thread_of(of);
	struct told_text *told;

	if (!th || th->task->state != TASK_ALIVE)
		return;
	if (th->task == P->task) {
		make(t, of);
		return;
	}
	if (!(told = fam_alloc(sizeof *told)))
		return;
	*told = (struct told_text){ *t, *of, make };
	if (!task_ask(th->task, tell, told))
		t->n = told->text.n;
	fam_free(told);
}

static void own_maps(struct text *t, const struct proc_node *of)
{
	(void)of;
	t->n = maps_text(t->to, t->max);
}

void text_maps(struct text *t, const struct proc_node *of) { ask_text(t, of, own_maps); }
void text_tables(struct text *t, const struct proc_node *of) { ask_text(t, of, tables_text); }

static void own_bytes(struct text *t, uint64_t from, uint64_t end)
{
	uint64_t n = MIN_OF(end - from, t->max - t->n);

	if (end > from && !user_read(t->to + t->n, from, n))
		t->n += n;
}

static void own_environ(struct text *t, const struct proc_node *of)
{
	(void)of;
	own_bytes(t, P->env_start, P->env_end);
}

/* As it is now: who overwrote the last byte of its arguments writes its title over them and the environment behind, up
 * to the first NUL (setproctitle(3)); at most a page of it, as Linux shows it, and as far as the stack goes. */
static void own_cmdline(struct text *t, const struct proc_node *of)
{
	uint64_t next = PAGE_DOWN(P->arg_start) + PAGE;
	char last = 0;

	(void)of;
	if (P->arg_end > P->arg_start)
		(void)user_read(&last, P->arg_end - 1, 1);
	if (!last) {
		own_bytes(t, P->arg_start, P->arg_end);
		return;
	}
	own_bytes(t, P->arg_start, next);
	own_bytes(t, next, P->arg_start + PAGE);
	t->n = min_u64(t->n, strnlen(t->to, t->n) + 1);
}

void text_cmdline(struct text *t, const struct proc_node *of) { ask_text(t, of, own_cmdline); }

void text_environ(struct text *t, const struct proc_node *of) { ask_text(t, of, own_environ); }

static void own_auxv(struct text *t, const struct proc_node *of)
{
	uint64_t pair[2] = { 1, 0 };

	(void)of;
	for (uint64_t at = P->aux_start; at && pair[0] && !user_read(pair, at, sizeof pair); at += sizeof pair)
		own_bytes(t, at, at + sizeof pair);
}

void text_auxv(struct text *t, const struct proc_node *of) { ask_text(t, of, own_auxv); }

/* ---- memory, region by region */
struct resident { uint64_t pages, anonymous, shared, locked, swapped, size; };

static void resident_add(struct resident *to, const struct region *r)
{
	struct inode *file = region_file(r);

	to->size += r->end - r->start;
	to->swapped += swap_count(r->start, r->end);
	for (uint64_t va = r->start; (va = present_from(va, r->end)) < r->end; va += PAGE) {
		uint64_t frame = frame_at(va);

		to->pages++;
		to->shared += rt_frames[frame].maps > 1;
		if (!file || (!(r->flags & REGION_SHARED) && rt_frames[frame].owner == EXO_NAME_INDEX(P->self)))
			to->anonymous++;
		to->locked += (r->flags & REGION_LOCKED) != 0;
	}
}

#define KB(pages) ((unsigned long)((pages) * (PAGE / 1024)))

static void resident_say(struct text *t, const struct resident *m)
{
	const uint64_t private = m->pages - m->shared, dirty = MIN_OF(private, m->anonymous);
	const struct { const char *name; uint64_t pages; } row[] = {
		{ "Rss:", m->pages }, { "Pss:", private }, { "Shared_Clean:", m->shared }, { "Shared_Dirty:", 0 },
			{ "Private_Clean:", private - dirty },
		{ "Private_Dirty:", dirty }, { "Referenced:", m->pages }, { "Anonymous:", m->anonymous }, { "LazyFree:", 0 },
			{ "AnonHugePages:", 0 },
		{ "ShmemPmdMapped:", 0 }, { "FilePmdMapped:", 0 }, { "Shared_Hugetlb:", 0 }, { "Private_Hugetlb:", 0 },
			{ "Swap:", m->swapped },
			{ "SwapPss:", m->swapped },
		{ "Locked:", m->locked },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		say(t, "%-16s%8lu kB\n", row[i].name, KB(row[i].pages));
}

static void own_smaps(struct text *t, const struct proc_node *of)
{
	(void)of;
	for (struct region *r = region_first(); r && t->n < t->max - 1; r = region_next(r)) {
		struct resident m = { 0 };

		if (r->flags & REGION_STASH)
			continue;
		t->n += region_line(r, t->to + t->n, t->max - t->n);
		resident_add(&m, r);
		say(t, "Size:           %8lu kB\nKernelPageSize: %8lu kB\nMMUPageSize:    %8lu kB\n", KB(m.size / PAGE), KB(1),
			KB(1));
		resident_say(t, &m);
		say(t, "THPeligible:    %d\nVmFlags:%s%s%s%s mr mw me%s%s%s%s%s%s\n", (r->flags & REGION_HUGE) != 0,
			r->prot & PROT_READ ? " rd" : "",
			r->prot & PROT_WRITE ? " wr" : "", r->prot & PROT_EXEC ? " ex" : "", r->flags & REGION_SHARED ? " sh" : "",
			r->flags & REGION_GROWSDOWN ? " gd" : "", r->flags & REGION_LOCKED ? " lo" : "",
				r->flags & REGION_NOT_FORKED ? " dc" : "",
			r->flags & REGION_NOT_DUMPED ? " dd" : "", r->flags & REGION_WIPED ? " wf" : "", r->flags & REGION_HUGE
				? " hg" : "");
		family_progress();
	}
}

static void own_rollup(struct text *t, const struct proc_node *of)
{
	struct region *first = region_first();
	struct resident m = { 0 };

	(void)of;
	if (!first)
		return;
	for (struct region *r = first; r; r = region_next(r))
		if (!(r->flags & REGION_STASH))
			resident_add(&m, r);
	say(t, "%08lx-%08lx ---p 00000000 00:00 0                                  [rollup]\n", first->start,
		region_last()->end);
	resident_say(t, &m);
}

void text_smaps(struct text *t, const struct proc_node *of) { ask_text(t, of, own_smaps); }
void text_smaps_rollup(struct text *t, const struct proc_node *of) { ask_text(t, of, own_rollup); }

/* Addresses by what stands there, as status and statm count them: data, stack, the program's text, that of others,
 * locked. */
struct sizes { uint64_t data, stack, text, library, locked; };

static struct sizes own_sizes(void)
{
	struct sizes s = { 0 };

	for (struct region *r = region_first(); r; r = region_next(r)) {
		uint64_t n = r->end - r->start;

		if (r->flags & REGION_STASH)
			continue;
		if (r->flags & REGION_STACK)
			s.stack += n;
		else if (r->prot & PROT_WRITE && !(r->flags & REGION_SHARED))
			s.data += n;
		else if (r->prot & PROT_EXEC && region_file(r))
			*(r->inode == P->task->exe ? &s.text : &s.library) += n;
		s.locked += r->flags & REGION_LOCKED ? n : 0;
	}
	return s;
}

static void own_memory(struct text *t, const struct proc_node *of)
{
	struct task *task = P->task;
	const struct usage u = usage_of(task);
	const struct sizes s = own_sizes();
	uint64_t rss = rt_envs[EXO_NAME_INDEX(P->self)].frames;
	const struct { const char *name; uint64_t bytes; } row[] = {
		{ "VmPeak:", task->vsize_most }, { "VmSize:", task->vsize }, { "VmLck:", s.locked }, { "VmPin:", 0 },
			{ "VmHWM:", u.rss_most * PAGE },
		{ "VmRSS:", rss * PAGE }, { "RssAnon:", rss * PAGE }, { "RssFile:", 0 }, { "RssShmem:", 0 }, { "VmData:",
			s.data }, { "VmStk:", s.stack },
		{ "VmExe:", s.text }, { "VmLib:", s.library }, { "VmPTE:", 0 },
		{ "VmSwap:", swap_count(0, EXO_WINDOW) * PAGE }, { "HugetlbPages:", 0 },
	};

	(void)of;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		say(t, "%s\t%8lu kB\n", row[i].name, (unsigned long)row[i].bytes / 1024);
	say(t, "CoreDumping:\t0\nTHP_enabled:\t1\n");
}

/* ---- status, from the lines of memory on */
void text_status_more(struct text *t, const struct proc_node *of)
{
	struct thread *th = thread_of(of);
	struct task_view v;
	struct task *task;

	if (!th)
		return;
	if (th->task->state == TASK_ALIVE && !th->task->is_init)
		ask_text(t, of, own_memory);
	th = thread_of(of); /* it may have ended meanwhile */
	if (!th)
		return;
	task = th->task;
	task_look(task, &v);
	say(t, "Threads:\t%u\nSigQ:\t%lu/%ld\n", task->thread_count,
		(unsigned long)F->signals_queued, (long)task->limit[RLIMIT_SIGPENDING][0]);
	say(t, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		th->signals.pending, task->signals.pending,
		th->signals.blocked, v.ignored, v.caught);
	say(t,
		"CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n"
		"CapAmb:\t0000000000000000\n");
	say(t,
		"NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\nSpeculation_Store_Bypass:\tvulnerable\n"
		"SpeculationIndirectBranch:\talways enabled\n", th->no_new_privs, th->seccomp_mode, seccomp_count(th));
	say(t, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
	say(t, "voluntary_ctxt_switches:\t%u\nnonvoluntary_ctxt_switches:\t%u\n", th->waits, th->preempted);
}

/* ---- single values */
void text_io(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);

	if (th)
		say(t,
			"rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: 0\nwrite_bytes: 0\n"
			"cancelled_write_bytes: 0\n", th->task->io[0].bytes,
			th->task->io[1].bytes, th->task->io[0].calls, th->task->io[1].calls);
}

void text_wchan(struct text *t, const struct proc_node *of) { (void)of; say(t, "0"); }

void text_personality(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);

	if (th)
		say(t, "%08x\n", th->personality);
}

void text_schedstat(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);

	if (th)
		say(t, "%lu 0 %u\n", (unsigned long)rt_ns(thread_ticks(th)), th->waits + th->preempted);
}

void text_children(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);

	for (const struct task *c = th ? th->task->child : 0; c; c = c->sibling)
		if (c->maker == of->pid)
			say(t, "%d ", c->pid);
}

void text_oom_score_adj(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);

	if (th)
		say(t, "%d\n", th->task->oom_adjust);
}

void text_oom_score(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);
	long points;

	if (!th)
		return;
	points = (long)(task_weight(th->task) * 1000 / (int64_t)SAID->frames);
	say(t, "%ld\n", th->task->oom_adjust == -1000 ? 0 : (1000 + points) * 2 / 3);
}

/* A whole number, perhaps with a sign, and white space around it: 0 or -EINVAL. */
static int whole(const char *text, size_t n, long *to)
{
	size_t i = 0;
	int minus = 0;

	*to = 0;
	while (n && (text[n - 1] == '\n' || text[n - 1] == ' ' || !text[n - 1]))
		n--;
	if (i < n && text[i] == '-')
		minus = 1, i++;
	if (i == n || n > 18)
		return -EINVAL;
	for (; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		*to = *to * 10 + (text[i] - '0');
	}
	*to = minus ? -*to : *to;
	return 0;
}

long take_oom_score_adj(const struct proc_node *of, const char *text, size_t n)
{
	struct thread *th = thread_of(of);
	long value;

	if (!th)
		return -ESRCH;
	if (whole(text, n, &value) || value < -1000 || value > 1000)
		return -EINVAL;
	th->task->oom_adjust = (int)value;
	return 0;
}

void text_timerslack(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);

	if (th)
		say(t, "%lu\n", (unsigned long)th->slack_ns);
}

long take_timerslack(const struct proc_node *of, const char *text, size_t n)
{
	struct thread *th = thread_of(of);
	long value;

	if (!th)
		return -ESRCH;
	if (whole(text, n, &value) || value < 0)
		return -EINVAL;
	th->slack_ns = value ? (uint64_t)value : th->slack_usual_ns;
	return 0;
}

void text_coredump(struct text *t, const struct proc_node *of)
{
	const struct thread *th = thread_of(of);

	if (th)
		say(t, "%08x\n", th->task->dump_filter);
}

/* Hexadecimal as shown, or with 0x, or decimal: as strtoul takes it with base 0. */
long take_coredump(const struct proc_node *of, const char *text, size_t n)
{
	struct thread *th = thread_of(of);
	unsigned base = 10, value = 0;
	size_t i = 0;

	if (!th)
		return -ESRCH;
	while (n && (text[n - 1] == '\n' || !text[n - 1]))
		n--;
	if (n > 1 && text[0] == '0')
		base = text[1] == 'x' || text[1] == 'X' ? 16 : 8;
	for (i = base == 16 ? 2 : 0; i < n; i++) {
		unsigned digit = text[i] >= 'a' ? (unsigned)(text[i] - 'a' + 10) : (unsigned)(text[i] - '0');

		if (digit >= base)
			return -EINVAL;
		value = value * base + digit;
	}
	if (!n)
		return -EINVAL;
	th->task->dump_filter = value & DUMP_ALL;
	return 0;
}

void text_fdinfo(struct text *t, const struct proc_node *of)
{
	struct task_view view;
	const struct file *f;

	if (thread_look(of->pid, &view) || !view.files || !(f = fd_at(view.files, (uint32_t)of->fd)))
		return;
	say(t, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", (unsigned long)f->pos,
		f->flags | 0100000u | (fd_cloexec(view.files, (uint32_t)of->fd) ? O_CLOEXEC : 0u),
		f->mount ? (int)f->mount->id : 1, (unsigned long)f->ip->ino);
	if (f->ops->show)
		f->ops->show(f, t);
}
