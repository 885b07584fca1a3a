/* SPDX-License-Identifier: MIT */
/* The harness: each test in an env of its own (or in the first, when it needs its rights), free frames counted before and after. */
#include <base/conf.h>
#include <base/fmt.h>
#include <base/string.h>
#include <rt/space.h>
#include "gate.h"

enum where { CHILD, FIRST, HOSTILE };
static const struct { const char *id; int rule; enum where where; void (*run)(void); } tests[] = {
#define TEST(id, rule, kind, where, function) { id, rule, where, function },
#include "tests.def"
#undef TEST
};

#define TEST_SECONDS 4
static struct { volatile int done, failed; char why[160]; } verdict;
static uint64_t witness_passes;
static struct exo_env_spec test_spec;
static uint8_t test_stack[16384] __attribute__((aligned(16)));

void test_fail(int line, const char *claim, int values, int64_t is, int64_t want)
{
	if (verdict.failed)
		return;
	verdict.failed = 1;
	if (values)
		(void)fmt(verdict.why, sizeof verdict.why, "line %d: %s is %ld, not %ld", line, claim, is, want);
	else
		(void)fmt(verdict.why, sizeof verdict.why, "line %d: %s", line, claim);
}

static void test_main(uint64_t i)
{
	tests[i].run();
	verdict.done = 1;
	for (;;)
		(void)gate_env_kill(0);
}

/* The test waits: perhaps for one of its actors, which the slice's end stopped. */
static void others_run(void)
{
	for (uint32_t i = 1; i < EXO_ENV_MAX; i++)
		if (rt_envs[i].name && rt_envs[i].name != rt_info->first && rt_envs[i].name != witness.name && rt_envs[i].state == EXO_S_READY)
			(void)gate_yield(rt_envs[i].name, 0);
}

static void test_run_child(uint64_t i)
{
	exo_name name;
	int64_t r = rt_env_prepare(&test_spec);
	uint64_t end = rt_tsc() + test_patience(TEST_SECONDS);
	int state;

	if (r < 0 || (r = rt_env_home(&test_spec, (uint64_t)&verdict, EXO_AT_RW | EXO_AT_REMAP)) < 0) {
		test_fail(0, rt_error(r), 0, 0, 0);
		return;
	}
	test_spec.rip = (uint64_t)test_main;
	test_spec.rsp = (uint64_t)(test_stack + sizeof test_stack - 8);
	test_spec.rdi = i;
	r = gate_env_make(&test_spec);
	if (r < 0) {
		test_fail(__LINE__, "env_make", 1, r, 0);
		return;
	}
	name = (exo_name)r;
	while ((state = env_state(name)) != EXO_S_FREE && state != EXO_S_DYING && state != EXO_S_STUCK && rt_tsc() < end)
		if (gate_yield(name, 0) < 0)
			others_run();
	if (!verdict.done) {
		const volatile struct exo_env *env = &rt_envs[EXO_NAME_INDEX(name)];

		if (state == EXO_S_STUCK && !verdict.failed) {
			verdict.failed = 1;
			(void)fmt(verdict.why, sizeof verdict.why, "stuck: vector %u, address %lx, rip %lx", env->stuck_vector, env->stuck_addr, env->stuck_rip);
		}
		test_fail(0, state == EXO_S_READY ? "ran too long" : state == EXO_S_FREE || state == EXO_S_DYING ? "ended early" : "waits for ever", 0, 0, 0);
	}
	rt_env_end(name);
}

/* With the witness beside it. */
static void test_run_hostile(uint64_t i)
{
	uint64_t before, began;
	const char *wrong;

	if (!witness_start()) {
		test_fail(__LINE__, "the witness cannot be made", 0, 0, 0);
		return;
	}
	before = witness.passes;
	began = rt_tsc();
	test_run_child(i);
	wrong = witness_end(before, rt_tsc() - began);
	if (wrong)
		test_fail(0, wrong, 0, 0, 0);
	witness_passes += witness.passes;
	witness_stop();
}

/* What a failed test left behind: envs whose creator is now the first. */
static void orphans_end(void)
{
	for (uint32_t i = 1; i < EXO_ENV_MAX; i++)
		if (rt_envs[i].name && rt_envs[i].name != rt_info->first)
			rt_env_end(rt_envs[i].name);
}

static int test_run(uint64_t i)
{
	uint64_t before = rt_info->frames_free, after;

	memset(&verdict, 0, sizeof verdict);
	memset((void *)&seen, 0, sizeof seen);
	memset((void *)shared, 0, sizeof shared);
	memset(&caught, 0, sizeof caught);
	if (tests[i].where == FIRST)
		tests[i].run();
	else if (tests[i].where == CHILD)
		test_run_child(i);
	else
		test_run_hostile(i);
	orphans_end();
	after = rt_info->frames_free;
	if (after != before)
		test_fail(0, "frames free after the test", 1, (int64_t)after, (int64_t)before);
	if (verdict.failed)
		rt_log("TEST %s FAIL rule %d: %s", tests[i].id, tests[i].rule, verdict.why);
	else
		rt_log("TEST %s ok", tests[i].id);
	return !verdict.failed;
}

/* Conf key gate-test: only tests whose id begins like this. */
static int test_wanted(const char *id, char *prefix, size_t max)
{
	const char *at = (const char *)rt_info->config_va, *end = at + rt_info->config_size;
	struct conf_line l = { 0 };

	if (!prefix[0])
		while (conf_next(&at, end, &l) > 0)
			if (conf_is(&l, "gate-test"))
				(void)conf_unescape(prefix, max, l.value, l.value_size);
	return strncmp(id, prefix, strlen(prefix)) == 0;
}

void app_main(exo_name self)
{
	char prefix[64] = "";
	unsigned ok = 0, failed = 0;
	struct rt_space space;

	(void)self;
	if (rt_entries_set() < 0)
		rt_log("TEST entries FAIL");
	/* Tables that first-env tests use stay: the count of free frames must not see them come. */
	(void)rt_tables(0, T, 0, 0);
	for (uint64_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
		if (test_wanted(tests[i].id, prefix, sizeof prefix))
			*(test_run(i) ? &ok : &failed) += 1;
	rt_log("the witness of the hostile tests looked itself over %lu times", witness_passes);
	rt_space_count(rt_frames, rt_info->frame_count, rt_homes, &space);
	rt_log("space: " RT_SPACE_FORMAT, space.mapped, space.names, space.private, space.disagreements);
	rt_log("TESTS DONE %u %u", ok, failed + (space.disagreements != 0));
	rt_off(failed != 0);
}
