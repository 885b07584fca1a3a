/* SPDX-License-Identifier: MIT */
/* Fork as a library function: one sealed link to the parent's level-2 table, then a copy of what is written: two tables and a page. */
#include <base/string.h>
#include "mini.h"

static struct exo_env_spec child_spec;
static struct rt_regs child_regs;
static uint8_t child_stack[EXO_PAGE_SIZE] __attribute__((aligned(16))), bounce[EXO_PAGE_SIZE];

static void child_start(struct rt_regs *regs)
{
	turn_begin();
	regs->rax = 0;
	rt_page()->disabled = 0;
	rt_resume(regs);
}

int64_t program_fork(const struct rt_regs *regs)
{
	struct exo_env_spec *spec = &child_spec;
	int64_t r = rt_env_prepare(spec), slot;

	if (r < 0 || (r = rt_env_home(spec, (uint64_t)&mini, EXO_AT_RW)) < 0)
		return r;
	if ((slot = rt_table(spec->frames[EXO_EF_ROOT], PROGRAM_TOP, 4)) < 0)
		return slot;
	spec->frames[spec->frame_count++] = (uint32_t)slot;
	/* Slot 0 is private in every root; the level-3 entry 0 holds all that the program has. */
	if ((r = gate_pt_link(spec->frames[EXO_EF_ROOT], EXO_AT_SEALED | 3, 1, 0)) < 0)
		return r;
	child_regs = *regs;
	spec->rip = (uint64_t)child_start;
	spec->rsp = (uint64_t)(child_stack + sizeof child_stack - 8);
	spec->rdi = (uint64_t)&child_regs;
	spec->disabled = 1;
	return gate_env_make(spec);
}

/* Makes the table or page below the entry of `level` at va the caller's own and writable: 0 or an error. */
static int64_t entry_own(uint64_t va, int level)
{
	uint64_t at = (va & -(EXO_PAGE_SIZE << 9 * (level - 1))) | (uint64_t)level;
	int64_t entry = rt_entry(va, level), fresh, r = 1;
	const volatile struct exo_frame_rec *frame = &rt_frames[(entry & EXO_PTE_ADDR) / EXO_PAGE_SIZE];

	if (EXO_IS_ERROR(entry) || entry & EXO_PTE_RW)
		return EXO_IS_ERROR(entry) ? entry : 0;
	if ((level > 1 ? frame->glinks + frame->plinks : (int)frame->maps) == 1) {
		/* The last one left: takes over what the others disowned. */
		if (!frame->owner && (r = gate_frame_adopt((uint64_t)(frame - rt_frames), at)) < 0)
			return r;
		r = gate_pte_write(0, at | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0);
		return EXO_IS_ERROR(r) ? r : 0;
	}
	if (level > 1) {
		mini.tables_copied++;
		return rt_table_own(0, at | EXO_AT_GIVE);
	}
	if ((fresh = rt_frame()) < 0)
		return fresh;
	memcpy(bounce, (void *)(va & -EXO_PAGE_SIZE), sizeof bounce);
	r = gate_pte_write(0, at | EXO_AT_GIVE, 1, (uint64_t)fresh << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX, 0, 0);
	if (r > 0)
		memcpy((void *)(va & -EXO_PAGE_SIZE), bounce, sizeof bounce);
	mini.pages_copied++;
	return r;
}

void rt_on_fault(struct rt_regs *regs)
{
	int64_t r = regs->at.vector == 14 && regs->at.error & 2 && regs->at.addr < PROGRAM_TOP ? 0 : -EXO_EFAULT;

	for (int level = 3; level >= 1 && r >= 0; level--)
		r = entry_own(regs->at.addr, level);
	if (r < 0)
		rt_log("mini: fault %lu, error %lx, address %lx, rip %lx", regs->at.vector, regs->at.error, regs->at.addr, regs->at.rip);
	must(r, "fault");
}
