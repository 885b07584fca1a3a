/* SPDX-License-Identifier: MIT */
/* A program on lib/vm and what is below: an object and a pager of its own stand behind its mappings. */
#include <rt/rt.h>
#include <vm/needs.h>
#include <vm/vm.h>

#define PLACE 0x40000000ul
#define SIZE  (16 * PAGE)

/* What vm asks of whoever links it: first the object that is mapped. Each word of page i says i. */
struct inode { uint64_t *page[SIZE / PAGE]; unsigned references; };

void *inode_page(struct inode *ip, uint64_t index, int make)
{
	(void)make;
	if (index < SIZE / PAGE && !ip->page[index] && (ip->page[index] = data_page(ROOM_ANY)) != 0)
		for (unsigned i = 0; i < PAGE / sizeof index; i++)
			ip->page[index][i] = index;
	return index < SIZE / PAGE ? ip->page[index] : 0;
}

uint64_t inode_size(struct inode *ip) { return sizeof ip->page / sizeof *ip->page * PAGE; }
void inode_get(struct inode *ip) { ip->references++; }
void inode_put(struct inode *ip) { ip->references--; }

/* Then the pager. This one counts, and leaves the work to vm's. */
static unsigned faults;

int page_bring(uint64_t va, unsigned access)
{
	faults++;
	return page_serve(va, access);
}

/* rt calls this when memory is touched that is not there. */
void rt_on_fault(struct rt_regs *regs)
{
	int e = page_bring(regs->at.addr, regs->at.error & 2 ? PROT_WRITE : PROT_READ);

	if (e)
		rt_log("pager: fault %lu at %lx: %d", regs->at.vector, regs->at.addr, e), rt_off(1);
}

void app_main(exo_name self)
{
	static struct inode object;
	const struct map_file whole = { .inode = &object };
	volatile uint64_t *own = (volatile uint64_t *)PLACE, *shared;

	if (alone_start(self) < 0 || map_new(PLACE, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, &whole) < 0)
		rt_off(2);
	shared = (volatile uint64_t *)map_shared(&object, 0, SIZE, PROT_READ | PROT_WRITE, 0);
	rt_page()->disabled = 0;
	own[3 * 512] += 100;    /* in a copy of its own */
	shared[4 * 512] += 100; /* in the object's page */
	rt_log("pager: own %lu %lu, shared %lu %lu", own[3 * 512], own[4 * 512], shared[3 * 512], shared[4 * 512]);
	rt_log("pager: %u faults, %u references", faults, object.references);
	rt_off(map_remove(PLACE, PLACE + SIZE) || object.references != 1);
}
