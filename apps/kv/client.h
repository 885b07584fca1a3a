/* SPDX-License-Identifier: MIT */
/* A client of the key-value store (kv.h), for any program that may use the gate: one of Linux's, too. One thread at a
 * time uses a struct kv; after fork a child opens its own. Failures are -errno. */
#ifndef KV_CLIENT_H
#define KV_CLIENT_H
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <fs/box.h>
#include <rt/gate.h>
#include "kv.h"

/* The env of the box with that name, one of the caller's family; 0: there is none. */
static inline exo_name kv_server(const char *box)
{
	int fd = open("/dev/box", O_RDWR | O_CLOEXEC);
	struct box_tells t;
	exo_name found = 0;

	for (unsigned n = 0; fd >= 0 && n < BOX_PLACES && !found; n++) {
		t.state = n;
		if (!ioctl(fd, BOX_LIST, &t) && t.state == 1 && !strcmp(t.name, box))
			found = t.env;
	}
	(void)close(fd);
	return found;
}

struct kv { exo_name server; struct kv_area *area; struct kv_store *store; };

static inline int kv_error(int64_t gate)
{
	switch (gate) {
	case 0: return 0;
	case EXO_ENOENT: return -ENOENT;
	case EXO_ENOMEM: return -ENOMEM;
	case EXO_EAGAIN: return -EAGAIN;
	default: return -EIO;
	}
}

/* Waits while the server serves others, or has not begun; it gets the caller's time. -EPIPE: it has ended. */
static inline int kv_call(exo_name server, enum kv_what what, size_t key, size_t value, uint64_t *answer)
{
	uint64_t m[2] = { 0, 0 };
	int64_t r;

	do {
		m[0] = (uint64_t)what | (uint64_t)key << 8 | (uint64_t)value << 32;
		r = gate_pct_say(server, 0, m);
		if (r == -EXO_EAGAIN)
			(void)gate_yield(server, 0);
	} while (r == -EXO_EAGAIN);
	if (r < 0)
		return -EPIPE;
	if (answer)
		*answer = m[1];
	return kv_error((int64_t)m[0]);
}

static inline int kv_link(exo_name server, enum kv_what what, uint64_t rights, uint64_t *at)
{
	int error = kv_call(server, what, 0, 0, at);
	int64_t r;

	if (error)
		return error;
	r = gate_pt_link(0, *at | EXO_AT_LIVE | rights | 3, 1, 0);
	return r < 0 && r != -EXO_EEXIST ? -EIO : 0;
}

/* server: the name of its env (`box list`). 0; -EAGAIN or -ENOMEM: it has no room for another client. */
static inline int kv_open(struct kv *kv, exo_name server)
{
	uint64_t area, store;
	int error = kv_link(server, KV_AREA, EXO_AT_RW, &area);

	if (!error)
		error = kv_link(server, KV_STORE, 0, &store);
	if (!error)
		*kv = (struct kv){ server, (struct kv_area *)area, (struct kv_store *)store };
	return error;
}

static inline int kv_say(const struct kv *kv, enum kv_what what, const char *key, size_t n, size_t value,
	uint64_t *answer)
{
	if (!n || n > KV_KEY_MOST || value > KV_VALUE_MOST)
		return -EINVAL;
	memcpy(kv->area->key, key, n);
	return kv_call(kv->server, what, n, value, answer);
}

/* The value is copied; what stood there is replaced. */
static inline int kv_put(const struct kv *kv, const char *key, size_t n, const void *value, size_t size)
{
	if (size > KV_VALUE_MOST)
		return -EINVAL;
	memcpy(kv->area->value, value, size);
	return kv_say(kv, KV_PUT, key, n, size, NULL);
}

static inline int kv_remove(const struct kv *kv, const char *key, size_t n)
{
	return kv_say(kv, KV_REMOVE, key, n, 0, NULL);
}

/* Where the value lies, in the server's own page; valid until the store's next change. */
static inline int kv_get(const struct kv *kv, const char *key, size_t n, const uint8_t **value, size_t *size)
{
	uint64_t at;
	int error = kv_say(kv, KV_GET, key, n, 0, &at);

	if (!error)
		*value = kv_value((const struct kv_entry *)at), *size = ((const struct kv_entry *)at)->value_size;
	return error;
}

/* The same without a call: the client walks the server's table itself, and copies at most `most` bytes. Again, when the
 * store has changed meanwhile. Bytes of the whole value, or -ENOENT. */
static inline long kv_read(const struct kv *kv, const char *key, size_t n, void *to, size_t most)
{
	for (;;) {
		uint64_t before = kv->store->changes;
		__asm__ volatile("" : : : "memory"); /* what is read next is not older */
		const struct kv_entry *e = before & 1 ? NULL : *kv_seek(kv->store, key, n);
		size_t size = e ? e->value_size : 0;

		if (before & 1) {
			(void)gate_yield(kv->server, 0); /* its caller's turn ended in the midst of a change */
			continue;
		}
		if (e && size <= KV_VALUE_MOST)
			memcpy(to, kv_value(e), size < most ? size : most);
		__asm__ volatile("" : : : "memory");
		if (kv->store->changes == before)
			return e ? (long)size : -ENOENT;
	}
}
#endif
