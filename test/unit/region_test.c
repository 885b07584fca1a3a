/* SPDX-License-Identifier: MIT */
/* The tree of regions (lib/vm: tree, region, place) beside a plain model: a word for each page of some addresses. Each
 * op is drawn by number; after it all that the tree tells is what the model tells, and the tree is well made. */
#include "check.h"
#include <sys/mman.h>
#undef PROT_READ
#undef PROT_WRITE
#undef PROT_EXEC
#include <vm/tree.h>
#include <vm/needs.h>

/* ---- what the room wants of others */
struct inode { long references, writers; };
static struct inode files[3];
static uint64_t frames;       /* in use */
static int refuse;            /* so many claims more are answered, then none; below 0: all are */

void inode_get(struct inode *ip) { ip->references++; }
void inode_put(struct inode *ip) { ip->references--; }
void inode_maps_count(struct inode *ip, int n) { ip->writers += n; }
void family_progress(void) {}
int user_range_high(uint64_t va, uint64_t n) { (void)va; (void)n; return 0; }
int64_t table_new(uint64_t va, int level) { (void)va; (void)level; return 0; }
void frames_release(const uint64_t *list, uint64_t n) { (void)list; frames -= n; }

int frames_claim(uint64_t *list, uint64_t n)
{
	if (!refuse)
		return -ENOMEM;
	refuse -= refuse > 0;
	*list = 1;
	frames += n;
	return 0;
}

static void pages(uint64_t va, uint64_t n, int rights, int byte)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;

	CHECK(mmap((void *)va, n * PAGE, rights, flags, -1, 0) == (void *)va);
	if (rights)
		memset((void *)va, byte, n * PAGE);
}

int64_t pages_put(uint64_t root, uint64_t va, const uint64_t *frame, uint64_t n)
{
	(void)root;
	(void)frame;
	pages(va, n, PROT_READ | PROT_WRITE, 0xa5); /* a claimed frame holds anything */
	return 0;
}

int64_t entries_write(uint64_t root, uint64_t va, uint64_t n, uint64_t value, uint64_t flags, uint64_t proof)
{
	(void)root;
	(void)proof;
	CHECK(!value && flags == EXO_AT_GIVE);
	pages(va, n, PROT_NONE, 0);
	frames -= n;
	return 0;
}

/* ---- the model: what page i of BASE means, 0 nothing; pages of one mapping differ only where `files` say so */
#define BASE    (1ul << 30)
#define PAGES   20000u
#define AT(i)   (BASE + (uint64_t)(i) * PAGE)
#define KINDS   12
struct page { uint32_t kind; uint64_t offset; };
static struct page model[PAGES];

static struct region region_of(uint32_t first, uint32_t n, uint32_t kind, uint64_t offset)
{
	struct region r = { .start = AT(first), .end = AT(first + n), .prot = kind % 4 + 1, .data_end = ~0ul };

	if (kind >= 6) {
		r.inode = &files[kind % 3];
		r.flags = kind % 2 ? REGION_SHARED : 0;
		r.offset = offset;
	}
	return r;
}

static void start(void)
{
	pages(PRIVATE_BASE, 32, PROT_READ | PROT_WRITE, 0);
	SPACE->leaf_pages = 1;
	SPACE->mmap_top = AT(PAGES);
	refuse = -1;
	regions_open();
	F->regions_most = REGIONS_MAX;
}

static void put(uint32_t first, uint32_t n, uint32_t kind)
{
	struct region r = region_of(first, n, kind, random_below(3) * 1000 + first);

	if (r.inode)
		inode_get(r.inode);
	CHECK(!region_insert(&r));
	for (uint32_t i = first; i < first + n; i++)
		model[i] = (struct page){ kind, r.inode ? r.offset + i - first : 0 };
}

static void take(uint32_t first, uint32_t n)
{
	CHECK(!region_remove(AT(first), AT(first + n)));
	memset(model + first, 0, n * sizeof *model);
}

/* Rights of what is mapped there, as mprotect gives them. */
static void protect(uint32_t first, uint32_t n, uint32_t kind)
{
	struct region *r = region_cut(AT(first), AT(first + n));

	for (; r && r->start < AT(first + n); r = region_next(r))
		if (!r->inode)
			r->prot = kind % 4 + 1;
	regions_join(AT(first), AT(first + n));
	for (uint32_t i = first; i < first + n; i++)
		if (model[i].kind && model[i].kind < 6)
			model[i].kind = kind % 4 ? kind % 4 : 4;
}

static uint32_t place(uint32_t n)
{
	uint32_t run = 0;

	for (uint32_t i = PAGES; i-- > 0;)
		if (model[i].kind)
			run = 0;
		else if (++run == n)
			return i;
	return PAGES;
}

/* The regions are the model's, each page's, and no two could be one. */
static void compare(void)
{
	const struct region *before = 0;
	uint64_t bytes = 0, references[3] = { 0 }, writers[3] = { 0 };
	uint32_t i = 0, count = 0;

	for (struct region *r = region_first(); r; before = r, r = region_next(r), count++) {
		for (; AT(i) < r->start; i++)
			CHECK(!model[i].kind);
		CHECK(r->start == AT(i) && r->end > r->start);
		for (uint64_t va = r->start; va < r->end; va += PAGE, i++) {
			struct region want = region_of(i, 1, model[i].kind, model[i].offset);

			CHECK(model[i].kind && r->prot == want.prot && r->flags == want.flags && r->inode == want.inode);
			CHECK(!r->inode || r->offset + (va - r->start) / PAGE == want.offset);
		}
		bytes += r->end - r->start;
		if (r->inode) {
			references[r->inode - files]++;
			writers[r->inode - files] += r->flags == REGION_SHARED;
		}
		if (before && before->end == r->start && before->prot == r->prot && before->flags == r->flags &&
			before->inode == r->inode)
			CHECK(r->inode && r->offset != before->offset + (before->end - before->start) / PAGE);
		CHECK(region_before(r) == before);
	}
	for (; i < PAGES; i++)
		CHECK(!model[i].kind);
	CHECK_EQ(SPACE->region_count, count);
	CHECK_EQ(SPACE->region_bytes, bytes);
	CHECK(region_last() == before);
	for (int f = 0; f < 3; f++)
		CHECK(files[f].references == (long)references[f] && files[f].writers == (long)writers[f]);
}

/* Leaves: numbers without a gap, none empty but a sole one, ends that are exact, bounds that are not too low. */
static void well_made(void)
{
	uint8_t seen[LEAVES_MAX] = { 0 };
	uint64_t end = 0;

	CHECK_EQ(frames, SPACE->leaf_pages - 1 + SPACE->root_pages);
	CHECK(SPACE->leaf_pages >= SPACE->leaf_count);
	for (uint32_t at = 0; SPACE->leaf_count > 1 && at < SPACE->leaf_count; at++) {
		const struct root_entry *e = ROOT->entry + at;
		const struct leaf *l = leaf_at(at);

		CHECK(e->number < SPACE->leaf_count && !seen[e->number]++);
		CHECK(l->count && l->count <= LEAF_REGIONS && e->end == l->region[l->count - 1].end);
		CHECK(e->space <= ROOT->space[at / ROOT_GROUP]);
		for (uint32_t i = 0; i < l->count; i++)
			CHECK(l->has_files || !l->region[i].inode);
		for (uint32_t i = 0; i < l->count; end = l->region[i++].end)
			CHECK(l->region[i].start - end <= e->space);
	}
}

/* A few pages or, seldom, many; most often few regions lie near one another. */
static uint32_t some(uint32_t first, uint32_t most)
{
	uint32_t n = 1 + (uint32_t)random_below(random_below(16) ? 4 : most);

	return n < PAGES - first ? n : PAGES - first;
}

/* The lowest free pages from `first` on; behind the last one all are. */
static uint32_t place_low(uint32_t first, uint32_t n)
{
	uint32_t run = 0;

	for (uint32_t i = first; i < PAGES && run < n; i++)
		if (model[i].kind)
			run = 0;
		else if (!run++)
			first = i;
	return run ? first : PAGES;
}

static void step(uint32_t most)
{
	uint32_t first = (uint32_t)random_below(PAGES), n = some(first, most), found = place(n);
	uint32_t lowest = place_low(first, n), border = first + n + (uint32_t)random_below(PAGES);
	uint64_t low, high;

	CHECK_EQ(region_place_low(AT(first), AT(border), n * PAGE), lowest + n <= border ? AT(lowest) : 0);

	switch (random_below(8)) {
	case 0: case 1: case 2: case 3: put(first, n, 1 + (uint32_t)random_below(KINDS - 1)); break;
	case 4: take(first, n); break;
	case 5: case 6: protect(first, n, (uint32_t)random_below(4)); break;
	default:
		if (found == PAGES)
			break;
		CHECK_EQ(region_place(n * PAGE), AT(found));
		put(found, n, 1 + (uint32_t)random_below(KINDS - 1));
	}
	CHECK_EQ(region_find(AT(first)) != 0, model[first].kind != 0);
	regions_in(AT(first), n * PAGE, &low, &high);
	for (uint32_t i = first; i < first + n; i++)
		if (model[i].kind)
			CHECK(low <= AT(i) && high >= AT(i + 1));
	CHECK(low > high || (model[(low - BASE) / PAGE].kind && model[(high - BASE) / PAGE - 1].kind));
}

TEST(region_few_beside_a_model)
{
	start();
	random_seed(1);
	for (int i = 0; i < 600; i++) {
		step(PAGES);
		compare();
		well_made();
	}
}

TEST(region_many_beside_a_model)
{
	uint32_t most_leaves = 0;

	start();
	random_seed(2);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 20000; i++) {
			step(8);
			if (i % 500)
				continue;
			compare();
			well_made();
		}
		most_leaves = SPACE->leaf_count > most_leaves ? SPACE->leaf_count : most_leaves;
		/* and nearly all of it goes, from either end */
		take(round % 2 ? 0 : PAGES / 16, PAGES - PAGES / 16);
		compare();
		well_made();
	}
	CHECK(most_leaves > 2 * ROOT_GROUP);
	take(0, PAGES);
	well_made();
	CHECK(SPACE->leaf_count == 1 && SPACE->region_count == 0 && frames < 40);
}

/* When there is no memory for a leaf, a refused op changes no page's meaning. */
TEST(region_no_memory)
{
	int refused = 0;

	start();
	random_seed(3);
	for (int i = 0; i < 20000; i++) {
		uint32_t first = (uint32_t)random_below(PAGES), n = some(first, 4);
		struct region r = region_of(first, n, 1 + (uint32_t)random_below(4), 0);

		refuse = i % 16 == 0; /* a page now and then */
		if (i % 4 == 3 || !region_free_space(r.start, r.end)) {
			if (!region_remove(r.start, r.end))
				memset(model + first, 0, n * sizeof *model);
			else
				refused++;
		} else if (!region_insert(&r)) {
			for (uint32_t k = first; k < first + n; k++)
				model[k] = (struct page){ r.prot, 0 };
		} else {
			refused++;
		}
		well_made();
		for (uint32_t k = first; k < first + n; k++)
			CHECK_EQ(region_find(AT(k)) != 0, model[k].kind != 0);
	}
	CHECK(refused > 20);
}

/* As many as there may be, one more by an insertion; and a cut is refused. */
TEST(region_as_many_as_linux)
{
	struct region r = { .data_end = ~0ul };
	int e = 0;

	start();
	for (uint64_t i = 0; !e; i++) {
		r.start = BASE + (i * 7919 % 131072) * 2 * PAGE; /* in no order */
		r.end = r.start + PAGE;
		r.prot = 1;
		e = region_insert(&r);
	}
	CHECK_EQ(e, -ENOMEM);
	CHECK_EQ(SPACE->region_count, REGIONS_MAX + 1);
	well_made();
	CHECK_EQ(region_remove(BASE, BASE + PAGE), 0);
	CHECK_EQ(region_remove(BASE + 2 * 7919 * PAGE, BASE + (2 * 7919 + 1) * PAGE), 0);
	r.start = BASE - 4 * PAGE;
	r.end = BASE - PAGE;
	CHECK_EQ(region_insert(&r), 0);
	CHECK(!region_cut(r.start + PAGE, r.end));
	CHECK_EQ(region_remove(r.start + PAGE, r.start + 2 * PAGE), -ENOMEM);
	CHECK_EQ(region_remove(0, ~0ul >> 1), 0);
	CHECK(SPACE->region_count == 0 && SPACE->leaf_count == 1);
}
