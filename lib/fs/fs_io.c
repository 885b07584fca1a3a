/* SPDX-License-Identifier: MIT */
/* Cursor over the memory that a read fills or a write drains: user memory in one or several pieces, or library
 * memory. */
#include "files.h"

static const char zeros[PAGE];

/* `small` stays as it is: nothing reads it before io_vector fills it. */
static void io_begin(struct io *io, char *lib, uint64_t base, size_t n)
{
	io->lib = lib;
	io->base = base;
	io->left = io->total = n;
	io->piece = io->allocated = NULL;
	io->pieces = 0;
}

void io_user(struct io *io, uint64_t base, size_t n)
{
	io_begin(io, NULL, base, min_u64(n, RW_MAX));
}

void io_lib(struct io *io, void *p, size_t n)
{
	io_begin(io, p, 0, n);
}

int io_vector(struct io *io, uint64_t vector, uint64_t count)
{
	struct iovec *list = io->small;
	uint64_t total = 0;
	int error;

	io_begin(io, NULL, 0, 0);
	if (count > 1024)
		return -EINVAL;
	if (count > 8) {
		list = io->allocated = fam_alloc(count * sizeof(*list));
		if (!list)
			return -ENOMEM;
	}
	error = user_read(list, vector, count * sizeof(*list));
	for (uint64_t i = 0; !error && i < count; i++) {
		if ((int64_t)list[i].iov_len < 0)
			error = -EINVAL;
		if (list[i].iov_len > RW_MAX - total)
			list[i].iov_len = RW_MAX - total;
		total += list[i].iov_len;
	}
	if (error) {
		io_end(io);
		return error;
	}
	io->piece = list;
	io->pieces = (unsigned)count;
	io->total = total;
	return 0;
}

void io_end(struct io *io)
{
	fam_free(io->allocated);
	io->allocated = NULL;
}

/* Makes the current piece a non-empty one. */
static void io_next(struct io *io)
{
	while (!io->left) {
		io->base = (uint64_t)(uintptr_t)io->piece->iov_base;
		io->left = io->piece->iov_len;
		io->piece++;
		io->pieces--;
	}
}

/* After a fault: how many bytes can be moved after all, up to the first page that cannot. */
static size_t bytes_before_fault(const struct io *io, char *to, const char *from, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t part = min_u64(PAGE - (io->base + done) % PAGE, n - done);

		if (to ? user_read(to + done, io->base + done, part) : user_write(io->base + done, from + done, part))
			break;
		done += part;
	}
	return done;
}

/* Even when it fails, io stands behind what was moved. */
static int io_move(struct io *io, void *to, const void *from, size_t n)
{
	family_progress();
	while (n) {
		size_t part;
		int error = 0;

		io_next(io);
		part = min_u64(n, io->left);
		if (io->lib) {
			memcpy(to ? to : io->lib, from ? from : io->lib, part);
			io->lib += part;
		} else if (to) {
			error = user_read(to, io->base, part);
		} else {
			error = user_write(io->base, from, part);
		}
		if (error)
			part = bytes_before_fault(io, to, from, part);
		io->base += part;
		io->left -= part;
		io->total -= part;
		n -= part;
		if (error)
			return error;
		if (to)
			to = (char *)to + part;
		else
			from = (const char *)from + part;
	}
	return 0;
}

int io_put(struct io *io, const void *from, size_t n)
{
	return io_move(io, NULL, from, n);
}

int io_get(struct io *io, void *to, size_t n)
{
	return io_move(io, to, NULL, n);
}

int io_zero(struct io *io, size_t n)
{
	int error = 0;

	while (n && !error) {
		size_t part = min_u64(n, PAGE);

		error = io_put(io, zeros, part);
		n -= part;
	}
	return error;
}
