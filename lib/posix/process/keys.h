/* SPDX-License-Identifier: MIT */
/* Keys and the rings that hold them (keyrings(7)): what the calls (call/key_calls.c) and the makers and ends of threads
 * need of keys.c. Family lock held. */
#ifndef POSIX_KEYS_H
#define POSIX_KEYS_H
#include <linux/keyctl.h>
#include <run/thread.h>

enum key_kind { KEY_RING, KEY_USER, KEY_LOGON, KEY_BIG, KEY_KINDS };

struct key {
	struct key *next;            /* all of the family */
	int serial;
	int error;                   /* -ENOKEY: that it is not there is what is known of it */
	uint32_t refs;               /* by rings, and by who has it as a ring of its own */
	uint32_t perm, uid, gid;
	uint32_t size, room;         /* a ring: how many keys, and for how many there is memory; else bytes of data */
	uint8_t kind, revoked, is_invalid; /* is_invalid: it goes when nobody has it as a ring of his own any more */
	uint64_t expires;            /* ns of clock_ns, 0: never */
	char *description;
	union { char *data; struct key **in; };
};

/* Of a thread, as far as it has any. request: where what request_key finds goes, KEY_REQKEY_DEFL_. */
struct keyrings { struct key *session, *own; int request; };

/* linux/key.h: bits of perm for who has the key in a ring of his; lower bytes: its user, its group, others. */
enum key_need { KEY_VIEW = 1, KEY_READ = 2, KEY_WRITE = 4, KEY_SEARCH = 8, KEY_LINK = 16, KEY_SETATTR = 32,
	KEY_EACH = 63 };
#define KEY_POSSESSOR(bits) ((uint32_t)(bits) << 24)
#define KEY_OF_USER(bits)   ((uint32_t)(bits) << 16)

#define KEYS_MOST      1000000u  /* Linux's for root: keys, and bytes of their descriptions and data */
#define KEY_BYTES_MOST 25000000u

/* A new key without data, which nobody holds yet: 0, -EDQUOT, -ENOMEM. */
int  key_make(int kind, const char *description, uint32_t perm, struct key **out);
void key_get(struct key *k), key_put(struct key *k);
/* Other data, copied: 0, -EDQUOT, -ENOMEM. */
int  key_fill(struct key *k, const char *data, uint32_t n);
void key_revoke(struct key *k);
int  key_valid(const struct key *k);             /* 0, -ENOKEY, -EKEYREVOKED, -EKEYEXPIRED */
int  key_allows(const struct key *k, int is_possessed, unsigned needs);

/* Puts it in, in the place of one with its kind and description: 0, -EDEADLK -ELOOP -EDQUOT -ENOMEM. Takes it out: 0,
 * -ENOENT. All out. Out of all rings. */
int  ring_add(struct key *ring, struct key *k);
int  ring_remove(struct key *ring, struct key *k);
void ring_clear(struct key *ring);
void key_invalidate(struct key *k);
struct key *ring_find(const struct key *ring, int kind, const char *description); /* in it alone, valid: NULL */

struct key *key_by_serial(int serial);
struct key *ring_by_name(const char *name);      /* of all that are not private: NULL */
/* The caller's ring of that KEY_SPEC_: *out, or NULL: it has none, and was not to get one: 0, -EINVAL -EDQUOT
 * -ENOMEM. */
int  ring_special(int which, int creates, struct key **out);
/* It becomes the caller's session ring. 0 or -ENOMEM. */
int  session_join(struct key *ring);
/* By kind and description from there on, or where the caller's rings lead: 0, or -EAGAIN: none; -ENOKEY -EKEYREVOKED
 * -EKEYEXPIRED -EACCES. */
int  key_search(struct key *ring, int is_possessed, int kind, const char *description, struct key **out);
int  key_search_own(int kind, const char *description, struct key **out);
int  key_is_possessed(const struct key *k);      /* some ring of the caller leads to it */

/* Threads: keyrings of the caller's, made when there are none (NULL: no memory); what a new one has from its maker: 0
 * or -ENOMEM; at its end; at exec and at the end of a process, which has rings, too. */
struct keyrings *keyrings_own(void);
int  keyrings_begin(struct thread *to, const struct thread *from, int is_thread);
void keyrings_end(struct thread *th);
void keyrings_leave(struct task *t);
#endif
