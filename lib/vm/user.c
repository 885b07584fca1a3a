/* SPDX-License-Identifier: MIT */
/* The only ways to memory that a program named. Pages come in by faults on the way; what cannot be served is -EFAULT. */
#include <base/string.h>
#include <run/run.h>
#include "vm.h"
#include <linux/time_types.h>

/* Whole in one home that another library OS has, as a member links it that was let in (home_set, OPEN). */
static int is_others(uint64_t va, uint64_t end)
{
	uint64_t unit = EXO_HOME_OF(va), owner;

	if (va < EXO_HOMES_BASE || end <= va || end > EXO_WINDOW || EXO_HOME_OF(end - 1) != unit)
		return 0;
	owner = rt_homes[unit].owner;
	return owner && rt_envs[owner].name != SAID->monitor &&
		rt_envs[owner].account != rt_envs[EXO_NAME_INDEX(P->self)].account;
}

int user_range_high(uint64_t va, uint64_t n)
{
	uint64_t end = va + n, home = SPACE->home_base, slot = home & -EXO_SLOT_SIZE;

	if (va < USER_HIGH || end < va || end > EXO_WINDOW)
		return is_others(va, end);
	if (!home || end <= slot || va >= slot + EXO_SLOT_SIZE)
		return 1;
	return va >= home && end <= home + SPACE->home_count * EXO_HOME_SIZE;
}

int user_read(void *to, uint64_t from, size_t n)
{
	if (!n)
		return 0;
	return user_range_ok(from, n) ? user_copy(to, (const void *)from, n) : -EFAULT;
}

int user_write(uint64_t to, const void *from, size_t n)
{
	if (!n)
		return 0;
	return user_range_ok(to, n) ? user_copy((void *)to, from, n) : -EFAULT;
}

long user_str(char *to, uint64_t from, size_t max)
{
	size_t done = 0;

	while (done < max) {
		size_t n = 64 - (from + done) % 64, length; /* never over a page's end */

		if (n > max - done)
			n = max - done;
		if (user_read(to + done, from + done, n))
			return -EFAULT;
		length = strnlen(to + done, n);
		if (length < n)
			return (long)(done + length);
		done += n;
	}
	return -ENAMETOOLONG;
}

int timespec_read(uint64_t from, uint64_t *ns)
{
	struct __kernel_timespec t;

	return user_read(&t, from, sizeof t) ? -EFAULT : timespec_ns(&t, ns);
}
