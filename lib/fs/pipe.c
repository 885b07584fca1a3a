/* SPDX-License-Identifier: MIT */
/* Pipes and fifos: a ring of pages taken as they fill and given back as they empty. */
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include "async.h"
#include "pipe.h"

struct pipe *pipe_new(void)
{
	struct pipe *p = fam_alloc(sizeof(*p));
	struct inode *ip;

	if (!p)
		return NULL;
	ip = inode_new(S_IFIFO | 0600);
	if (!ip) {
		fam_free(p);
		return NULL;
	}
	ip->kind = KIND_PIPE;
	ip->pipe = p;
	pipe_init(p, ip);
	return p;
}

size_t pipe_fill(struct pipe *p)
{
	return p->head - p->tail;
}

size_t pipe_room(struct pipe *p)
{
	return pipe_size(p) - pipe_fill(p);
}

static char **pipe_slot(struct pipe *p, uint64_t at)
{
	return &p->page[at / PAGE & (p->pages - 1)];
}

char *pipe_bytes(struct pipe *p, uint64_t at, size_t *n)
{
	*n = min_u64(*n, min_u64(PAGE - at % PAGE, p->head - at));
	return *pipe_slot(p, at) + at % PAGE;
}

long pipe_push_some(struct pipe *p, struct io *io, size_t max)
{
	size_t done = 0;
	int error = 0;

	while (done < max && io->total && pipe_room(p)) {
		size_t n = min_u64(min_u64(PAGE - p->head % PAGE, min_u64(io->total, max - done)), pipe_room(p));
		char **slot = pipe_slot(p, p->head);

		if (!*slot) {
			*slot = p->spare;
			p->spare = NULL;
		}
		/* The first page also when memory is short: a shell's pipes must work then. */
		if (!*slot && !(*slot = data_page(p->head == p->tail && files_room() ? ROOM_ANY : ROOM_CONTENT))) {
			error = -ENOMEM;
			break;
		}
		error = io_get(io, *slot + p->head % PAGE, n);
		if (error)
			break;
		p->head += n;
		done += n;
	}
	p->lost |= (uint32_t)data_lost();
	if (done) {
		inode_touch(p->ip, TOUCH_M | TOUCH_C);
		wake_up(&p->head);
		waiters_tell(&p->waits, WAIT_IN);
		async_notify(p, POLL_IN);
	}
	return done ? (long)done : error;
}

/* At most to the end of a page. */
static void tail_move(struct pipe *p, size_t n)
{
	char **slot = pipe_slot(p, p->tail);

	p->tail += n;
	/* A full ring's head and tail share a page: it stays while bytes of the head are in it. */
	if (p->tail % PAGE == 0 && pipe_fill(p) <= pipe_size(p) - PAGE) {
		if (p->spare)
			data_page_free(p->spare);
		p->spare = *slot;
		*slot = NULL;
	}
}

void pipe_drop(struct pipe *p, uint64_t to)
{
	for (struct packet *k; (k = packet_first(p)) && k->end <= to;)
		p->packet_tail++;
	while (p->tail < to)
		tail_move(p, min_u64(PAGE - p->tail % PAGE, to - p->tail));
	inode_touch(p->ip, TOUCH_A);
	wake_up(&p->tail);
	waiters_tell(&p->waits, WAIT_OUT);
	async_notify(p, POLL_OUT);
}

static long bytes_pull(struct pipe *p, struct io *io, uint64_t end)
{
	size_t done = 0;
	int error = 0;

	while (io->total && p->tail < end) {
		size_t n = min_u64(io->total, end - p->tail);
		const char *from = pipe_bytes(p, p->tail, &n);

		error = io_put(io, from, n);
		if (error)
			break;
		tail_move(p, n);
		done += n;
	}
	return done ? (long)done : error;
}

/* Up to the end of a packet, whose rest is lost. */
static long packets_pull(struct pipe *p, struct io *io, const struct packet *k)
{
	long done = p->tail < k->start ? bytes_pull(p, io, k->start) : 0, part;

	if (done < 0 || !io->total || p->tail < k->start)
		return done;
	part = bytes_pull(p, io, k->end);
	if (part < 0)
		return done ? done : part;
	pipe_drop(p, k->end);
	return done + part;
}

long pipe_pull(struct pipe *p, struct io *io)
{
	const struct packet *k = packet_first(p);
	long done = k ? packets_pull(p, io, k) : bytes_pull(p, io, p->head);

	if (done > 0)
		pipe_drop(p, p->tail);
	if (!data_lost() && !p->lost)
		return done;
	p->lost = 0;
	return -EIO;
}

size_t pipe_put(struct pipe *p, const void *from, size_t n)
{
	struct io io;
	long done;

	io_lib(&io, (void *)(uintptr_t)from, n);
	done = pipe_push(p, &io);
	return done < 0 ? 0 : (size_t)done;
}

size_t pipe_take(struct pipe *p, void *to, size_t n)
{
	struct io io;
	long done;

	io_lib(&io, to, n);
	done = pipe_pull(p, &io);
	return done < 0 ? 0 : (size_t)done;
}

void pipe_close_writer(struct pipe *p)
{
	if (p->writers)
		p->writers--;
	wake_up(&p->head);
	waiters_tell(&p->waits, WAIT_ANY);
}

int pipe_has_reader(struct pipe *p)
{
	return p->readers != 0;
}

int pipe_has_writer(struct pipe *p)
{
	return p->writers != 0;
}

long pipe_wait_bytes(struct file *f, int dontwait)
{
	struct pipe *p = f->ip->pipe;

	while (!pipe_fill(p)) {
		if (!p->writers)
			return 0;
		if (dontwait || f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(&p->head, 0) == -EINTR)
			return -ERESTARTSYS;
	}
	return 1;
}

static long pipe_read(struct file *f, struct io *io, uint64_t at)
{
	long there;

	(void)at;
	if (!io->total)
		return 0;
	there = pipe_wait_bytes(f, 0);
	return there <= 0 ? there : pipe_pull(f->ip->pipe, io);
}

long pipe_wait_room(struct file *f, size_t room, int dontwait)
{
	struct pipe *p = f->ip->pipe;

	for (;;) {
		if (!p->readers) {
			(void)signal_send(current_pid(), SIGPIPE);
			return -EPIPE;
		}
		if (pipe_room(p) >= room && pipe_has_packet_room(p))
			return 0;
		if (dontwait || f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(&p->tail, 0) == -EINTR)
			return -ERESTARTSYS;
	}
}

static long pipe_write(struct file *f, struct io *io, uint64_t at)
{
	struct pipe *p = f->ip->pipe;
	int packets = f->flags & O_DIRECT;
	size_t whole = io->total <= PIPE_BUF ? io->total : packets ? PIPE_BUF : 1;
	long done = 0, part;

	(void)at;
	while (io->total) {
		if (!p->readers && done)
			return done;
		part = pipe_wait_room(f, min_u64(whole, io->total), 0);
		if (!part)
			part = packets ? packet_push(p, io) : pipe_push(p, io);
		if (part < 0)
			return done ? done : part;
		done += part;
	}
	return done;
}

static int pipe_poll(struct file *f)
{
	struct pipe *p = f->ip->pipe;
	int mask = 0;

	if (file_reads(f)) {
		if (pipe_fill(p))
			mask |= POLLIN | POLLRDNORM;
		if (!p->writers && (p->writer_opens || f->ip->kind == KIND_PIPE))
			mask |= POLLHUP;
	}
	if (file_writes(f)) {
		if (pipe_room(p) >= PIPE_BUF && pipe_has_packet_room(p))
			mask |= POLLOUT | POLLWRNORM;
		if (!p->readers)
			mask |= POLLERR;
	}
	return mask;
}

static struct wait_list *pipe_waits(struct file *f) { return &f->ip->pipe->waits; }

/* Bytes in either direction, and ends that come and go. */
static uint64_t pipe_events(struct file *f)
{
	struct pipe *p = f->ip->pipe;

	return p->head + p->tail + p->reader_opens + p->writer_opens + p->closes;
}

static long pipe_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	int fill = (int)pipe_fill(f->ip->pipe);

	if (request == FIONREAD)
		return user_write(arg, &fill, sizeof(fill));
	return -ENOTTY;
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->ip->pipe;

	p->closes++;
	if (file_reads(f))
		p->readers--;
	if (file_writes(f))
		p->writers--;
	wake_up(&p->head);
	wake_up(&p->tail);
	waiters_tell(&p->waits, WAIT_ANY);
	async_notify(p, POLL_IN);
	async_notify(p, POLL_OUT);
	/* A fifo's bytes do not outlive its last opener. */
	if (!p->readers && !p->writers && f->ip->kind == KIND_TREE) {
		pipe_inode_free(f->ip);
		f->ip->pipe = NULL;
	}
}

const struct file_ops pipe_ops = { .read = pipe_read, .write = pipe_write, .ioctl = pipe_ioctl, .poll = pipe_poll,
	.waits = pipe_waits, .events = pipe_events, .release = pipe_release };

void pipe_inode_free(struct inode *ip)
{
	struct pipe *p = ip->pipe;

	if (!p)
		return;
	waiters_end(&p->waits);
	pipe_rings_free(p);
	if (p->spare)
		data_page_free(p->spare);
	fam_free(p);
}
