/* SPDX-License-Identifier: MIT */
/* A key-value store that is a library OS of its own (`box --app kv`), as its clients see it: what is said to it by PCT,
 * and what lies in the pages that it opens to them. client.h has their side.
 *
 * A client gets two homes of the server's at the server's addresses: an area, which both write, for a key and a value
 * on their way in; and the store, which clients only read. So pointers mean the same on both sides, and a value is read
 * where it lies. The server serves whoever calls it, and whoever calls it believes what it says about its own pages. */
#ifndef KV_H
#define KV_H
#include <stddef.h>
#include <stdint.h>

#define KV_KEY_MOST   255u
#define KV_VALUE_MOST 65536u
#define KV_BUCKETS    8192u

struct kv_area { char key[KV_KEY_MOST + 1]; uint8_t value[KV_VALUE_MOST]; };
struct kv_entry { struct kv_entry *next; uint32_t hash, key_size, value_size, class; char bytes[]; }; /* key, value */
/* changes: is odd while something changes. */
struct kv_store { volatile uint64_t changes; struct kv_entry *bucket[KV_BUCKETS]; };

/* First word: enum kv_what | bytes of the key << 8 | bytes of the value << 32. Answers: a gate error's number or what
 * stands here, and a second word. */
enum kv_what {
	KV_AREA,   /* the caller's area is open to its account: its address */
	KV_STORE,  /* the store is: its address */
	KV_GET,    /* EXO_ENOENT; else the entry's address, valid until the store's next change */
	KV_PUT,    /* 0 or EXO_ENOMEM */
	KV_REMOVE, /* 0 or EXO_ENOENT */
};

/* FNV-1a, 32 bits. */
static inline uint32_t kv_hash(const char *key, size_t n)
{
	uint32_t h = 2166136261u;

	while (n--)
		h = (h ^ (uint8_t)*key++) * 16777619u;
	return h;
}

static inline const uint8_t *kv_value(const struct kv_entry *e) { return (const uint8_t *)e->bytes + e->key_size; }

/* Where the key is, or the empty place at its chain's end. */
static inline struct kv_entry **kv_seek(struct kv_store *s, const char *key, size_t n)
{
	uint32_t h = kv_hash(key, n);
	struct kv_entry **at = &s->bucket[h % KV_BUCKETS];

	while (*at && ((*at)->hash != h || (*at)->key_size != n || memcmp((*at)->bytes, key, n)))
		at = &(*at)->next;
	return at;
}
#endif
