/* SPDX-License-Identifier: MIT */
/* futex(2) for processes of one thread: what waits can only be another process that shares the page, so a wake-up reaches all sleepers of the family
 * and each looks at its word again (the caller of FUTEX_WAIT has to bear waking without cause anyway). Requeueing and priority inheritance: not here. */
#include <linux/futex.h>
#include "calls.h"
#include "family.h"
#include "signals.h"

#define NS 1000000000ul

static long futex_wait(uint64_t word, uint32_t expected, uint64_t timeout, int command, int wall)
{
	uint64_t deadline = 0;
	int64_t wait[2];
	uint32_t value;
	int result;

	if (timeout) {
		if (user_read(wait, timeout, sizeof wait))
			return -EFAULT;
		if (wait[0] < 0 || wait[1] < 0 || wait[1] >= (int64_t)NS)
			return -EINVAL;
		uint64_t ns = (uint64_t)wait[0] * NS + (uint64_t)wait[1], now = clock_ns();
		if (command == FUTEX_WAIT)
			deadline = now + ns;
		else {
			uint64_t since = wall ? clock_wall_ns() : now;
			deadline = ns > since ? now + (ns - since) : 1;
		}
	}
	if (user_read(&value, word, sizeof value))
		return -EFAULT;
	if (value != expected)
		return -EAGAIN;
	result = sleep_on(&F->spare_slot[1], deadline);
	return result == -EINTR ? timeout ? -EINTR : -ERESTARTSYS : result;
}

CALL6(futex, word, operation, value, timeout, word2, value3)
{
	int command = (int)operation & FUTEX_CMD_MASK;

	(void)word2;
	if (word % 4)
		return -EINVAL;
	switch (command) {
	case FUTEX_WAIT_BITSET:
		if (!(uint32_t)value3)
			return -EINVAL;
		/* fall through */
	case FUTEX_WAIT:
		return futex_wait(word, (uint32_t)value, timeout, command, (operation & FUTEX_CLOCK_REALTIME) != 0);
	case FUTEX_WAKE_BITSET:
		if (!(uint32_t)value3)
			return -EINVAL;
		/* fall through */
	case FUTEX_WAKE:
		if (!(operation & FUTEX_PRIVATE_FLAG))
			wake_up(&F->spare_slot[1]);
		return 0;
	}
	return -ENOSYS;
}
