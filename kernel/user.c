/* SPDX-License-Identifier: MIT */
/* Memory that ring 3 named: reached only after a software walk of the caller's own root, one page at a time, read once. */
#include "kernel.h"

volatile uint64_t *user_word(struct user_cursor *c, uint64_t va, bool write)
{
	uint64_t offset = va & (EXO_PAGE_SIZE - 1);
	if (va & 7)
		return NULL;
	if (!c->at || va - offset != c->page) {
		c->page = va - offset;
		c->at = user_page(c->page, write);
		if (!c->at)
			return NULL;
	}
	return (volatile uint64_t *)(c->at + offset);
}

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
