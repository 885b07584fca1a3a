/* SPDX-License-Identifier: MIT */
/* Pipes and fifos: a ring of pages taken as they fill and given back as they empty. */
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/signal.h>
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
	p->ip = ip;
	return p;
}

size_t pipe_fill(struct pipe *p)
{
	return p->head - p->tail;
}

size_t pipe_room(struct pipe *p)
{
	return PIPE_SIZE - pipe_fill(p);
}

static char **pipe_slot(struct pipe *p, uint64_t at)
{
	return &p->page[at / PAGE % PIPE_PAGES];
}

/* Moves into the pipe what fits: bytes moved, or -EFAULT, -ENOMEM when none were. */
static long pipe_push(struct pipe *p, struct io *io)
{
	size_t done = 0;
	int error = 0;

	while (io->total && pipe_room(p)) {
		size_t n = min_u64(min_u64(PAGE - p->head % PAGE, io->total), pipe_room(p));
		char **slot = pipe_slot(p, p->head);

		if (!*slot) {
			*slot = p->spare;
			p->spare = NULL;
		}
		/* The first page also when memory is short: a shell's pipes must work then. */
		if (!*slot && !(*slot = p->head == p->tail && files_room() ? fam_pages(1) : fam_content(1))) {
			error = -ENOMEM;
			break;
		}
		error = io_get(io, *slot + p->head % PAGE, n);
		if (error)
			break;
		p->head += n;
		done += n;
	}
	if (done) {
		inode_touch(p->ip, TOUCH_M | TOUCH_C);
		wake_up(&p->head);
	}
	return done ? (long)done : error;
}

static long pipe_pull(struct pipe *p, struct io *io)
{
	size_t done = 0;
	int error = 0;

	while (io->total && pipe_fill(p)) {
		size_t n = min_u64(min_u64(PAGE - p->tail % PAGE, io->total), pipe_fill(p));
		char **slot = pipe_slot(p, p->tail);

		error = io_put(io, *slot + p->tail % PAGE, n);
		if (error)
			break;
		p->tail += n;
		done += n;
		/* A full ring's head and tail share a page: it stays while bytes of the head are in it. */
		if (p->tail % PAGE == 0 && pipe_fill(p) <= PIPE_SIZE - PAGE) {
			if (p->spare)
				fam_pages_free(p->spare, 1);
			p->spare = *slot;
			*slot = NULL;
		}
	}
	if (done) {
		inode_touch(p->ip, TOUCH_A);
		wake_up(&p->tail);
	}
	return done ? (long)done : error;
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
}

int pipe_has_reader(struct pipe *p)
{
	return p->readers != 0;
}

int pipe_has_writer(struct pipe *p)
{
	return p->writers != 0;
}

static long pipe_read(struct file *f, struct io *io, uint64_t at)
{
	struct pipe *p = f->ip->pipe;

	(void)at;
	if (!io->total)
		return 0;
	while (!pipe_fill(p)) {
		if (!p->writers)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(&p->head, 0) == -EINTR)
			return -ERESTARTSYS;
	}
	return pipe_pull(p, io);
}

static long pipe_write(struct file *f, struct io *io, uint64_t at)
{
	struct pipe *p = f->ip->pipe;
	size_t whole = io->total <= PIPE_BUF ? io->total : 1;
	long done = 0, part;

	(void)at;
	while (io->total) {
		if (!p->readers) {
			if (done)
				return done;
			(void)signal_send(current_pid(), SIGPIPE);
			return -EPIPE;
		}
		if (pipe_room(p) >= whole) {
			part = pipe_push(p, io);
			if (part < 0)
				return done ? done : part;
			done += part;
			continue;
		}
		if (f->flags & O_NONBLOCK)
			return done ? done : -EAGAIN;
		if (sleep_on(&p->tail, 0) == -EINTR)
			return done ? done : -ERESTARTSYS;
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
		if (pipe_room(p) >= PIPE_BUF)
			mask |= POLLOUT | POLLWRNORM;
		if (!p->readers)
			mask |= POLLERR;
	}
	return mask;
}

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
	/* A fifo's bytes do not outlive its last opener. */
	if (!p->readers && !p->writers && f->ip->kind == KIND_TREE) {
		pipe_inode_free(f->ip);
		f->ip->pipe = NULL;
	}
}

const struct file_ops pipe_ops = { .read = pipe_read, .write = pipe_write, .ioctl = pipe_ioctl, .poll = pipe_poll, .events = pipe_events, .release = pipe_release };

void pipe_inode_free(struct inode *ip)
{
	struct pipe *p = ip->pipe;

	if (!p)
		return;
	for (unsigned i = 0; i < PIPE_PAGES; i++)
		if (p->page[i])
			fam_pages_free(p->page[i], 1);
	if (p->spare)
		fam_pages_free(p->spare, 1);
	fam_free(p);
}
