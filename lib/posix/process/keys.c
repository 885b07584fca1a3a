/* SPDX-License-Identifier: MIT */
/* Keys and rings: keyrings(7), of one user, with its rights and quotas. They live in the family's memory and go with
 * the last ring that holds them. */
#include <fs/files.h>
#include <posix/library.h>
#include "keys.h"

#define DEPTH_MOST 6 /* of rings in rings that are looked at */

struct keys { struct key *all, *user, *session; uint32_t count, bytes; };

static struct keys *keys(void)
{
	if (!F->keys)
		F->keys = fam_alloc(sizeof(struct keys));
	return F->keys;
}

static int room_take(struct keys *all, uint64_t bytes)
{
	if (bytes > KEY_BYTES_MOST || all->bytes + bytes > KEY_BYTES_MOST)
		return -EDQUOT;
	all->bytes += (uint32_t)bytes;
	return 0;
}

/* ---- one key */
static int serial_new(void)
{
	int serial;

	do {
		random_bytes(&serial, sizeof serial);
		serial &= INT32_MAX;
	} while (serial < 3 || key_by_serial(serial));
	return serial;
}

int key_make(int kind, const char *description, uint32_t perm, struct key **out)
{
	struct keys *all = keys();
	size_t n = strlen(description) + 1;
	struct key *k;

	if (!all)
		return -ENOMEM;
	if (all->count >= KEYS_MOST || room_take(all, n))
		return -EDQUOT;
	k = fam_alloc(sizeof *k);
	if (!k || !(k->description = fam_alloc(n))) {
		fam_free(k);
		all->bytes -= (uint32_t)n;
		return -ENOMEM;
	}
	memcpy(k->description, description, n);
	k->serial = serial_new();
	k->kind = (uint8_t)kind;
	k->perm = perm;
	k->next = all->all;
	all->all = k;
	all->count++;
	*out = k;
	return 0;
}

static uint32_t bytes_of(const struct key *k) { return k->size * (k->kind == KEY_RING ? 4u : 1u); }

static void data_drop(struct key *k)
{
	if (k->kind == KEY_RING)
		ring_clear(k);
	keys()->bytes -= bytes_of(k);
	fam_free(k->data);
	k->data = NULL;
	k->size = k->room = 0;
}

void key_get(struct key *k) { k->refs++; }

/* Off the list of all, onto that of those that go. */
static void key_leave(struct key *k, struct key **dead)
{
	struct key **at = &keys()->all;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	k->next = *dead;
	*dead = k;
}

/* With it goes what only it held, however deep. */
void key_put(struct key *k)
{
	struct key *dead = NULL;

	if (!k || (k->refs && --k->refs))
		return;
	key_leave(k, &dead);
	while ((k = dead) != NULL) {
		dead = k->next;
		family_progress();
		for (uint32_t i = 0; k->kind == KEY_RING && i < k->size; i++)
			if (!--k->in[i]->refs)
				key_leave(k->in[i], &dead);
		keys()->count--;
		keys()->bytes -= bytes_of(k) + (uint32_t)strlen(k->description) + 1;
		fam_free(k->data);
		fam_free(k->description);
		fam_free(k);
	}
}

int key_fill(struct key *k, const char *data, uint32_t n)
{
	char *copy;
	int e = n > k->size ? room_take(keys(), n - k->size) : 0;

	if (e)
		return e;
	copy = fam_alloc(n);
	if (!copy) {
		keys()->bytes -= n > k->size ? n - k->size : 0;
		return -ENOMEM;
	}
	if (n < k->size)
		keys()->bytes -= k->size - n;
	memcpy(copy, data, n);
	fam_free(k->data);
	k->data = copy;
	k->size = n;
	k->error = 0;
	return 0;
}

void key_revoke(struct key *k)
{
	k->revoked = 1;
	data_drop(k);
}

int key_valid(const struct key *k)
{
	if (k->is_invalid)
		return -ENOKEY;
	if (k->revoked)
		return -EKEYREVOKED;
	return k->expires && k->expires <= clock_ns() ? -EKEYEXPIRED : 0;
}

int key_allows(const struct key *k, int is_possessed, unsigned needs)
{
	uint32_t bits = k->perm;

	if (!k->uid)
		bits = k->perm >> 16;
	else if (!k->gid && k->perm >> 8 & KEY_EACH)
		bits = k->perm >> 8;
	if (is_possessed)
		bits |= k->perm >> 24;
	return (bits & needs) == needs;
}

struct key *key_by_serial(int serial)
{
	struct key *k = keys() ? keys()->all : NULL;

	while (k && k->serial != serial)
		k = k->next;
	return k;
}

/* ---- rings */
static int is_named(const struct key *k, int kind, const char *description)
{
	return k->kind == kind && !strcmp(k->description, description);
}

struct key *ring_by_name(const char *name)
{
	struct key *k = keys() ? keys()->all : NULL;

	while (k && (!is_named(k, KEY_RING, name) || k->revoked || !key_allows(k, 0, KEY_SEARCH)))
		k = k->next;
	return k;
}

struct key *ring_find(const struct key *ring, int kind, const char *description)
{
	for (uint32_t i = 0; i < ring->size; i++)
		if (is_named(ring->in[i], kind, description) && !ring->in[i]->revoked)
			return ring->in[i];
	return NULL;
}

/* How many rings deep k is, itself counted; -EDEADLK: `not` is in there. */
static int depth_of(const struct key *k, const struct key *not, int limit)
{
	int most = 0;

	if (k == not)
		return -EDEADLK;
	if (k->kind != KEY_RING || !limit)
		return k->kind == KEY_RING;
	family_progress(); /* there may be many */
	for (uint32_t i = 0; i < k->size; i++) {
		int depth = depth_of(k->in[i], not, limit - 1);

		if (depth < 0)
			return depth;
		most = depth > most ? depth : most;
	}
	return most + 1;
}

static int ring_grow(struct key *ring)
{
	uint32_t room = ring->room ? ring->room * 2 : 4;
	struct key **in = fam_alloc(room * sizeof *in);

	if (!in)
		return -ENOMEM;
	if (ring->size)
		memcpy(in, ring->in, ring->size * sizeof *in);
	fam_free(ring->in);
	ring->in = in;
	ring->room = room;
	return 0;
}

int ring_add(struct key *ring, struct key *k)
{
	int depth = k->kind == KEY_RING ? depth_of(k, ring, DEPTH_MOST) : 0, e = 0;

	if (depth < 0 || depth > DEPTH_MOST)
		return depth < 0 ? depth : -ELOOP;
	for (uint32_t i = 0; i < ring->size; i++) {
		struct key *old = ring->in[i];

		if (old != k && !is_named(old, k->kind, k->description))
			continue;
		key_get(k);
		ring->in[i] = k;
		key_put(old);
		return 0;
	}
	if (ring->size == ring->room)
		e = ring_grow(ring);
	if (!e)
		e = room_take(keys(), 4);
	if (e)
		return e;
	key_get(k);
	ring->in[ring->size++] = k;
	return 0;
}

int ring_remove(struct key *ring, struct key *k)
{
	for (uint32_t i = 0; i < ring->size; i++) {
		if (ring->in[i] != k)
			continue;
		ring->in[i] = ring->in[--ring->size];
		keys()->bytes -= 4;
		key_put(k);
		return 0;
	}
	return -ENOENT;
}

void ring_clear(struct key *ring)
{
	while (ring->size)
		(void)ring_remove(ring, ring->in[ring->size - 1]);
}

void key_invalidate(struct key *k)
{
	key_get(k);
	k->revoked = k->is_invalid = 1;
	for (struct key *ring = keys()->all; ring; ring = ring->next)
		if (ring->kind == KEY_RING)
			(void)ring_remove(ring, k);
	key_put(k);
}

/* ---- the caller's */
struct keyrings *keyrings_own(void)
{
	struct thread *th = P->thread;

	if (!th->keyrings)
		th->keyrings = fam_alloc(sizeof *th->keyrings);
	return th->keyrings;
}

#define RING_PERM  (KEY_POSSESSOR(KEY_EACH) | KEY_OF_USER(KEY_VIEW))
#define USERS_PERM (KEY_POSSESSOR(KEY_EACH & ~KEY_SETATTR) | KEY_OF_USER(KEY_EACH))

static int held_make(const char *name, uint32_t perm, struct key **at)
{
	struct key *k;
	int e = *at ? 0 : key_make(KEY_RING, name, perm, &k);

	if (e || *at)
		return e;
	key_get(k);
	*at = k;
	return 0;
}

/* Both rings of the user, the one in the other. */
static int users_make(void)
{
	struct keys *all = keys();
	int e = all ? held_make("_uid.0", USERS_PERM, &all->user) : -ENOMEM;

	if (e || all->session)
		return e;
	all->user->gid = (uint32_t)-1;
	e = held_make("_uid_ses.0", USERS_PERM, &all->session);
	if (e)
		return e;
	all->session->gid = (uint32_t)-1;
	return ring_add(all->session, all->user);
}

int session_join(struct key *ring)
{
	struct keyrings *own = keyrings_own();
	struct key *was = own ? own->session : NULL;

	if (!own)
		return -ENOMEM;
	key_get(ring);
	own->session = ring;
	key_put(was);
	return 0;
}

/* Who has none joins the user's, or, to write there, gets one. */
static int session_have(int creates, struct key **out)
{
	const struct keyrings *own = P->thread->keyrings;
	struct key *ring = own ? own->session : NULL;
	int e = users_make();

	if (!e && creates && (!ring || ring == keys()->session))
		e = key_make(KEY_RING, "_ses", RING_PERM | KEY_OF_USER(KEY_READ), &ring);
	else if (!e && !ring)
		ring = keys()->session;
	if (!e && (!own || own->session != ring))
		e = session_join(ring);
	*out = e ? NULL : ring;
	return e;
}

int ring_special(int which, int creates, struct key **out)
{
	struct keyrings *own = creates ? keyrings_own() : P->thread->keyrings;
	int e = 0;

	*out = NULL;
	if (creates && !own)
		return -ENOMEM;
	switch (which) {
	case KEY_SPEC_THREAD_KEYRING:
		if (creates)
			e = held_make("_tid", RING_PERM, &own->own);
		*out = own ? own->own : NULL;
		return e;
	case KEY_SPEC_PROCESS_KEYRING:
		if (creates)
			e = held_make("_pid", RING_PERM, &P->task->keyring);
		*out = P->task->keyring;
		return e;
	case KEY_SPEC_SESSION_KEYRING:
		return session_have(creates, out);
	case KEY_SPEC_USER_KEYRING:
	case KEY_SPEC_USER_SESSION_KEYRING:
		e = users_make();
		if (!e)
			*out = which == KEY_SPEC_USER_KEYRING ? keys()->user : keys()->session;
		return e;
	case KEY_SPEC_REQKEY_AUTH_KEY:
	case KEY_SPEC_REQUESTOR_KEYRING:
		return 0; /* nobody is asked to make a key */
	}
	return -EINVAL;
}

/* ---- looking for keys. which: a kind and description, or that very one, whatever its state */
struct which { int kind; const char *description; const struct key *key; };

static int fits(const struct key *k, const struct which *w)
{
	return w->key ? k == w->key : is_named(k, w->kind, w->description);
}

static int state_of(const struct key *k, int is_possessed, const struct which *w)
{
	int e = w->key ? 0 : key_valid(k);

	if (!e && !key_allows(k, is_possessed, KEY_SEARCH))
		e = -EACCES;
	return e || w->key ? e : k->error;
}

static int look(struct key *ring, int is_possessed, const struct which *w, int depth, struct key **out)
{
	int e = -EAGAIN;

	family_progress(); /* there may be many */
	for (uint32_t i = 0; i < ring->size && e; i++)
		if (fits(ring->in[i], w) && !(e = state_of(ring->in[i], is_possessed, w)))
			*out = ring->in[i];
	for (uint32_t i = 0; i < ring->size && e && depth <= DEPTH_MOST; i++) {
		struct key *in = ring->in[i];
		int below;

		if (in->kind != KEY_RING || in->revoked || !key_allows(in, is_possessed, KEY_SEARCH))
			continue;
		below = look(in, is_possessed, w, depth + 1, out);
		e = below == -EAGAIN ? e : below;
	}
	return e;
}

static int search(struct key *ring, int is_possessed, const struct which *w, struct key **out)
{
	if (!key_allows(ring, is_possessed, KEY_SEARCH))
		return -EACCES;
	if (fits(ring, w)) {
		*out = ring;
		return state_of(ring, is_possessed, w);
	}
	return ring->revoked ? -EAGAIN : look(ring, is_possessed, w, 1, out);
}

/* What was found in one after another: a key; else that none is there, as the last said; else what is wrong. */
static int search_own(const struct which *w, struct key **out)
{
	const struct keyrings *own = P->thread->keyrings;
	struct key *const users = keys() ? keys()->session : NULL, *const session = own ? own->session : NULL;
	struct key *const rings[] = { own ? own->own : NULL, P->task->keyring, session ? session : users };
	int absent = 0, wrong = -EAGAIN;

	for (int i = 0; i < 3; i++) {
		int e = rings[i] ? search(rings[i], 1, w, out) : 0;

		if (rings[i] && !e)
			return 0;
		if (e == -ENOKEY || (e == -EAGAIN && !absent))
			absent = e;
		else if (e && e != -EAGAIN)
			wrong = e;
	}
	return absent ? absent : wrong;
}

int key_search(struct key *ring, int is_possessed, int kind, const char *description, struct key **out)
{
	return search(ring, is_possessed, &(struct which){ kind, description, NULL }, out);
}

int key_search_own(int kind, const char *description, struct key **out)
{
	return search_own(&(struct which){ kind, description, NULL }, out);
}

int key_is_possessed(const struct key *k)
{
	struct key *found;

	return !search_own(&(struct which){ .key = k }, &found);
}

/* ---- threads and processes */
int keyrings_begin(struct thread *to, const struct thread *from, int is_thread)
{
	if (!from->keyrings)
		return 0;
	to->keyrings = fam_alloc(sizeof *to->keyrings);
	if (!to->keyrings)
		return -ENOMEM;
	to->keyrings->request = from->keyrings->request;
	to->keyrings->session = from->keyrings->session;
	if (to->keyrings->session)
		key_get(to->keyrings->session);
	return is_thread && from->keyrings->own ? held_make("_tid", RING_PERM, &to->keyrings->own) : 0;
}

void keyrings_end(struct thread *th)
{
	if (!th->keyrings)
		return;
	key_put(th->keyrings->session);
	key_put(th->keyrings->own);
	fam_free(th->keyrings);
	th->keyrings = NULL;
}

void keyrings_leave(struct task *t)
{
	struct keyrings *own = t->threads ? t->threads->keyrings : NULL;

	if (t->keyring)
		key_put(t->keyring);
	t->keyring = NULL;
	if (own && own->own)
		key_put(own->own);
	if (own)
		own->own = NULL;
}
