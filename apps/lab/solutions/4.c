/* SPDX-License-Identifier: MIT */
/* Lab 4, a solution: one sealed link, and copies of what is written: at most two tables and a page each time. */
#include <base/string.h>
#include <lab4.h>

int64_t program_fork(const struct rt_regs *regs)
{
	/* On the program's stack, below its red zone: the child gets it with the rest. This write may fault. */
	struct rt_regs *copy = (struct rt_regs *)((regs->at.rsp - 128 - sizeof *copy) & -16ul);
	struct exo_env_spec spec;
	int64_t r = rt_env_prepare(&spec);

	*copy = *regs;
	copy->rax = 0;
	if (r >= 0)
		r = rt_env_home(&spec, (uint64_t)program_fork, EXO_AT_RW);
	if (r >= 0)
		r = rt_table(spec.frames[EXO_EF_ROOT], PROGRAM, 4);
	if (r < 0)
		return r;
	spec.frames[spec.frame_count++] = (uint32_t)r;
	r = gate_pt_link(spec.frames[EXO_EF_ROOT], EXO_AT_SEALED | 3, 1, 0);
	if (r < 0)
		return r;
	spec.rip = (uint64_t)rt_restore;
	spec.rsp = (uint64_t)copy;
	return gate_env_make(&spec);
}

/* In the home: no other program runs before this one yields. */
static uint8_t bytes[EXO_PAGE_SIZE];

static int64_t page_copy(uint64_t page)
{
	int64_t frame = rt_frame(), r;

	if (frame < 0)
		return frame;
	memcpy(bytes, (const void *)page, sizeof bytes);
	r = gate_pte_write(0, page | EXO_AT_GIVE | 1, 1,
		(uint64_t)frame << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX, 0, 0);
	if (r > 0)
		memcpy((void *)page, bytes, sizeof bytes);
	return r;
}

/* The table or page that the entry of that level names becomes the program's own. */
static int64_t own(uint64_t va, int level)
{
	uint64_t at = (va & -(EXO_PAGE_SIZE << 9 * (level - 1))) | (uint64_t)level;
	int64_t entry = rt_entry(va, level), r = 0;
	const volatile struct exo_frame_rec *frame = &rt_frames[((uint64_t)entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT];

	if (EXO_IS_ERROR(entry) || entry & EXO_PTE_RW)
		return EXO_IS_ERROR(entry) ? entry : 0;
	if ((level > 1 ? (uint32_t)(frame->glinks + frame->plinks) : frame->maps) > 1)
		return level > 1 ? rt_table_own(0, at | EXO_AT_GIVE) : page_copy(at & -EXO_PAGE_SIZE);
	if (!frame->owner) /* the others have let it go */
		r = gate_frame_adopt((uint64_t)(frame - rt_frames), at);
	if (r >= 0)
		r = gate_pte_write(0, at | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0);
	return EXO_IS_ERROR(r) ? r : 0;
}

int fork_fault(uint64_t address, uint64_t error)
{
	if (address < PROGRAM || address >= PROGRAM_END || ~error & 2)
		return 0;
	return own(address, 3) >= 0 && own(address, 2) >= 0 && own(address, 1) >= 0;
}
