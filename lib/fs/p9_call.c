/* SPDX-License-Identifier: MIT */
/* Requests of 9P2000.L, one function each where more than one operation makes it; and fids, the numbers that they are
 * made with. */
#include "p9.h"

#define VERSION "9P2000.L"
#define ERRNO_MAX 4095
#define GETATTR_BASIC 0x7ffu

static void head_put(struct p9_text *t, unsigned type, unsigned tag)
{
	p9_put(t, 0, 4);
	p9_put(t, type, 1);
	p9_put(t, tag, 2);
}

static void size_put(struct p9_text *t)
{
	struct p9_text head = { t->at, 0, 4, 0 };

	p9_put(&head, t->n, 4);
}

/* Fids that nobody has any more are given back while there are slots. */
static void dead_post(struct p9_share *s)
{
	while (s->dead_count) {
		uint8_t message[P9_HEAD + 4];
		struct p9_text t = { message, 0, sizeof message, 0 };

		head_put(&t, P9_CLUNK, 0);
		p9_put(&t, s->dead[s->dead_count - 1], 4);
		size_put(&t);
		if (!p9_post(s, message, t.n))
			break;
		s->dead_count--;
	}
}

int p9_begin(struct p9_share *s, enum p9_type type, struct p9_call *c)
{
	uint8_t *room;
	int slot = p9_slot_take(s, &room);

	if (slot < 0)
		return slot;
	if (s->dead_count)
		dead_post(s);
	*c = (struct p9_call){ .share = s, .slot = (unsigned)slot, .type = type, .ask = { room, 0, SHARE_MESSAGE, 0 } };
	head_put(&c->ask, type, type == P9_VERSION ? P9_NO_TAG : c->slot);
	return 0;
}

int p9_go(struct p9_call *c)
{
	struct p9_text *r = &c->reply;
	unsigned type;
	long n;

	if (c->ask.bad)
		return -ENAMETOOLONG; /* only names and texts are as long as they like */
	size_put(&c->ask);
	n = p9_send(c->share, c->slot, c->ask.n, &r->at);
	if (n < (long)P9_HEAD)
		return -EIO;
	r->size = (uint32_t)n;
	(void)p9_get(r, 4);
	type = (unsigned)p9_get(r, 1);
	(void)p9_get(r, 2);
	if (type == c->type + 1)
		return 0;
	n = type == P9_ERROR ? (long)p9_get(r, 4) : 0;
	return !r->bad && n > 0 && n <= ERRNO_MAX ? (int)-n : -EIO;
}

void p9_end(struct p9_call *c) { p9_slot_give(c->share, c->slot); }

int p9_finish(struct p9_call *c)
{
	int error = p9_go(c);

	p9_end(c);
	return error;
}

/* ---- fids */
struct p9_fid *p9_fid_make(struct p9_share *s)
{
	struct p9_fid *f = fam_alloc(sizeof(*f));

	if (!f)
		return NULL;
	if (s->next_fid == P9_NO_FID)
		s->next_fid = 0;
	*f = (struct p9_fid){ s->next_fid++, 1 };
	return f;
}

void p9_fid_get(struct p9_fid *f) { f->refs++; }

void p9_fid_put(struct p9_share *s, struct p9_fid *f)
{
	if (!f || --f->refs)
		return;
	if (s->dead_count < P9_DEAD)
		s->dead[s->dead_count++] = f->number;
	fam_free(f);
	dead_post(s);
}

/* The server does not know that number. */
static void fid_drop(struct p9_fid *f) { fam_free(f); }

/* ---- requests */
int p9_session(struct p9_share *s)
{
	struct p9_call c;
	const char *text;
	uint32_t size;
	int error = p9_begin(s, P9_VERSION, &c);

	if (error)
		return error;
	p9_put(&c.ask, SHARE_MESSAGE, 4);
	p9_put_text(&c.ask, VERSION, sizeof VERSION - 1);
	error = p9_go(&c);
	if (!error) {
		size = (uint32_t)p9_get(&c.reply, 4);
		if (p9_get_text(&c.reply, &text, 32) != sizeof VERSION - 1 || memcmp(text, VERSION, sizeof VERSION - 1) ||
			size != SHARE_MESSAGE)
			error = -EPROTO;
	}
	p9_end(&c);
	return error;
}

int p9_attach(struct p9_share *s, struct p9_fid **out)
{
	struct p9_fid *f = p9_fid_make(s);
	struct p9_call c;
	int error = f ? p9_begin(s, P9_ATTACH, &c) : -ENOMEM;

	if (!error) {
		p9_put(&c.ask, f->number, 4);
		p9_put(&c.ask, P9_NO_FID, 4); /* nobody asks who we are */
		p9_put_text(&c.ask, "root", 4);
		p9_put_text(&c.ask, "", 0);
		p9_put(&c.ask, 0, 4);
		error = p9_finish(&c);
	}
	if (error && f)
		fid_drop(f);
	else
		*out = f;
	return error;
}

int p9_walk(struct p9_share *s, struct p9_fid *from, const struct fs_name *names, unsigned n, struct p9_qid *qid,
	struct p9_fid **out)
{
	struct p9_fid *f = p9_fid_make(s);
	struct p9_call c;
	unsigned got = 0;
	int error = f ? p9_begin(s, P9_WALK, &c) : -ENOMEM;

	if (error) {
		fam_free(f);
		return error;
	}
	p9_fid_get(from);
	p9_put(&c.ask, from->number, 4);
	p9_put(&c.ask, f->number, 4);
	p9_put(&c.ask, n, 2);
	for (unsigned i = 0; i < n; i++)
		p9_put_text(&c.ask, names[i].name, names[i].n);
	error = p9_go(&c);
	if (!error) {
		got = (unsigned)p9_get(&c.reply, 2);
		for (unsigned i = 0; i < got && i < n; i++)
			qid[i] = p9_get_qid(&c.reply);
		if (got > n || (n && !got) || c.reply.bad)
			error = -EIO;
	}
	p9_end(&c);
	p9_fid_put(s, from);
	if (error || got < n)
		fid_drop(f);
	else
		*out = f;
	return error ? error : (int)got;
}

int p9_open(struct p9_share *s, struct p9_fid *f, uint32_t flags, struct p9_qid *qid)
{
	struct p9_call c;
	int error = p9_begin(s, P9_OPEN, &c);

	if (error)
		return error;
	p9_put(&c.ask, f->number, 4);
	p9_put(&c.ask, flags, 4);
	error = p9_go(&c);
	*qid = p9_get_qid(&c.reply);
	if (!error && c.reply.bad)
		error = -EIO;
	p9_end(&c);
	return error;
}

int p9_getattr(struct p9_share *s, struct p9_fid *f, struct p9_attr *out)
{
	struct p9_call c;
	int error = p9_begin(s, P9_GETATTR, &c);

	if (error)
		return error;
	p9_fid_get(f);
	p9_put(&c.ask, f->number, 4);
	p9_put(&c.ask, GETATTR_BASIC, 8);
	error = p9_go(&c);
	if (!error) {
		p9_get_attr(&c.reply, out);
		error = c.reply.bad ? -EIO : 0;
	}
	p9_end(&c);
	p9_fid_put(s, f);
	return error;
}
