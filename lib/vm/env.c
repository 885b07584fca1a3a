/* SPDX-License-Identifier: MIT */
/* New environments of the family: a root with library, family segment, root image and a private area of its own, and
 * nothing of a program yet. fork links the parent's tables into it, exec leaves it blank. */
#include <base/string.h>
#include <rt/log.h>
#include <rt/rt.h>
#include <run/run.h>
#include "vm.h"
#include "needs.h"

/* Frames of a build, in the order of spec.frames: the group, then these, then the library stack, then process, XSAVE
 * image and regions' first leaf. */
enum { OWN_PT3 = EXO_EF_COUNT, OWN_PT2, OWN_PT1, HOMES_PT3, OWN_STACK };
#define OWN_PROCESS (OWN_STACK + LIBRARY_STACK_FIRST)
#define BUILD_FRAMES (OWN_PROCESS + BUILD_PRIVATE)
_Static_assert(BUILD_FRAMES + 35 <= EXO_SPEC_FRAMES_MAX, "room for tables: of slots, of far leaves");

#define RIGHTS (EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX)

int64_t pages_put(uint64_t root, uint64_t va, const uint64_t *frame, uint64_t n)
{
	uint64_t value[PAGES_PUT_MAX];

	for (uint64_t i = 0; i < n; i++)
		value[i] = frame[i] << EXO_PAGE_SHIFT | RIGHTS;
	return entries_write(root, va, n, (uint64_t)value, EXO_AT_LIST, 0);
}

/* With library and root image; a member of the first family has what its monitor says in the home behind them. */
static int64_t root_compose(const struct env_build *b, int is_member)
{
	const uint32_t *f = b->spec.frames;
	const struct { uint32_t frame; int type; } table[] = {
		{ f[EXO_EF_ROOT], EXO_PT4 }, { f[OWN_PT3], EXO_PT3 }, { f[HOMES_PT3], EXO_PT3 }, { f[OWN_PT2], EXO_PT2 },
			{ f[OWN_PT1], EXO_PT1 },
	};
	const uint64_t slots[] = { f[OWN_PT3], f[HOMES_PT3] }; /* the private one, and the families' */
	const struct { uint64_t at, n, frame; } link[] = {
		{ 0 | EXO_AT_LIST | 4, 2, (uint64_t)slots }, { PRIVATE_BASE | 3, 1, f[OWN_PT2] },
			{ PRIVATE_BASE | 2, 1, f[OWN_PT1] },
		{ (uint64_t)app_base | EXO_AT_LIVE | 3, 1, 0 },
		{ ROOTIMG_BASE | EXO_AT_LIVE | 3, is_member && !IS_BOX ? 2 : 1, 0 },
	};
	int64_t r = 0;

	for (unsigned i = 0; i < sizeof table / sizeof *table && r >= 0; i++)
		r = gate_frame_type(table[i].frame, 1, table[i].type, 0);
	for (unsigned i = 0; i < sizeof link / sizeof *link && r >= 0; i++)
		r = gate_pt_link(b->root, link[i].at, link[i].n, link[i].frame);
	return r;
}

/* What members of the caller's family have in common: F, by the caller's own entry, and the homes. */
static int64_t family_link(uint64_t root)
{
	const uint64_t data = DATA_BASE | EXO_AT_LIVE | EXO_AT_RW | EXO_AT_REMAP | 3, homes = SAID->data_homes;
	int64_t r = gate_pt_link(root, FAMILY_BASE | EXO_AT_LIVE | EXO_AT_RW | 3, 1, 0);

	if (r >= 0 && IS_BOX)
		r = gate_pt_link(root, (FAMILY_BASE - EXO_HOME_SIZE) | EXO_AT_LIVE | 3, 1, 0);
	if (r >= 0)
		r = gate_pte_write(root, (uint64_t)F | 1, 1, (uint64_t)SAID->frame << EXO_PAGE_SHIFT | RIGHTS, 0, (uint64_t)F);
	for (uint64_t done = 0; done < homes && r >= 0; done += (uint64_t)r)
		r = gate_pt_link(root, data + done * EXO_HOME_SIZE, homes - done, 0);
	return r;
}

/* Tables want zeros: the root, and from the group's window tables to the last of our own. */
static int build_claim(uint64_t *list)
{
	uint64_t zeroed[1 + OWN_STACK - EXO_EF_WINDOW3], any[BUILD_FRAMES];
	const uint32_t group = EXO_EF_WINDOW3 - 1;

	if (frames_claim_zeroed(zeroed, sizeof zeroed / sizeof *zeroed))
		return -ENOMEM;
	if (frames_claim(any, group + BUILD_FRAMES - OWN_STACK)) {
		frames_release(zeroed, sizeof zeroed / sizeof *zeroed);
		return -ENOMEM;
	}
	list[EXO_EF_ROOT] = zeroed[0];
	memcpy(list + EXO_EF_WINDOW3, zeroed + 1, sizeof zeroed - sizeof *zeroed);
	memcpy(list + 1, any, group * sizeof *any);
	memcpy(list + OWN_STACK, any + group, (BUILD_FRAMES - OWN_STACK) * sizeof *any);
	return 0;
}

static int build(struct env_build *b, int is_member)
{
	uint64_t list[BUILD_FRAMES];
	int64_t r;

	if (build_claim(list))
		return -ENOMEM;
	b->root = list[EXO_EF_ROOT];
	b->spec.frame_count = BUILD_FRAMES;
	for (uint32_t i = 0; i < BUILD_FRAMES; i++)
		b->spec.frames[i] = (uint32_t)list[i];
	memcpy(b->own, list + OWN_STACK, sizeof b->own);
	r = root_compose(b, is_member);
	if (r >= 0 && is_member)
		r = family_link(b->root);
	if (r < 0) {
		int e = gate_errno(r);

		env_unbuild(b);
		return e;
	}
	return 0;
}

int env_build(struct env_build *b) { return build(b, 1); }
int env_build_monitor(struct env_build *b) { return build(b, 0); }

int64_t env_build_more(struct env_build *b, uint64_t va, const uint64_t *frame, uint64_t n)
{
	int64_t r = pages_put(b->root, va, frame, n);

	if (r == -EXO_ENOENT) {
		r = b->spec.frame_count == EXO_SPEC_FRAMES_MAX ? -EXO_ENOMEM : rt_table(b->root, va, 2);
		if (r < 0)
			return r;
		b->spec.frames[b->spec.frame_count++] = (uint32_t)r;
		r = pages_put(b->root, va, frame, n);
	}
	for (uint64_t i = 0; r >= 0 && i < n; i++)
		b->more[b->more_count++] = (uint32_t)frame[i];
	return r;
}

/* What env_build_more put there. */
static void more_unbuild(struct env_build *b)
{
	const uint64_t far = PRIVATE_BASE + PRIVATE_LEAVES_FAR, span = 512 * PAGE;

	for (uint64_t va = far; va < PRIVATE_BASE + EXO_HOME_SIZE; va += span) {
		(void)entries_write(b->root, va, 512, 0, 0, 0);
		(void)gate_pte_write(b->root, va | 2, 1, 0, 0, 0);
	}
	for (uint32_t i = 0; i < b->more_count; i++)
		(void)gate_frame_give(b->more[i], 1, 0);
}

static void slot_unbuild(uint64_t root, uint64_t va)
{
	for (uint64_t at = 0, n; at < 512; at += n) {
		int64_t r = gate_pte_write(root, (va + at * EXO_HOME_SIZE) | 3, 512 - at, 0, 0, 0);

		n = r > 0 ? (uint64_t)r : 1;
	}
	(void)gate_pte_write(root, va | 4, 1, 0, 0, 0);
}

/* Empties the root from the leaves up, as far as it was composed, then gives everything back. */
void env_unbuild(struct env_build *b)
{
	uint64_t root = b->root;

	(void)entries_write(root, PRIVATE_BASE, PRIVATE_SCRATCH / PAGE, 0, 0, 0);
	if (b->more)
		more_unbuild(b);
	(void)gate_pte_write(root, PRIVATE_BASE | 2, 1, 0, 0, 0);
	slot_unbuild(root, EXO_HOMES_BASE);
	for (uint64_t slot = 0; slot < EXO_WINDOW >> EXO_SLOT_SHIFT; slot = slot_next(slot))
		slot_unbuild(root, slot << EXO_SLOT_SHIFT);
	for (uint32_t i = b->spec.frame_count; i-- > 0;)
		if (gate_frame_give(b->spec.frames[i], 1, 0) < 0)
			rt_log("env: frame %u of an env that could not be made is left", b->spec.frames[i]);
}

/* Frames that follow one another go by one call. */
static void more_give(const struct env_build *b, uint64_t name)
{
	for (uint32_t i = 0, n; i < b->more_count; i += n) {
		int64_t r;

		for (n = 1; i + n < b->more_count && b->more[i + n] == b->more[i] + n; n++)
			;
		r = gate_frame_give(b->more[i], n, name);
		if (r < 0)
			rt_log("env: a page of regions stays with the parent of env %u", (unsigned)name);
		n = r > 0 ? (uint32_t)r : 1;
	}
}

long env_launch(struct env_build *b, void (*go_on)(void *), void *argument)
{
	int64_t name = pages_put(b->root, LIBRARY_STACK_TOP - LIBRARY_STACK_FIRST * PAGE, b->own,
		LIBRARY_STACK_FIRST + BUILD_PRIVATE);

	if (name >= 0) {
		env_entries(b->spec.entry);
		b->spec.rip = (uint64_t)library_begin;
		b->spec.rsp = LIBRARY_STACK_TOP;
		b->spec.rdi = (uint64_t)go_on;
		b->spec.rsi = (uint64_t)argument;
		b->spec.disabled = 1;
		name = gate_env_make(&b->spec);
	}
	if (name < 0) {
		int e = gate_errno(name);

		env_unbuild(b);
		return e;
	}
	/* The new env is ours: nothing stands against it. */
	more_give(b, (uint64_t)name);
	return (long)name;
}

void env_begin_blank(const void *control)
{
	memset(P, 0, sizeof *P);
	memset(SPACE, 0, sizeof *SPACE);
	P->family = (uint64_t)control & -EXO_HOME_SIZE;
	env_begin();
}

void env_begin(void)
{
	P->self = rt_self();
	P->exo = (struct exo_page *)rt_exo(P->self);
	P->is_monitor = P->is_keeper = 0;
	P->stack = LIBRARY_STACK_TOP;
	P->thread_count = P->slot_count = 1;
	P->slot_free = 0;
	P->alarm_at = 0;
	(void)gate_env_set(0, EXO_SET_OPEN, KEEPER_WORK, 0);
}

static int64_t page_first(uint64_t va, uint64_t flags)
{
	int64_t pfn = rt_frame(), r = pfn;

	if (r >= 0)
		r = gate_frame_type((uint64_t)pfn, 1, EXO_DATA, flags);
	return r < 0 ? r : rt_map(0, va, (uint64_t)pfn, 1, EXO_PTE_RW | EXO_PTE_NX);
}

/* From the library stack on: n pages. */
static int64_t area_pages(uint64_t n)
{
	int64_t r = 0;

	for (uint64_t i = 0; i < n && r >= 0; i++)
		r = page_first(PRIVATE_BASE + PRIVATE_STACK + i * PAGE, 0);
	return r;
}

/* The private area is there, but for F. */
static int64_t monitor_first(exo_name self, uint64_t family, const uint64_t *entry)
{
	int64_t r = page_first((uint64_t)F, EXO_F_SHARED);

	if (r < 0)
		return r;
	memset(P, 0, PAGE);
	P->family = family;
	P->self = self;
	P->exo = (struct exo_page *)rt_exo(self);
	P->is_monitor = 1;
	P->stack = LIBRARY_STACK_TOP;
	P->slot_count = 1;
	r = gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0);
	return r < 0 ? r : gate_env_set(0, EXO_SET_OPEN, MONITOR_OPENS, 0);
}

int64_t env_first(exo_name self, uint64_t family, const uint64_t entry[EXO_ENTRY_COUNT])
{
	int64_t r;

	rt_exo(self)->disabled = 1;
	r = rt_tables(0, PRIVATE_BASE, NULL, NULL);
	if (r >= 0)
		r = rt_unmap(0, PRIVATE_BASE, 512, 1); /* not entries_write, which wants P */
	if (r >= 0)
		r = area_pages(LIBRARY_STACK_PAGES + 3); /* with process, XSAVE image and first leaf */
	return r < 0 ? r : monitor_first(self, family, entry);
}

int64_t env_first_of(uint64_t family, const uint64_t entry[EXO_ENTRY_COUNT])
{
	int64_t r = area_pages(LIBRARY_STACK_PAGES - LIBRARY_STACK_FIRST);

	return r < 0 ? r : monitor_first(rt_self(), family, entry);
}
