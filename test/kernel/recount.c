/* SPDX-License-Identifier: MIT */
/* The recount: every map, link, entry, owner and account count of the machine, and the one meaning of each address, made afresh from the tables and
 * compared with what is kept. A debug build of the kernel links it and does it after ops that change a count; host tests of the binding core do it after each. */
#include "../../kernel/walk.h"
#include "watch.h"

struct tally { uint32_t maps, links, writable, spare; };
static struct tally *tally;

#ifdef KERNEL_HOST
void recount_use(void *memory) { tally = memory; }
#else
static uint32_t interval, turn;

void recount_start(void)
{
	/* Memory for it: the end of a free range, taken off the map before anybody reads it. */
	uint64_t need = (frame_count * sizeof(struct tally) + EXO_PAGE_SIZE - 1) >> EXO_PAGE_SHIFT;
	struct boot_range *map = pa_ptr(boot->map);
	for (uint64_t i = 0; i < boot->map_count && !tally; i++) {
		if (map[i].type != BOOT_FREE || map[i].count <= need || map[i].pfn + map[i].count > frame_count)
			continue;
		map[i].count -= need;
		tally = pfn_ptr(map[i].pfn + map[i].count);
	}
	interval = frame_count > RECOUNT_ALWAYS ? 256 : 1;
	info->debug = interval;
	klog("debug kernel: watches every %u. op: records around a refusal, counts after a change", interval);
}

bool recount_is_quiet(uint64_t op, uint64_t first)
{
	switch (op) {
	case EXO_GATE_dev_bind:
		return first <= EXO_DEV_FRAMES_WC; /* others pin frames */
	case EXO_GATE_nop: case EXO_GATE_yield: case EXO_GATE_wait: case EXO_GATE_notify: case EXO_GATE_dev_ack: case EXO_GATE_log:
	case EXO_GATE_pct: case EXO_GATE_pct_reply:
		return true;
	}
	return false;
}

void recount_changed(uint64_t op, uint64_t first)
{
	uint64_t where = 0, began = rdtsc();
	if (!tally || recount_is_quiet(op, first) || ++turn % interval)
		return;
	const char *wrong = recount(&where);
	info->recounts++;
	if (wrong)
		panic("recount: frame %#lx: %s", where, wrong);
	/* It may take longer than a slice is: no env would ever come to its next instruction. */
	sched_longer(rdtsc() - began);
}
#endif

static const char *table_scan(uint64_t pfn)
{
	const struct exo_frame_rec *t = &frames[pfn];
	int level = t->type - EXO_PT1 + 1;
	const uint64_t *table = pfn_ptr(pfn);
	uint64_t base = level == 4 ? 0 : (uint64_t)t->base << 21;
	uint32_t used = 0;
	if (t->used == 0 && level < 4)
		return NULL;
	for (uint32_t i = 0; i < (level == 4 ? 255u : 512u); i++) {
		uint64_t e = table[i];
		if (!(e & EXO_PTE_P))
			continue;
		used++;
		uint32_t child = entry_pfn(e);
		if (level == 1 && e & EXO_PTE_PWT)
			continue; /* device memory */
		if (child >= frame_count || frames[child].type == EXO_FREE)
			return "an entry names a frame that is free or not RAM";
		struct exo_frame_rec *f = &frames[child];
		if (entry_is_leaf(e, level)) {
			tally[child].maps++;
			if (e & EXO_PTE_RW)
				tally[child].writable++;
			if (frame_is_table(f) && e & EXO_PTE_RW)
				return "a table is writable in ring 3";
			if (level == 2 ? f->type != EXO_RUN || f->used != EXO_RUN_FRAMES : f->type == EXO_RUN || f->type == EXO_PART)
				return "a large entry and a run do not match";
			continue;
		}
		tally[child].links++;
		if (f->type != EXO_PT1 + level - 2)
			return "a link names a table of the wrong level";
		if ((uint64_t)f->base << 21 != base + i * entry_span(level))
			return "a table is linked away from its base";
		if (f->flags & EXO_F_SEALED && e & EXO_PTE_RW)
			return "a sealed table has a writable link";
		if (level == 3 && t->flags & FRAME_GLOBAL && homes[EXO_HOME_OF(base + i * entry_span(3))].pt2 != child)
			return "an address of a home means two things";
	}
	return used == t->used ? NULL : "entries used";
}

static const char *frame_check(uint64_t pfn)
{
	const struct exo_frame_rec *f = &frames[pfn];
	if (f->maps != tally[pfn].maps)
		return "map count";
	for (uint32_t i = 1; f->type == EXO_RUN && i < f->used; i++)
		if (frames[pfn + i].type != EXO_PART)
			return "a run has a hole";
	if (frame_is_table(f)) {
		if (table_links(f) != tally[pfn].links)
			return "link count";
		if (!f->used && !table_links(f) && (f->base || f->flags & (FRAME_GLOBAL | EXO_F_SEALED)))
			return "an empty table that stands nowhere has a base or class";
		if (table_links(f) > 1 && !(f->flags & EXO_F_SEALED) && !(f->type == EXO_PT2 && table_is_live((uint32_t)pfn, (uint64_t)f->base << 21)))
			return "a table with several links is neither sealed nor live";
	} else if (f->type != EXO_FREE && !(f->flags & EXO_F_SHARED)) {
		if (tally[pfn].writable && tally[pfn].maps != 1)
			return "an unshared frame is writable through one of several entries";
		if (!tally[pfn].writable != !(f->flags & FRAME_WRITABLE))
			return "the writable mark";
	}
	return NULL;
}

const char *recount(uint64_t *where)
{
	uint64_t total_free = 0, owned = 0, charged = 0, names = 0, charges = 0, disowned = 0;
	const char *wrong;
	zero_words(tally, frame_count * sizeof(struct tally));
	for (*where = 0; *where < frame_count; ++*where)
		if (frame_is_table(&frames[*where]) && (wrong = table_scan(*where)))
			return wrong;
	for (*where = 0; *where < frame_count; ++*where) {
		const struct exo_frame_rec *f = &frames[*where];
		if (f->type == EXO_NONE || f->type == EXO_KERNEL)
			continue;
		if (f->type == EXO_FREE) {
			total_free++;
			if (f->owner || f->maps || f->pins || f->glinks || f->plinks)
				return "a free frame is counted or owned";
			continue;
		}
		if (f->type == EXO_PART) {
			const struct exo_frame_rec *head = &frames[*where & -(uint64_t)EXO_RUN_FRAMES];
			if (head->type != EXO_RUN || f - head >= head->used || f->owner || f->maps || f->pins)
				return "part of no run, or counted";
			continue;
		}
		charged += frame_weight(f);
		owned += f->owner ? frame_weight(f) : 0;
		disowned += !f->owner && f->left_by && env_by_name(f->left_by) ? frame_weight(f) : 0;
		if (f->owner && !env_by_index(f->owner))
			return "owned by nobody that lives";
		if ((wrong = frame_check(*where)))
			return wrong;
	}
	*where = 0;
	for (uint32_t i = 1; i < EXO_ENV_MAX; i++) {
		charges += envs[i].used[EXO_C_FRAMES];
		names += envs[i].name ? envs[i].frames : 0;
		disowned -= envs[i].name ? envs[i].disowned : 0;
	}
	if (total_free != info->frames_free)
		return "number of free frames";
	if (charges != charged)
		return "frames charged to accounts";
	if (disowned)
		return "frames that envs let go";
	return names == owned ? NULL : "frames owned by envs";
}
