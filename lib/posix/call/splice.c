/* SPDX-License-Identifier: MIT */
/* splice, tee, vmsplice: bytes between a pipe and another file without a detour through the program. While a file is asked or told it does not wait (its
 * own waiting is done here before), so that between looking at a pipe and taking from it nobody else comes. */
#include <asm/poll.h>
#include <fs/pipe.h>
#include <fs/poll.h>

#define SPLICE_NONBLOCK 2u
#define SPLICE_FLAGS    15u /* MOVE and MORE are hints, GIFT gives nothing that copying needs */

static int is_pipe(const struct file *f) { return f->ops == &pipe_ops; }

/* Waits until f can be read (POLLIN) or written without waiting: 0 or -errno. */
static long file_wait(struct file *f, int events, int dontwait)
{
	int error;

	while (f->ops->poll && !(f->ops->poll(f) & (events | POLLERR | POLLHUP))) {
		if (dontwait || f->flags & O_NONBLOCK)
			return -EAGAIN;
		error = file_wait_once(f, (uint32_t)events);
		if (error)
			return error == -EINTR ? -ERESTARTSYS : error;
	}
	return 0;
}

typedef long transfer(struct file *f, struct io *io, uint64_t *at);

/* Moves library memory without waiting. */
static long move_now(struct file *f, void *bytes, size_t n, uint64_t *at, transfer *way)
{
	unsigned flags = f->flags;
	struct io io;
	long moved;

	io_lib(&io, bytes, n);
	f->flags |= O_NONBLOCK;
	moved = way(f, &io, at);
	f->flags = (f->flags & ~(unsigned)O_NONBLOCK) | (flags & O_NONBLOCK);
	return moved;
}

static long from_pipe(struct file *in, struct file *out, uint64_t *at, size_t n, int dontwait)
{
	struct pipe *p = in->ip->pipe;
	long done = 0, moved = pipe_wait_bytes(in, dontwait);

	if (moved <= 0)
		return moved;
	while ((size_t)done < n && pipe_fill(p)) {
		size_t part = n - (size_t)done;
		char *bytes = pipe_bytes(p, p->tail, &part);

		moved = move_now(out, bytes, part, at, file_write);
		if (moved == -EAGAIN && !done) {
			moved = file_wait(out, POLLOUT, dontwait);
			if (!moved)
				moved = pipe_wait_bytes(in, dontwait);
			if (moved > 0)
				continue;
			return moved;
		}
		if (moved <= 0)
			break;
		done += moved;
		pipe_drop(p, p->tail + (uint64_t)moved);
		if ((size_t)moved < part)
			break;
	}
	return done ? done : moved;
}

/* What can be read now; the first bytes are waited for. */
static long to_pipe(struct file *in, uint64_t *at, struct file *out, size_t n, int dontwait)
{
	struct pipe *p = out->ip->pipe;
	char *bytes = fam_pages(1);
	long done = 0, moved = bytes ? 0 : -ENOMEM;

	while (!moved && !done) {
		moved = pipe_wait_room(out, 1, dontwait);
		if (!moved)
			moved = file_wait(in, POLLIN, dontwait);
		if (moved)
			break;
		while ((size_t)done < n && pipe_room(p)) {
			struct io io;

			moved = move_now(in, bytes, min_u64(min_u64(PAGE, n - (size_t)done), pipe_room(p)), at, file_read);
			if (moved <= 0)
				break;
			io_lib(&io, bytes, (size_t)moved);
			(void)pipe_push(p, &io);
			done += moved - (long)io.total;
			if (io.total || (in->ops->seek != SEEK_FILE && moved < (long)PAGE))
				break;
		}
		if (!done && !moved)
			break; /* the file's end */
		if (moved == -EAGAIN && !done && !dontwait && !(in->flags & O_NONBLOCK))
			moved = 0; /* somebody else had it */
	}
	if (bytes)
		fam_pages_free(bytes, 1);
	return done ? done : moved;
}

/* Between pipes. keeps: the first one has its bytes still, as tee leaves them. */
static long pipes_move(struct file *in, struct file *out, size_t n, int dontwait, int keeps)
{
	struct pipe *from = in->ip->pipe, *to = out->ip->pipe;
	uint64_t at;
	long e, done = 0;

	/* Room may be gone when bytes come: both at once are wanted. */
	do {
		e = pipe_wait_bytes(in, dontwait);
		if (e <= 0)
			return e;
		e = pipe_wait_room(out, 1, dontwait);
		if (e)
			return e;
	} while (!pipe_fill(from));
	for (at = from->tail; (size_t)done < n && at < from->head && pipe_room(to);) {
		size_t part = min_u64(n - (size_t)done, pipe_room(to));
		char *bytes = pipe_bytes(from, at, &part);
		struct io io;

		io_lib(&io, bytes, part);
		e = pipe_push(to, &io);
		if (e <= 0)
			break;
		at += (uint64_t)e;
		done += e;
	}
	if (!keeps && done)
		pipe_drop(from, at);
	return done ? done : e;
}

/* A position that the program gives: -ESPIPE of what has none. */
static long offset_read(struct file *f, uint64_t user, uint64_t *at)
{
	if (!user)
		return 0;
	if (is_pipe(f))
		return -ESPIPE;
	if (f->ops->seek == SEEK_NONE)
		return -EINVAL;
	if (user_read(at, user, sizeof(*at)))
		return -EFAULT;
	return (int64_t)*at < 0 ? -EINVAL : 0;
}

static long do_splice(struct file *in, uint64_t in_at, struct file *out, uint64_t out_at, size_t n, unsigned flags)
{
	uint64_t from = 0, to = 0;
	int dontwait = !!(flags & SPLICE_NONBLOCK);
	long e;

	if ((in->flags & O_ACCMODE) == O_WRONLY || (out->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (is_pipe(in) && is_pipe(out)) {
		if (in_at || out_at)
			return -ESPIPE;
		return in->ip == out->ip ? -EINVAL : pipes_move(in, out, n, dontwait, 0);
	}
	/* A file that sleeps would let others to the pipe meanwhile. */
	if ((!is_pipe(in) && !is_pipe(out)) || in->ops == &kind_file_ops || out->ops == &kind_file_ops)
		return -EINVAL;
	e = offset_read(in, in_at, &from);
	if (!e)
		e = offset_read(out, out_at, &to);
	if (!e && out->flags & O_APPEND && !is_pipe(out))
		e = -EINVAL;
	if (!e && is_pipe(in))
		e = out->ops->write ? from_pipe(in, out, out_at ? &to : NULL, n, dontwait) : -EINVAL;
	else if (!e)
		e = in->ops->read ? to_pipe(in, in_at ? &from : NULL, out, n, dontwait) : -EINVAL;
	if (e > 0 && in_at && user_write(in_at, &from, sizeof(from)))
		e = -EFAULT;
	if (e > 0 && out_at && user_write(out_at, &to, sizeof(to)))
		e = -EFAULT;
	return e;
}

static size_t moved_at_most(uint64_t n) { return min_u64(n, RW_MAX); }

CALL6(splice, in_fd, in_at, out_fd, out_at, n, flags)
{
	struct file *in, *out;
	long result;

	if (!n)
		return 0;
	if ((uint32_t)flags & ~SPLICE_FLAGS)
		return -EINVAL;
	in = fd_file((int)in_fd);
	out = fd_file((int)out_fd);
	result = in && out ? do_splice(in, in_at, out, out_at, moved_at_most(n), (unsigned)flags) : -EBADF;
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return result;
}

static long do_tee(struct file *in, struct file *out, size_t n, unsigned flags)
{
	if ((in->flags & O_ACCMODE) == O_WRONLY || (out->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!is_pipe(in) || !is_pipe(out) || in->ip == out->ip)
		return -EINVAL;
	return pipes_move(in, out, n, !!(flags & SPLICE_NONBLOCK), 1);
}

CALL4(tee, in_fd, out_fd, n, flags)
{
	struct file *in, *out;
	long result;

	if ((uint32_t)flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!n)
		return 0;
	in = fd_file((int)in_fd);
	out = fd_file((int)out_fd);
	result = in && out ? do_tee(in, out, moved_at_most(n), (unsigned)flags) : -EBADF;
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return result;
}

static long do_vmsplice(struct file *f, struct io *io, unsigned flags)
{
	int dontwait = !!(flags & SPLICE_NONBLOCK);
	long e;

	if (!io->total)
		return 0;
	if (file_writes(f)) {
		e = pipe_wait_room(f, 1, dontwait);
		return e ? e : pipe_push(f->ip->pipe, io);
	}
	e = pipe_wait_bytes(f, dontwait);
	return e <= 0 ? e : pipe_pull(f->ip->pipe, io);
}

CALL4(vmsplice, fd, vector, count, flags)
{
	struct file *f;
	struct io io;
	long result;

	if ((uint32_t)flags & ~SPLICE_FLAGS)
		return -EINVAL;
	f = fd_file((int)fd);
	if (!f)
		return -EBADF;
	result = is_pipe(f) ? io_vector(&io, vector, count) : -EBADF;
	if (!result) {
		result = do_vmsplice(f, &io, (unsigned)flags);
		io_end(&io);
	}
	file_put(f);
	return result;
}
