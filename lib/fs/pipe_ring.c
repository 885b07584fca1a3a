/* SPDX-License-Identifier: MIT */
/* A pipe's ring of pages and its size (F_SETPIPE_SZ), and the packets of a pipe whose writer has O_DIRECT. */
#include <asm/poll.h>
#include "pipe.h"

#define PIPE_MAX (1ul << 31)

void pipe_init(struct pipe *p, struct inode *ip)
{
	p->ip = ip;
	p->page = p->first;
	p->pages = PIPE_PAGES;
}

void pipe_rings_free(struct pipe *p)
{
	for (unsigned i = 0; i < p->pages; i++)
		if (p->page[i])
			data_page_free(p->page[i]);
	if (p->page != p->first)
		fam_free(p->page);
	fam_free(p->packet);
}

/* Copies all bytes to the pages of another ring. A page may hold both ends of what is in a full ring, so pages do not just move. */
static int ring_fill(struct pipe *p, char **ring, uint32_t pages)
{
	for (uint64_t at = p->tail; at < p->head;) {
		size_t n = p->head - at;
		const char *from = pipe_bytes(p, at, &n);
		char **to = &ring[at / PAGE % pages];

		if (!*to && !(*to = data_page(ROOM_ANY)))
			return -ENOMEM;
		memcpy(*to + at % PAGE, from, n);
		at += n;
	}
	return data_lost() ? -EIO : 0;
}

static uint32_t pages_for(uint64_t bytes)
{
	uint32_t pages = 1;

	while (pages * PAGE < bytes)
		pages *= 2;
	return pages;
}

long pipe_resize(struct pipe *p, uint64_t bytes)
{
	uint32_t pages = pages_for(bytes), waiting = p->packet_head - p->packet_tail;
	struct pipe new = *p;

	if (bytes > PIPE_MAX)
		return -EINVAL;
	if (pages == p->pages)
		return (long)pipe_size(p);
	if (pipe_fill(p) > pages * PAGE || waiting > pages)
		return -EBUSY;
	new.pages = pages;
	new.page = fam_alloc(pages * sizeof(*new.page));
	new.packet = p->packet ? fam_alloc(pages * sizeof(*new.packet)) : NULL;
	if (!new.page || (p->packet && !new.packet) || ring_fill(p, new.page, pages)) {
		if (new.page)
			pipe_rings_free(&new);
		return -ENOMEM;
	}
	for (uint32_t i = p->packet_tail; i != p->packet_head; i++)
		new.packet[i % pages] = p->packet[i % p->pages];
	pipe_rings_free(p);
	p->page = new.page;
	p->packet = new.packet;
	p->pages = pages;
	wake_up(&p->tail);
	waiters_tell(&p->waits, WAIT_OUT);
	return (long)pipe_size(p);
}

struct packet *packet_first(struct pipe *p)
{
	return p->packet_head != p->packet_tail ? &p->packet[p->packet_tail % p->pages] : NULL;
}

long packet_push(struct pipe *p, struct io *io)
{
	uint64_t start = p->head;
	long done;

	if (!p->packet && !(p->packet = fam_alloc(p->pages * sizeof(*p->packet))))
		return -ENOMEM;
	done = pipe_push_some(p, io, PIPE_BUF);
	if (done > 0)
		p->packet[p->packet_head++ % p->pages] = (struct packet){ start, p->head };
	return done;
}
