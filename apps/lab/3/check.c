/* SPDX-License-Identifier: MIT */
/* Lab 3, what is wanted: eight tasks on one CPU, of which nobody waits too long or has more than its share, in few
 * switches. Each is a context of registers; at the end of each piece of work it makes a system call, and that is the
 * tick. So the clock counts work, and is the same on every machine. */
#include <check.h>
#include <lab3.h>

#define LIFE     6000 /* ticks */
#define COMES    3000 /* the sleeper wakes, and stays */
#define GOES     4500 /* the last of those that only compute ends */
#define SWITCHES 2400 /* at most */

static struct task task[TASKS] = {
	{ 7, 1 }, { 3, 1 }, { 2, 1 }, { 1, 1 }, /* compute */
	{ 2, 1 }, { 2, 1 },                     /* wait for somebody: a tick or three, then sleep */
	{ 5, 0 },                               /* sleeps half of the time */
	{ 1, 1 },                               /* wakes seldom, for long */
};
static struct mine {
	struct rt_regs regs;
	uint64_t did;    /* pieces of work: the task counts */
	uint64_t ticks;  /* that it was given: the check counts */
	uint64_t since;  /* the tick when it became ready, or was taken off the CPU */
	uint64_t wakes;  /* when it sleeps */
	uint64_t rest;   /* ticks until it sleeps */
	uint64_t before; /* ticks that it had when the stretch began */
	uint8_t stack[4096] __attribute__((aligned(16)));
} mine[TASKS];
static struct rt_regs main_regs;
static unsigned current = TASKS;
static uint64_t now, switches, stretch, worst_wait, worst_share;

static void work(uint64_t which)
{
	for (uint64_t what;;) {
		for (volatile unsigned i = 0; i < 50; i++)
			;
		mine[which].did++;
		__asm__ volatile("syscall" : "=a"(what) : "a"(0) : "rcx", "r11", "memory"); /* rt_on_foreign: the tick */
	}
}

/* Those that are ready through all of the stretch: the ones that compute. */
static int is_steady(unsigned i) { return task[i].is_ready && (i < 4 || i == 6); }

static void stretch_begin(void)
{
	stretch = now;
	for (unsigned i = 0; i < TASKS; i++)
		mine[i].before = mine[i].ticks;
}

static void wake(unsigned i, uint64_t ticks)
{
	task[i].is_ready = 1;
	mine[i].since = now;
	mine[i].rest = ticks;
}

/* Who sleeps and who wakes at this tick. */
static void events(void)
{
	if (current < TASKS && (current == 4 || current == 5 || current == 7) && !--mine[current].rest) {
		task[current].is_ready = 0;
		mine[current].wakes = now + (current == 7 ? 700 : 20 + 17 * current % 13);
	}
	for (unsigned i = 4; i < TASKS; i++)
		if (i != 6 && !task[i].is_ready && now >= mine[i].wakes)
			wake(i, i == 7 ? 60 : 1 + now % 3);
	if (now == COMES)
		wake(6, 0);
	if (now == GOES)
		task[0].is_ready = 0;
	if (now == COMES || now == GOES)
		stretch_begin();
}

/* What was decided so far is within the bounds. */
static void look(void)
{
	uint64_t weights = 0, ticks = 0;

	for (unsigned i = 0; i < TASKS; i++) {
		uint64_t waited = now - mine[i].since;

		if (is_steady(i)) {
			weights += task[i].weight;
			ticks += mine[i].ticks - mine[i].before;
		}
		if (!task[i].is_ready || i == current)
			continue;
		worst_wait = waited > worst_wait ? waited : worst_wait;
		if (waited > LATENCY)
			lab_check(0, "latency", "task %u of weight %u can run since tick %lu, and at %lu it has not", i,
				task[i].weight, mine[i].since, now);
	}
	for (unsigned i = 0; i < TASKS; i++) {
		uint64_t has = (mine[i].ticks - mine[i].before) * weights, due = ticks * task[i].weight;
		uint64_t off = has > due ? has - due : due - has;

		if (!is_steady(i))
			continue;
		off /= weights; /* its own is among them */
		worst_share = off > worst_share ? off : worst_share;
		if (off > UNFAIR)
			lab_check(0, "share", "from tick %lu to %lu task %u of weight %u had %lu of the %lu ticks of those that "
				"compute, whose weights are %lu", stretch, now, i, task[i].weight, has / weights, ticks, weights);
	}
}

void rt_on_async(struct rt_regs *regs, uint32_t bits)
{
	(void)regs;
	(void)bits; /* the slice ends: all of them are this env's */
}

void rt_on_foreign(struct rt_regs *regs)
{
	struct rt_regs *from = current < TASKS ? &mine[current].regs : &main_regs;
	uint64_t start;
	unsigned next;

	if (current < TASKS) {
		now++;
		mine[current].ticks++;
		mine[current].since = now;
	}
	events();
	start = rt_tsc();
	next = task_next(task, current);
	lab_ticks += rt_tsc() - start;
	if (next >= TASKS || !task[next].is_ready)
		lab_check(0, "ready", "task %u is chosen at tick %lu: there are %u, and it is not ready", next, now, TASKS);
	switches += next != current;
	current = next;
	look();
	rt_switch(regs, from, now == LIFE ? &main_regs : &mine[next].regs);
}

void app_main(exo_name self)
{
	uint64_t what, did = 0;

	(void)self;
	lab_must(rt_entries_set(), "entries");
	for (unsigned i = 0; i < TASKS; i++) {
		rt_regs_start(&mine[i].regs, (uint64_t)work, (uint64_t)(mine[i].stack + sizeof mine[i].stack - 8), i, 0);
		mine[i].rest = 1;
	}
	__asm__ volatile("syscall" : "=a"(what) : "a"(0) : "rcx", "r11", "memory"); /* back when the life is over */
	for (unsigned i = 0; i < TASKS; i++)
		did += mine[i].did == mine[i].ticks;
	lab_check(did == TASKS, "ran", "%lu of %u tasks did as much as they had ticks", did, TASKS);
	rt_log("lab: ok latency, share");
	rt_log("lab: at most %lu ticks waited, %lu off the share, %lu switches in %lu ticks", worst_wait, worst_share,
		switches, now);
	lab_check(switches <= SWITCHES, "switches", "%lu in %lu ticks, and %u are put up with", switches, now, SWITCHES);
	lab_end();
}
