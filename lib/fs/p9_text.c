/* SPDX-License-Identifier: MIT */
/* Messages of 9P2000.L as bytes: numbers are little-endian, texts have two bytes of length before them. Nothing is
 * written behind the room there is, nothing read behind what came. */
#include "p9.h"

/* A place for so many bytes; NULL, and bad: there is none. */
static uint8_t *next(struct p9_text *t, size_t bytes)
{
	uint8_t *at = t->at + t->n;

	if (t->bad || bytes > t->size - t->n) {
		t->bad = 1;
		return NULL;
	}
	t->n += (uint32_t)bytes;
	return at;
}

void p9_put(struct p9_text *t, uint64_t value, unsigned bytes)
{
	uint8_t *at = next(t, bytes);

	for (unsigned i = 0; at && i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

void p9_put_text(struct p9_text *t, const char *from, size_t n)
{
	uint8_t *at;

	p9_put(t, n, 2);
	at = n <= UINT16_MAX ? next(t, n) : NULL;
	if (at)
		memcpy(at, from, n);
	else
		t->bad = 1;
}

uint64_t p9_get(struct p9_text *t, unsigned bytes)
{
	const uint8_t *at = next(t, bytes);
	uint64_t value = 0;

	for (unsigned i = 0; at && i < bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

size_t p9_get_text(struct p9_text *t, const char **text, size_t max)
{
	size_t n = p9_get(t, 2);
	const uint8_t *at = next(t, n);

	*text = (const char *)at;
	if (at && n && n <= max && strnlen(*text, n) == n)
		return n;
	t->bad = 1;
	return 0;
}

struct p9_qid p9_get_qid(struct p9_text *t)
{
	struct p9_qid q = { .type = (uint8_t)p9_get(t, 1) };

	(void)p9_get(t, 4); /* a version */
	q.path = p9_get(t, 8);
	return q;
}

/* Seconds and ns as ns since 1970, as far as they fit. */
static int64_t get_time(struct p9_text *t)
{
	int64_t s = (int64_t)p9_get(t, 8), ns = (int64_t)(p9_get(t, 8) % NS);
	const int64_t most = INT64_MAX / NS - 1;

	if (s > most)
		s = most;
	if (s < -most)
		s = -most;
	return s * NS + ns;
}

void p9_get_attr(struct p9_text *t, struct p9_attr *out)
{
	(void)p9_get(t, 8); /* which of them count: these always do */
	out->qid = p9_get_qid(t);
	out->mode = (uint32_t)p9_get(t, 4);
	out->uid = (uint32_t)p9_get(t, 4);
	out->gid = (uint32_t)p9_get(t, 4);
	out->nlink = (uint32_t)p9_get(t, 8);
	out->rdev = (uint32_t)p9_get(t, 8);
	out->size = p9_get(t, 8);
	(void)p9_get(t, 8); /* a good size for reads */
	out->blocks = p9_get(t, 8);
	out->atime = get_time(t);
	out->mtime = get_time(t);
	out->ctime = get_time(t);
	if (out->size > INT64_MAX)
		t->bad = 1;
	switch (out->mode & S_IFMT) { /* what it is must be one of these, and the qid's type agree */
	case S_IFDIR:
		t->bad |= !(out->qid.type & P9_QID_DIR);
		break;
	case S_IFREG: case S_IFLNK: case S_IFIFO: case S_IFSOCK: case S_IFCHR: case S_IFBLK:
		t->bad |= out->qid.type & P9_QID_DIR;
		break;
	default:
		t->bad = 1;
	}
}
