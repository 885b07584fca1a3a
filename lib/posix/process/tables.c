/* SPDX-License-Identifier: MIT */
/* /proc/PID/tables: the process's own page tables, entry by entry as the hardware reads them, with what the kernel's
 * public frame table says of each frame. What no table of Linux's shows; `map` (esp/map.c) makes pictures of it. */
#include <posix/file/proc.h>
#include <posix/library.h>

#define LEVELS 4

/* Entries in a row that say the same, but for their frames' numbers. */
struct entry_run {
	uint64_t va, count, entry, last; /* last: frame of the last one */
	int level, is_row;               /* is_row: their frames stand in a row */
	struct exo_frame_rec frame;      /* of the first one's frame */
	uint32_t refs;                   /* the most that one of them has */
};

static uint64_t span_of(int level) { return PAGE << 9 * (level - 1); }
static uint64_t pfn_of(uint64_t entry) { return (entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT; }
static int is_table(uint64_t entry, int level) { return level > 1 && !(entry & EXO_PTE_PS); }

static uint32_t refs_of(const struct exo_frame_rec *f, int is_link)
{
	return is_link ? (uint32_t)f->glinks + f->plinks : f->maps;
}

/* Of a table: sealed, as its links since a fork are; live, as a home's is in all that link it; own. Of a page: shared,
 * as its owner said; sole entry of its frame; one of many, of which none may write. */
static const char *state_of(const struct entry_run *r)
{
	int is_home = r->va >= EXO_HOMES_BASE && rt_homes[EXO_HOME_OF(r->va)].pt2 != 0;

	if (is_table(r->entry, r->level)) {
		if (r->frame.flags & EXO_F_SEALED)
			return "sealed";
		return r->frame.glinks && r->level < LEVELS && is_home ? "live" : "own";
	}
	if (r->frame.flags & EXO_F_SHARED)
		return "shared";
	return r->refs > 1 ? "many" : "sole";
}

static void run_say(struct text *t, const struct entry_run *r)
{
	const int is_link = is_table(r->entry, r->level);
	const char *kind = r->level > 1 ? "run" : "page";

	if (!r->count)
		return;
	if (is_link)
		kind = "table";
	say(t, "%d %012lx %lu %s r%c%c %s %lx%s %u %u %u %u\n", r->level, r->va, r->count, kind,
		r->entry & EXO_PTE_RW ? 'w' : '-', r->entry & EXO_PTE_NX ? '-' : 'x', state_of(r), pfn_of(r->entry),
		r->is_row ? "" : "*", r->frame.owner, r->frame.account, r->refs, is_link ? r->frame.used : 0);
}

/* The entry continues the run. */
static int run_takes(const struct entry_run *r, const struct entry_run *next)
{
	const uint64_t bits = ~(EXO_PTE_ADDR | EXO_PTE_A | EXO_PTE_D);
	const struct exo_frame_rec *a = &r->frame, *b = &next->frame;

	return r->count && r->level == next->level && r->va + r->count * span_of(r->level) == next->va &&
		!is_table(r->entry, r->level) && !is_table(next->entry, next->level) &&
		!((r->entry ^ next->entry) & bits) && a->owner == b->owner && a->account == b->account &&
		!((a->flags ^ b->flags) & EXO_F_SHARED) && (r->refs > 1) == (next->refs > 1);
}

static void run_add(struct text *t, struct entry_run *r, uint64_t va, int level, uint64_t entry)
{
	struct entry_run next = { .va = va, .count = 1, .entry = entry, .level = level, .is_row = 1 };

	next.last = pfn_of(entry);
	if (next.last < rt_info->frame_count)
		next.frame = rt_frames[next.last];
	next.refs = refs_of(&next.frame, is_table(entry, level));
	if (!run_takes(r, &next)) {
		run_say(t, r);
		*r = next;
		return;
	}
	r->is_row &= r->last + 1 == next.last;
	r->last = next.last;
	r->refs = MAX_OF(r->refs, next.refs);
	r->count++;
}

/* The entries of one table, and what is below them. The gate returns each: a change of no bits. */
static void table_walk(struct text *t, struct entry_run *r, uint64_t va, int level)
{
	uint64_t end = level == LEVELS ? EXO_WINDOW : va + span_of(level + 1);

	for (; va < end && t->n < t->max - 1; va += span_of(level)) {
		int64_t e = gate_pte_write(0, va | EXO_AT_CHANGE | (uint64_t)level, 1, 0, 0, 0);

		if (EXO_IS_ERROR(e))
			continue;
		run_add(t, r, va, level, (uint64_t)e);
		if (is_table((uint64_t)e, level))
			table_walk(t, r, va, level - 1);
	}
	family_progress();
}

void tables_text(struct text *t, const struct proc_node *of)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(P->self)];
	struct entry_run r = { 0 };

	(void)of;
	say(t, "root %x env %lu account %u pid %d\n", e->root, EXO_NAME_INDEX(P->self), e->account, P->task->pid);
	say(t, "level address count kind rights state frame owner account references used\n");
	table_walk(t, &r, 0, LEVELS);
	run_say(t, &r);
}
