/* SPDX-License-Identifier: MIT */
/* efi/memmap.c: maps as firmware makes them, and a page-by-page model beside random ones. */
#include "check.h"
#include "../../efi/memmap.h"

enum { CONVENTIONAL = 7, LOADER_DATA = 2, BOOT_CODE = 3, RUNTIME_DATA = 6, UNUSABLE = 8, ACPI = 9, MMIO = 11, PORT = 12, PERSISTENT = 14, UNACCEPTED = 15 };
enum { MODEL_PAGES = 4096, ENTRIES_MAX = 700 };

static uint8_t *raw_bytes;
static struct memmap_raw raw;
static struct boot_range map[2 * ENTRIES_MAX + 2];
static int count;

static void raw_begin(size_t stride)
{
	free(raw_bytes);
	raw_bytes = calloc(ENTRIES_MAX, stride);
	raw = (struct memmap_raw){ raw_bytes, 0, stride, 1 };
}

static void raw_add(uint32_t type, uint64_t physical, uint64_t pages)
{
	uint8_t *at = raw_bytes + raw.size;

	memset(at, 0xee, raw.stride);
	memcpy(at, &type, 4);
	memcpy(at + 8, &physical, 8);
	memcpy(at + 24, &pages, 8);
	raw.size += raw.stride;
}

static void clean(void)
{
	/* A block of exactly the right size, so that ASan sees a read past it. */
	uint8_t *exact = malloc(raw.size);
	struct memmap_raw copy = raw;

	memcpy(exact, raw_bytes, raw.size);
	copy.descriptors = exact;
	count = memmap_clean(&copy, map, 2 * (raw.size / raw.stride) + 2);
	free(exact);
}

static void expect(int i, uint64_t pfn, uint64_t n, uint32_t type)
{
	CHECK(i < count);
	CHECK_EQ(map[i].pfn, pfn);
	CHECK_EQ(map[i].count, n);
	CHECK_EQ(map[i].type, type);
}

static void order_check(void)
{
	for (int i = 0; i < count; i++) {
		CHECK(map[i].count && map[i].type <= BOOT_RESERVED);
		if (i) {
			uint64_t end = map[i - 1].pfn + map[i - 1].count;

			CHECK(end < map[i].pfn || (end == map[i].pfn && map[i].type != map[i - 1].type));
		}
	}
}

TEST(memmap_sorts_and_merges)
{
	raw_begin(48);
	raw_add(CONVENTIONAL, 0x300000, 0x10);
	raw_add(LOADER_DATA, 0x100000, 0x100);
	raw_add(BOOT_CODE, 0x200000, 0x100);
	raw_add(ACPI, 0x310000, 4);
	raw_add(CONVENTIONAL, 0x400000, 1);
	clean();
	CHECK_EQ(count, 3);
	expect(0, 0x100, 0x210, BOOT_FREE);
	expect(1, 0x310, 4, BOOT_RESERVED);
	expect(2, 0x400, 1, BOOT_FREE);
}

TEST(memmap_empty)
{
	raw_begin(40);
	clean();
	CHECK_EQ(count, 0);
}

TEST(memmap_page_zero_is_reserved)
{
	raw_begin(48);
	raw_add(CONVENTIONAL, 0, 0xa0);
	clean();
	CHECK_EQ(count, 2);
	expect(0, 0, 1, BOOT_RESERVED);
	expect(1, 1, 0x9f, BOOT_FREE);
	raw_begin(48);
	raw_add(CONVENTIONAL, 0x1000, 0x9f);
	clean();
	CHECK_EQ(count, 1);
}

TEST(memmap_types)
{
	raw_begin(40);
	for (uint32_t type = 0; type < 20; type++)
		raw_add(type, 0x100000 + type * 0x2000ul, 1);
	raw_add(0x80000001, 0x200000, 1);
	clean();
	order_check();
	for (uint32_t type = 0, i = 0; type < 20; type++) {
		if (type == MMIO || type == PORT || type >= UNACCEPTED)
			continue;
		int is_free = (type >= LOADER_DATA - 1 && type <= BOOT_CODE + 1) || type == CONVENTIONAL;
		expect((int)i++, 0x100 + type * 2, 1, is_free ? BOOT_FREE : BOOT_RESERVED);
	}
	CHECK_EQ(count, 13);
}

TEST(memmap_unusable_wins)
{
	raw_begin(48);
	raw_add(UNUSABLE, 0x180000, 0x10);
	raw_add(CONVENTIONAL, 0x100000, 0x100);
	clean();
	CHECK_EQ(count, 3);
	expect(0, 0x100, 0x80, BOOT_FREE);
	expect(1, 0x180, 0x10, BOOT_RESERVED);
	expect(2, 0x190, 0x70, BOOT_FREE);
}

TEST(memmap_mmio_cuts)
{
	raw_begin(48);
	raw_add(CONVENTIONAL, 0x100000, 0x100);
	raw_add(MMIO, 0x180000, 0x10);
	raw_add(UNACCEPTED, 0x1f8000, 0x10);
	raw_add(MMIO, 0x0, 0x10);
	clean();
	CHECK_EQ(count, 2);
	expect(0, 0x100, 0x80, BOOT_FREE);
	expect(1, 0x190, 0x68, BOOT_FREE);
}

TEST(memmap_wraps_and_zeros)
{
	raw_begin(48);
	raw_add(CONVENTIONAL, 0x100000, 0);
	raw_add(CONVENTIONAL, 0x200000, ~0ul);
	raw_add(RUNTIME_DATA, 0xfffffffffffff000, 2);
	raw_add(CONVENTIONAL, 1ul << 52, 1);
	raw_add(RUNTIME_DATA, 0x300000, (1ul << 52) - 0x300);
	clean();
	CHECK_EQ(count, 2);
	expect(0, 0x200, 0x100, BOOT_FREE);
	expect(1, 0x300, (1ul << 40) - 0x300, BOOT_RESERVED);
}

TEST(memmap_odd_addresses)
{
	raw_begin(48);
	raw_add(CONVENTIONAL, 0x100800, 4);
	raw_add(RUNTIME_DATA, 0x200800, 4);
	raw_add(CONVENTIONAL, 0x300800, 1);
	clean();
	CHECK_EQ(count, 2);
	expect(0, 0x101, 3, BOOT_FREE);
	expect(1, 0x200, 5, BOOT_RESERVED);
}

TEST(memmap_strides)
{
	static const size_t strides[] = { 40, 48, 56, 64, 128, 4096 };

	for (size_t i = 0; i < sizeof strides / sizeof *strides; i++) {
		raw_begin(strides[i]);
		raw_add(CONVENTIONAL, 0x100000, 1);
		raw_add(ACPI, 0x101000, 1);
		clean();
		CHECK_EQ(count, 2);
	}
}

TEST(memmap_refuses_bad_stride)
{
	raw_begin(48);
	raw_add(CONVENTIONAL, 0x100000, 1);
	raw.stride = 0;
	CHECK_EQ(memmap_clean(&raw, map, 8), -1);
	raw.stride = 32;
	CHECK_EQ(memmap_clean(&raw, map, 8), -1);
	raw.stride = 44;
	CHECK_EQ(memmap_clean(&raw, map, 8), -1);
	raw.stride = 40;
	CHECK_EQ(memmap_clean(&raw, map, 8), -1);
}

TEST(memmap_refuses_too_many)
{
	raw_begin(48);
	for (uint64_t i = 0; i < 9; i++)
		raw_add(CONVENTIONAL, 0x100000 + i * 0x2000, 1);
	struct boot_range *small = malloc(8 * sizeof *small);
	CHECK_EQ(memmap_clean(&raw, small, 8), -2);
	CHECK_EQ(memmap_clean(&raw, map, 9), 9);
	CHECK_EQ(memmap_clean(&raw, small, 0), -2);
	free(small);
}

TEST(memmap_600_entries_backwards)
{
	raw_begin(56);
	for (uint64_t i = 600; i-- > 0;)
		raw_add(i % 3 ? CONVENTIONAL : RUNTIME_DATA, 0x100000 + i * 0x1000, 1);
	clean();
	CHECK_EQ(count, 400);
	order_check();
}

/* What a frame is, asked descriptor by descriptor; -1: not in the map. */
static int frame_asked(uint64_t pfn)
{
	int is_free = 0, reserved = 0;

	for (size_t at = 0; at < raw.size; at += raw.stride) {
		uint32_t type;
		uint64_t physical, pages;

		memcpy(&type, raw_bytes + at, 4);
		memcpy(&physical, raw_bytes + at + 8, 8);
		memcpy(&pages, raw_bytes + at + 24, 8);
		if (pfn < physical >> 12 || pfn - (physical >> 12) >= pages || physical >> 52)
			continue;
		if (type == MMIO || type == PORT || type >= UNACCEPTED)
			return -1;
		is_free |= (type >= 1 && type <= 4) || type == CONVENTIONAL;
		reserved |= !((type >= 1 && type <= 4) || type == CONVENTIONAL);
	}
	return reserved || (is_free && !pfn) ? BOOT_RESERVED : is_free ? BOOT_FREE : -1;
}

static int frame_cleaned(uint64_t pfn)
{
	for (int i = 0; i < count; i++)
		if (pfn - map[i].pfn < map[i].count)
			return (int)map[i].type;
	return -1;
}

/* Kinds of hostile maps; n counts the descriptors. */
static void hostile_add(int kind, uint64_t n)
{
	static const uint32_t types[] = { CONVENTIONAL, RUNTIME_DATA, CONVENTIONAL, MMIO, BOOT_CODE, UNUSABLE, CONVENTIONAL, 0x70000001, ACPI, UNACCEPTED };
	uint32_t type = types[n % 10];

	switch (kind) {
	case 0: raw_add(type, n * 0x3000, 3); break;                                     /* neighbours of all types */
	case 1: raw_add(type, n * 0x1000, 1001 - 2 * n); break;                          /* one inside the other */
	case 2: raw_add(type, n * 0x2000, 5); break;                                     /* each over the next two */
	case 3: raw_add(type, n * 0x2000, n % 2 ? 0 : 3); break;                         /* every second empty */
	case 4: raw_add(type, ~0ul << 12 << n % 30, n * n); break;                       /* around the end of the address space */
	case 5: raw_add(0x100 + (uint32_t)n * 77777, n * 0x1000, 2); break;              /* types that nobody knows */
	case 6: raw_add(type, (1ul << 40) + n * (1ul << 34), 1 + n); break;              /* islands above 1 TiB */
	case 7: raw_add(types[n / 100], 0x100000, 0x1000); break;                        /* the same again and again */
	case 8: raw_add(type, (500 - n) * 0x5000, 4); break;                             /* backwards */
	}
}

TEST(memmap_hostile)
{
	static const size_t strides[] = { 40, 48, 64, 4096 };

	for (int kind = 0; kind < 9; kind++)
		for (size_t s = 0; s < 4; s++) {
			raw_begin(strides[s]);
			for (uint64_t n = 0; n < 500; n++)
				hostile_add(kind, n);
			clean();
			CHECK(count >= 0);
			order_check();
			/* Both sides of every border. */
			for (size_t at = 0; at < raw.size; at += raw.stride) {
				uint64_t physical, pages;

				memcpy(&physical, raw_bytes + at + 8, 8);
				memcpy(&pages, raw_bytes + at + 24, 8);
				for (int i = -1; i < 2; i++) {
					uint64_t first = (physical >> 12) + (uint64_t)i, end = (physical >> 12) + pages + (uint64_t)i;

					if (first < 1ul << 40)
						CHECK_EQ(frame_cleaned(first), frame_asked(first));
					if (end < 1ul << 40)
						CHECK_EQ(frame_cleaned(end), frame_asked(end));
				}
			}
		}
}

TEST(memmap_mark_carves)
{
	raw_begin(48);
	raw_add(CONVENTIONAL, 0x100000, 0x100);
	clean();
	count = memmap_mark(map, 1, 8, 0x140, 0x20, BOOT_KERNEL);
	CHECK_EQ(count, 3);
	expect(0, 0x100, 0x40, BOOT_FREE);
	expect(1, 0x140, 0x20, BOOT_KERNEL);
	expect(2, 0x160, 0xa0, BOOT_FREE);
	count = memmap_mark(map, 3, 8, 0x160, 0x10, BOOT_KERNEL);
	expect(1, 0x140, 0x30, BOOT_KERNEL);
	count = memmap_mark(map, 3, 8, 0x140, 0x30, BOOT_FREE);
	CHECK_EQ(count, 1);
	expect(0, 0x100, 0x100, BOOT_FREE);
}

TEST(memmap_mark_outside)
{
	count = memmap_mark(map, 0, 8, 0x10, 0x10, BOOT_FIRST);
	CHECK_EQ(count, 1);
	count = memmap_mark(map, 1, 8, 0x18, 0x10, BOOT_KERNEL);
	CHECK_EQ(count, 2);
	expect(0, 0x10, 8, BOOT_FIRST);
	expect(1, 0x18, 0x10, BOOT_KERNEL);
	count = memmap_mark(map, 2, 8, 0, 0x100, BOOT_FREE);
	CHECK_EQ(count, 1);
	expect(0, 0, 0x100, BOOT_FREE);
	CHECK_EQ(memmap_mark(map, 1, 8, 5, 0, BOOT_KERNEL), 1);
}

TEST(memmap_mark_refuses)
{
	map[0] = (struct boot_range){ 0x100, 0x100, BOOT_FREE, 0 };
	CHECK_EQ(memmap_mark(map, 1, 8, 0x100, 1, BOOT_RESERVED + 1), -1);
	CHECK_EQ(memmap_mark(map, 1, 8, 1ul << 40, 1, BOOT_KERNEL), -1);
	CHECK_EQ(memmap_mark(map, 1, 8, 1, ~0ul, BOOT_KERNEL), -1);
	CHECK_EQ(memmap_mark(map, 1, 2, 0x110, 1, BOOT_KERNEL), -2);
	count = 1;
	expect(0, 0x100, 0x100, BOOT_FREE);
}

/* The model: one word per page. Unusable ranks above usable, a hole above all. */
static uint32_t model[MODEL_PAGES];

static void model_check(void)
{
	int i = 0;

	order_check();
	for (uint64_t pfn = 0; pfn < MODEL_PAGES; pfn++) {
		while (i < count && pfn >= map[i].pfn + map[i].count)
			i++;
		CHECK_EQ(i < count && pfn >= map[i].pfn ? map[i].type : UINT32_MAX, model[pfn]);
	}
}

TEST(fuzz_memmap_model)
{
	random_seed(4);
	for (int round = 0; round < 500; round++) {
		uint8_t seen[MODEL_PAGES] = { 0 }; /* 1 free, 2 reserved, 4 hole */

		raw_begin(40 + 8 * random_below(4));
		for (uint64_t n = random_below(ENTRIES_MAX - 1); n; n--) {
			uint32_t type = (uint32_t)random_below(17);
			uint64_t pfn = random_below(MODEL_PAGES), pages = 1 + random_below(random_below(20) ? 12 : 600);

			if (pages > MODEL_PAGES - pfn)
				pages = MODEL_PAGES - pfn;
			raw_add(type, pfn << 12, pages);
			uint8_t bit = type == MMIO || type == PORT || type >= UNACCEPTED ? 4 : (type >= 1 && type <= 4) || type == CONVENTIONAL ? 1 : 2;
			for (uint64_t k = 0; k < pages; k++)
				seen[pfn + k] |= bit;
		}
		clean();
		CHECK(count >= 0);
		for (int k = 0; k < MODEL_PAGES; k++)
			model[k] = !seen[k] || seen[k] & 4 ? UINT32_MAX : seen[k] & 2 ? BOOT_RESERVED : BOOT_FREE;
		if (count && model[0] == BOOT_FREE)
			model[0] = BOOT_RESERVED;
		model_check();
		for (int k = 0; k < 20; k++) {
			uint64_t pfn = random_below(MODEL_PAGES), n = random_below(MODEL_PAGES - pfn < 300 ? MODEL_PAGES - pfn : 300);
			uint32_t type = (uint32_t)random_below(BOOT_RESERVED + 1);

			count = memmap_mark(map, (size_t)count, sizeof map / sizeof *map, pfn, n, type);
			CHECK(count >= 0);
			for (uint64_t j = 0; j < n; j++)
				model[pfn + j] = type;
		}
		model_check();
	}
}

TEST(fuzz_memmap_raw)
{
	random_seed(5);
	for (int round = 0; round < 4000; round++) {
		raw_begin(48);
		for (uint64_t i = 0; i < 60; i++)
			raw_add(i % 5 ? CONVENTIONAL : (uint32_t)random_below(16), 0x100000 + i * 0x10000, 1 + random_below(20));
		for (int k = 0; k < 5; k++)
			random_mutate(raw_bytes, raw.size);
		clean();
		CHECK(count >= 0);
		order_check();
		for (int i = 0; i < count; i++)
			CHECK(map[i].pfn + map[i].count <= 1ul << 40 && map[i].type != BOOT_KERNEL && map[i].type != BOOT_FIRST);
		CHECK(!count || map[0].pfn || map[0].type != BOOT_FREE);
	}
}
