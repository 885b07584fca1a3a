/* SPDX-License-Identifier: MIT */
/* Opening the ends of pipes and fifos: pipe(2), open of a fifo with its waiting, and the three that connect init with the first program. */
#include "pipe.h"

static struct file *pipe_file(struct inode *ip, unsigned flags)
{
	struct file *f = file_new(ip, &pipe_ops, flags);

	if (!f)
		return NULL;
	if (file_reads(f)) {
		ip->pipe->readers++;
		ip->pipe->reader_opens++;
	}
	if (file_writes(f)) {
		ip->pipe->writers++;
		ip->pipe->writer_opens++;
	}
	return f;
}

/* Waits for the other side, which may come and be gone again before this process runs: so a count of opens is watched. */
static int fifo_wait(struct file *f, const uint32_t *opens, const uint32_t *now)
{
	uint32_t before = *opens;

	while (!*now && *opens == before)
		if (sleep_on(&f->ip->pipe->reader_opens, 0) == -EINTR)
			return -ERESTARTSYS;
	return 0;
}

/* A pipe that is opened again, by way of /proc/self/fd, waits for nobody: its other side may be gone for good. */
int fifo_open(struct inode *ip, unsigned flags, struct file **out)
{
	struct pipe *p = ip->pipe;
	struct file *f;
	int error = 0, alone_fails = (flags & O_ACCMODE) == O_WRONLY && (flags & O_NONBLOCK) && ip->kind == KIND_TREE;

	if (!p) {
		p = fam_alloc(sizeof(*p));
		if (!p)
			return -ENOMEM;
		pipe_init(p, ip);
		ip->pipe = p;
	}
	alone_fails = alone_fails && !p->readers;
	f = alone_fails ? NULL : pipe_file(ip, flags);
	if (!f) {
		if (!p->readers && !p->writers && ip->kind == KIND_TREE) {
			pipe_inode_free(ip);
			ip->pipe = NULL;
		}
		return alone_fails ? -ENXIO : -ENOMEM;
	}
	wake_up(&p->reader_opens);
	if (!(flags & O_NONBLOCK) && ip->kind == KIND_TREE && (flags & O_ACCMODE) == O_RDONLY)
		error = fifo_wait(f, &p->writer_opens, &p->writers);
	else if (!(flags & O_NONBLOCK) && ip->kind == KIND_TREE && (flags & O_ACCMODE) == O_WRONLY)
		error = fifo_wait(f, &p->reader_opens, &p->readers);
	if (error) {
		file_put(f);
		return error;
	}
	*out = f;
	return 0;
}

static long pipe_make(uint64_t fds, unsigned flags)
{
	struct file_state *fs = current_files();
	struct file *r = NULL, *w = NULL;
	struct pipe *p;
	struct inode *ip;
	int fd[2], error = -ENOMEM;

	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	p = pipe_new();
	if (!p)
		return -ENFILE;
	ip = p->ip;
	r = pipe_file(ip, O_RDONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	w = r ? pipe_file(ip, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT))) : NULL;
	inode_put(ip); /* the two files hold it now */
	if (!w) {
		if (r)
			file_put(r);
		return -ENFILE;
	}
	fd[0] = fd_new(fs, r, 0, !!(flags & O_CLOEXEC));
	if (fd[0] < 0) {
		file_put(w);
		return fd[0];
	}
	fd[1] = fd_new(fs, w, 0, !!(flags & O_CLOEXEC));
	if (fd[1] < 0) {
		fd_close(fs, fd[0]);
		return fd[1];
	}
	error = user_write(fds, fd, sizeof(fd));
	if (error) {
		fd_close(fs, fd[0]);
		fd_close(fs, fd[1]);
	}
	return error;
}

CALL1(pipe, fds)
{
	return pipe_make(fds, 0);
}

CALL2(pipe2, fds, flags)
{
	if (flags & O_EXCL) /* O_NOTIFICATION_PIPE, as without CONFIG_WATCH_QUEUE */
		return -ENOPKG;
	return pipe_make(fds, (unsigned)flags);
}

/* Init keeps the other end of each: the references that pipe_new made. */
int files_open_pipes(struct file_state *fs, struct pipe *in, struct pipe *out, struct pipe *err)
{
	struct pipe *pipes[3] = { in, out, err };

	for (int i = 0; i < 3; i++) {
		struct file *f = pipe_file(pipes[i]->ip, i ? O_WRONLY : O_RDONLY);
		int fd;

		if (!f)
			return -ENOMEM;
		fd = fd_new(fs, f, 0, 0);
		if (fd < 0)
			return fd;
	}
	in->writers++;
	out->readers++;
	if (err != out)
		err->readers++;
	return 0;
}
