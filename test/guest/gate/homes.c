/* SPDX-License-Identifier: MIT */
/* Tests of homes, live links and private slots: one meaning for each address (rules 2, 4, 14). */
#include "gate.h"

static uint64_t table_frame(int type)
{
	int64_t pfn = rt_frame();

	return pfn < 0 || gate_frame_type((uint64_t)pfn, 1, type, 0) != 1 ? 0 : (uint64_t)pfn;
}

void home_claim(void)
{
	IS(rt_homes[EXO_HOME_OF(H)].owner, 0);
	IS(gate_home_set(0, EXO_HOME_CLAIM, H, 2), 2);
	IS(rt_homes[EXO_HOME_OF(H)].owner, ME);
	IS(rt_homes[EXO_HOME_OF(H) + 1].owner, ME);
	IS(gate_home_set(0, EXO_HOME_CLAIM, H, 1), -EXO_EBUSY);
	IS(gate_home_set(0, EXO_HOME_CLAIM, EXO_HOMES_BASE, 1), -EXO_EBUSY);
	IS(gate_home_set(0, EXO_HOME_RELEASE, H, 2), 2);
	IS(rt_homes[EXO_HOME_OF(H)].owner, 0);
	REFUSED(gate_home_set(0, EXO_HOME_RELEASE, H, 1));
	REFUSED(gate_home_set(0, EXO_HOME_RELEASE, EXO_HOMES_BASE, 1));
	IS(gate_home_set(0, EXO_HOME_CLAIM, 0x40000000, 1), -EXO_EINVAL);
	IS(gate_home_set(0, EXO_HOME_CLAIM, EXO_WINDOW, 1), -EXO_EINVAL);
	IS(gate_home_set(0, EXO_HOME_CLAIM, H + PAGE, 1), -EXO_EINVAL);
	REFUSED(gate_home_set(0, EXO_HOME_CLAIM, KERNEL_DIRECT, 1));
	IS(gate_home_set(0, 77, H, 1), -EXO_EINVAL);
}

void home_limit(void)
{
	uint32_t account = rt_envs[ME].account, used = rt_envs[account].used[EXO_C_HOMES];

	IS(gate_home_set(0, EXO_HOME_CLAIM, H, 1), 1);
	IS(rt_envs[account].used[EXO_C_HOMES], used + 1);
	IS(gate_home_set(0, EXO_HOME_RELEASE, H, 1), 1);
	IS(rt_envs[account].used[EXO_C_HOMES], used);
}

static void claim_three(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)gate_home_set(0, EXO_HOME_CLAIM, H, 1);
	shared[1] = (uint64_t)gate_home_set(0, EXO_HOME_CLAIM, H + 2 * EXO_HOME_SIZE, 3);
	shared[2] = (uint64_t)gate_home_set(0, EXO_HOME_CLAIM, H3, 1);
	shared[3] = (uint64_t)actor_prepare(1, claim_three, 0);
	shared[4] = (uint64_t)gate_env_make(&actor[1].spec);
}

/* An account of two homes and of no env. */
void home_count_refused(void)
{
	IS(actor_prepare(0, claim_three, 0), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 60;
	actor[0].spec.limit[EXO_C_HOMES] = 2;
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 1);
	IS(shared[1], 1); /* one of three */
	IS(shared[2], -EXO_ENOMEM);
	IS(shared[3], 0);
	IS(shared[4], -EXO_ENOMEM);
}

void home_use(void)
{
	uint64_t pfn = home_new(H3);

	CHECK(pfn);
	WORD(H3) = 8;
	IS(rt_homes[EXO_HOME_OF(H3)].pt2, PFN(rt_entry(H3, 3)));
	IS(FRAME(rt_homes[EXO_HOME_OF(H3)].pt2).glinks, 1);
	IS(gate_home_set(0, EXO_HOME_RELEASE, H3, 1), -EXO_EBUSY);
	IS(rt_unmap(0, H3, 1, 1), 0);
	IS(gate_pte_write(0, H3 | EXO_AT_GIVE | 2, 1, 0, 0, 0), 1);
	IS(gate_pte_write(0, H3 | EXO_AT_GIVE | 3, 1, 0, 0, 0), 1);
	IS(gate_home_set(0, EXO_HOME_RELEASE, H3, 1), 1);
	IS(rt_homes[EXO_HOME_OF(H3)].pt2, 0);
}

void home_not_mine(void)
{
	uint64_t pt2 = table_frame(EXO_PT2);

	REFUSED(gate_pt_link(0, H | 3, 1, pt2));           /* nobody's home */
	IS(gate_home_set(0, EXO_HOME_RELEASE, H, 1), -EXO_EPERM);
	IS(gate_home_set(0, EXO_HOME_RELEASE, EXO_HOMES_BASE, 1), -EXO_EPERM); /* the first env's */
	IS(gate_home_set(0, EXO_HOME_CLAIM, H, 1), 1);
	IS(gate_pt_link(0, H | 3, 1, pt2), 1);
	REFUSED(gate_pt_link(0, H | 3, 1, table_frame(EXO_PT2)));
	/* Somebody else's home: the first env's. */
	REFUSED(gate_pt_link(0, (EXO_HOMES_BASE + EXO_HOME_SIZE) | 3, 1, table_frame(EXO_PT2)));
	IS(FRAME(pt2).glinks, 1);
}

static void home_probe(uint64_t what)
{
	shared[0] = WORD(H);
	if (what)
		WORD(H + 8) = what;
	shared[1] = (uint64_t)rt_map(0, H + 5 * PAGE, (uint64_t)rt_frame(), 1, RW | NX);
	shared[2] = (uint64_t)rt_unmap(0, H, 1, 0);
}

static int64_t home_actor(uint64_t flags, uint64_t what)
{
	int64_t r = actor_prepare(0, home_probe, what);

	if (r < 0 || (r = rt_env_home(&actor[0].spec, H, flags)) < 0)
		return r;
	actor[0].name = (exo_name)(r = gate_env_make(&actor[0].spec));
	return r;
}

void home_live_write(void)
{
	CHECK(home_new(H));
	WORD(H) = 41;
	CHECK(home_actor(EXO_AT_RW, 42) > 0);
	IS(FRAME(rt_homes[EXO_HOME_OF(H)].pt2).glinks, 2);
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 41);
	IS(WORD(H + 8), 42);
	REFUSED(shared[1]); /* no remap: contents yes, entries no */
	REFUSED(shared[2]);
	IS(FRAME(rt_homes[EXO_HOME_OF(H)].pt2).glinks, 1);
}

void home_live_remap(void)
{
	CHECK(home_new(H));
	CHECK(home_actor(EXO_AT_RW | EXO_AT_REMAP, 0) > 0);
	CHECK(actor_finish(actor[0].name));
	IS(shared[1], 0);
	IS(shared[2], 0);
	IS(rt_entry(H, 1) & 1, 0);
}

void home_live_read(void)
{
	CHECK(home_new(H));
	WORD(H) = 5;
	IS(actor_prepare(0, home_probe, 6), 0);
	IS(rt_env_home(&actor[0].spec, H, 0), 0);
	actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	IS(actor_run(actor[0].name), EXO_S_STUCK);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].stuck_vector, 14);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].stuck_addr, H + 8);
	IS(shared[0], 5);
	IS(WORD(H + 8), 0);
	(void)actor_finish(actor[0].name);
}

static void home_more_rights(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)actor_prepare(1, home_probe, 0);
	shared[1] = (uint64_t)rt_env_home(&actor[1].spec, H, EXO_AT_RW);
	shared[2] = (uint64_t)rt_env_home(&actor[1].spec, H, EXO_AT_REMAP);
	shared[3] = (uint64_t)rt_env_home(&actor[1].spec, H, 0);
}

void home_live_more(void)
{
	CHECK(home_new(H));
	IS(actor_prepare(0, home_more_rights, 0), 0);
	IS(rt_env_home(&actor[0].spec, H, 0), 0);
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 0);
	REFUSED(shared[1]);
	REFUSED(shared[2]);
	IS(shared[3], 0);
}

void home_release_linked(void)
{
	CHECK(home_new(H));
	IS(actor_prepare(0, home_probe, 0), 0);
	IS(rt_env_home(&actor[0].spec, H, 0), 0);
	/* The home stays taken as long as any root links its table. */
	IS(rt_unmap(0, H, 1, 1), 0);
	IS(gate_pte_write(0, H | EXO_AT_GIVE | 2, 1, 0, 0, 0), 1);
	(void)gate_pte_write(0, H | 3, 1, 0, 0, 0);
	IS(gate_home_set(0, EXO_HOME_RELEASE, H, 1), -EXO_EBUSY);
	IS(gate_pte_write(actor[0].spec.frames[EXO_EF_ROOT], H | 3, 1, 0, 0, 0), 1);
	(void)gate_pte_write(0, H | 3, 1, 0, 0, 0);
	IS(gate_home_set(0, EXO_HOME_RELEASE, H, 1), 1);
}

void slot_private(void)
{
	uint64_t slot = H3 & -EXO_SLOT_SIZE;

	IS(gate_home_set(0, EXO_HOME_PRIVATE, slot, 1), 1);
	CHECK(rt_envs[ME].private_slots[0] >> (slot >> EXO_SLOT_SHIFT) & 1);
	CHECK(page_new(H3, RW | NX)); /* no home is needed */
	WORD(H3) = 3;
	IS(rt_homes[EXO_HOME_OF(H3)].pt2, 0);
	IS(FRAME(PFN(rt_entry(H3, 3))).plinks, 1);
	IS(gate_home_set(0, EXO_HOME_PRIVATE, EXO_HOMES_BASE, 1), -EXO_EBUSY);
	REFUSED(gate_home_set(0, EXO_HOME_PRIVATE, EXO_WINDOW, 1));
	REFUSED(gate_home_set(0, EXO_HOME_PRIVATE, KERNEL_DIRECT, 1));
	REFUSED(gate_home_set(rt_envs[EXO_NAME_INDEX(rt_info->first)].root, EXO_HOME_PRIVATE, slot + EXO_SLOT_SIZE, 1));
	/* What stands there is not shared by address. */
	IS(actor_prepare(0, home_probe, 0), 0);
	REFUSED(rt_env_home(&actor[0].spec, H3, EXO_AT_RW));
}

/* An actor with an account of its own, which has the upper table of H's slot: what links H there is its own doing. */
static exo_name stranger(int i, actor_function *run, uint64_t argument)
{
	if (actor_prepare(i, run, argument) < 0)
		return 0;
	actor[i].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[i].spec.limit[EXO_C_FRAMES] = 80;
	actor[i].name = (exo_name)gate_env_make(&actor[i].spec);
	return EXO_IS_ERROR(actor[i].name) ? 0 : actor[i].name;
}

static int64_t opened_link(uint64_t rights) { return gate_pt_link(0, H | 3 | EXO_AT_LIVE | rights, 1, 0); }

static void visitor(uint64_t rights)
{
	shared[0] = (uint64_t)opened_link(rights);
	shared[1] = (uint64_t)opened_link(rights | EXO_AT_REMAP);
	if (shared[0] == 1)
		shared[2] = WORD(H);
	if (shared[0] == 1 && rights)
		WORD(H + 8) = 43;
	shared[3] = (uint64_t)rt_map(0, H + 5 * PAGE, (uint64_t)rt_frame(), 1, RW | NX);
	shared[4] = (uint64_t)gate_home_set(rt_self(), EXO_HOME_OPEN, H, EXO_OPEN_WRITE);
	shared[5] = 1;
	for (;;)
		(void)gate_yield(0, 0);
}

static int visited(exo_name name)
{
	for (int n = 0; n < 1000 && !shared[5]; n++)
		(void)gate_yield(name, 0);
	return shared[5] != 0;
}

void home_open(void)
{
	CHECK(home_new(H));
	WORD(H) = 42;
	exo_name name = stranger(0, visitor, EXO_AT_RW);
	CHECK(name);
	IS(gate_home_set(name, EXO_HOME_OPEN, H, EXO_OPEN_WRITE), 1);
	CHECK(visited(name));
	IS(shared[0], 1);
	IS(shared[2], 42);
	IS(WORD(H + 8), 43);
	REFUSED(shared[1]);
	REFUSED(shared[3]); /* contents yes, entries no */
	REFUSED(shared[4]);
	IS(FRAME(rt_homes[EXO_HOME_OF(H)].pt2).glinks, 2);
	rt_env_end(name);
	IS(FRAME(rt_homes[EXO_HOME_OF(H)].pt2).glinks, 1);
}

void home_open_refused(void)
{
	CHECK(home_new(H));
	exo_name first = stranger(0, visitor, EXO_AT_RW), second = stranger(1, visitor, 0);
	CHECK(first && second);
	IS(gate_home_set(first, EXO_HOME_OPEN, H, 0), -EXO_EINVAL);
	IS(gate_home_set(first, EXO_HOME_OPEN, H, EXO_OPEN_WRITE + 1), -EXO_EINVAL);
	IS(gate_home_set(first, EXO_HOME_OPEN, H + PAGE, EXO_OPEN_READ), -EXO_EINVAL);
	IS(gate_home_set(first, EXO_HOME_OPEN, H + EXO_HOME_SIZE, EXO_OPEN_READ), -EXO_EPERM);
	IS(gate_home_set(first, EXO_HOME_OPEN, EXO_HOMES_BASE, EXO_OPEN_READ), -EXO_EPERM); /* the first env's */
	IS(gate_home_set(0x7ffff001, EXO_HOME_OPEN, H, EXO_OPEN_READ), -EXO_ESTALE);
	/* To read only: the first asks for more; the other's account was given nothing. */
	IS(gate_home_set(first, EXO_HOME_OPEN, H, EXO_OPEN_READ), 1);
	CHECK(visited(first));
	IS(shared[0], -EXO_EPERM);
	shared[5] = 0;
	CHECK(visited(second));
	IS(shared[0], -EXO_ENOENT);
	IS(FRAME(rt_homes[EXO_HOME_OF(H)].pt2).glinks, 1);
}

/* What is mapped in an opened home is a proof, with the rights of that path and no more. */
static void borrower(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)opened_link(0);
	uint64_t pfn = PFN(rt_entry(H, 1));
	shared[1] = (uint64_t)rt_tables(0, T, 0, 0);
	shared[2] = (uint64_t)gate_pte_write(0, T | 1, 1, PTE(pfn, RW | NX), 0, H);
	shared[3] = (uint64_t)gate_pte_write(0, T | 1, 1, PTE(pfn, NX), 0, H);
	shared[4] = WORD(T);
	shared[5] = 1;
	for (;;)
		(void)gate_yield(0, 0);
}

void home_open_proof(void)
{
	uint64_t pfn = home_new(H);

	CHECK(pfn);
	WORD(H) = 44;
	IS(rt_unmap(0, H, 1, 0), 0);
	IS(gate_frame_type(pfn, 1, EXO_DATA, EXO_F_SHARED), 1);
	IS(gate_pte_write(0, H | 1, 1, PTE(pfn, RW | NX), 0, 0), 1);
	exo_name name = stranger(0, borrower, 0);
	CHECK(name);
	IS(gate_home_set(name, EXO_HOME_OPEN, H, EXO_OPEN_READ), 1);
	CHECK(visited(name));
	IS(shared[0], 1);
	IS(shared[1], 0);
	REFUSED(shared[2]);
	IS(shared[3], 1);
	IS(shared[4], 44);
	IS(FRAME(pfn).maps, 2);
	/* Both ways in are the owner's to take. */
	IS(gate_revoke(name, EXO_REVOKE_FRAME, H | 3, 0), 1);
	IS(gate_revoke(name, EXO_REVOKE_FRAME, T, 0), 1);
	IS(FRAME(pfn).maps, 1);
	rt_env_end(name);
}

static void watcher(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)opened_link(0);
	shared[5] = 1;
	for (;;) {
		shared[1] = WORD(H);
		(void)gate_yield(0, 0);
	}
}

void home_open_revoked(void)
{
	CHECK(home_new(H));
	IS(actor_prepare(0, watcher, 0), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 80;
	actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
	exo_name name = actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	IS(gate_home_set(name, EXO_HOME_OPEN, H, EXO_OPEN_READ), 1);
	CHECK(visited(name));
	IS(shared[0], 1);
	REFUSED(gate_revoke(name, EXO_REVOKE_FRAME, (H + EXO_HOME_SIZE) | 3, 0));
	REFUSED(gate_revoke(name, EXO_REVOKE_FRAME, EXO_HOMES_BASE | 3, 0)); /* a link of the first env's home */
	IS(gate_revoke(name, EXO_REVOKE_FRAME, H | 3, 0), 1);
	IS(FRAME(rt_homes[EXO_HOME_OF(H)].pt2).glinks, 1);
	IS(actor_run(name), EXO_S_STUCK);
	IS(rt_envs[EXO_NAME_INDEX(name)].stuck_addr, H);
	rt_env_end(name);
}

/* The env's list of ranges is full but for one, and a release searches it to its end each time: an alarm that falls due meanwhile ends the op. */
void home_release_bounded(void)
{
	const uint64_t many = 64, last = EXO_HOMES_BASE + 3 * EXO_SLOT_SIZE;
	uint64_t began;

	for (uint64_t i = 0; i < 124; i++)
		IS(gate_home_set(0, EXO_HOME_CLAIM, H3 + 2 * i * EXO_HOME_SIZE, 1), 1);
	for (uint64_t i = 0; i < 2 * many; i++)
		IS(gate_home_set(0, EXO_HOME_CLAIM, last + i * EXO_HOME_SIZE, 1), 1);
	began = rt_tsc();
	for (uint64_t done = 0; done < many;) {
		int64_t r = gate_home_set(0, EXO_HOME_RELEASE, last + done * EXO_HOME_SIZE, many - done);
		CHECK(r > 0);
		done += (uint64_t)r;
	}
	uint64_t took = rt_tsc() - began;
	IS(gate_env_set(0, EXO_SET_ALARM, rt_tsc() + took / 4, 0), 0);
	int64_t r = gate_home_set(0, EXO_HOME_RELEASE, last + many * EXO_HOME_SIZE, many);
	IS(rt_homes[EXO_HOME_OF(last) + many].owner, 0);
	if (rt_info->debug)
		return; /* what was timed is the recount */
	CHECK(r > 0 && r < (int64_t)many);
	IS(rt_homes[EXO_HOME_OF(last) + 2 * many - 1].owner, ME);
}
