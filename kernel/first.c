/* SPDX-License-Identifier: MIT */
/* The first env, made of what the loader placed: it owns its image, its tables and the root image, and has all free frames to claim. */
#include "kernel.h"
#include "walk.h"

static struct env *first;
static uint64_t pool_next, pool_end;

struct env *first_env(void) { return first; }

static uint32_t pool_take(void)
{
	if (pool_next == pool_end)
		panic("boot pool is too small for the first env's tables");
	return (uint32_t)pool_next++;
}

/* A frame of RAM that boot set aside becomes an ordinary one, charged to the first env's account. */
static void frame_enter(uint32_t pfn, int type)
{
	frames[pfn].type = (uint8_t)type;
	frames[pfn].account = 1;
	envs[1].used[EXO_C_FRAMES]++;
}

static void table_make(uint64_t va, int level)
{
	struct walk w;
	if (walk_to(first->root, va, level, &w) == 0 && w.table[entry_index(va, level)] & EXO_PTE_P)
		return;
	uint32_t pfn = pool_take();
	frame_enter(pfn, EXO_PT1 + level - 2);
	frame_chain(pfn, first);
	if (level == 3 && !homes[EXO_HOME_OF(va)].owner && op_home_set(0, EXO_HOME_CLAIM, va & ~(EXO_HOME_SIZE - 1), 1) != 1)
		panic("first env: home of %#lx refused", va);
	int64_t r = op_pt_link(0, (va & ~(entry_span(level) - 1)) | (uint64_t)level, 1, pfn);
	if (r != 1)
		panic("first env: no table for %#lx: %ld", va, r);
}

static void segment_map(const struct boot_segment *s)
{
	uint64_t bits = EXO_PTE_P | EXO_PTE_U | EXO_PTE_A | (s->rights & BOOT_SEG_W ? EXO_PTE_RW | EXO_PTE_D : 0) | (s->rights & BOOT_SEG_X ? 0 : EXO_PTE_NX);
	for (uint64_t i = 0; i < s->count; i++) {
		frame_enter((uint32_t)(s->pfn + i), EXO_DATA);
		frame_chain((uint32_t)(s->pfn + i), first);
	}
	for (uint64_t i = 0; i < s->count;) {
		uint64_t va = s->va + i * EXO_PAGE_SIZE;
		uint64_t n = 512 - entry_index(va, 1);
		if (n > s->count - i)
			n = s->count - i;
		for (int level = 4; level > 1; level--)
			table_make(va, level);
		int64_t r = op_pte_write(0, va | 1 | EXO_AT_STEP, n, (s->pfn + i) << EXO_PAGE_SHIFT | bits, 0, 0);
		if (r <= 0)
			panic("first env: %#lx not mapped: %ld", va, r);
		i += (uint64_t)r;
	}
}

struct env *first_make(void)
{
	struct exo_env_spec spec = { .rip = boot->entry_va, .rsp = boot->stack_va, .frame_count = EXO_EF_COUNT, .disabled = 1 };
	struct exo_env *account = &envs[1];

	pool_next = boot->pool.phys >> EXO_PAGE_SHIFT;
	pool_end = pool_next + (boot->pool.size >> EXO_PAGE_SHIFT);
	account->limit[EXO_C_FRAMES] = UINT32_MAX;
	for (int i = 0; i < EXO_EF_COUNT; i++) {
		spec.frames[i] = pool_take();
		frame_enter(spec.frames[i], i == EXO_EF_ROOT ? EXO_PT4 : EXO_DATA);
	}
	root_prepare(spec.frames[EXO_EF_ROOT]);
	first = env_setup(&spec, NULL);
	assert(first->index == 1);
	account->limit[EXO_C_ENVS] = EXO_ENV_MAX - 2;
	account->limit[EXO_C_HOMES] = EXO_HOME_COUNT;
	account->limit[EXO_C_SLICES] = EXO_SLICE_COUNT;
	account->limit[EXO_C_DEVICES] = 64;
	first->machine = true;
	first->save->regs.rdi = first->name;

	/* Its mappings are made by the ops that it would use itself. */
	this_cpu()->current = first;
	for (uint64_t i = 0; i < boot->segment_count; i++)
		segment_map(&boot->segment[i]);
	this_cpu()->current = NULL;

	while (pool_next < pool_end) {
		frame_enter((uint32_t)pool_next, EXO_DATA);
		frame_free((uint32_t)pool_next++);
	}
	account->limit[EXO_C_FRAMES] = (uint32_t)(account->used[EXO_C_FRAMES] + info->frames_free);
	info->first = first->name;
	return first;
}

/* The counts over the first env's frames, before its first instruction: as many entries and links as its tables hold. */
void first_recount(void)
{
	uint64_t maps = 0, links = 0, leaves = 0, tables = 0, owned = 0;
	for (uint32_t pfn = first->chain; pfn; pfn = frames[pfn].next) {
		const struct exo_frame_rec *f = &frames[pfn];
		owned++;
		maps += f->maps;
		links += table_links(f);
		if (f->type == EXO_PT1)
			leaves += f->used;
		else if (frame_is_table(f))
			tables += f->used;
	}
	if (maps != leaves || links != tables || owned != envs[first->index].frames || owned != envs[first->index].used[EXO_C_FRAMES])
		panic("first env: %lu maps for %lu entries, %lu links for %lu, %lu frames of %u", maps, leaves, links, tables, owned, envs[first->index].frames);
	klog("first env: %lu frames, %lu entries, %lu links; counts agree", owned, maps, links);
}
