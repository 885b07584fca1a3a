/* SPDX-License-Identifier: MIT */
/* Making and ending environments: frames for env_make, homes and pages of the new root. What the new env is for is
 * the app's business. */
#include <base/string.h>
#include <rt/rt.h>

int64_t rt_env_prepare(struct exo_env_spec *spec)
{
	uint64_t list[EXO_EF_COUNT];
	int64_t r;

	memset(spec, 0, sizeof *spec);
	rt_entries_fill(spec->entry);
	for (spec->frame_count = 0; spec->frame_count < EXO_EF_COUNT; spec->frame_count += (uint32_t)r) {
		r = gate_frame_zeroed(EXO_EF_COUNT - spec->frame_count, list);
		if (r < 0)
			break;
		for (int64_t i = 0; i < r; i++)
			spec->frames[spec->frame_count + (uint32_t)i] = (uint32_t)list[i];
	}
	if (spec->frame_count == EXO_EF_COUNT && (r = gate_frame_type(spec->frames[EXO_EF_ROOT], 1, EXO_PT4, 0)) > 0)
		return 0;
	while (spec->frame_count)
		(void)gate_frame_give(spec->frames[--spec->frame_count], 1, 0);
	return r;
}

int64_t rt_env_home(struct exo_env_spec *spec, uint64_t va, uint64_t flags)
{
	uint64_t root = spec->frames[EXO_EF_ROOT];
	int64_t r = rt_table(root, va, 4);

	if (r > 0)
		spec->frames[spec->frame_count++] = (uint32_t)r;
	else if (r != -EXO_EEXIST)
		return r;
	r = gate_pt_link(root, (va & -EXO_HOME_SIZE) | EXO_AT_LIVE | flags | 3, 1, 0);
	return r < 0 ? r : 0;
}

int64_t rt_env_tables(struct exo_env_spec *spec, uint64_t va)
{
	uint32_t made;
	int64_t r = rt_tables(spec->frames[EXO_EF_ROOT], va, spec->frames + spec->frame_count, &made);

	spec->frame_count += made;
	return r;
}

int64_t rt_env_pages(struct exo_env_spec *spec, uint64_t va, uint64_t n, uint64_t rights, uint64_t *list)
{
	int64_t r = rt_env_tables(spec, va);

	for (uint64_t i = 0; i < n && r >= 0; i++) {
		int64_t pfn = rt_frame();

		if (pfn < 0)
			return pfn;
		spec->frames[spec->frame_count++] = (uint32_t)pfn;
		if (list)
			list[i] = (uint64_t)pfn;
		r = rt_map(spec->frames[EXO_EF_ROOT], va + i * EXO_PAGE_SIZE, (uint64_t)pfn, 1, rights);
	}
	return r < 0 ? r : 0;
}

int64_t rt_env_beside(exo_name *name, void (*start)(uint64_t argument), uint64_t argument, void *stack_top)
{
	struct exo_env_spec spec;
	int64_t r = rt_env_prepare(&spec);

	if (r >= 0)
		r = rt_env_home(&spec, (uint64_t)start, EXO_AT_RW);
	if (r < 0)
		return r;
	spec.rip = (uint64_t)start;
	spec.rsp = (uint64_t)stack_top - 8;
	spec.rdi = argument;
	spec.disabled = 1;
	r = gate_env_make(&spec);
	if (r >= 0)
		*name = (exo_name)r;
	return r < 0 ? r : 0;
}

void rt_env_end(exo_name env)
{
	int64_t r;

	do
		r = gate_env_kill(env);
	while (r == -EXO_EAGAIN);
}
