/* SPDX-License-Identifier: MIT */
/* PCI functions, bound by fuzzers that have the machine right: their memory mapped and read, messages bound, frames
 * pinned that are then given, retyped or unmapped. Only virtio's, which do nothing before their driver tells them to,
 * and which nobody tells here: a device that is used could write anywhere. */
#include <exo/pci.h>
#include "fuzz.h"

#define TABLE ((const volatile struct exo_pci *)EXO_PCI)
enum { VIRTIO = 0x1af4 };

static int64_t call(struct fuzzer *f, int op, uint64_t a, uint64_t b, uint64_t c)
{ return fuzz_call(f, op, (uint64_t[6]){ a, b, c, 0, 0, 0 }); }

static int64_t bind(struct fuzzer *f, int kind, uint64_t base, uint64_t n)
{ return call(f, EXO_GATE_dev_bind, (uint64_t)kind, base, n); }

static int64_t write(struct fuzzer *f, uint64_t at, uint64_t entry)
{ return fuzz_call(f, EXO_GATE_pte_write, (uint64_t[6]){ 0, at, 1, entry, 0, 0 }); }

/* NULL: the machine has none. */
static const volatile struct exo_pci *function_any(struct fuzzer *f)
{
	for (uint64_t i = 0, at = fuzz_below(f, rt_info->pci_count + 1); i < rt_info->pci_count; i++) {
		const volatile struct exo_pci *p = &TABLE[(at + i) % rt_info->pci_count];

		if (p->bindable && (p->config_word[0] & 0xffff) == VIRTIO)
			return p;
	}
	return 0;
}

uint64_t fuzz_function(struct fuzzer *f)
{
	const volatile struct exo_pci *p = function_any(f);

	return p ? p->bdf : 0;
}

/* A page of its registers, read; often it stays mapped, and is forgotten: rt_frames has no record of it. */
static void memory_read(struct fuzzer *f, const volatile struct exo_pci *p)
{
	const volatile struct exo_pci_bar *b = &p->bar[fuzz_below(f, EXO_PCI_BARS)];
	uint32_t at = (uint32_t)fuzz_below(f, PLACES);
	uint64_t va = fuzz_place(f, at), page = fuzz_below(f, b->size / EXO_PAGE_SIZE + 1) * EXO_PAGE_SIZE;

	if (b->kind != EXO_PCI_MEM)
		return;
	if (write(f, va | 1, ((b->base + page) & EXO_PTE_ADDR) | EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX) != 1)
		return;
	fuzz_touch(va, 0);
	if (fuzz_below(f, 2))
		(void)write(f, va | 1, 0);
	f->place[at] = 0;
}

/* What a pin must forbid is tried; one pin in four stays until the driver's end. */
static void frame_pin(struct fuzzer *f)
{
	uint32_t at = fuzz_place_own(f);
	uint64_t va = fuzz_place(f, at < PLACES ? at : 0);
	int64_t pfn = bind(f, EXO_DEV_DMA, va | (fuzz_below(f, 2) ? EXO_DMA_WRITE : 0), 1);

	if (pfn < 0)
		return;
	switch (fuzz_below(f, 5)) {
	case 0: (void)call(f, EXO_GATE_frame_give, (uint64_t)pfn, 1, fuzz_below(f, 2) * f->child); break;
	case 1: (void)call(f, EXO_GATE_frame_type, (uint64_t)pfn, 1, EXO_PT1); break;
	case 2: (void)write(f, va | EXO_AT_GIVE | 1, 0); break;
	case 3: (void)bind(f, EXO_DEV_DMA, va, 1); break;
	}
	if (fuzz_below(f, 4))
		(void)bind(f, EXO_DEV_DMA_END, (uint64_t)pfn, 1);
}

void fuzz_drive(struct fuzzer *f)
{
	const volatile struct exo_pci *p = function_any(f);

	if (!p)
		return;
	if (p->holder != rt_self())
		(void)bind(f, EXO_DEV_PCI, p->bdf, 1);
	memory_read(f, p);
	if (p->bar[0].kind == EXO_PCI_IO)
		fuzz_port(p->bar[0].base + fuzz_below(f, p->bar[0].size + 2));
	(void)bind(f, EXO_DEV_MSI, p->bdf, fuzz_below(f, p->messages + 1u));
	(void)bind(f, EXO_DEV_MASTER, p->bdf, 1);
	frame_pin(f);
	/* Its child drives too, as far as it comes. */
	if (f->slot < FUZZERS && fuzz_env_state(f->child) != EXO_S_FREE && fuzz_below(f, 8) == 0)
		(void)call(f, EXO_GATE_env_set, f->child, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE);
}
