/* SPDX-License-Identifier: MIT */
/* add_key, request_key, keyctl: keys of users, of logins, big ones, and rings. Nobody is asked to make a key that
 * is not there, as on a Linux without /sbin/request-key. */
#include <fs/files.h>
#include <posix/library.h>
#include <posix/process/keys.h>
#include "calls.h"

#define TYPE_MAX        32
#define DESCRIPTION_MAX 4096
#define DATA_MAX        ((1u << 20) - 1)
#define SMALL_MAX       32767u /* of user and logon */
#define ABSENT_NS       60000000000ul /* so long it is known that one is not there */
#define LEFT            (KEY_POSSESSOR(KEY_EACH) | 0x003f3f3fu) /* bits that perm has */

static const char *const types[KEY_KINDS] = { "keyring", "user", "logon", "big_key" };

static int kind_of(const char *type)
{
	for (int kind = 0; kind < KEY_KINDS; kind++)
		if (!strcmp(types[kind], type))
			return kind;
	return -ENODEV;
}

/* A word of the program's, with an end before max. */
static int word_read(char *to, uint64_t from, size_t max)
{
	long n = user_str(to, from, max);

	if (n < 0)
		return n == -EFAULT ? -EFAULT : -EINVAL;
	return (size_t)n >= max ? -EINVAL : 0;
}

static int type_read(char to[TYPE_MAX], uint64_t from)
{
	int e = word_read(to, from, TYPE_MAX);

	if (e || !to[0])
		return e ? e : -EINVAL;
	return to[0] == '.' ? -EPERM : 0;
}

enum look { LOOK_CREATE = 1, LOOK_PARTIAL = 2, LOOK_ANY = 4 /* it goes only: right and state do not matter */ };

static int key_of(uint64_t id, int look, unsigned needs, struct key **out, int *is_possessed)
{
	int which = (int)id, e;

	*is_possessed = 1;
	if (which < 0) {
		e = ring_special(which, look & LOOK_CREATE, out);
		if (!e && !*out)
			e = -ENOKEY;
	} else {
		*out = which ? key_by_serial(which) : NULL;
		e = !which ? -EINVAL : -ENOKEY;
		if (*out)
			e = 0, *is_possessed = key_is_possessed(*out);
	}
	if (e || look & LOOK_ANY)
		return e;
	if (!(look & LOOK_PARTIAL))
		e = (*out)->error;
	if (!e)
		e = key_valid(*out);
	if (!e && !key_allows(*out, *is_possessed, needs))
		e = -EACCES;
	return e;
}

static int ring_of(uint64_t id, int look, unsigned needs, struct key **out)
{
	int is_possessed, e = key_of(id, look, needs, out, &is_possessed);

	return !e && (*out)->kind != KEY_RING ? -ENOTDIR : e;
}

static int data_is_wrong(int kind, const char *description, uint64_t n)
{
	const char *colon = description;

	if (kind == KEY_RING)
		return n != 0;
	while (*colon && *colon != ':')
		colon++;
	if (kind == KEY_LOGON && (!*colon || colon == description))
		return 1;
	return !n || (kind != KEY_BIG && n > SMALL_MAX);
}

/* Anew, or other data for the one that is there. */
static long add(struct key *ring, int kind, const char *description, const char *data, uint64_t n)
{
	uint32_t perm = KEY_POSSESSOR(KEY_EACH & ~(kind == KEY_LOGON ? KEY_READ : 0u)) | KEY_OF_USER(KEY_VIEW);
	struct key *k = kind == KEY_RING ? NULL : ring_find(ring, kind, description);
	int e;

	if (k) {
		if (!key_allows(k, 1, KEY_WRITE))
			return -EACCES;
		e = key_fill(k, data, (uint32_t)n);
		return e ? e : k->serial;
	}
	e = key_make(kind, description, perm, &k);
	if (e)
		return e;
	key_get(k);
	if (n)
		e = key_fill(k, data, (uint32_t)n);
	if (!e)
		e = ring_add(ring, k);
	n = (uint64_t)k->serial;
	key_put(k);
	return e ? e : (long)n;
}

/* Bytes of the program's in memory of the family, which is the caller's to give back. */
static int data_read(uint64_t from, uint64_t n, char **out)
{
	*out = NULL;
	if (!n)
		return 0;
	*out = fam_alloc(n);
	if (!*out)
		return -ENOMEM;
	if (!user_read(*out, from, n))
		return 0;
	fam_free(*out);
	return -EFAULT;
}

CALL5(add_key, type, description, data, n, ring_id)
{
	char name[TYPE_MAX], text[DESCRIPTION_MAX] = "", *copy;
	struct key *ring;
	int kind;
	long e = n > DATA_MAX ? -EINVAL : type_read(name, type);

	if (!e && description)
		e = word_read(text, description, sizeof text);
	if (!e && text[0] == '.' && !strcmp(name, types[KEY_RING]))
		e = -EPERM;
	if (e || (e = data_read(data, n, &copy)))
		return e;
	kind = kind_of(name);
	e = ring_of(ring_id, LOOK_CREATE, KEY_WRITE, &ring);
	if (e != -ENOTDIR && kind < 0 && !e)
		e = kind;
	if (!e && (data_is_wrong(kind, text, n) || !text[0]))
		e = -EINVAL;
	if (!e)
		e = add(ring, kind, text, copy, n);
	fam_free(copy);
	return e;
}

/* Where a key that is not there is noted: as keyctl(KEYCTL_SET_REQKEY_KEYRING) has it. */
static int ring_of_request(struct key **out)
{
	static const int order[] = { KEY_SPEC_THREAD_KEYRING, KEY_SPEC_PROCESS_KEYRING, KEY_SPEC_SESSION_KEYRING };
	const struct keyrings *own = P->thread->keyrings;
	int where = own ? own->request : KEY_REQKEY_DEFL_DEFAULT, e = 0;

	*out = NULL;
	if (where != KEY_REQKEY_DEFL_DEFAULT && where != KEY_REQKEY_DEFL_REQUESTOR_KEYRING)
		return ring_special(-where, 0, out);
	for (int i = 0; i < 3 && !e && !*out; i++)
		e = ring_special(order[i], 0, out);
	return e;
}

/* It is not there, and that is noted. */
static long request_absent(int kind, const char *description, struct key *ring)
{
	struct key *k;
	int e = ring ? 0 : ring_of_request(&ring);

	if (!e && ring && !key_allows(ring, 1, KEY_WRITE))
		e = -EACCES;
	if (!e)
		e = key_make(kind, description, KEY_POSSESSOR(KEY_EACH) | KEY_OF_USER(KEY_VIEW), &k);
	if (e)
		return e;
	key_get(k);
	k->error = -ENOKEY;
	k->expires = clock_after(ABSENT_NS);
	if (ring)
		e = ring_add(ring, k);
	key_put(k);
	return e ? e : -ENOENT;
}

CALL4(request_key, type, description, info, ring_id)
{
	char name[TYPE_MAX], text[DESCRIPTION_MAX], more[DESCRIPTION_MAX];
	struct key *ring = NULL, *k;
	int kind, e = type_read(name, type);

	if (!e)
		e = word_read(text, description, sizeof text);
	if (!e && info)
		e = word_read(more, info, sizeof more);
	if (!e && (int)ring_id)
		e = ring_of(ring_id, LOOK_CREATE, KEY_WRITE, &ring);
	if (e)
		return e;
	kind = kind_of(name);
	if (kind < 0)
		return -ENOKEY;
	e = key_search_own(kind, text, &k);
	if (!e && ring)
		e = ring_add(ring, k);
	if (!e)
		return k->serial;
	if (e != -EAGAIN)
		return e;
	if (!info)
		return -ENOKEY;
	return kind == KEY_RING ? -EPERM : request_absent(kind, text, ring);
}

/* ---- keyctl */
typedef long control(uint64_t a, uint64_t b, uint64_t c, uint64_t d);
#define CONTROL(name) static long name(uint64_t a __attribute__((unused)), uint64_t b __attribute__((unused)), \
	uint64_t c __attribute__((unused)), uint64_t d __attribute__((unused)))

CONTROL(get_ring)
{
	struct key *k;
	int own, e = key_of(a, (int)b ? LOOK_CREATE : 0, KEY_SEARCH, &k, &own);

	return e ? e : k->serial;
}

CONTROL(join_session)
{
	char name[DESCRIPTION_MAX] = "_ses";
	struct key *ring = NULL;
	int e = a ? word_read(name, a, sizeof name) : 0;

	if (!e && a && name[0] == '.')
		e = -EPERM;
	if (!e && a)
		ring = ring_by_name(name);
	if (!e && !ring)
		e = key_make(KEY_RING, name,
			KEY_POSSESSOR(KEY_EACH) | KEY_OF_USER(KEY_VIEW | KEY_READ | (a ? KEY_LINK : 0)), &ring);
	if (!e)
		e = session_join(ring);
	return e ? e : ring->serial;
}

CONTROL(update)
{
	struct key *k;
	char *copy;
	int own;
	long e = c > PAGE ? -EINVAL : data_read(b, c, &copy);

	if (e)
		return e;
	e = key_of(a, 0, KEY_WRITE, &k, &own);
	if (!e && k->kind == KEY_RING)
		e = -EOPNOTSUPP;
	if (!e && data_is_wrong(k->kind, k->description, c))
		e = -EINVAL;
	if (!e)
		e = key_fill(k, copy, (uint32_t)c);
	fam_free(copy);
	return e;
}

CONTROL(revoke)
{
	struct key *k;
	int own, e = key_of(a, 0, KEY_WRITE, &k, &own);

	if (e == -EACCES)
		e = key_of(a, 0, KEY_SETATTR, &k, &own);
	if (!e)
		key_revoke(k);
	return e;
}

CONTROL(change_owner)
{
	struct key *k;
	int own, e = (int)b == -1 && (int)c == -1 ? 0 : key_of(a, LOOK_CREATE | LOOK_PARTIAL, KEY_SETATTR, &k, &own);

	if (!e && (int)b != -1)
		k->uid = (uint32_t)b;
	if (!e && (int)c != -1)
		k->gid = (uint32_t)c;
	return e;
}

CONTROL(change_perm)
{
	struct key *k;
	int own, e = (uint32_t)b & ~LEFT ? -EINVAL : key_of(a, LOOK_CREATE | LOOK_PARTIAL, KEY_SETATTR, &k, &own);

	if (!e)
		k->perm = (uint32_t)b;
	return e;
}

/* Nobody's number, as it is told. */
static int known(uint32_t id) { return id == (uint32_t)-1 ? 65534 : (int)id; }

CONTROL(describe)
{
	char text[DESCRIPTION_MAX + 80];
	struct key *k;
	int own, n, e = key_of(a, LOOK_PARTIAL, KEY_VIEW, &k, &own);

	if (e)
		return e;
	n = fmt(text, sizeof text, "%s;%d;%d;%08x;%s", types[k->kind], known(k->uid), known(k->gid), k->perm,
		k->description) + 1;
	return b && c >= (uint64_t)n && user_write(b, text, (size_t)n) ? -EFAULT : n;
}

CONTROL(clear)
{
	struct key *ring;
	int e = ring_of(a, LOOK_CREATE, KEY_WRITE, &ring);

	if (!e)
		ring_clear(ring);
	return e;
}

CONTROL(link_key)
{
	struct key *ring, *k;
	int own, e = key_of(b, LOOK_CREATE, KEY_WRITE, &ring, &own);

	if (!e)
		e = key_of(a, LOOK_CREATE, KEY_LINK, &k, &own);
	if (!e && ring->kind != KEY_RING)
		e = -ENOTDIR;
	return e ? e : ring_add(ring, k);
}

CONTROL(unlink_key)
{
	struct key *ring, *k;
	int own, e = key_of(b, 0, KEY_WRITE, &ring, &own);

	if (!e)
		e = key_of(a, LOOK_ANY, 0, &k, &own);
	if (!e && ring->kind != KEY_RING)
		e = -ENOTDIR;
	return e ? e : ring_remove(ring, k);
}

CONTROL(search_ring)
{
	char name[TYPE_MAX], text[DESCRIPTION_MAX];
	struct key *ring, *to = NULL, *k;
	int kind, own, e = type_read(name, b);

	if (!e)
		e = word_read(text, c, sizeof text);
	if (!e)
		e = key_of(a, 0, KEY_SEARCH, &ring, &own);
	if (!e && (int)d)
		e = ring_of(d, LOOK_CREATE, KEY_WRITE, &to);
	if (!e && (kind = kind_of(name)) < 0)
		e = -ENOKEY;
	if (!e && ring->kind != KEY_RING)
		e = -ENOTDIR;
	if (!e)
		e = key_search(ring, own, kind, text, &k);
	if (!e && to && !key_allows(k, own, KEY_LINK))
		e = -EACCES;
	if (!e && to)
		e = ring_add(to, k);
	if (e)
		return e == -EAGAIN ? -ENOKEY : e;
	return k->serial;
}

CONTROL(read_key)
{
	struct key *k;
	int own, e = key_of(a, LOOK_ANY, 0, &k, &own);
	uint64_t n;

	if (e || k->error)
		return -ENOKEY;
	e = key_valid(k);
	if (!e && !own && !key_allows(k, own, KEY_READ))
		e = -EACCES;
	if (e)
		return e;
	if (k->kind == KEY_LOGON)
		return -EOPNOTSUPP;
	if (k->kind != KEY_RING)
		return b && user_write(b, k->data, MIN_OF(c, k->size)) ? -EFAULT : (long)k->size;
	n = b ? c / 4 : 0;
	for (uint32_t i = 0; i < k->size && i < n; i++)
		if (user_write(b + 4ul * i, &k->in[i]->serial, 4))
			return -EFAULT;
	return (long)k->size * 4;
}

/* Only who was asked to make a key could. */
CONTROL(instantiate) { return -EPERM; }

CONTROL(request_ring)
{
	struct keyrings *own = keyrings_own();
	int was = own ? own->request : 0, e = 0;
	struct key *ring;

	if (!own)
		return -ENOMEM;
	if ((int)a < KEY_REQKEY_DEFL_NO_CHANGE || (int)a > KEY_REQKEY_DEFL_REQUESTOR_KEYRING ||
		(int)a == KEY_REQKEY_DEFL_GROUP_KEYRING)
		return -EINVAL;
	if ((int)a == KEY_REQKEY_DEFL_THREAD_KEYRING || (int)a == KEY_REQKEY_DEFL_PROCESS_KEYRING)
		e = ring_special(-(int)a, 1, &ring);
	if (!e && (int)a != KEY_REQKEY_DEFL_NO_CHANGE)
		own->request = (int)a;
	return e ? e : was;
}

CONTROL(set_timeout)
{
	struct key *k;
	int own, e = key_of(a, LOOK_CREATE | LOOK_PARTIAL, KEY_SETATTR, &k, &own);

	if (!e)
		k->expires = (uint32_t)b ? clock_after((uint32_t)b * 1000000000ul) : 0;
	return e;
}

CONTROL(assume_authority)
{
	if ((int)a <= 0)
		return (int)a ? -EINVAL : 0;
	return -ENOKEY;
}

/* No security module says anything of it. */
CONTROL(get_security)
{
	struct key *k;
	int own, e = key_of(a, LOOK_PARTIAL, KEY_VIEW, &k, &own);

	if (e)
		return e;
	return b && c && user_write(b, "", 1) ? -EFAULT : 1;
}

CONTROL(invalidate)
{
	struct key *k;
	int own, e = key_of(a, 0, KEY_SEARCH, &k, &own);

	if (!e)
		key_invalidate(k);
	return e;
}

CONTROL(move)
{
	struct key *k, *from, *to;
	int own, e = d & ~(uint64_t)KEYCTL_MOVE_EXCL ? -EINVAL : key_of(a, LOOK_CREATE, KEY_LINK, &k, &own);

	if (!e)
		e = ring_of(b, 0, KEY_WRITE, &from);
	if (!e)
		e = ring_of(c, LOOK_CREATE, KEY_WRITE, &to);
	if (e || from == to)
		return e;
	for (uint32_t i = 0; i < from->size && e != 1; i++)
		e = from->in[i] == k;
	if (!e)
		return -ENOENT;
	if (d && ring_find(to, k->kind, k->description))
		return -EEXIST;
	e = ring_add(to, k);
	return e ? e : ring_remove(from, k);
}

CONTROL(capabilities)
{
	const uint8_t has[2] = { KEYCTL_CAPS0_CAPABILITIES | KEYCTL_CAPS0_BIG_KEY | KEYCTL_CAPS0_INVALIDATE |
		KEYCTL_CAPS0_MOVE, 0 }, zero = 0;

	for (uint64_t i = 0; i < b; i++)
		if (user_write(a + i, i < sizeof has ? &has[i] : &zero, 1))
			return -EFAULT;
	return sizeof has;
}

static control *const controls[] = {
	[KEYCTL_GET_KEYRING_ID] = get_ring, [KEYCTL_JOIN_SESSION_KEYRING] = join_session, [KEYCTL_UPDATE] = update,
	[KEYCTL_REVOKE] = revoke, [KEYCTL_CHOWN] = change_owner, [KEYCTL_SETPERM] = change_perm,
	[KEYCTL_DESCRIBE] = describe, [KEYCTL_CLEAR] = clear, [KEYCTL_LINK] = link_key, [KEYCTL_UNLINK] = unlink_key,
	[KEYCTL_SEARCH] = search_ring,
	[KEYCTL_READ] = read_key, [KEYCTL_INSTANTIATE] = instantiate, [KEYCTL_NEGATE] = instantiate,
	[KEYCTL_SET_REQKEY_KEYRING] = request_ring, [KEYCTL_SET_TIMEOUT] = set_timeout,
	[KEYCTL_ASSUME_AUTHORITY] = assume_authority, [KEYCTL_GET_SECURITY] = get_security,
	[KEYCTL_REJECT] = instantiate,
	[KEYCTL_INSTANTIATE_IOV] = instantiate, [KEYCTL_INVALIDATE] = invalidate, [KEYCTL_MOVE] = move,
	[KEYCTL_CAPABILITIES] = capabilities,
};

CALL5(keyctl, operation, a, b, c, d)
{
	uint32_t which = (uint32_t)operation;

	if (which >= sizeof controls / sizeof *controls || !controls[which])
		return -EOPNOTSUPP;
	return controls[which](a, b, c, d);
}
