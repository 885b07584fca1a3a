/* SPDX-License-Identifier: MIT */
/* The monitor: the first env's loop, which serves the devices, gives the CPU to process 1 when there is something to
 * do and else to the member that the family named, and ends the machine. Bytes are monitor_io.c's and
 * monitor_console.c's, the family's lock monitor_watch.c's. */
#include <base/fmt.h>
#include <base/string.h>
#include <rt/cpu.h>
#include "monitor.h"
#include <posix/parts.h>

#define STATUS_DAMAGED 125
/* In the first env alone: at the end of the private area's GiB, before the gate's trace (monitor_trace.c). */
#define DRIVERS_VA (PRIVATE_BASE + EXO_HOME_SIZE - (2ul << 20) - sizeof(struct driver_spaces))
#define STREAM_NS  100000u      /* an idle machine looks so often for more of a stream */
#define SOON_NS    20000u       /* an alarm lies at least so far ahead */
#define STRIKES    200
#define KEPT_FRAMES 64          /* of what the family does not get */
#define KEPT_ENVS  8
#define KEPT_HOMES 8

static void power(struct monitor *m, int again, int status)
{
	io_drain(m);
	if (IS_BOX)
		(void)gate_env_kill(0);
	rt_log("init: %s, status %d", again ? "reset" : "power off", status);
	if (!again && CONFIG->exit_port) {
		if (gate_dev_bind(EXO_DEV_PORTS, (uint64_t)CONFIG->exit_port, 1) >= 0)
			port_out8((uint16_t)CONFIG->exit_port, (uint8_t)status);
		else
			rt_log("init: exit-port %d is not given away by the kernel", CONFIG->exit_port);
	}
	(void)gate_env_set(0, EXO_SET_MACHINE, again ? EXO_MACHINE_RESET : EXO_MACHINE_OFF, (uint64_t)status);
}

static void exit_record(struct monitor *m, int status)
{
	uint8_t end[20];
	const int32_t word = status;

	memcpy(end, m->nonce, 16);
	memcpy(end + 16, &word, 4);
	io_frame(m, 'X', end, sizeof end);
}

/* In the log and to the host. */
static int end_say(struct monitor *m, const char *why, char *line, size_t max)
{
	char who[32];
	int n;

	member_name(m->told.ran, who, sizeof who);
	n = fmt(line, max, "family: ended: %s; last had the CPU: %s (env %lx)", why, who, m->told.ran);
	n = n < (int)max ? n : (int)max - 1;
	rt_log("%s", line);
	io_frame(m, 'L', line, (size_t)n);
	return n;
}

void machine_end(struct monitor *m, enum init_answer what, int status)
{
	char line[256];

	if (what == ANSWER_STATUS) {
		io_drain(m);
		trace_end(m);
		exit_record(m, status);
	} else if (CONFIG->mode == INIT_PIPE) { /* COMMAND has not ended: whoever made process 1 do this is named */
		(void)end_say(m, "process 1 was told to end it", line, sizeof line);
	}
	for (;;)
		power(m, what == ANSWER_RESET, status);
}

void family_end(struct monitor *m, const char *why)
{
	char line[256];
	int n = end_say(m, why, line, sizeof line);

	io_terminal(m, line, (size_t)n);
	io_terminal(m, "\n", 1);
	exit_record(m, STATUS_DAMAGED);
	io_drain(m);
	if (CONFIG->end == INIT_END_WAIT)
		for (;;)
			(void)gate_wait(EXO_PEND_NOTIFY, 0);
	for (;;)
		power(m, CONFIG->end == INIT_END_AGAIN, STATUS_DAMAGED);
}

/* When the monitor wants the CPU back, ns of clock_ns: 0 = not before an event. Process 1, once it runs, sees to what
 * is due. */
static uint64_t deadline_of(const struct monitor *m, exo_name next, uint64_t now)
{
	uint64_t at = earlier(drivers_deadline(&m->dev), m->sizing), share;

	if (m->more)
		at = earlier(at, now);
	if (m->soon) /* nobody is kept from the CPU by a look at what else comes */
		at = earlier(at, now + (!next && m->dev.vserial->streams ? STREAM_NS : RETRY_NS));
	if (next != m->keeper)
		at = earlier(at, m->look_at);
	if (m->told.wakes && next != m->keeper)
		at = earlier(at, m->told.wakes);
	if (next && next != m->keeper && m->told.run_count > 1) {
		share = posix_app.latency_ns / m->told.run_count;
		at = earlier(at, now + MAX_OF(share, posix_app.granularity_ns));
	}
	return at ? MAX_OF(at, now + SOON_NS) : 0;
}

static void alarm_set(uint64_t tsc)
{
	if (tsc == P->alarm_at)
		return;
	P->alarm_at = tsc;
	(void)gate_env_set(0, EXO_SET_ALARM, tsc, 0);
}

/* Process 1 waits to be asked: its answer comes from the kernel, which knows who gives it. */
static void answer_take(struct monitor *m)
{
	uint64_t word[2] = { 0 };

	if (rt_envs[EXO_NAME_INDEX(m->keeper)].state != EXO_S_ACCEPTING)
		return;
	if (m->told.out_put != SAY->out_taken && io_leaves(m))
		return; /* what was said before goes out before */
	if (gate_pct_say(m->keeper, rt_tsc() + rt_ticks(100000000u), word) < 0)
		return;
	if (word[0] >= ANSWER_STATUS && word[0] <= ANSWER_RESET)
		machine_end(m, (enum init_answer)word[0], (int)word[1]);
}

static void keeper_check(struct monitor *m)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(m->keeper)];
	char why[128];

	if (e->name == m->keeper && e->state != EXO_S_STUCK && e->state != EXO_S_DYING)
		return;
	if (e->name == m->keeper && e->state == EXO_S_STUCK)
		(void)fmt(why, sizeof why, "process 1 is stuck at vector %u, address 0x%lx", e->stuck_vector,
			(unsigned long)e->stuck_addr);
	else
		(void)fmt(why, sizeof why, "process 1 is gone");
	family_end(m, why);
}

static void holder_end(struct monitor *m, exo_name holder)
{
	char who[32], why[128];

	member_name(holder, who, sizeof who);
	(void)fmt(why, sizeof why, "%s (env %lx) holds its lock and does not get on", who, holder);
	if (holder == m->keeper || gate_env_kill(holder) == -EXO_EPERM)
		family_end(m, why);
	rt_log("family: %s: this one is ended", why);
	(void)gate_notify(m->keeper, KEEPER_REAP);
}

/* Who is given the CPU: process 1 while it has not parked, else the member that the family named; 0: nobody wants
 * it. */
static exo_name next_choose(struct monitor *m, int *ask_keeper)
{
	const volatile struct exo_env *k = &rt_envs[EXO_NAME_INDEX(m->keeper)];

	if (*ask_keeper || (!m->told.running && m->last != m->keeper)) {
		(void)gate_notify(m->keeper, KEEPER_WORK);
		*ask_keeper = 0;
	}
	if (k->state == EXO_S_READY)
		return m->keeper;
	if (!m->told.running || member_runs(m, m->told.running)) {
		m->strikes = 0;
		return m->told.running;
	}
	if (++m->strikes > STRIKES)
		family_end(m, "whom its run queue names cannot run");
	(void)gate_notify(m->keeper, KEEPER_REAP);
	return k->state == EXO_S_READY ? m->keeper : 0;
}

/* One that has got bytes goes on, whatever it says meanwhile, until it parks or its time is over. */
static int box_runs(struct monitor *m)
{
	if (m->box_turn && (rt_envs[EXO_NAME_INDEX(m->box_turn)].state != EXO_S_READY || clock_ns() >= m->box_until))
		m->box_turn = 0;
	return m->box_turn != 0;
}

static void loop(struct monitor *m) __attribute__((noreturn));
static void loop(struct monitor *m)
{
	uint32_t slice = 0;
	int ask_keeper = 0;

	for (;;) {
		uint32_t bits = __atomic_exchange_n(&P->exo->pending, 0, __ATOMIC_ACQUIRE), irq = 0;
		uint64_t news = 0, messages = 0, deadline, now;
		exo_name next, holder;

		if (bits & EXO_PEND_IRQ)
			messages = __atomic_exchange_n(&P->exo->msi_bits, 0, __ATOMIC_ACQUIRE);
		if (bits & EXO_PEND_IRQ)
			irq = __atomic_exchange_n(&P->exo->irq_bits, 0, __ATOMIC_ACQUIRE);
		if (bits & EXO_PEND_NOTIFY)
			news = __atomic_exchange_n(&P->exo->notify_bits, 0, __ATOMIC_ACQUIRE);
		if (bits & EXO_PEND_TIMER)
			P->alarm_at = 0;
		m->told = *(const volatile struct told_head *)&F->told; /* as it is now: members write it */
		memory_serve(m);
		if (irq)
			drivers_interrupt(&m->dev, irq);
		ask_keeper |= io_pump(m, messages);
		if (drivers_step(&m->dev))
			SAY->devices_size = (uint32_t)drivers_list(&m->dev, SAY->devices, SAID_DEVICES);
		ask_keeper |= console_pump(m);
		if (news & MONITOR_BOXES || (m->sizing && m->sizing <= clock_ns()) ||
			(m->boxes && (bits & EXO_PEND_CHILD || m->ending))) {
			box_pump(m);
			ask_keeper = 1;
		}
		if (m->dev.held[DRIVER_v9p].count)
			ask_keeper |= share_pump(m, clock_ns());
		if (news & MONITOR_REPORT || m->report.is_busy)
			report_pump(m, (news & MONITOR_REPORT) != 0);
		if (news & MONITOR_WORK || bits & (EXO_PEND_CHILD | EXO_PEND_TIMER) || slice != rt_slices->position)
			ask_keeper = 1;
		now = clock_ns();
		if ((m->told.wakes && m->told.wakes <= now) || m->look_at <= now) {
			m->look_at = now + LOOK_NS;
			seed_pump(m, now);
			ask_keeper = 1;
		}
		slice = rt_slices->position;
		keeper_check(m);
		if (m->told.ends)
			answer_take(m);
		holder = lock_watch(m);
		if (holder)
			holder_end(m, holder);
		next = next_choose(m, &ask_keeper);
		deadline = deadline_of(m, next, clock_ns());
		if (deadline)
			deadline = rt_tsc_at(deadline);
		if (box_runs(m)) {
			next = m->box_turn;
			deadline = earlier(deadline, rt_tsc_at(m->box_until));
		}
		m->last = next;
		if (!next) {
			(void)gate_wait(TURN_OVER, deadline);
			continue;
		}
		alarm_set(deadline);
		if (gate_yield(next, TURN_OVER) == -EXO_EAGAIN)
			(void)gate_notify(m->keeper, KEEPER_STALLED);
	}
}

static void give_up(const char *what, int64_t error) __attribute__((noreturn));
static void give_up(const char *what, int64_t error)
{
	rt_log("monitor: %s: error %ld", what, (long)error);
	if (IS_BOX)
		(void)gate_env_kill(0);
	for (;;)
		(void)gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, STATUS_DAMAGED);
}

/* Own pages for MONITOR. */
static void pages_open(void)
{
	uint64_t frame[MONITOR_PAGES];

	if (frames_claim_zeroed(frame, MONITOR_PAGES))
		give_up("no memory for its own record", -ENOMEM);
	if (pages_put(0, (uint64_t)MONITOR, frame, MONITOR_PAGES) < 0)
		give_up("its own record cannot be mapped", -ENOMEM);
}

/* Size and kind of the terminal, as far as aril.conf leaves them open: the screen's. */
static void terminal_choose(struct monitor *m)
{
	struct init_config *c = CONFIG_SAY;
	const struct screen *s = m->dev.screen;

	if (!c->term[0])
		(void)fmt(c->term, sizeof c->term, "%s", s->on ? "linux" : "dumb");
	if (!c->rows)
		c->rows = s->on ? (int)s->rows : 24;
	if (!c->columns)
		c->columns = s->on ? (int)s->columns : 80;
	SAY->rows = (uint32_t)c->rows;
	SAY->columns = (uint32_t)c->columns;
}

/* The family draws on an account of its own: all that there is, but for devices, slices and what the monitor keeps to
 * go on with. Its maker may end whoever draws on it. */
static void account_make(struct exo_env_spec *spec)
{
	static const uint32_t kept[EXO_C_COUNT] = {
		[EXO_C_FRAMES] = KEPT_FRAMES, [EXO_C_ENVS] = 1 + KEPT_ENVS, /* 1: the family's first */
		[EXO_C_HOMES] = KEPT_HOMES,
		[EXO_C_SLICES] = UINT32_MAX, [EXO_C_DEVICES] = UINT32_MAX,
	};
	const volatile struct exo_env *mine = &rt_envs[rt_envs[EXO_NAME_INDEX(P->self)].account];

	spec->flags = EXO_SPEC_NEW_ACCOUNT;
	for (int c = 0; c < EXO_C_COUNT; c++) {
		uint32_t left = mine->limit[c] - mine->used[c];

		spec->limit[c] = left - MIN_OF(left, kept[c]);
	}
}

static void keeper_start(struct monitor *m)
{
	long name = env_build(&m->build);

	if (!name) {
		account_make(&m->build.spec);
		name = env_launch(&m->build, keeper_begin, TOLD);
	}
	if (name < 0)
		give_up("no memory for process 1", name);
	m->keeper = SAY->keeper = (exo_name)name;
	/* From here on it only reads what members write. */
	name = control_rights(0);
	if (name < 0)
		give_up("control memory stays writable", name);
}

void monitor_main(void)
{
	struct monitor *m = MONITOR;

	pages_open();
	m->dev.va = DRIVERS_VA;
	SAY->keeper = P->self; /* until there is process 1, what is free is what the monitor's account can claim */
	memory_open(m);
	if (IS_BOX) {
		box_open(m);
		if (P->given)
			run_given(m);
		else
			run_wait(m);
	} else {
		config_read(CONFIG_SAY, m->nonce, (const char *)rt_info->config_va,
			rt_info->config_va ? rt_info->config_size : 0);
		io_open(m);
		console_open(m);
		run_wait(m);
		seed_open(m); /* not before: bytes of a saved machine are those of all that go on from it */
		share_open(m);
	}
	io_hello(m);
	console_keys(m);
	terminal_choose(m);
	trace_begin(m);
	keeper_start(m);
	loop(m);
}
