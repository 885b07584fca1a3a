/* SPDX-License-Identifier: MIT */
/* The state that proofs begin in (prove.h), and what the functions under proof call of the rest of the kernel. */
#include "prove.h"

static uint8_t ram[FRAMES * EXO_PAGE_SIZE];
static struct exo_frame_rec frame_store[FRAMES];
static struct exo_env public_store[EXO_ENV_MAX];
static struct exo_home home_store[EXO_HOME_COUNT];
static struct exo_info info_store;
static struct exo_slices slice_store;
static struct exo_page page_store[ENVS];
static struct dev_frames held;
struct env env_store[ENVS];
bool device_held;
uint8_t *host_ram = ram;
struct exo_home *homes = home_store;
struct exo_slices *slices = &slice_store;
struct exo_info *info = &info_store;
const struct boot_info *boot;
struct cpu cpu0;

void panic(const char *format, ...)
{
	(void)format;
	for (;;)
		;
}
bool interrupt_waits(void) { return maybe(); }
void root_load(uint32_t pfn) { (void)pfn; }
void root_prepare(uint32_t pfn) { (void)pfn; }
void host_invlpg(uint64_t va) { (void)va; }
void sched_event(struct env *e, uint32_t bits) { (void)e, (void)bits; }
struct env *first_env(void) { return &env_store[ME]; }
void pci_teardown(struct env *e) { (void)e; }
struct dev_frames *dev_frames_find(uint64_t pfn) { return device_held && pfn >= FRAMES ? &held : NULL; }

static uint32_t any_in_chain(void) { return maybe() ? OTHER : NO_FRAME; }

void any_state(void)
{
	Frama_C_make_unknown((char *)frame_store, sizeof frame_store);
	Frama_C_make_unknown((char *)public_store, ENVS * sizeof *public_store);
	Frama_C_make_unknown((char *)home_store, sizeof home_store);
	Frama_C_make_unknown((char *)&slice_store, sizeof slice_store);
	held = (struct dev_frames){ .first = FRAMES, .count = 1, .maps = any32(), .owner = (uint16_t)any(NO_ENV, KIN), .write_combined = maybe() };
	device_held = maybe();
	Frama_C_make_unknown((char *)ram, TABLE * EXO_PAGE_SIZE);
	frames = frame_store;
	frame_count = FRAMES;
	envs = public_store;
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct exo_frame_rec *f = &frames[i];
		f->next = any_in_chain();
		f->prev = any_in_chain();
		f->owner = (uint16_t)any(NO_ENV, KIN);
		f->account = (uint16_t)any(ME, KIN);
		f->type = (uint8_t)any(EXO_FREE, EXO_PART);
		f->maps = any32();
	}
	is_a(NO_FRAME, EXO_KERNEL); /* ends chains */
	/* Frames that are free, or owned by one, are among those there are. */
	info->frames_free = any(0, FRAMES_MAX);
	for (uint32_t i = ME; i < ENVS; i++) {
		envs[i].account = (uint16_t)i;
		envs[i].account_parent = i == PARENT ? 0 : PARENT;
		/* The recount holds that an env's frames are counted: those in hand here, a run at most, are among them. */
		envs[i].frames = (uint32_t)any(EXO_RUN_FRAMES, FRAMES_MAX);
		/* And those that it let go; an account pays for the indices that name it, a maker has made what it is named in. */
		envs[i].disowned = (uint32_t)any(EXO_RUN_FRAMES, FRAMES_MAX);
		envs[i].used[EXO_C_ENVS] = (uint32_t)any(1, EXO_ENV_MAX);
		envs[i].account_maker = (uint16_t)any(NO_ENV, KIN);
		env_store[i] = (struct env){ .index = (uint16_t)i, .root = ROOT, .public = &envs[i], .exo = &page_store[i], .name = i, .made = (uint16_t)any(2, EXO_ENV_MAX) };
		env_store[i].opened.account = (uint16_t)any(NO_ENV, KIN);
		env_store[i].opened.rw = maybe();
		env_store[i].chain = any_in_chain();
		env_store[i].dying_rest = any_in_chain();
		env_records[i] = &env_store[i];
		/* All limits of a kind together are what the first env began with. */
		for (int c = 0; c < EXO_C_COUNT; c++)
			envs[i].limit[c] = (uint32_t)any(0, FRAMES_MAX);
	}
	cpu0.current = &env_store[ME];
}

struct exo_frame_rec *is_a(uint32_t pfn, uint8_t type)
{
	frames[pfn].type = type;
	return &frames[pfn];
}

uint64_t *walked_to(struct walk *w, uint64_t va, int level)
{
	*w = (struct walk){ .table = pfn_ptr(TABLE), .pfn = TABLE, .level = level, .rw = true };
	w->readonly = maybe();
	w->foreign = maybe();
	w->live = maybe();
	w->private = va < EXO_SLOT_SIZE || maybe();
	return &w->table[entry_index(va, level)];
}

uint64_t *own_entry(uint64_t va, int level)
{
	uint64_t *table = pfn_ptr(ROOT);
	is_a(ROOT, EXO_PT4);
	is_a(UPPER3, EXO_PT3);
	is_a(UPPER2, EXO_PT2);
	if (level == 4)
		return &table[entry_index(va, 4)];
	table[entry_index(va, 4)] = any_link(UPPER3) | (maybe() ? EXO_LINK_BIT_PRIVATE : 0);
	table = pfn_ptr(UPPER3);
	if (level == 2) {
		table[entry_index(va, 3)] = any_link(UPPER2);
		table = pfn_ptr(UPPER2);
	}
	return &table[entry_index(va, level)];
}

uint64_t any_link(uint32_t pfn)
{
	return (uint64_t)pfn << EXO_PAGE_SHIFT | LINK_BITS | (maybe() ? EXO_PTE_RW : 0) | (maybe() ? EXO_LINK_BIT_REMAP : 0);
}

uint64_t any_leaf(uint32_t pfn)
{
	return (uint64_t)pfn << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | (maybe() ? EXO_PTE_RW : 0) | (maybe() ? EXO_PTE_D | EXO_PTE_A : 0);
}
