/* SPDX-License-Identifier: MIT */
/* Random ops on time and devices by random envs: slices, yield, wait, notify, PCT, revocation, binding, interrupts.
 * Each result is the one that time_model.c says, a refusal changes no record, and after each op the counts agree.
 * TIME_OPS=N: how many; TIME_SEED=N: the first round's. */
#include <sys/wait.h>
#include <unistd.h>
#include "time_test.h"

enum { OPS_DEFAULT = 60000, ROUND_OPS = 4000, PAGES = 4 };

static uint64_t count;
static char text[120];

#define OP(...) (void)snprintf(text, sizeof text, __VA_ARGS__)
static bool one_in(unsigned n) { return random_below(n) == 0; }

static void wrong_if(const char *why)
{
	if (why)
		test_fail("op %llu, env %u, %s: %s", (unsigned long long)count, current_env()->index, text, why);
}

static void never(bool is, const char *what) { wrong_if(is ? what : NULL); }

/* ---- a refusal changes nothing */

static struct {
	struct exo_frame_rec frames[WORLD_FRAMES];
	struct exo_env envs[WORLD_INDEX_MAX];
	struct exo_slices slices;
	struct env record[WORLD_INDEX_MAX];
	struct exo_page page[WORLD_INDEX_MAX];
	struct cpu cpu;
	uint16_t masked;
} kept;

/* What was asked back is seen to be returned by whoever looks, a refusal too. */
static struct env record_of(const struct env *e)
{
	struct env copy = *e;

	copy.revoke_deadline = 0;
	return copy;
}

static void keep(void)
{
	memcpy(kept.frames, frames, sizeof kept.frames);
	memcpy(kept.envs, envs, sizeof kept.envs);
	kept.slices = *slices;
	kept.cpu = cpu0;
	kept.masked = time_masked;
	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++)
		if (world_env(i)) {
			kept.record[i] = record_of(world_env(i));
			kept.page[i] = *world_env(i)->exo;
		}
}

static void kept_check(void)
{
	never(memcmp(kept.frames, frames, sizeof kept.frames), "a refusal changed a frame");
	never(memcmp(kept.envs, envs, sizeof kept.envs), "a refusal changed an env's public record");
	never(memcmp(&kept.slices, slices, sizeof *slices), "a refusal changed a slice");
	never(memcmp(&kept.cpu, &cpu0, sizeof cpu0), "a refusal changed the CPU");
	never(kept.masked != time_masked, "a refusal masked a line");
	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++)
		if (world_env(i)) {
			struct env now = record_of(world_env(i));
			never(memcmp(&kept.record[i], &now, sizeof now), "a refusal changed an env");
			never(memcmp(&kept.page[i], world_env(i)->exo, sizeof kept.page[i]),
				"a refusal changed an exo page");
		}
}

/* The kernel's answer is the model's; what it had to leave as it was it left. */
static bool done(int64_t r, int64_t want)
{
	char why[80];

	(void)snprintf(why, sizeof why, "gives %lld, not %lld", (long long)r, (long long)want);
	wrong_if(r != want ? why : NULL);
	if (EXO_IS_ERROR(r))
		kept_check();
	return r >= 0;
}

/* ---- arguments */

static struct env *any_env(void)
{
	for (;;) {
		struct env *e = world_env(1 + (unsigned)random_below(2 * TIME_ENVS));
		if (e)
			return e;
	}
}

/* Mostly of one that lives; else of nobody. */
static exo_name any_name(void)
{
	exo_name name = any_env()->name;

	return one_in(12) ? name + EXO_ENV_MAX : name;
}

static uint64_t any_deadline(void) { return one_in(2) ? 0 : time_now + random_below(3000); }
static uint64_t any_page(void) { return LOW + random_below(PAGES + 1) * EXO_PAGE_SIZE; }

/* As gate_slow (entry.S) ends. */
static void leave(struct env *me, int64_t r)
{
	if (!cpu0.switched)
		me->save->regs.rax = (uint64_t)r;
	sched_check();
}

/* ---- ops that may switch */

static void draw_yield(void)
{
	struct env *me = current_env();
	exo_name name = one_in(4) ? 0 : any_name();
	uint64_t mask = random_below(32);

	OP("yield(%lx, %lx)", name, mask);
	keep();
	int64_t want = time_yield(name), r = op_yield(name, mask);
	(void)done(r, want);
	leave(me, r);
}

static void draw_wait(void)
{
	struct env *me = current_env();
	uint64_t mask = 1 + random_below(31), deadline = any_deadline();

	OP("wait(%lx, %lu)", mask, deadline);
	keep();
	int64_t want = time_wait(mask, deadline), r = op_wait(mask, deadline);
	/* It may have slept and been woken at once, by a bit or by the deadline. If not, r is nobody's. */
	if (want == 0)
		never(!cpu0.switched && r & ~(int64_t)mask, "woken by a bit that it did not wait for");
	else
		(void)done(r, want);
	leave(me, r);
}

static void draw_pct(void)
{
	struct env *me = current_env(), *to;
	struct exo_regs *regs = &me->save->regs;
	exo_name name = any_name();
	uint64_t deadline = any_deadline();

	/* Somebody who accepts, when there is one. */
	for (int i = 0; i < 20 && one_in(2); i++)
		if (envs[any_env()->index].state == EXO_S_ACCEPTING)
			name = any_env()->name;
	regs->rdx = random_next();
	regs->r15 = random_next();
	OP("pct(%lx, %lu)", name, deadline);
	keep();
	int64_t want = time_pct(name, deadline), r = op_pct(name, deadline);
	if (done(r, want)) {
		to = env_by_name(name);
		never(current_env() != to || to->caller != me, "the callee does not run");
		never(to->save->regs.rax != me->name, "the caller's name");
		never(to->save->regs.rdx != regs->rdx || to->save->regs.r15 != regs->r15, "the message");
	}
	leave(me, r);
}

static void draw_reply(void)
{
	struct env *me = current_env(), *caller = me->caller;
	uint64_t what = random_below(one_in(6) ? 6 : 4);

	me->save->regs.rdx = random_next();
	OP("pct_reply(%lu)", what);
	keep();
	int64_t want = time_reply(what), r = op_pct_reply(what);
	if (done(r, want) && caller)
		never(caller->save->regs.rax || caller->save->regs.rdx != me->save->regs.rdx, "the reply");
	leave(me, r);
}

static void draw_notify(void)
{
	struct env *me = current_env();
	exo_name name = any_name();
	uint64_t bits = random_below(8);

	OP("notify(%lx, %lx)", name, bits);
	keep();
	int64_t want = time_notify(name, bits), r = op_notify(name, bits);
	if (done(r, want))
		never(bits & env_by_name(name)->open_bits & ~env_by_name(name)->exo->notify_bits,
			"the bits are not there");
	leave(me, r);
}

/* ---- others */

static void draw_slice(void)
{
	/* The first one stays the first env's: somebody must be able to run. */
	uint64_t i = 1 + random_below(one_in(8) ? 80 : TIME_SLICES + 1);
	exo_name name = one_in(4) ? 0 : any_name();

	OP("slice_set(%lu, %lx)", i, name);
	keep();
	int64_t want = time_slice(i, name), r = op_slice_set(i, name);
	if (done(r, want))
		never(slices->env[i] != name, "the slice is not there");
}

static void draw_revoke(void)
{
	exo_name name = any_name();
	uint64_t what = random_below(one_in(9) ? 6 : 4), a = 1 + random_below(6), b = any_deadline();
	struct env *e = env_by_name(name);
	uint32_t before = e ? e->exo->repossessed : 0;
	uint64_t at = 0;

	if (what == EXO_REVOKE_ASK && e && one_in(3))
		a = envs[e->index].frames + random_below(3);
	if (what == EXO_REVOKE_TAKE || what == EXO_REVOKE_FRAME)
		a = any_page();
	if (one_in(3))
		time_now += 2000;
	OP("revoke(%lx, %lu, %lx, %lu)", name, what, a, b);
	keep();
	int64_t want = time_revoke(name, what, a, b), r = op_revoke(name, what, a, b);
	if (!done(r, want))
		return;
	if (r == 1)
		never(e->exo->repossessed != before + 1 || leaf_seen(e->root, a),
			"what was taken is there, or not recorded");
	else if (what == EXO_REVOKE_SLICE)
		never(slices->env[a] != current_env()->name, "the slice was not taken");
	else
		never(e->exo->revoke_count != a || !(e->exo->pending & EXO_PEND_REVOKE), "it was not asked");
	wrong_if(recount(&at));
}

static void draw_bind(void)
{
	static const uint64_t port[] = { 0x2f8, 0x3e8, 0x2e8, 0x3f8, 0x60, 0x64, 0xf0, 0xf4, 0x70 };
	uint64_t kind = random_below(one_in(9) ? 6 : 3), n = 1 + random_below(one_in(2) ? 1 : 5);
	uint64_t base = random_below(one_in(9) ? 20 : 16);

	if (kind == EXO_DEV_PORTS)
		base = one_in(20) ? random_next() >> random_below(64) : port[random_below(9)] + random_below(3);
	else if (kind == EXO_DEV_IRQ && !one_in(9))
		n = 1;
	else if (kind >= EXO_DEV_FRAMES)
		base = one_in(9) ? 0xfec00 - random_below(8) : 0xe0000 + random_below(30);
	if (one_in(30))
		n = 0;
	/* Nothing is unbound before its env ends, and the first one does not. */
	if (current_env() == first_env() && !one_in(60))
		return;
	OP("dev_bind(%lu, %lx, %lu)", kind, base, n);
	keep();
	int64_t want = time_bind(kind, base, n), r = op_dev_bind(kind, base, n);
	if (done(r, want))
		time_bound(kind, base, n);
}

static void draw_ack(void)
{
	uint64_t line = random_below(one_in(9) ? 20 : 16);

	if (current_env()->irq_lines && one_in(2))
		line = (uint64_t)__builtin_ctz(current_env()->irq_lines);
	OP("dev_ack(%lu)", line);
	keep();
	int64_t want = time_ack(line), r = op_dev_ack(line);
	(void)done(r, want);
}

static void draw_set(void)
{
	struct env *me = current_env(), *e = any_env();
	static const int some[] = { EXO_SET_RIGHTS, EXO_SET_ALARM, EXO_SET_OPEN };
	int what = some[random_below(3)];

	OP("env_set(%d)", what);
	me->exo->disabled = one_in(2);
	if (one_in(3)) {
		int64_t more = (int64_t)random_below(5) - 2;
		(void)op_env_set(e->name, EXO_SET_LIMIT, one_in(2) ? EXO_C_SLICES : EXO_C_DEVICES, (uint64_t)more);
	} else if (what == EXO_SET_RIGHTS) {
		(void)op_env_set(e->name, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0);
	} else {
		CHECK_EQ(op_env_set(0, (uint64_t)what, what == EXO_SET_ALARM ? any_deadline() : random_below(8), 0), 0);
		leave(me, 0);
	}
}

/* A page of one's own, or of the first env's by a link of nobody's: what revocation takes. */
static void draw_page(void)
{
	uint64_t va = any_page(), pfn;

	if (leaf_seen(current_env()->root, va) || info->frames_free < 40)
		return;
	if (envs[current_env()->index].state != EXO_S_READY || op_frame_claim(EXO_ANY, 1, WORLD_PAGE, 0) != 1)
		return;
	CHECK_EQ(user_read(&pfn, WORLD_PAGE, 8), 0);
	OP("a page at %lx", va);
	if (op_pte_write(0, va | 1, 1, leaf((uint32_t)pfn, RW), 0, 0) != 1 || one_in(3))
		(void)op_frame_give(pfn, 1, 0); /* disowned while it is mapped */
}

/* Handed to another, while the first owner's entry still maps it; or let go. */
static void draw_give(void)
{
	struct env *to = any_env();
	uint64_t leaf = leaf_seen(current_env()->root, any_page());

	OP("frame_give");
	if (leaf)
		(void)op_frame_give((leaf & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT, 1, one_in(3) ? 0 : to->name);
}

static unsigned living(void)
{
	unsigned n = 0;

	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++)
		n += world_env(i) != NULL;
	return n;
}

static void draw_env(void)
{
	struct env *e = any_env(), *me = current_env();
	unsigned index = e->index;

	if (living() < TIME_ENVS && info->frames_free > 200 && one_in(2)) {
		OP("env_make");
		const struct exo_env *a = &envs[envs[me->index].account];
		if (a->limit[EXO_C_FRAMES] - a->used[EXO_C_FRAMES] < 80 || revoke_bars(me))
			return;
		int64_t r = world_child(one_in(2) ? 0 : 40);
		if (r > 0) {
			world_env(EXO_NAME_INDEX(r))->open_bits = random_below(8);
			tables_make(0, LOW);
		}
	} else if (e != first_env() && one_in(3)) {
		OP("env_kill(%u)", index);
		int64_t r = op_env_kill(e == me && one_in(2) ? 0 : e->name);
		/* Its devices went at once, whatever is left to be taken down. */
		if (r != -EXO_EPERM)
			time_left(index);
		leave(me, r);
	}
}

/* ---- what comes by itself */

static void draw_interrupt(void)
{
	unsigned line = (unsigned)random_below(16);

	if (time_masked >> line & 1)
		return;
	OP("interrupt %u", line);
	dev_interrupt(line);
	never(irq_is_level(line) && !(time_masked >> line & 1),
		"a level line comes again before anybody acknowledged");
	sched_check();
}

static void time_pass(void)
{
	time_now += random_below(one_in(8) ? 4000 : 300);
	if (time_now < time_timer && time_now < dev_late)
		return;
	OP("tick");
	sched_tick();
	sched_check();
}

static void round_run(uint64_t ops)
{
	static void (*const draw[])(void) = {
		draw_yield, draw_yield, draw_yield, draw_wait, draw_pct, draw_pct, draw_reply, draw_reply, draw_notify,
		draw_slice, draw_slice, draw_revoke, draw_revoke, draw_revoke, draw_bind, draw_bind, draw_ack, draw_set,
		draw_page, draw_give, draw_env, draw_interrupt,
	};

	for (count = 0; count < ops; count++) {
		draw[random_below(sizeof draw / sizeof *draw)]();
		wrong_if(time_wrong());
		time_pass();
		wrong_if(time_wrong());
		if (one_in(64))
			world_check();
	}
}

/* A process for each round: what is static in the kernel begins anew; what the first env has bound is free again. */
TEST(time_random_ops)
{
	const char *wish = getenv("TIME_OPS"), *first = getenv("TIME_SEED");
	uint64_t ops = wish ? strtoull(wish, NULL, 0) : OPS_DEFAULT, seed = first ? strtoull(first, NULL, 0) : 1;
	int status;

	alarm(wish ? 0 : 300);
	for (uint64_t left = ops; left; left -= left < ROUND_OPS ? left : ROUND_OPS, seed++) {
		pid_t child = fork();

		if (!child) {
			random_seed(seed);
			world_make();
			tables_make(0, LOW);
			time_begin();
			round_run(left < ROUND_OPS ? left : ROUND_OPS);
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (status)
			test_fail(" (TIME_SEED=%llu, status 0x%x)", (unsigned long long)seed, status);
	}
}
