/* SPDX-License-Identifier: MIT */
/* A library OS of its own on rt, run and vm. Three periodic tasks want 85 % of the CPU, two spinners get the rest.
 * Who is next: by earliest deadline, then once more in the order in which jobs came. The upcall of the alarm, and the
 * call by which a job ends, go on with another context of registers. Jobs add to 48 pages, of which 16 are present.
 * `edf-scale = N`: all takes N times as long; `edf-share = N`: tasks want 85 % of N % of the CPU. */
#include <base/string.h>
#include <rt/rt.h>
#include <run/run.h>
#include <run/timer.h>
#include <vm/needs.h>
#include <vm/vm.h>

#define MS    1000000ul
#define END   (task + sizeof task / sizeof *task)
#define PLACE 0x40000000ul
#define PAGES 48ul
#define SET   16
#define RAN   (rt_envs[EXO_NAME_INDEX(rt_self())].run_time + rt_tsc()) /* ticks that this env has had the CPU */

static struct task {
	uint64_t period, cost; /* ns; a job is to end before the next one begins */
	struct timer timer;
	uint64_t deadline, order, ready, jobs, misses;
	struct rt_regs regs;   /* while another one runs */
	uint8_t stack[8192] __attribute__((aligned(16)));
} task[] = { { .period = 2 * MS, .cost = MS / 2 }, { .period = 3 * MS, .cost = 9 * MS / 10 },
	{ .period = 10 * MS, .cost = 3 * MS } }, idle, *current = &idle;

static volatile uint64_t spun[2];
static exo_name spinner[2];
/* rate: rounds of burn() in 1024 ns; left: periods of the first task */
static uint64_t rate, orders, left, busy, since;
static uint64_t resident[SET], added[PAGES], evictions;
static uint32_t count, hand, is_fifo;
static void *store[PAGES]; /* bytes of pages that are out, or were */

static void must(int64_t result, const char *what)
{
	if (result < 0)
		rt_log("edf: %s: error %ld", what, result), rt_off(1);
}

/* A place in the set becomes free: by its accessed bit, that of who was not touched since the hand came by last. */
static uint64_t evict(void)
{
	uint64_t slot, va, i;

	while (va = resident[slot = hand++ % SET], rt_entry(va, 1) & EXO_PTE_A)
		entries_change(va, 1, 0, EXO_PTE_A);
	i = (va - PLACE) / PAGE;
	if (!store[i] && !(store[i] = fam_pages(1)))
		must(-EXO_ENOMEM, "store");
	memcpy(store[i], (const void *)va, PAGE);
	must(pages_unmap(va, va + PAGE), "unmapping");
	evictions++;
	return slot;
}

int page_bring(uint64_t va, unsigned access)
{
	uint64_t page = PAGE_DOWN(va), i = (va - PLACE) / PAGE;
	int e;

	resident[count < SET ? count++ : evict()] = page;
	SPACE->fault_next = 0; /* this page, and none around it */
	e = page_serve(va, access);
	if (!e && store[i])
		memcpy((void *)page, store[i], PAGE);
	return e;
}

void rt_on_fault(struct rt_regs *regs)
{
	must(regs->at.vector == 14 ? page_bring(regs->at.addr, regs->at.error & 2 ? PROT_WRITE : PROT_READ) : -1, "fault");
}

static uint64_t *word(uint64_t page) { return (uint64_t *)(PLACE + page * PAGE) + page; }

static void burn(uint64_t rounds)
{
	while (rounds--)
		__asm__ volatile("");
}

static void work(uint64_t period, uint64_t cost)
{
	for (uint64_t n = period, what;;) {
		burn(cost * rate / 1024);
		n = n * 6364136223846793005ul + 1442695040888963407ul;
		__atomic_fetch_add(word((n >> 32) % PAGES), n, __ATOMIC_RELAXED);
		__atomic_fetch_add(added + (n >> 32) % PAGES, n, __ATOMIC_RELAXED);
		__asm__ volatile("syscall" : "=a"(what) : "a"(0) : "rcx", "r11", "memory"); /* rt_on_foreign */
	}
}

static void spin(uint64_t which)
{
	for (;;)
		spun[which]++;
}

static struct task *pick(void)
{
	struct task *best = &idle;
	uint64_t least = ~0ul;

	for (struct task *t = task; t < END && left; t++) {
		uint64_t key = is_fifo ? t->order : t->deadline;

		if (t->ready && key < least)
			best = t, least = key;
	}
	return best;
}

/* Goes on with whose turn it is. */
static void turn(struct rt_regs *regs)
{
	struct task *last = current;
	uint64_t now = clock_ns(), next = timers_next();

	busy += last == &idle ? 0 : now - since;
	since = now;
	current = pick();
	rt_switch(regs, &last->regs, &current->regs);
	must(gate_env_set(0, EXO_SET_ALARM, next ? rt_tsc_at(next) : 0, 0), "alarm");
}

static void begin(struct timer *timer)
{
	struct task *t = timer->owner;

	t->order = t->ready ? t->order : orders++;
	t->misses += t->ready; /* the last one goes on in this period */
	t->ready = 1;
	t->deadline += t->period;
	left -= t == task && left;
	timer_start(timer, t->deadline);
}

void rt_on_async(struct rt_regs *regs, uint32_t bits)
{
	if (bits & EXO_PEND_TIMER)
		timers_run(clock_ns());
	turn(regs);
}

void rt_on_foreign(struct rt_regs *regs)
{
	current->jobs++;
	current->misses += clock_ns() > current->deadline;
	current->ready = 0;
	turn(regs);
}

/* How many jobs missed their deadline. */
static uint64_t run(const char *name, uint64_t periods)
{
	uint64_t start = clock_ns() + MS, misses = 0, jobs = busy = 0;

	left = periods;
	for (struct task *t = task; t < END; t++) {
		rt_regs_start(&t->regs, (uint64_t)work, (uint64_t)(t->stack + sizeof t->stack - 8), t->period, t->cost);
		t->timer = (struct timer){ .fire = begin, .owner = t };
		t->deadline = start;
		t->ready = t->jobs = t->misses = 0;
		timer_start(&t->timer, start);
	}
	must(gate_env_set(0, EXO_SET_ALARM, rt_tsc_at(start), 0), "alarm");
	for (unsigned i = 0; left; i++)
		(void)gate_yield(spinner[i % 2], EXO_PEND_TIMER);
	for (struct task *t = task; t < END; misses += t->misses, jobs += t->jobs, t++)
		timer_stop(&t->timer);
	rt_log("edf: %s: %lu periods, %lu jobs, %lu %% of the time, %lu misses", name, periods, jobs,
		busy * 100 / (clock_ns() - start), misses);
	return misses;
}

void app_main(exo_name self)
{
	uint64_t early, fifo, right = 0, scale = rt_setting("edf-scale", 1), share = rt_setting("edf-share", 100);

	must(scale && share && scale <= 1000 && share <= 100 ? alone_start(self) : -EXO_EINVAL, "start, scale or share");
	for (struct task *t = task; t < END; t++)
		t->period *= scale, t->cost = t->cost * scale * share / 100;
	for (uint64_t i = 0; i < 2; i++)
		must(rt_env_beside(&spinner[i], spin, i, idle.stack + (i + 1) * 4096), "spinner");
	must(map_anonymous(PLACE, PAGES * PAGE, PROT_READ | PROT_WRITE, 0), "region");
	rate = RAN;
	burn(1 << 20);
	rate = (1ul << 30) / rt_ns(RAN - rate);
	rt_page()->disabled = 0;
	early = run("earliest deadline first", 1000);
	is_fifo = 1;
	fifo = run("first in, first out", 100);
	for (uint64_t i = 0; i < PAGES; i++)
		right += *word(i) == added[i];
	rt_log("edf: %lu evictions, %lu of %lu sums are right, spun %lu %lu", evictions, right, PAGES, spun[0], spun[1]);
	rt_off(early || !fifo || !evictions || right != PAGES || !spun[0] || !spun[1]);
}
