/* SPDX-License-Identifier: MIT */
/* Leftist heaps (Crane 1972; Knuth, The Art of Computer Programming, 5.2.3): no way to the right is longer than the
 * logarithm, and all merging goes along those. */
#include <stddef.h>
#include <family/family.h>
#include "due.h"

static uint32_t rank_of(const struct due *d) { return d ? d->rank : 0; }

static int is_before(const struct due *a, const struct due *b)
{
	return a->at == b->at ? a->order < b->order : a->at < b->at;
}

/* Gives d its rank, by the children that it has now: true when that is another one. */
static int rank_set(struct due *d)
{
	struct due *left = d->left;
	uint32_t before = d->rank;

	if (rank_of(left) < rank_of(d->right)) {
		d->left = d->right;
		d->right = left;
	}
	d->rank = rank_of(d->right) + 1;
	return d->rank != before;
}

/* Both are roots or NULL; so is what becomes of them. */
static struct due *merge(struct due *a, struct due *b)
{
	struct due *root = NULL, *up = NULL, **at = &root;

	while (a && b) {
		struct due *first = is_before(b, a) ? b : a;

		if (first == b)
			b = a;
		*at = first;
		first->up = up;
		up = first;
		at = &first->right;
		a = first->right;
	}
	a = a ? a : b;
	*at = a;
	if (a)
		a->up = up;
	for (; up; up = up->up)
		(void)rank_set(up);
	return root;
}

void due_put(struct due **heap, struct due *d, uint64_t at)
{
	*d = (struct due){ .at = at, .order = F->due_order++, .rank = 1 };
	*heap = merge(*heap, d);
}

void due_take(struct due **heap, struct due *d)
{
	struct due *up = d->up, *rest, **at = heap;

	if (!d->rank)
		return;
	if (up)
		at = up->left == d ? &up->left : &up->right;
	if (d->left)
		d->left->up = NULL;
	if (d->right)
		d->right->up = NULL;
	rest = merge(d->left, d->right);
	*at = rest;
	if (rest)
		rest->up = up;
	while (up && rank_set(up))
		up = up->up;
	d->rank = 0;
}

struct due *due_all(struct due **heap)
{
	struct due *all = NULL, *left = *heap; /* left: roots of what is to be gone through, by `up` */

	*heap = NULL;
	while (left) {
		struct due *d = left;

		left = d->up;
		if (d->left) {
			d->left->up = left;
			left = d->left;
		}
		if (d->right) {
			d->right->up = left;
			left = d->right;
		}
		d->rank = 0;
		d->up = all;
		all = d;
	}
	return all;
}
