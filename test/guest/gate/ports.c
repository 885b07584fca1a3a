/* SPDX-License-Identifier: MIT */
/* Who is given which port and which line (rules 20, 26, 27): everything is asked for, and what was given is the table that stands here. */
#include <base/fmt.h>
#include <base/string.h>
#include "gate.h"

struct range { uint32_t first, last; };
static const struct range ports_anyone[] = { { 0x2e8, 0x2ef }, { 0x2f8, 0x2ff }, { 0x3e8, 0x3ef } };
static const struct range ports_machine[] = {
	{ 0x60, 0x60 }, { 0x64, 0x64 }, { 0xf4, 0xf4 }, { 0x2e8, 0x2ef }, { 0x2f8, 0x2ff }, { 0x3e8, 0x3ef }, { 0x3f8, 0x3ff },
};
static const struct range lines_anyone[] = { { 3, 3 } };
/* 5, 10 and 11 are level lines of the PCs that QEMU makes. */
static const struct range lines_machine[] = { { 1, 1 }, { 3, 5 }, { 10, 12 } };

static int asked;                  /* EXO_DEV_PORTS or EXO_DEV_IRQ */
static struct range found[32];
static unsigned found_count;

/* The first from `from` on that it is given, in shared[0]; with that its env ends. */
static void ask(uint64_t from)
{
	uint64_t end = asked == EXO_DEV_PORTS ? 0x10000 : 16;

	for (shared[0] = from; shared[0] < end; shared[0]++)
		if (gate_dev_bind(asked, shared[0], 1) == 0)
			return;
}

static void found_add(uint64_t which)
{
	if (found_count && found[found_count - 1].last + 1 == which)
		found[found_count - 1].last++;
	else if (found_count < sizeof found / sizeof *found)
		found[found_count++] = (struct range){ (uint32_t)which, (uint32_t)which };
}

/* Asks for all, each success in a fresh env: true when every env ended by itself. */
static int ask_all(int kind, int with_right)
{
	uint64_t end = kind == EXO_DEV_PORTS ? 0x10000 : 16;

	asked = kind;
	found_count = 0;
	memset(found, 0, sizeof found);
	for (uint64_t next = 0; next < end; next = shared[0] + 1) {
		exo_name name = actor_start(0, ask, next);

		if (!name || (with_right && gate_env_set(name, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0) != 0))
			return 0;
		for (int patience = 0; patience < 60 && actor_run(name) == EXO_S_READY; patience++)
			;
		if (!actor_finish(name))
			return 0;
		if (shared[0] == end)
			break;
		found_add(shared[0]);
	}
	return 1;
}

static void show(const char *what)
{
	char text[200];
	int n = fmt(text, sizeof text, "%s:", what);

	for (unsigned i = 0; i < found_count && n < (int)sizeof text - 20; i++)
		n += fmt(text + n, sizeof text - (size_t)n, " %x-%x", found[i].first, found[i].last);
	(void)gate_log(text, (uint64_t)n);
}

#define FOUND(table) CHECK(found_count == sizeof(table) / sizeof *(table) && !memcmp(found, table, sizeof(table)))

/* As a child that draws on an account with devices. */
void dev_table(void)
{
	CHECK(ask_all(EXO_DEV_PORTS, 0));
	show("ports with a device count");
	FOUND(ports_anyone);
	CHECK(ask_all(EXO_DEV_IRQ, 0));
	show("lines with a device count");
	FOUND(lines_anyone);
	CHECK(ask_all(EXO_DEV_PORTS, 1));
	show("ports with the machine right");
	FOUND(ports_machine);
	CHECK(ask_all(EXO_DEV_IRQ, 1));
	show("lines with the machine right");
	FOUND(lines_machine);
}

/* What the first env asks for itself it keeps: the last test of all, and a second round gets nothing. */
static void ask_first(int kind)
{
	uint64_t end = kind == EXO_DEV_PORTS ? 0x10000 : 16;

	found_count = 0;
	memset(found, 0, sizeof found);
	for (uint64_t i = 0; i < end; i++)
		if (gate_dev_bind(kind, i, 1) == 0)
			found_add(i);
}

void dev_table_first(void)
{
	ask_first(EXO_DEV_PORTS);
	show("ports of the first env");
	FOUND(ports_machine);
	ask_first(EXO_DEV_IRQ);
	show("lines of the first env");
	FOUND(lines_machine);
	ask_first(EXO_DEV_PORTS);
	IS(found_count, 0);
	ask_first(EXO_DEV_IRQ);
	IS(found_count, 0);
}

/* ---- one binder */

static void hold(uint64_t line)
{
	shared[0] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x60, 1);
	shared[1] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x2f8, 3);
	shared[2] = (uint64_t)gate_dev_bind(EXO_DEV_IRQ, line, 1);
	for (;;)
		(void)gate_yield(0, 0);
}

static void want(uint64_t line)
{
	shared[3] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x60, 1);
	shared[4] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x64, 1);
	shared[5] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x2f8, 8);
	shared[6] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x2fb, 5);
	shared[7] = (uint64_t)gate_dev_bind(EXO_DEV_IRQ, line, 1);
	shared[8] = (uint64_t)gate_dev_bind(EXO_DEV_IRQ, line, 1);
	shared[9] = (uint64_t)gate_dev_ack(line);
}

/* What one env holds another does not get, bit by bit; a level line it may share; after its end all is free again. */
static int both(uint64_t line)
{
	exo_name holder = actor_start(0, hold, line), other;

	shared[2] = 1;
	if (!holder || gate_env_set(holder, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0) != 0)
		return 0;
	for (int i = 0; i < 100 && shared[2] == 1; i++)
		(void)gate_yield(holder, 0);
	other = actor_start(1, want, line);
	return other && gate_env_set(other, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0) == 0 && actor_finish(other)
		&& (rt_env_end(holder), 1);
}

void dev_exclusive(void)
{
	for (int round = 0; round < 3; round++) {
		CHECK(both(3));
		for (int i = 0; i < 3; i++)
			IS(shared[i], 0);
		IS(shared[3], -EXO_EBUSY);
		IS(shared[4], 0);
		IS(shared[5], -EXO_EBUSY);
		IS(shared[6], 0);
		IS(shared[7], -EXO_EBUSY);
		IS(shared[8], -EXO_EBUSY);
		IS(shared[9], -EXO_ENOENT);
		CHECK(both(5));
		IS(shared[2], 0);
		IS(shared[7], 0);
		IS(shared[8], -EXO_EEXIST);
		IS(shared[9], 0);
	}
}

/* ---- the machine right */

static void bind_one(uint64_t right)
{
	(void)right;
	shared[3] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x64, 1);
}

static void give_on(uint64_t unused)
{
	exo_name child;

	(void)unused;
	shared[0] = (uint64_t)gate_env_set(0, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0);
	child = actor_start(1, bind_one, 0);
	shared[1] = (uint64_t)gate_env_set(child, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0);
	shared[2] = (uint64_t)gate_env_set(child, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE + 1, 0);
	shared[4] = (uint64_t)actor_finish(child);
}

/* Only who has it gives it, only to its children, and never to itself. */
void dev_right(void)
{
	exo_name name = actor_start(0, give_on, 0);

	CHECK(name && actor_finish(name));
	IS(shared[4], 1);
	for (int i = 0; i < 4; i++)
		IS(shared[i], -EXO_EPERM);
	name = actor_start(0, give_on, 0);
	CHECK(name);
	IS(gate_env_set(name, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0), 0);
	CHECK(actor_finish(name));
	IS(shared[4], 1);
	IS(shared[0], -EXO_EPERM);
	IS(shared[1], 0);
	IS(shared[2], -EXO_EINVAL);
	IS(shared[3], 0);
}
