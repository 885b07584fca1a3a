/* SPDX-License-Identifier: MIT */
/* Tests of the single address space: what one env builds, another reads at the same addresses through one link (rule 2). */
#include "gate.h"

struct node { struct node *next; uint64_t value; };
#define NODES 3000
static struct { struct node *volatile head; volatile uint64_t sum, count; } list;

/* Runs on pages of three level-1 tables of the home, in an order that jumps to and fro. */
static uint64_t node_address(uint64_t i)
{
	static const uint64_t part[3] = { H, H + 0x200000, H + 0x3f000000 };

	return part[i % 3] + (i * 5 % (NODES / 3 + 1)) * 48;
}

static void walk_list(uint64_t write)
{
	uint64_t sum = 0, count = 0;

	for (struct node *n = list.head; n; n = n->next) {
		sum += n->value;
		count++;
	}
	list.sum = sum;
	list.count = count;
	if (write)
		list.head->value = 1;
	shared[0] = 1;
}

static int list_build(void)
{
	struct node *last = 0;

	if (!home_new(H))
		return 0;
	for (uint64_t part = 0; part < 3; part++)
		for (uint64_t page = 0; page < 12; page++) {
			uint64_t va = (part == 0 ? H : part == 1 ? H + 0x200000 : H + 0x3f000000) + page * PAGE;

			if (va != H && !page_new(va, RW | NX))
				return 0;
		}
	for (uint64_t i = 0; i < NODES; i++) {
		struct node *n = (struct node *)node_address(i);

		n->next = last;
		n->value = i;
		last = n;
	}
	list.head = last;
	return 1;
}

void space_list(void)
{
	CHECK(list_build());
	IS(actor_prepare(0, walk_list, 0), 0);
	CHECK(rt_homes[EXO_HOME_OF(H)].pt2);
	/* One op: the table above it is the one that the app's home stands in. */
	IS(gate_pt_link(actor[0].spec.frames[EXO_EF_ROOT], H | EXO_AT_LIVE | 3, 1, 0), 1);
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_finish(actor[0].name));
	IS(list.count, NODES);
	IS(list.sum, (uint64_t)NODES * (NODES - 1) / 2);
}

void space_list_write(void)
{
	CHECK(list_build());
	IS(actor_prepare(0, walk_list, 1), 0);
	IS(gate_pt_link(actor[0].spec.frames[EXO_EF_ROOT], H | EXO_AT_LIVE | 3, 1, 0), 1);
	actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	IS(actor_run(actor[0].name), EXO_S_STUCK);
	IS(list.count, NODES);
	IS(shared[0], 0);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].stuck_vector, 14);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].stuck_addr, (uint64_t)&list.head->value);
	IS(list.head->value, NODES - 1);
	rt_env_end(actor[0].name);
}

/* One meaning: two envs that both try to give an address of a home theirs. */
static void claim_same(uint64_t va)
{
	shared[0] = (uint64_t)gate_home_set(0, EXO_HOME_CLAIM, va, 1);
	shared[1] = (uint64_t)rt_table(0, va, 3);
	shared[2] = (uint64_t)gate_frame_type((uint64_t)rt_frame(), 1, EXO_PT2, 0);
}

void space_one_meaning(void)
{
	exo_name name;
	uint64_t pt2;

	CHECK(home_new(H));
	pt2 = rt_homes[EXO_HOME_OF(H)].pt2;
	name = actor_start(0, claim_same, H);
	CHECK(name && actor_finish(name));
	IS(shared[0], -EXO_EBUSY);
	REFUSED(shared[1]);
	IS(shared[2], 1);
	IS(rt_homes[EXO_HOME_OF(H)].pt2, pt2);
	WORD(H) = 1;
}
