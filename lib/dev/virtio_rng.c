/* SPDX-License-Identifier: MIT */
/* Driver of virtio entropy devices: one queue, one page, one question at a time. A device that never answers costs
 * nobody anything. */
#include <base/string.h>
#include <rt/rt.h>
#include <asm/errno.h>
#include "virtio_rng.h"

#define PAGE   ((uint32_t)EXO_PAGE_SIZE)

int vrng_open(struct vrng *r, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w)
{
	uint64_t features = 0;
	int error;

	(void)w;
	*r = (struct vrng){ 0 };
	error = virtio_open(&r->virtio, f, 0, &features, va, VRNG_SPACE);
	if (error)
		return error;
	error = virtio_queue(&r->virtio, &r->queue, 0, 1, VIRTIO_NO_MESSAGE);
	if (!error && !(r->page = pci_page(&r->virtio.pci, &r->address)))
		error = -ENOMEM;
	if (error)
		virtio_stop(&r->virtio);
	else
		virtio_start(&r->virtio);
	return error;
}

void vrng_ask(struct vrng *r, uint32_t n)
{
	if (r->is_asked || !r->page)
		return;
	r->is_asked = 1;
	virtqueue_put(&r->queue, 0, r->address, n < PAGE ? n : PAGE, 1);
	virtqueue_kick(&r->queue);
}

size_t vrng_take(struct vrng *r, void *to, size_t max)
{
	uint32_t written;
	unsigned id;
	size_t n;

	if (!r->is_asked || !virtqueue_take(&r->queue, &id, &written))
		return 0;
	r->is_asked = 0;
	n = written < PAGE ? written : PAGE;
	n = n < max ? n : max;
	memcpy(to, r->page, n);
	memset(r->page, 0, PAGE);
	return n;
}
