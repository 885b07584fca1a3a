/* SPDX-License-Identifier: MIT */
/* What the owner of the family's homes does, the first env: their tables, the frames of control memory, and the
 * segment's first making. Members cannot: their links to the control home have no REMAP. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>
#include <family/process.h>

#define CHUNK 64
#define TABLE_PAGES 512
#define TABLE_SIZE (TABLE_PAGES * PAGE)
/* What a family begins with: control pages that are free, bytes of its monitor's rings. That of a box is small. */
#define FIRST_SPARE (IS_BOX ? 48u : 64u)
#define OUT_BYTES (IS_BOX ? 16384u : 131072u)
#define IN_BYTES (IS_BOX ? 16384u : 262144u)
#define RIGHTS (EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX)

static uint64_t data_limit(void) { return (SAID->frames_most + TABLE_PAGES - 1) & -(uint64_t)TABLE_PAGES; }
uint64_t data_homes_for(uint64_t frames) { return (frames + FAMILY_PAGES - 1) / FAMILY_PAGES; }

static uint64_t data_map_pages(void) { return PAGE_UP(data_limit() / 8) / PAGE; }
/* Behind bitmap and struct told: the table of threads, then the map of data memory. */
static uint64_t by_tid(void) { return SAID->map_pages + PAGE_UP(sizeof(struct told) + SAID->out_size) / PAGE; }
static uint64_t control_own(void) { return by_tid() + TIDS_FIRST * sizeof(void *) / PAGE; }
uint64_t control_first(void) { return control_own() + data_map_pages() + FIRST_SPARE; }

uint64_t control_tables(uint64_t pages) { return (pages + TABLE_PAGES - 1) / TABLE_PAGES; }

static int64_t chunk_map(uint64_t va, uint64_t n)
{
	uint64_t value[CHUNK];
	int64_t r;

	if (frames_claim_zeroed(value, n))
		return -EXO_ENOMEM;
	for (uint64_t i = 0; i < n; i++)
		value[i] = value[i] << EXO_PAGE_SHIFT | RIGHTS;
	r = entries_write(0, va, n, (uint64_t)value, EXO_AT_LIST, 0);
	if (r < 0)
		(void)entries_write(0, va, n, 0, 0, 0);
	for (uint64_t i = 0; i < n && r < 0; i++)
		(void)gate_frame_give((value[i] & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT, 1, 0);
	return r;
}

uint64_t control_map(uint64_t have, uint64_t n)
{
	uint64_t done = 0;

	while (done < n) {
		uint64_t page = have + done, part = MIN_OF(MIN_OF(n - done, CHUNK), TABLE_PAGES - page % TABLE_PAGES);
		int64_t r = page % TABLE_PAGES ? 0 : table_new(FAMILY_BASE + page * PAGE, 2);

		if (r < 0 && r != -EXO_EEXIST)
			break;
		if (chunk_map(FAMILY_BASE + page * PAGE, part) < 0)
			break;
		done += part;
	}
	return done;
}

void control_unmap(uint64_t page, uint64_t n)
{
	(void)entries_write(0, FAMILY_BASE + page * PAGE, n, 0, EXO_AT_GIVE, 0);
}

int64_t data_table(uint64_t piece)
{
	uint64_t at = DATA_BASE + piece * TABLE_SIZE;
	int64_t e = gate_pte_write(0, at | EXO_AT_CHANGE | 2, 1, 0, 0, 0);

	if (!EXO_IS_ERROR(e) && e & EXO_PTE_PS) {
		(void)gate_pte_write(0, at | 2, 1, 0, 0, 0);
		e = -EXO_ENOENT;
	}
	if (!EXO_IS_ERROR(e))
		return e & EXO_PTE_RW ? 0 : gate_pte_write(0, at | EXO_AT_CHANGE | 2, 1, EXO_PTE_RW, EXO_PTE_RW, 0);
	e = table_new(at, 2);
	return e < 0 ? e : 1;
}

int64_t control_rights(int may_write)
{
	const uint64_t right = may_write ? EXO_PTE_RW : 0;
	int64_t old = gate_pte_write(0, (uint64_t)F | EXO_AT_CHANGE | 1, 1, right, EXO_PTE_RW, 0);

	return EXO_IS_ERROR(old) ? old : gate_pte_write(0, FAMILY_BASE | EXO_AT_CHANGE | 3, 1, right, EXO_PTE_RW, 0);
}

/* The family of one that is its own monitor (lib/vm/alone.c). */
void home_serve(uint64_t control_wanted, uint64_t table_wanted)
{
	uint64_t have = SAID->control_pages;

	if (control_wanted > have && control_wanted <= CONTROL_MOST)
		SAID->control_pages = (uint32_t)(have + control_map(have, control_wanted - have));
	if (table_wanted)
		(void)data_table(table_wanted - 1);
}

static int64_t homes_make(void)
{
	uint64_t homes = SAID->data_homes;
	int64_t r = gate_home_set(0, EXO_HOME_CLAIM, FAMILY_BASE, 1);

	if (r > 0)
		r = table_new(FAMILY_BASE, 3);
	for (uint64_t done = 0; done < homes && r >= 0; done += (uint64_t)r)
		r = gate_home_set(0, EXO_HOME_CLAIM, DATA_BASE + done * EXO_HOME_SIZE, homes - done);
	for (uint64_t i = 0; i < homes && r >= 0; i++)
		r = table_new(DATA_BASE + i * EXO_HOME_SIZE, 3);
	return r < 0 ? r : 0;
}

/* Frames of the caller's own: nobody else has a link with R/W to that home's table. */
int said_more(uint64_t at, uint64_t n)
{
	int64_t r = 0;

	for (uint64_t done = 0; done < n && r >= 0; done += CHUNK)
		r = chunk_map(at + done * PAGE, MIN_OF(n - done, CHUNK));
	return r < 0 ? (int)r : 0;
}

/* What the account was given; the first one's has all RAM but what the kernel took. */
static void given_say(void)
{
	const volatile struct exo_env *account = &rt_envs[rt_envs[EXO_NAME_INDEX(P->self)].account];

	SAID->frames = SAID->frames_most = IS_BOX ? account->limit[EXO_C_FRAMES] : rt_info->frames_ram;
	SAID->slices = account->limit[EXO_C_SLICES];
}

int said_start(uint64_t size)
{
	int64_t r = gate_home_set(0, EXO_HOME_CLAIM, FAMILY_BASE - EXO_HOME_SIZE, 1);

	if (r >= 0)
		r = table_new(MONITOR_BASE, 3);
	if (r >= 0)
		r = table_new(MONITOR_BASE, 2);
	if (r >= 0)
		r = size > IN_AT ? -EXO_ENOMEM : said_more(MONITOR_BASE, PAGE_UP(size) / PAGE);
	if (r >= 0)
		r = said_more((uint64_t)IN_RING, IN_BYTES / PAGE);
	if (r >= 0) {
		SAID->in_size = IN_BYTES;
		SAID->out_size = OUT_BYTES;
		SAID->monitor = P->self;
		SAID->frame = (uint32_t)frame_at((uint64_t)F);
		given_say();
		SAID->map_pages = (uint32_t)((MIN_OF(SAID->frames_most, FAMILY_PAGES) + MAP_COVERS - 1) / MAP_COVERS);
		SAID->data_homes = (uint32_t)data_homes_for(SAID->frames_most);
		SAID->control_pages = (uint32_t)control_first();
	}
	return (int)r;
}

int family_start(void)
{
	int64_t r = homes_make();

	if (r < 0)
		return (int)r;
	if (control_map(0, control_first()) < control_first())
		return -EXO_ENOMEM;
	F->by_tid = (struct thread **)(FAMILY_BASE + by_tid() * PAGE);
	F->tid_size = TIDS_FIRST;
	control_start(control_own() + data_map_pages());
	data_start(data_limit(), (uint64_t *)(FAMILY_BASE + control_own() * PAGE));
	reserves_set();
	F->rootimg_pfn = frame_at(rt_info->root_va);
	F->rootimg_pages = PAGE_UP(rt_info->root_size) / PAGE;
	return 0;
}
