/* SPDX-License-Identifier: MIT */
/* The machine for the binding core: what boot, env.c and the interrupt controller would have given it. */
#include "world.h"
#include <stdarg.h>
#include <sys/mman.h>

/* Of files that only test/unit/time links: there the real ones stand. */
#define WEAK __attribute__((weak))

uint8_t *host_ram;
struct exo_home *homes;
WEAK struct exo_slices *slices;
struct exo_info *info;
const struct boot_info *boot;
WEAK struct cpu cpu0;
void recount_use(void *memory); /* test/kernel/recount.c, host only: 16 bytes a frame */
unsigned world_interrupts;
struct dev_frames world_device;
uint64_t world_child_home, world_child_rights = EXO_AT_RW | EXO_AT_REMAP;

static struct boot_info boot_info;
static const uint32_t first_limit[EXO_C_COUNT] = { 700, 20, 12, 4, 4 };

/* ---- what the core calls of the rest of the kernel */

void panic(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	test_fail("panic: %s", text);
}

bool interrupt_waits(void)
{
	return world_interrupts && random_below(world_interrupts) == 0;
}

void machine_off(int reset, uint32_t status)
{
	test_fail("machine_off(%d, %u)", reset, status);
}

struct env *first_env(void) { return env_by_index(1); }
__attribute__((weak)) void root_load(uint32_t pfn) { (void)pfn; } /* model_test.c has a better one */
void machine_bases_save(uint64_t *fs, uint64_t *gs) { *fs = *gs = 0; }
void machine_bases_load(uint64_t fs, uint64_t gs) { (void)fs; (void)gs; }
void fpu_init(struct exo_save *s) { memset(s->xstate, 0, sizeof s->xstate); }
WEAK void sched_event(struct env *e, uint32_t bits) { e->exo->pending |= bits; }
WEAK void sched_forget(struct env *e) { (void)e; }
WEAK void sched_leave(void) { world_run(1); }
WEAK void sched_arm(void) { }
WEAK void dev_teardown(struct env *e) { (void)e; }
void pci_teardown(struct env *e) { (void)e; }
WEAK struct dev_frames *dev_frames_find(uint64_t pfn) { return pfn - world_device.first < world_device.count ? &world_device : NULL; }
WEAK void pct_forget(struct env *e) { (void)e; }
WEAK int64_t slice_take(uint64_t i, struct env *from) { (void)i; (void)from; return 0; }
void trap_direct(bool on) { (void)on; }
void trap_aliases(struct env *e) { (void)e; }

int64_t user_write(uint64_t to, const void *from, uint64_t n)
{
	struct user_cursor cursor = { 0 };
	const uint64_t *in = from;

	for (uint64_t i = 0; i < n; i += 8) {
		volatile uint64_t *out = user_word(&cursor, to + i, true);
		if (!out)
			return -EXO_EFAULT;
		*out = *in++;
	}
	return 0;
}

/* ---- the world */

static void *zeroed(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		test_fail("no memory");
	return p;
}

struct env *world_env(unsigned index)
{
	return env_by_index(index);
}

void world_run(unsigned index)
{
	cpu0.current = env_by_index(index);
}

/* What first.c does: the first env's frames are its own before it is there to be charged. */
static void world_first(void)
{
	struct exo_env_spec spec = { .frame_count = EXO_EF_COUNT };

	for (uint32_t i = 0; i < EXO_EF_COUNT; i++) {
		uint32_t pfn = WORLD_KERNEL + i;

		spec.frames[i] = pfn;
		frames[pfn].type = i == EXO_EF_ROOT ? EXO_PT4 : EXO_DATA;
		frames[pfn].account = 1;
	}
	root_prepare(spec.frames[EXO_EF_ROOT]);
	memcpy(envs[1].limit, first_limit, sizeof first_limit);
	envs[1].used[EXO_C_FRAMES] = EXO_EF_COUNT;
	envs[1].used[EXO_C_ENVS] = 1;
	CHECK(env_setup(&spec, NULL) == env_by_index(1));
	world_run(1);
}

static void page_make(uint64_t root)
{
	uint32_t pfn = frame_new();

	tables_make(root, WORLD_PAGE);
	CHECK_EQ(op_pte_write(root, WORLD_PAGE | 1, 1, (uint64_t)pfn << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW, 0, 0), 1);
}

int64_t world_child(uint32_t limit)
{
	struct exo_env_spec spec = { .frame_count = EXO_EF_COUNT, .rip = 0x1000, .flags = limit ? EXO_SPEC_NEW_ACCOUNT : 0 };
	int64_t r;

	if (limit) {
		spec.limit[EXO_C_FRAMES] = limit;
		const struct exo_env *a = &envs[envs[current_env()->index].account];

		spec.limit[EXO_C_HOMES] = (a->limit[EXO_C_HOMES] - a->used[EXO_C_HOMES]) / 2;
		spec.limit[EXO_C_ENVS] = (a->limit[EXO_C_ENVS] - a->used[EXO_C_ENVS]) / 2;
	}
	for (uint32_t i = 0; i < EXO_EF_COUNT; i++)
		spec.frames[i] = i == EXO_EF_ROOT ? table_new(EXO_PT4) : frame_new();
	uint64_t root = spec.frames[EXO_EF_ROOT];
	page_make(root);
	/* The page and its tables go along: all that the new root leads to. */
	for (uint64_t *table = pfn_ptr(root), i = 0; i < 4; i++) {
		uint64_t e = 0;
		for (unsigned k = 0; k < 255 && !(e & EXO_PTE_P); k++)
			e = table[k];
		spec.frames[spec.frame_count++] = (uint32_t)((e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT);
		table = pa_ptr(e & EXO_PTE_ADDR);
	}
	if (world_child_home) {
		CHECK_EQ(op_pt_link(root, (world_child_home & ~(EXO_SLOT_SIZE - 1)) | 4, 1, table_new(EXO_PT3)), 1);
		/* A model's small counters may be full: then without it. */
		r = op_pt_link(root, world_child_home | 3 | EXO_AT_LIVE | world_child_rights, 1, 0);
		CHECK(r == 1 || r == -EXO_EOVERFLOW);
	}
	r = user_write(WORLD_PAGE, &spec, sizeof spec);
	if (r == 0)
		r = op_env_make(WORLD_PAGE);
	for (uint32_t i = 0; r < 0 && i < spec.frame_count; i++)
		(void)op_frame_give(spec.frames[i], 1, 0);
	return r;
}

void world_make(void)
{
	struct boot_range *map;
	uint64_t *root;

	host_ram = zeroed(WORLD_FRAMES * EXO_PAGE_SIZE);
	frame_count = WORLD_FRAMES;
	frames = zeroed(WORLD_FRAMES * sizeof *frames);
	envs = zeroed(EXO_ENV_MAX * sizeof *envs);
	homes = zeroed(EXO_HOME_COUNT * sizeof *homes);
	slices = zeroed(sizeof *slices);
	info = zeroed(sizeof *info);
	/* Kernel frames: 1 map, 2 root, 3 the window's table, 5 the bits of frames. */
	map = pa_ptr(EXO_PAGE_SIZE);
	map[0] = (struct boot_range){ 0, WORLD_FREE, BOOT_KERNEL, 0 };
	map[1] = (struct boot_range){ WORLD_FREE, WORLD_FRAMES / 2 - WORLD_FREE, BOOT_FREE, 0 };
	map[2] = (struct boot_range){ WORLD_FRAMES / 2 + 1, WORLD_FRAMES - WORLD_FRAMES / 2 - 2, BOOT_FREE, 0 };
	map[3] = (struct boot_range){ WORLD_FRAMES - 1, 1, BOOT_RESERVED, 0 };
	root = pfn_ptr(2);
	root[256] = 4 << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_RW;
	root[255] = 3 << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_RW | EXO_PTE_U;
	boot_info.map = EXO_PAGE_SIZE;
	boot_info.map_count = 4;
	boot_info.kernel_root = 2 << EXO_PAGE_SHIFT;
	boot_info.fresh.phys = 5 << EXO_PAGE_SHIFT;
	boot = &boot_info;
	recount_use(zeroed(WORLD_FRAMES * 16));
	frames_start();
	root_start();
	world_interrupts = 0;
	world_first();
	page_make(0);
	CHECK_EQ(EXO_NAME_INDEX(world_child(0)), 2);
	CHECK_EQ(EXO_NAME_INDEX(world_child(220)), 3);
	world_run(3);
	CHECK_EQ(EXO_NAME_INDEX(world_child(60)), 4);
	world_run(1);
	world_check();
}

void world_end(void)
{
	struct env *first = env_by_index(1);
	uint64_t left = 0;

	world_interrupts = 0;
	world_run(1);
	/* Children of the dead become the first env's, so each pass finds more of its own. */
	for (unsigned pass = 0; pass < WORLD_INDEX_MAX; pass++)
		for (unsigned i = 2; i < WORLD_INDEX_MAX; i++) {
			struct env *e = env_by_index(i);

			if (e && (e->creator == first || envs[i].state == EXO_S_DYING))
				CHECK_EQ(op_env_kill(e->name), 0);
		}
	world_check();
	uint32_t index = 0, next;
	while (first->home_count)
		homes_teardown(first);
	while (!table_teardown(first, first->root, &index))
		;
	for (uint32_t pfn = first->chain; pfn; pfn = next) {
		next = frames[pfn].next;
		if (frames[pfn].pins || !frame_is_table(&frames[pfn]) || !frames[pfn].used || table_links(&frames[pfn]))
			continue;
		for (index = 0; !table_teardown(first, pfn, &index);)
			;
		next = first->chain;
	}
	for (uint32_t pfn = first->chain; pfn; pfn = next) {
		next = frames[pfn].next;
		if (!frames[pfn].pins)
			frame_release(pfn);
	}
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if (pfn_is_ram(pfn) && frames[pfn].type != EXO_FREE)
			left++;
	CHECK_EQ(left, EXO_EF_COUNT);
	CHECK_EQ(info->frames_free, WORLD_FRAMES - WORLD_KERNEL - 2 - EXO_EF_COUNT);
	CHECK_EQ(envs[1].used[EXO_C_FRAMES], EXO_EF_COUNT);
	CHECK_EQ(envs[1].used[EXO_C_ENVS], 1);
	CHECK_EQ(envs[1].used[EXO_C_HOMES], 0);
	for (int c = 0; c < EXO_C_COUNT; c++)
		CHECK_EQ(envs[1].limit[c], first_limit[c]);
	for (uint32_t i = 0; i < EXO_HOME_COUNT; i++)
		CHECK(!homes[i].owner && !homes[i].pt2);
}

/* ---- shorthand for tests */

uint32_t frame_new(void)
{
	for (uint32_t pfn = WORLD_KERNEL; pfn < WORLD_FRAMES; pfn++)
		if (frames[pfn].type == EXO_FREE) {
			CHECK_EQ(op_frame_claim(pfn, 1, 0, 0), 1);
			return pfn;
		}
	test_fail("no free frame");
}

uint32_t table_new(int type)
{
	uint32_t pfn = frame_new();

	CHECK_EQ(op_frame_type(pfn, 1, (uint64_t)type, 0), 1);
	return pfn;
}

void tables_make(uint64_t root, uint64_t va)
{
	uint64_t *table = pfn_ptr(root ? root : current_env()->root);

	for (int level = 4; level > 1; level--) {
		unsigned shift = 12 + 9 * ((unsigned)level - 1);
		uint64_t *entry = &table[va >> shift & 511];

		if (!(*entry & EXO_PTE_P))
			CHECK_EQ(op_pt_link(root, (va & ~((1ul << shift) - 1)) | (unsigned)level, 1, table_new(EXO_PT1 + level - 2)), 1);
		table = pa_ptr(*entry & EXO_PTE_ADDR);
	}
}

uint64_t leaf_seen(uint32_t root, uint64_t va)
{
	uint64_t *table = pfn_ptr(root), rights = EXO_PTE_RW;

	for (int level = 4;; level--) {
		uint64_t e = table[va >> (12 + 9 * (level - 1)) & 511];

		if (!(e & EXO_PTE_P))
			return 0;
		rights &= e;
		if (level == 1 || e & EXO_PTE_PS)
			return (e & ~EXO_PTE_RW) | rights;
		table = pa_ptr(e & EXO_PTE_ADDR);
	}
}

int64_t map(uint64_t va, uint64_t value)
{
	return op_pte_write(0, va | 1, 1, value, 0, 0);
}

uint32_t mapped_new(uint64_t va)
{
	uint32_t pfn = frame_new();

	tables_make(0, va);
	CHECK_EQ(map(va, leaf(pfn, RW)), 1);
	return pfn;
}

uint32_t fork_root(uint64_t va)
{
	uint32_t root = table_new(EXO_PT4);

	if (va >= EXO_HOMES_BASE)
		CHECK_EQ(op_home_set(root, EXO_HOME_PRIVATE, va & ~(EXO_SLOT_SIZE - 1), 1), 1);
	CHECK_EQ(op_pt_link(root, (va & ~(EXO_SLOT_SIZE - 1)) | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(root, (va & ~(EXO_HOME_SIZE - 1)) | 3, 1, table_new(EXO_PT2)), 1);
	CHECK_EQ(op_pt_link(root, (va & ~0x1ffffful) | 2 | EXO_AT_SEALED, 1, 0), 1);
	return root;
}
