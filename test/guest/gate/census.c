/* SPDX-License-Identifier: MIT */
/* A census of addresses, made by ring 3 out of the tables themselves, mapped read-only: in all roots that the first env may read, does each address outside private
 * slots name one frame (rule 2)? The kernel that recounts asks the same of all roots after every op. */
#include <base/string.h>
#include "gate.h"

#define NAMES 16384 /* a power of 2 */
static struct { uint64_t va, pfn; } name[NAMES];
static struct { uint64_t mapped, global, private, disagree, tables; } census;
static struct exo_env_spec spec[3];

static void nothing(uint64_t argument) { (void)argument; }

static void name_add(uint64_t va, uint64_t pfn)
{
	uint64_t at = (va >> EXO_PAGE_SHIFT) * 0x9e3779b97f4a7c15ul >> 50;

	while (name[at].va && name[at].va != va)
		at = (at + 1) % NAMES;
	if (!name[at].va) {
		name[at].va = va;
		name[at].pfn = pfn;
		census.global++;
	} else if (name[at].pfn != pfn) {
		census.disagree++;
	}
}

static void table_read(uint64_t pfn, int level, uint64_t base, int private)
{
	volatile uint64_t *table = (volatile uint64_t *)(T + 0x100000 + (uint64_t)level * PAGE);

	(void)rt_map(0, (uint64_t)table, pfn, 1, NX);
	census.tables++;
	for (uint64_t i = 0; i < (level == 4 ? 255 : 512); i++) {
		uint64_t e = table[i], va = base + (i << (12 + 9 * (level - 1)));
		int own = level == 4 ? i == 0 || e & EXO_LINK_BIT_PRIVATE : private;

		if (!(e & EXO_PTE_P))
			continue;
		if (level > 1) {
			table_read(PFN(e), level - 1, va, own);
			continue;
		}
		if (va - (T + 0x100000) < 8 * PAGE)
			continue; /* through which we read */
		census.mapped++;
		if (own)
			census.private++;
		else
			name_add(va, PFN(e));
	}
	(void)rt_unmap(0, (uint64_t)table, 1, 0);
}

/* Roots of every kind: with the app's home and another, with rights of all degrees, with pages of their own at equal addresses, with what a fork child has. */
void space_census(void)
{
	uint64_t i;

	CHECK(home_new(H3) && page_new(H3 + 0x200000, RW | NX) && page_new(T + 0x200000, RW | NX));
	for (i = 0; i < 3; i++) {
		uint64_t root;

		IS(rt_env_prepare(&spec[i]), 0);
		root = spec[i].frames[EXO_EF_ROOT];
		IS(rt_env_home(&spec[i], (uint64_t)actor, EXO_AT_RW | EXO_AT_REMAP), 0);
		if (i < 2)
			IS(rt_env_home(&spec[i], H3, i ? EXO_AT_RW : 0), 0);
		else
			IS(gate_home_set(root, EXO_HOME_PRIVATE, H3 & -EXO_SLOT_SIZE, 1), 1);
		if (i == 2) {
			IS(rt_env_pages(&spec[i], T, 1, RW | NX, 0), 0);
			IS(gate_pt_link(root, (T + 0x200000) | EXO_AT_SEALED | 2, 1, 0), 1);
		}
		IS(rt_env_pages(&spec[i], T + 0x600000, 1, RW | NX, 0), 0);
		if (i == 2) /* the same address as H3's, and another frame: in a slot that it declared its own */
			IS(rt_env_pages(&spec[i], H3, 1, RW | NX, 0), 0);
	}
	memset(name, 0, sizeof name);
	memset(&census, 0, sizeof census);
	table_read(rt_envs[ME].root, 4, 0, 0);
	for (i = 0; i < 3; i++)
		table_read(spec[i].frames[EXO_EF_ROOT], 4, 0, 0);
	rt_log("space: %lu frames mapped, %lu global names, %lu private entries, disagreements %lu; %lu tables of 4 roots read, %lu recounts by the kernel",
		census.mapped, census.global, census.private, census.disagree, census.tables, rt_info->recounts);
	/* Names that several roots have: the app's own, whatever the root image adds to the first env's. */
	CHECK(census.global > 100 && census.private >= 5 && census.mapped > census.global + 300);
	IS(census.disagree, 0);
	/* Made and ended, so that all their tables go; then ours. */
	for (i = 0; i < 3; i++) {
		int64_t made;

		spec[i].rip = (uint64_t)nothing;
		made = gate_env_make(&spec[i]);
		CHECK(made > 0);
		rt_env_end((exo_name)made);
	}
	CHECK(gate_pte_write(0, (T + 0x200000) | EXO_AT_CHANGE | 2, 1, RW, RW, 0) > 0);
	IS(rt_unmap(0, T + 0x200000, 1, 1), 0);
	IS(gate_pte_write(0, (T + 0x200000) | EXO_AT_GIVE | 2, 1, 0, 0, 0), 1);
	IS(rt_unmap(0, H3, 0x201, 1), 0);
	IS(gate_pte_write(0, H3 | EXO_AT_GIVE | 2, 2, 0, 0, 0), 2);
	IS(gate_pte_write(0, H3 | EXO_AT_GIVE | 3, 1, 0, 0, 0), 1);
	IS(gate_home_set(0, EXO_HOME_RELEASE, H3, 1), 1);
	IS(gate_pte_write(0, (H3 & -EXO_SLOT_SIZE) | EXO_AT_GIVE | 4, 1, 0, 0, 0), 1);
}
