/* SPDX-License-Identifier: MIT */
/* For an app that is a family of one env: its beginning, and what needs.h wants where there are no files, limits or
 * processes. Not part of the Linux library OS. Each of these names gives way to one of the app's own. */
#include <rt/rt.h>
#include "needs.h"
#include "vm.h"

int64_t alone_start(exo_name self)
{
	const struct rt_box *box = rt_box();
	uint64_t entry[EXO_ENTRY_COUNT];
	int64_t r;

	env_entries(entry);
	r = env_first(self, box ? box->base : FIRST_FAMILY, entry);
	if (r >= 0)
		r = said_start(sizeof(struct said));
	if (r < 0)
		return r;
	SAID->keeper = self;
	P->is_keeper = 1;
	r = family_start();
	if (r < 0)
		return r;
	regions_open();
	F->regions_most = (int32_t)regions_max();
	SPACE->mmap_top = MMAP_TOP;
	return 0;
}

#define NEED __attribute__((weak))
NEED void *inode_page(struct inode *ip, uint64_t index, int make) { (void)ip; (void)index; (void)make; return 0; }
NEED uint64_t inode_size(struct inode *ip) { (void)ip; return 0; }
NEED void inode_get(struct inode *ip) { (void)ip; }
NEED void inode_put(struct inode *ip) { (void)ip; }
NEED void inode_maps_count(struct inode *ip, int n) { (void)ip; (void)n; }
NEED void env_entries(uint64_t entry[EXO_ENTRY_COUNT]) { rt_entries_fill(entry); }
NEED int page_bring(uint64_t va, unsigned access) { return page_serve(va, access); }
NEED uint64_t current_limit(int which) { (void)which; return ~0ul; }
NEED void space_note(enum space_news news) { (void)news; }
NEED void fault_note(void) {}
