/* SPDX-License-Identifier: MIT */
/* Tests of protected control transfer: entry only while accepting, registers as message, ends and deadlines (rule 23). */
#include "gate.h"

/* r[]: rdx r10 r8 r9 r12 r13 r14 r15, in and out; the op's result is returned. */
static int64_t call(long op, uint64_t a, uint64_t b, uint64_t r[8])
{
	int64_t result;
	register uint64_t r10 __asm__("r10") = r[1];
	register uint64_t r8 __asm__("r8") = r[2];
	register uint64_t r9 __asm__("r9") = r[3];
	register uint64_t r12 __asm__("r12") = r[4];
	register uint64_t r13 __asm__("r13") = r[5];
	register uint64_t r14 __asm__("r14") = r[6];
	register uint64_t r15 __asm__("r15") = r[7];

	__asm__ volatile("syscall" : "=a"(result), "+d"(r[0]), "+r"(r10), "+r"(r8), "+r"(r9), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
		: "a"(EXO_GATE_BASE + op), "D"(a), "S"(b) : "rcx", "r11", "memory");
	r[1] = r10;
	r[2] = r8;
	r[3] = r9;
	r[4] = r12;
	r[5] = r13;
	r[6] = r14;
	r[7] = r15;
	return result;
}

static int64_t reply_and_accept(uint64_t what, uint64_t r[8]) { return call(EXO_GATE_pct_reply, what, 0, r); }

/* Adds 1 to each word; counts calls in shared[0], names callers in shared[1]. */
static void server(uint64_t calls)
{
	uint64_t r[8] = { 0 };
	int64_t caller = reply_and_accept(EXO_PCT_ACCEPT, r);

	while (caller > 0 && calls--) {
		shared[0]++;
		shared[1] = (uint64_t)caller;
		for (int i = 0; i < 8; i++)
			r[i]++;
		caller = reply_and_accept(calls ? EXO_PCT_REPLY | EXO_PCT_ACCEPT : EXO_PCT_REPLY, r);
	}
	shared[2] = (uint64_t)caller;
}

static void silent(uint64_t argument)
{
	uint64_t r[8] = { 0 };

	(void)reply_and_accept(EXO_PCT_ACCEPT, r);
	shared[0] = 1;
	if (argument)
		for (;;)
			shared[15]++;
}

/* Runs name until it accepts: true, or not within a second. */
static int accepts(exo_name name)
{
	for (uint64_t end = rt_tsc() + rt_info->tsc_hz; env_state(name) == EXO_S_READY && rt_tsc() < end;)
		(void)gate_yield(name, 0);
	return env_state(name) == EXO_S_ACCEPTING;
}

void pct_call(void)
{
	exo_name name = actor_start(0, server, 3);
	uint64_t r[8];

	CHECK(name && accepts(name));
	for (uint64_t n = 1; n <= 3; n++) {
		for (uint64_t i = 0; i < 8; i++)
			r[i] = n << 32 | i;
		IS(call(EXO_GATE_pct, name, 0, r), 0);
		for (uint64_t i = 0; i < 8; i++)
			IS(r[i], (n << 32 | i) + 1);
		IS(shared[0], n);
		IS(shared[1], rt_self());
	}
	CHECK(actor_finish(name));
	IS(shared[2], 0);
}

void pct_refused(void)
{
	exo_name name = actor_start(0, server, 1), old;
	uint64_t r[8] = { 0 };

	CHECK(name);
	IS(gate_pct(name, 0), -EXO_EAGAIN); /* not accepting yet */
	IS(gate_pct(rt_self(), 0), -EXO_EAGAIN);
	IS(gate_pct(0, 0), -EXO_ESTALE);
	CHECK(accepts(name));
	IS(gate_pct(name, rt_tsc() + 1000000), -EXO_EPERM); /* a deadline needs slices */
	IS(gate_yield(name, 0), -EXO_EAGAIN);
	IS(reply_and_accept(EXO_PCT_REPLY, r), -EXO_ENOENT);
	IS(reply_and_accept(0, r), -EXO_EINVAL);
	IS(reply_and_accept(8, r), -EXO_EINVAL);
	old = name;
	rt_env_end(name);
	IS(gate_pct(old, 0), -EXO_ESTALE);
}

static void client(uint64_t server_name)
{
	shared[4] = (uint64_t)gate_pct((exo_name)server_name, 0);
	shared[5] = 1;
}

static void client_when_called(uint64_t server_name)
{
	uint64_t r[8] = { 0 };

	(void)reply_and_accept(EXO_PCT_ACCEPT, r);
	shared[6] = (uint64_t)gate_pct((exo_name)server_name, 0);
	(void)reply_and_accept(EXO_PCT_REPLY, r);
}

void pct_server_dies(void)
{
	exo_name name = actor_start(0, silent, 0);
	uint64_t r[8] = { 0 };

	CHECK(name && accepts(name));
	IS(call(EXO_GATE_pct, name, 0, r), -EXO_EDIED); /* it returns without a reply, and ends */
	IS(shared[0], 1);
	CHECK(actor_finish(name));
}

void pct_server_killed(void)
{
	exo_name name = actor_start(0, silent, 1), caller;

	CHECK(name && accepts(name));
	caller = actor_start(1, client, name);
	CHECK(caller);
	for (int i = 0; i < 100 && !shared[15]; i++)
		(void)gate_yield(env_state(caller) == EXO_S_READY ? caller : name, 0);
	IS(env_state(caller), EXO_S_CALLING);
	IS(gate_pct(name, 0), -EXO_EAGAIN); /* one caller at a time */
	rt_env_end(name);
	IS(env_state(caller), EXO_S_READY);
	CHECK(actor_finish(caller));
	IS(shared[4], -EXO_EDIED);
}

void pct_caller_killed(void)
{
	exo_name name = actor_start(0, server, 2), caller;
	uint64_t r[8] = { 5, 5, 5, 5, 5, 5, 5, 5 };

	IS(actor_prepare(2, silent, 1), 0);
	CHECK(name && accepts(name));
	caller = actor_start(1, client, name);
	/* The caller goes while its call is served: the reply goes nowhere, the server goes on. */
	(void)gate_yield(caller, 0);
	rt_env_end(caller);
	CHECK(accepts(name) || env_state(name) == EXO_S_FREE || env_state(name) == EXO_S_DYING);
	if (env_state(name) == EXO_S_ACCEPTING) {
		IS(call(EXO_GATE_pct, name, 0, r), 0);
		IS(r[0], 6);
	}
	CHECK(actor_finish(name));
}

static void slow_server(uint64_t caller)
{
	uint64_t r[8] = { 0 };

	(void)reply_and_accept(EXO_PCT_ACCEPT, r);
	for (uint64_t end = rt_tsc() + 3 * rt_info->slice_ticks; rt_tsc() < end;)
		shared[15]++;
	shared[1] = (uint64_t)gate_yield((exo_name)caller, 0);
	(void)reply_and_accept(EXO_PCT_REPLY, r);
}

/* First env, which has all slices: a server without any answers nevertheless, long after the slice in which it was called. */
void pct_time(void)
{
	exo_name name = actor_start(0, slow_server, rt_self());
	uint64_t r[8] = { 0 };

	CHECK(name && accepts(name));
	IS(call(EXO_GATE_pct, name, 0, r), 0);
	IS(shared[1], -EXO_EAGAIN); /* a yield to the caller leads back to the server itself */
	CHECK(actor_finish(name));
}

/* A yield to an env that waits for a reply runs the server; also when that waits for another one's. */
void pct_time_lent(void)
{
	exo_name last = actor_start(0, slow_server, 0), middle, caller;

	CHECK(last && accepts(last));
	middle = actor_start(1, client_when_called, last);
	CHECK(middle && accepts(middle));
	caller = actor_start(2, client, middle);
	CHECK(caller);
	for (int i = 0; i < 1000 && env_state(caller) != EXO_S_FREE && !shared[5]; i++)
		(void)gate_yield(caller, 0);
	IS(shared[5], 1);
	IS(shared[4], 0);
	CHECK(actor_finish(caller) && actor_finish(middle) && actor_finish(last));
}

/* First env: a deadline voids the call; the late reply goes nowhere. */
void pct_deadline(void)
{
	exo_name name = actor_start(0, silent, 1);
	uint64_t at;

	CHECK(name && accepts(name));
	at = rt_tsc() + rt_ticks(5000000);
	IS(gate_pct(name, at), -EXO_ETIME);
	CHECK(rt_tsc() >= at);
	IS(shared[0], 1);
	rt_env_end(name);
}

static void keeper(uint64_t argument)
{
	uint64_t r[8] = { 0 };
	uint8_t in[16 * 32], out[16 * 32];
	int avx = (rt_info->xcr0 & 4) != 0;

	for (unsigned b = 0; b < sizeof in; b++)
		in[b] = (uint8_t)(b * 3 + argument);
	vector_load(in, avx);
	(void)reply_and_accept(EXO_PCT_ACCEPT, r);
	vector_store(out, avx);
	for (unsigned b = 0; b < sizeof in; b++)
		shared[6] += (avx || b % 32 < 16) && in[b] != out[b];
	(void)reply_and_accept(EXO_PCT_REPLY, r);
}

/* What is not the message stays each env's own. */
void pct_leaks_nothing(void)
{
	static uint8_t in[16 * 32], out[16 * 32];
	exo_name name = actor_start(0, keeper, 9);
	uint64_t r[8] = { 0 };
	int avx = (rt_info->xcr0 & 4) != 0;

	CHECK(name && accepts(name));
	for (unsigned b = 0; b < sizeof in; b++)
		in[b] = (uint8_t)(b * 5 + 77);
	vector_load(in, avx);
	IS(call(EXO_GATE_pct, name, 0, r), 0);
	vector_store(out, avx);
	for (unsigned b = 0; b < sizeof in; b++)
		if (avx || b % 32 < 16)
			IS(out[b], in[b]);
	CHECK(actor_finish(name));
	IS(shared[6], 0);
}
