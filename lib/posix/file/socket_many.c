/* SPDX-License-Identifier: MIT */
/* sendmmsg and recvmmsg: several messages by one call. What went wrong after the first is told by the next call, where there is a place to keep it. */
#include <linux/time.h>
#include <fs/poll.h>
#include "socket_message.h"

#define MSG_WAITFORONE 0x10000u
#define VECTOR_MAX     1024u   /* UIO_MAXIOV */

struct header_and_size { struct header header; uint32_t size, pad; };
_Static_assert(sizeof(struct header_and_size) == 64, "struct mmsghdr");

static long size_write(uint64_t at, long size)
{
	uint32_t n = (uint32_t)size;

	return user_write(at + offsetof(struct header_and_size, size), &n, sizeof(n));
}

CALL4(sendmmsg, fd, vector, count, flags)
{
	uint32_t n = (uint32_t)min_u64((uint32_t)count, VECTOR_MAX), i = 0;
	long result = 0;

	/* None of none: but the descriptor must be a socket. */
	if (!n) {
		struct file *f;

		if (!socket_of(fd, &f, &result))
			return result;
		file_put(f);
		return 0;
	}
	for (; i < n && result >= 0; i++) {
		uint64_t at = vector + i * sizeof(struct header_and_size);

		result = sys_sendmsg(fd, at, (uint32_t)flags, 0, 0, 0);
		if (result >= 0)
			result = size_write(at, result);
		if (result < 0)
			break;
	}
	return i ? (long)i : result;
}

CALL5(recvmmsg, fd, vector, count, flags, timeout)
{
	uint32_t n = (uint32_t)min_u64((uint32_t)count, VECTOR_MAX), i = 0, how = (uint32_t)flags;
	uint64_t deadline;
	int error = timespec_deadline(timeout, &deadline);
	long result = error;
	struct file *f;
	struct socket *s;

	if (error)
		return error;
	s = socket_of(fd, &f, &result);
	if (!s)
		return result;
	if (s->error) {
		result = -s->error;
		s->error = 0;
		n = 0;
	}
	for (; i < n; i++) {
		uint64_t at = vector + i * sizeof(struct header_and_size);

		result = sys_recvmsg(fd, at, how & ~MSG_WAITFORONE, 0, 0, 0);
		if (result >= 0)
			result = size_write(at, result);
		if (result < 0)
			break;
		if (how & MSG_WAITFORONE)
			how |= MSG_DONTWAIT;
		/* Linux looks at the time after each message, not while it waits for one. */
		if (timeout && (!deadline || (deadline != NEVER && clock_ns() >= deadline))) {
			i++;
			break;
		}
	}
	if (i && result < 0 && result != -EAGAIN && result != -EFAULT && result != -ERESTARTSYS && result != -EINTR)
		s->error = (int)-result;
	file_put(f);
	return i ? (long)i : result;
}
