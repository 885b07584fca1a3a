/* SPDX-License-Identifier: MIT */
/* Memory that ring 3 named: reached only after a software walk of the caller's own root, one page at a time, read once. */
#include "kernel.h"

int64_t user_read(void *to, uint64_t from, uint64_t n)
{
	uint64_t *out = to;
	if (from & 7 || n & 7)
		return -EXO_EFAULT;
	while (n) {
		const volatile uint64_t *in = user_page(from, false);
		if (!in)
			return -EXO_EFAULT;
		uint64_t here = EXO_PAGE_SIZE - (from & (EXO_PAGE_SIZE - 1));
		if (here > n)
			here = n;
		from += here;
		n -= here;
		for (; here; here -= 8)
			*out++ = *in++;
	}
	return 0;
}

int64_t user_write(uint64_t to, const void *from, uint64_t n)
{
	const uint64_t *in = from;
	if (to & 7 || n & 7)
		return -EXO_EFAULT;
	while (n) {
		volatile uint64_t *out = user_page(to, true);
		if (!out)
			return -EXO_EFAULT;
		uint64_t here = EXO_PAGE_SIZE - (to & (EXO_PAGE_SIZE - 1));
		if (here > n)
			here = n;
		to += here;
		n -= here;
		for (; here; here -= 8)
			*out++ = *in++;
	}
	return 0;
}
