/* SPDX-License-Identifier: MIT */
/* A key-value server as a library OS of its own, on rt alone. It runs in its callers' time: a PCT brings it a request,
 * whose bytes lie in the caller's area (kv.h). Each client's area is a home that it opens to the client's account; the
 * store is one that it opens to all who ask, to read. Pages come when they are needed, out of what the box has. */
#include <base/homes.h>
#include <base/string.h>
#include <rt/page.h>
#include <rt/rt.h>
#include "kv.h"

#define CLIENTS     64u
#define CLASSES     12u /* of blocks: 64 bytes to 128 KiB */
#define AREA_PAGES  (PAGE_UP(sizeof(struct kv_area)) / PAGE)
#define STORE_END   ((uint64_t)store + EXO_HOME_SIZE)

static exo_name client[CLIENTS];
static uint64_t area[CLIENTS], area_end[CLIENTS]; /* homes, 0: not claimed yet; where the pages of each end */
static uint64_t end, mapped; /* of the blocks that were made; of the store's pages */
static struct kv_store *store;
static struct kv_entry *unused[CLASSES];

/* ---- areas */

/* Its last client has ended, and nobody else came by a link of it. */
static int is_left(unsigned n)
{
	uint32_t pt2 = rt_homes[EXO_HOME_OF(area[n])].pt2;

	return rt_envs[EXO_NAME_INDEX(client[n])].name != client[n] && (!pt2 || rt_frames[pt2].glinks == 1);
}

/* The last free one that families may have: clients have tables there, and boxes lie at the beginning. */
static int64_t home_take(void)
{
	for (uint64_t unit = HOMES_APPS; --unit > HOME_FAMILY;) {
		uint64_t at = HOME_AT(unit);

		if (!rt_homes[unit].owner && !rt_homes[unit].pt2 && gate_home_set(0, EXO_HOME_CLAIM, at, 1) >= 0)
			return (int64_t)at;
	}
	return -EXO_ENOMEM;
}

static int64_t area_make(exo_name caller, uint64_t *at)
{
	unsigned n = 0;
	int64_t r = 0;

	while (n < CLIENTS && client[n] != caller && client[n] && !is_left(n))
		n++;
	if (n == CLIENTS)
		return -EXO_EAGAIN;
	if (!area[n]) {
		r = home_take();
		if (r < 0)
			return r;
		area[n] = area_end[n] = (uint64_t)r;
	}
	*at = area[n];
	r = rt_pages(&area_end[n], *at + AREA_PAGES * PAGE);
	if (r < 0)
		return r;
	if (client[n] != caller)
		memset((void *)*at, 0, AREA_PAGES * PAGE);
	client[n] = caller;
	return gate_home_set(caller, EXO_HOME_OPEN, *at, EXO_OPEN_WRITE);
}

static const struct kv_area *area_of(exo_name caller)
{
	for (unsigned n = 0; n < CLIENTS; n++)
		if (client[n] == caller)
			return (const struct kv_area *)area[n];
	return NULL;
}

/* ---- the store */

static struct kv_entry *block_take(size_t bytes)
{
	uint32_t class = 0;
	struct kv_entry *e;

	while (64ul << class < bytes)
		class++;
	e = unused[class];
	if (e) {
		unused[class] = e->next;
		return e;
	}
	if (end + (64ul << class) > STORE_END || rt_pages(&mapped, PAGE_UP(end + (64ul << class))) < 0)
		return NULL;
	e = (struct kv_entry *)end;
	end += 64ul << class;
	e->class = class;
	return e;
}

static void entry_drop(struct kv_entry **at)
{
	struct kv_entry *e = *at;

	*at = e->next;
	e->next = unused[e->class];
	unused[e->class] = e;
}

static int64_t put(const char *key, uint32_t n, const uint8_t *value, uint32_t size)
{
	struct kv_entry *e = block_take(sizeof *e + n + size), **at;

	if (!e)
		return -EXO_ENOMEM;
	e->hash = kv_hash(key, n);
	e->key_size = n;
	e->value_size = size;
	memcpy(e->bytes, key, n);
	memcpy(e->bytes + n, value, size);
	at = kv_seek(store, key, n);
	if (*at)
		entry_drop(at);
	e->next = *at;
	*at = e;
	return 0;
}

/* ---- requests */

/* The caller may write its area while this runs: the key is copied before it is looked at. */
static int64_t serve(exo_name caller, uint64_t word, uint64_t *answer)
{
	uint32_t n = word >> 8 & 0xffffff, size = (uint32_t)(word >> 32);
	const struct kv_area *area = area_of(caller);
	char key[KV_KEY_MOST];
	struct kv_entry **at;
	int64_t r = 0;

	if ((word & 255) == KV_AREA)
		return area_make(caller, answer);
	if ((word & 255) == KV_STORE) {
		*answer = (uint64_t)store;
		return gate_home_set(caller, EXO_HOME_OPEN, (uint64_t)store, EXO_OPEN_READ);
	}
	if (!area || !n || n > KV_KEY_MOST || size > KV_VALUE_MOST || (word & 255) > KV_REMOVE)
		return -EXO_EINVAL;
	memcpy(key, area->key, n);
	at = kv_seek(store, key, n);
	if ((word & 255) != KV_PUT && !*at)
		return -EXO_ENOENT;
	*answer = (uint64_t)*at;
	if ((word & 255) == KV_GET)
		return 0;
	store->changes++;
	if ((word & 255) == KV_PUT)
		r = put(key, n, area->value, size);
	else
		entry_drop(at);
	store->changes++;
	return r;
}

void app_main(exo_name self)
{
	const struct rt_box *box = rt_box();
	uint64_t m[2] = { 0, 0 };
	int how = EXO_PCT_ACCEPT;

	store = box ? (struct kv_store *)(box->base + 2 * EXO_HOME_SIZE) : NULL;
	mapped = (uint64_t)store;
	end = mapped + PAGE_UP(sizeof *store);
	if (!store || gate_home_set(0, EXO_HOME_CLAIM, mapped, 1) < 0 || rt_pages(&mapped, end) < 0) {
		rt_log("kv: it serves others, out of a box with room for it: box --app kv");
		rt_off(1);
	}
	rt_page()->disabled = 0;
	rt_log("kv: env %lx serves", self);
	for (;;) {
		int64_t caller = gate_pct_answer(how, m);

		how = EXO_PCT_ACCEPT;
		if (caller <= 0)
			continue; /* an event of its own */
		int64_t r = serve((exo_name)caller, m[0], &m[1]);
		m[0] = r < 0 ? (uint64_t)-r : 0;
		how |= EXO_PCT_REPLY;
	}
}
