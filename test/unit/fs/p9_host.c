/* SPDX-License-Identifier: MIT */
/* In the place of lib/fs/p9_slot.c: a server of 9P2000.L that is asked and answers at once. It knows a folder with
 * a few names, and says what it likes of anything else; then its answer is changed as the test wants it. */
#include "p9_host.h"

void (*p9_mangle)(uint8_t *reply, uint32_t size, uint32_t *said);
unsigned p9_asked[256], p9_slots_taken, p9_fids;
uint64_t p9_made_in;
int p9_gone;

static uint8_t *ask_room, *reply_room;
static int connected;

int p9_connect(struct p9_share *s, const char *tag)
{
	(void)s;
	if (strcmp(tag, "tag"))
		return -ENOENT;
	if (connected)
		return -EBUSY;
	connected = 1;
	p9_fids = 0;
	/* Each as long as it may be, so that AddressSanitizer sees a byte behind it. */
	ask_room = malloc(SHARE_MESSAGE);
	reply_room = NULL;
	return 0;
}

void p9_disconnect(struct p9_share *s)
{
	(void)s;
	connected = 0;
	free(ask_room);
	free(reply_room);
}

int p9_slot_take(struct p9_share *s, uint8_t **room)
{
	(void)s;
	p9_slots_taken++;
	*room = ask_room;
	return 0;
}

void p9_slot_give(struct p9_share *s, unsigned slot)
{
	(void)s;
	CHECK_EQ(slot, 0);
	p9_slots_taken--;
}

void p9_answers(void) {}
int box_file_open(struct inode *ip, unsigned flags, struct file **out)
{
	(void)ip;
	(void)flags;
	(void)out;
	return -ENODEV;
}

/* ---- the server: file n has number n; 1 is the root, 2 a file, 3 a folder, 4 a link; in 3: 5 a folder, 6 a link */
static void qid_put(struct p9_text *t, uint64_t n)
{
	static const uint8_t type[] = { 0, P9_QID_DIR, 0, P9_QID_DIR, P9_QID_LINK, P9_QID_DIR, P9_QID_LINK };

	p9_put(t, type[n], 1);
	p9_put(t, 7, 4);
	p9_put(t, n, 8);
}

static uint64_t fid_file[4096];

static uint64_t named(uint64_t dir, const char *name, size_t n)
{
	static const char *const names[] = { "", "", "file", "folder", "link", "sub", "way" };

	for (uint64_t i = 2; i < (dir == 3 ? 7 : 5); i++)
		if (strlen(names[i]) == n && !memcmp(names[i], name, n))
			return i;
	return 0;
}

static void attr_put(struct p9_text *t, uint64_t n)
{
	static const uint32_t mode[] = { 0, S_IFDIR | 0755, S_IFREG | 0644, S_IFDIR | 0755, S_IFLNK | 0777,
		S_IFDIR | 0755, S_IFLNK | 0777 };

	p9_put(t, 0x7ff, 8);
	qid_put(t, n);
	p9_put(t, mode[n], 4);
	p9_put(t, 0, 8);
	p9_put(t, 1, 8);
	p9_put(t, 0, 8);
	p9_put(t, n == 2 ? 8 : 4, 8);
	p9_put(t, 4096, 8);
	p9_put(t, 8, 8);
	for (int i = 0; i < 8; i++)
		p9_put(t, 5, 8);
	p9_put(t, 0, 8);
	p9_put(t, 0, 8);
}

static int walk(struct p9_text *t, struct p9_text *r)
{
	uint64_t from = p9_get(t, 4), to = p9_get(t, 4), n = p9_get(t, 2), at = fid_file[from % 4096];
	uint64_t found[16] = { 0 }, got = 0;
	const char *name;

	for (; got < n; got++) {
		size_t size = p9_get_text(t, &name, 255);

		if (!(found[got] = at == 1 || at == 3 || at == 5 ? named(at, name, size) : 0))
			break;
		at = found[got];
	}
	if (n && !got)
		return ENOENT;
	p9_put(r, got, 2);
	for (uint64_t i = 0; i < got; i++)
		qid_put(r, found[i]);
	if (got == n) {
		fid_file[to % 4096] = at;
		p9_fids++;
	}
	return 0;
}

static void entries(struct p9_text *t, struct p9_text *r)
{
	static const char *const name[] = { ".", "..", "file", "folder", "link" };
	uint64_t fid = p9_get(t, 4), from = p9_get(t, 8);
	struct p9_text size = { r->at + r->n, 0, 4, 0 };
	uint32_t begin;

	(void)fid;
	p9_put(r, 0, 4);
	begin = r->n;
	for (uint64_t i = from; i < 5 && i < from + 2; i++) {
		qid_put(r, i < 2 ? 1 : i);
		p9_put(r, i + 1, 8);
		p9_put(r, 4, 1);
		p9_put_text(r, name[i], strlen(name[i]));
	}
	p9_put(&size, r->n - begin, 4);
}

/* 0, or the error. */
static int serve(unsigned type, struct p9_text *t, struct p9_text *r)
{
	uint64_t fid = type == P9_VERSION ? 0 : p9_get(t, 4), n;

	switch (type) {
	case P9_VERSION:
		p9_put(r, p9_get(t, 4), 4);
		p9_put_text(r, "9P2000.L", 8);
		return 0;
	case P9_ATTACH:
		fid_file[fid % 4096] = 1;
		p9_fids++;
		qid_put(r, 1);
		return 0;
	case P9_WALK:
		t->n -= 4;
		return walk(t, r);
	case P9_STATFS:
		p9_put(r, 0xef53, 4);
		p9_put(r, 8192, 4);
		for (uint64_t i = 1; i <= 6; i++)
			p9_put(r, i << 40, 8);
		p9_put(r, 255, 4);
		return 0;
	case P9_GETATTR:
		if (p9_gone && fid_file[fid % 4096] == 2)
			return ENOENT;
		attr_put(r, fid_file[fid % 4096]);
		return 0;
	case P9_OPEN:
	case P9_CREATE:
		qid_put(r, fid_file[fid % 4096]);
		p9_put(r, 0, 4);
		return 0;
	case P9_READDIR:
		t->n -= 4;
		entries(t, r);
		return 0;
	case P9_READLINK:
		p9_put_text(r, fid_file[fid % 4096] == 6 ? "sub/" : "file", 4);
		return 0;
	case P9_READ:
		n = p9_get(t, 8);
		n = n < 8 ? min_u64(8 - n, p9_get(t, 4)) : 0;
		p9_put(r, n, 4);
		for (uint64_t i = 0; i < n; i++)
			p9_put(r, 'a', 1);
		return 0;
	case P9_WRITE:
		(void)p9_get(t, 8);
		p9_put(r, p9_get(t, 4), 4);
		return 0;
	case P9_MKDIR: case P9_MKNOD: case P9_SYMLINK:
		p9_made_in = fid_file[fid % 4096];
		qid_put(r, 2);
		return 0;
	case P9_CLUNK:
		p9_fids--;
		return 0;
	case P9_SETATTR: case P9_LINK: case P9_RENAMEAT: case P9_UNLINKAT: case P9_FSYNC:
		return 0;
	}
	return ENOSYS;
}

static uint32_t answer(const uint8_t *message, uint32_t n, uint8_t *to)
{
	struct p9_text t = { (uint8_t *)(uintptr_t)message, 0, n, 0 }, r = { to, P9_HEAD, SHARE_MESSAGE, 0 };
	struct p9_text head = { to, 0, P9_HEAD, 0 };
	unsigned type;
	int error;

	CHECK_EQ(p9_get(&t, 4), n);
	type = (unsigned)p9_get(&t, 1);
	(void)p9_get(&t, 2);
	p9_asked[type & 255]++;
	error = serve(type, &t, &r);
	if (error) {
		r.n = P9_HEAD;
		p9_put(&r, (uint64_t)error, 4);
	}
	CHECK(!r.bad && !t.bad);
	p9_put(&head, r.n, 4);
	p9_put(&head, error ? P9_ERROR : type + 1, 1);
	p9_put(&head, 0, 2);
	return r.n;
}

long p9_send(struct p9_share *s, unsigned slot, uint32_t n, uint8_t **reply)
{
	static uint8_t whole[SHARE_MESSAGE];
	uint32_t size = answer(ask_room, n, whole), said = size;

	(void)s;
	(void)slot;
	if (p9_mangle)
		p9_mangle(whole, size, &said);
	free(reply_room);
	reply_room = malloc(said ? said : 1);
	memcpy(reply_room, whole, said);
	*reply = reply_room;
	return said;
}

int p9_post(struct p9_share *s, const uint8_t *message, uint32_t n)
{
	uint8_t nowhere[256];

	(void)s;
	(void)answer(message, n, nowhere);
	return 1;
}
