/* SPDX-License-Identifier: MIT */
/* Random ops from random envs, each compared with the model; after each the kernel's recount, and what the CPU may still remember of the caller's root.
 * CORE_OPS=N: how many ops (10000000 for a long run); CORE_SEED=N: the first round's seed; CORE_TRACE=1: say each op. */
#include "model_args.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPS_DEFAULT = 200000, SECONDS_MAX = 300, ROUND_OPS = 4000 };

const char *recount(uint64_t *where); /* test/kernel/recount.c */

static bool is_short(uint32_t need) { return info->frames_free < need || room(envs[model_me()].account, EXO_C_FRAMES) < need; }

/* One step of e's end, by whoever runs; true when it is gone. */
static bool end_push(struct env *e)
{
	uint16_t index = e->index;
	uint64_t where = 0;

	OP("env_kill(%u)", index);
	world_interrupts = 1;
	int64_t r = op_env_kill(e->name);
	world_interrupts = 0;
	if (r == -EXO_EPERM)
		return true;
	if (r != 0 && r != -EXO_EAGAIN)
		wrong_if("env_kill's result");
	wrong_if(recount(&where));
	wrong_if(model_follow(index, true));
	if (r)
		return false;
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if (frames[pfn].type > EXO_KERNEL && frames[pfn].owner == index)
			wrong_if("an env that is gone owns a frame");
	wrong_if(model_reach());
	return true;
}

static void draw_env(void)
{
	struct env *e = any_env(), *me = current_env();
	uint16_t index = me->index;

	if (envs[e->index].state == EXO_S_DYING) {
		end_push(e);
	} else if (one_in(2) && !is_short(30)) {
		/* Half of them share a home of the maker's, with some of its rights. */
		uint64_t va = UNIT(random_below(3));
		struct model_walk w = model_walk(me->root, va, 3);
		bool mine = model_home_of(va)->owner == index;
		uint64_t rights = (w.rw && w.entry & EXO_PTE_RW ? EXO_AT_RW : 0) | (mine || w.entry & EXO_LINK_BIT_REMAP ? EXO_AT_REMAP : 0);

		world_child_home = w.entry & EXO_PTE_P && model_is_live(model_pfn(w.entry), va) && one_in(2) ? va : 0;
		world_child_rights = one_in(2) ? rights : one_in(2) ? rights & EXO_AT_RW : 0;
		OP("env_make, home %lx", world_child_home);
		world_child(one_in(2) ? 0 : 20 + (uint32_t)random_below(80));
		wrong_if(model_follow(index, false));
	} else if (one_in(3) && me != first_env() && !is_short(0)) {
		OP("env_kill(0)"); /* or by its name */
		op_env_kill(one_in(2) ? 0 : me->name);
		wrong_if(envs[index].state == EXO_S_DYING ? NULL : "env_kill(0) leaves the caller alive");
	} else if (e != first_env() && e != me && one_in(3)) {
		end_push(e);
	}
}

static void run_somebody(void)
{
	struct env *e = any_env();

	world_run(envs[e->index].state == EXO_S_READY ? e->index : 1);
}

/* Memory for more: an env's end, else what the first env can spare. */
static bool memory_make(void)
{
	for (unsigned i = WORLD_INDEX_MAX - 1; i > 1; i--) {
		struct env *e = world_env(i);
		if (!e)
			continue;
		if (e->creator != first_env() && envs[i].state != EXO_S_DYING)
			continue;
		world_run(1);
		while (!end_push(e))
			;
		return true;
	}
	world_run(1);
	for (int i = 0; i < 60 && is_short(40); i++)
		draw_give();
	return !is_short(40);
}

static void first_setup(void)
{
	op_home_set(0, EXO_HOME_CLAIM, UNIT(0), 2);
	tables_make(0, UNIT(0));
	tables_make(0, UNIT(1));
	tables_make(0, 0x400000);
	for (int k = 0; k < 2; k++) {
		uint32_t root = table_new(EXO_PT4);

		op_home_set(root, EXO_HOME_PRIVATE, UNIT(0), 1);
		op_pt_link(root, 0 | 4, 1, table_new(EXO_PT3));
		op_pt_link(root, UNIT(0) | 4, 1, table_new(EXO_PT3));
		if (k)
			op_pt_link(root, 0 | 3, 1, table_new(EXO_PT2));
	}
}

static void round_run(uint64_t ops)
{
	uint64_t where = 0;

	world_make();
	first_setup();
	model_load();
	for (draw_count = 0; draw_count < ops; draw_count++) {
		if (one_in(4) || !current_env() || envs[model_me()].state != EXO_S_READY)
			run_somebody();
		if (is_short(6) && !memory_make())
			break;
		model_cut = one_in(4);
		world_interrupts = model_cut ? 3 : 0;
		bool watch = one_in(4);
		struct env *me = current_env();
		uint32_t root = me->root;
		if (watch)
			tlb_fill();
		if (one_in(60))
			draw_env();
		else
			draw_op();
		world_interrupts = 0;
		if (watch && current_env() == me && me->root == root) {
			wrong_if(tlb_check());
			ring3_write();
		}
		wrong_if(recount(&where));
		if (one_in(8))
			wrong_if(model_compare());
		if (one_in(64))
			wrong_if(model_reach());
		if (one_in(512))
			world_check();
	}
	wrong_if(model_compare());
	wrong_if(model_reach());
	world_check();
	world_end();
}

static void random_ops_against_model(void)
{
	const char *wish = getenv("CORE_OPS"), *seed_text = getenv("CORE_SEED");
	uint64_t target = wish ? strtoull(wish, NULL, 0) : OPS_DEFAULT, seed = seed_text ? strtoull(seed_text, NULL, 0) : 1;
	volatile uint64_t *total = mmap(NULL, EXO_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	CHECK(total != MAP_FAILED);
	draw_trace = getenv("CORE_TRACE");
	alarm(wish ? 0 : SECONDS_MAX);
	/* A process for each round: the kernel's static data begin anew. */
	for (; *total < target; seed++) {
		pid_t child = fork();

		if (!child) {
			random_seed(seed);
			round_run(ROUND_OPS);
			*total += draw_count;
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (status)
			test_fail(" (CORE_SEED=%llu, status 0x%x)", (unsigned long long)seed, status);
	}
	if (wish)
		fprintf(stderr, "# %llu ops, last seed %llu\n", (unsigned long long)*total, (unsigned long long)seed - 1);
}

__attribute__((constructor)) static void add(void)
{
	static struct test t = { "core.random-ops-against-model", random_ops_against_model, NULL };
	test_add(&t);
}
