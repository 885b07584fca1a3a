/* SPDX-License-Identifier: MIT */
/* Tests of env_make: what a new env gets, and specs that must be refused (rules 12, 14, 16). */
#include "gate.h"

static void nothing(uint64_t argument) { shared[0] += argument; }

#define MADE(i) ({ int64_t r_ = gate_env_make(&actor[i].spec); actor[i].name = r_ > 0 ? (exo_name)r_ : 0; r_; })

void env_make_runs(void)
{
	exo_name name = actor_start(0, nothing, 5);
	const volatile struct exo_env *env = &rt_envs[EXO_NAME_INDEX(name)];

	CHECK(name);
	IS(env->name, name);
	IS(rt_creator(env), rt_self());
	IS(env->account, rt_envs[ME].account);
	IS(env->state, EXO_S_READY);
	IS(FRAME(env->root).owner, EXO_NAME_INDEX(name));
	CHECK(FRAME(env->root).flags & EXO_F_ROOT_USED);
	CHECK(actor_finish(name));
	IS(shared[0], 5);
	IS(env_state(name), EXO_S_FREE);
}

static void frame_made(uint64_t va) { shared[0] = WORD(va); shared[1] = FRAME(PFN(rt_entry(va, 1))).owner; WORD(va) = 1; }

void env_make_frames(void)
{
	uint64_t pfn;

	IS(actor_prepare(0, frame_made, T), 0);
	IS(rt_env_pages(&actor[0].spec, T, 1, RW | NX, &pfn), 0);
	CHECK(MADE(0) > 0);
	IS(FRAME(pfn).owner, EXO_NAME_INDEX(actor[0].name));
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 0);
	IS(shared[1], EXO_NAME_INDEX(actor[0].name));
	IS(FRAME(pfn).type, EXO_FREE);
}

/* As many frames as a spec holds: all are the new env's, and all are gone with it. */
void env_make_most(void)
{
	struct exo_env_spec *s = &actor[0].spec;
	uint64_t used = rt_envs[rt_envs[ME].account].used[EXO_C_FRAMES], count;

	IS(actor_prepare(0, nothing, 0), 0);
	while (s->frame_count < EXO_SPEC_FRAMES_MAX)
		s->frames[s->frame_count++] = (uint32_t)rt_frame();
	CHECK(MADE(0) > 0);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].frames, EXO_SPEC_FRAMES_MAX);
	for (count = 0; count < EXO_SPEC_FRAMES_MAX && FRAME(s->frames[count]).owner == EXO_NAME_INDEX(actor[0].name);)
		count++;
	IS(count, EXO_SPEC_FRAMES_MAX);
	CHECK(actor_finish(actor[0].name));
	IS(rt_envs[rt_envs[ME].account].used[EXO_C_FRAMES], used);
}

void env_make_counts(void)
{
	IS(actor_prepare(0, nothing, 0), 0);
	actor[0].spec.frame_count = EXO_EF_COUNT - 1;
	IS(MADE(0), -EXO_EINVAL);
	actor[0].spec.frame_count = EXO_SPEC_FRAMES_MAX + 1;
	IS(MADE(0), -EXO_EINVAL);
	actor[0].spec.frame_count = 0;
	IS(MADE(0), -EXO_EINVAL);
	IS(gate_env_make((const struct exo_env_spec *)8), -EXO_EFAULT);
	IS(gate_env_make((const struct exo_env_spec *)KERNEL_DIRECT), -EXO_EFAULT);
}

void env_make_bad_frames(void)
{
	struct exo_env_spec *s = &actor[0].spec;
	uint32_t keep, free;

	IS(actor_prepare(0, nothing, 0), 0);
	free = (uint32_t)frame_free();
	for (int i = 0; i < EXO_EF_COUNT; i++) {
		keep = s->frames[i];
		s->frames[i] = rt_envs[EXO_NAME_INDEX(rt_info->first)].root;
		REFUSED(MADE(0));
		s->frames[i] = (uint32_t)rt_info->frame_count;
		REFUSED(MADE(0));
		s->frames[i] = free;
		REFUSED(MADE(0));
		s->frames[i] = s->frames[(i + 1) % EXO_EF_COUNT]; /* twice the same */
		REFUSED(MADE(0));
		s->frames[i] = rt_envs[ME].root;
		REFUSED(MADE(0));
		s->frames[i] = keep;
	}
	s->frames[s->frame_count++] = s->frames[EXO_EF_STACK0];
	REFUSED(MADE(0));
	s->frames[s->frame_count - 1] = (uint32_t)PFN(rt_entry((uint64_t)shared, 1)); /* a page of the first env's that we see */
	IS(MADE(0), -EXO_EPERM);
	s->frame_count--;
	CHECK(MADE(0) > 0);
	CHECK(actor_finish(actor[0].name));
}

void env_make_mapped_frame(void)
{
	struct exo_env_spec *s = &actor[0].spec;

	IS(actor_prepare(0, nothing, 0), 0);
	IS(rt_tables(0, T, 0, 0), 0);
	for (int i = EXO_EF_RECORD; i < EXO_EF_COUNT; i++) {
		IS(rt_map(0, T, s->frames[i], 1, RW | NX), 0);
		IS(MADE(0), -EXO_EBUSY);
		IS(rt_unmap(0, T, 1, 0), 0);
	}
	IS(gate_frame_type(s->frames[EXO_EF_EXO], 1, EXO_PT1, 0), 1);
	REFUSED(MADE(0));
}

void env_make_root_data(void)
{
	uint32_t root;

	IS(actor_prepare(0, nothing, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	actor[0].spec.frames[EXO_EF_ROOT] = (uint32_t)rt_frame();
	REFUSED(MADE(0));
	IS(gate_frame_type(actor[0].spec.frames[EXO_EF_ROOT], 1, EXO_PT3, 0), 1);
	REFUSED(MADE(0));
	actor[0].spec.frames[EXO_EF_ROOT] = root;
	CHECK(MADE(0) > 0);
	CHECK(actor_finish(actor[0].name));
}

void env_make_bad_entry(void)
{
	IS(actor_prepare(0, nothing, 0), 0);
	actor[0].spec.rip = KERNEL_IMAGE;
	IS(MADE(0), -EXO_EINVAL);
	actor[0].spec.rip = 1ul << 47;
	IS(MADE(0), -EXO_EINVAL);
	actor[0].spec.rip = (uint64_t)nothing;
	for (int i = 0; i < EXO_ENTRY_COUNT; i++) {
		actor[0].spec.entry[i] = 1ul << 47;
		IS(MADE(0), -EXO_EINVAL);
		actor[0].spec.entry[i] = 0;
	}
	actor[0].spec.flags = 1u << 30;
	REFUSED(MADE(0));
	actor[0].spec.flags = 0;
	CHECK(MADE(0) > 0);
	CHECK(actor_finish(actor[0].name));
}
