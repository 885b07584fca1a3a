/* SPDX-License-Identifier: MIT */
/* ELF headers, checked: nothing that elf_parse accepts can make a loader's sums wrap or read outside the file. */
#include "elf.h"
#include "string.h"

#define ELF_REFUSED (-8) /* ENOEXEC */
#define ELF_PAGE 4096u

static int range_ok(uint64_t from, uint64_t size, uint64_t limit)
{
	return from <= limit && size <= limit - from;
}

static int header_parse(const Elf64_Ehdr *eh, size_t head_size, uint64_t file_size)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB
	    || eh->e_ident[EI_VERSION] != EV_CURRENT || eh->e_version != EV_CURRENT || eh->e_machine != EM_X86_64)
		return ELF_REFUSED;
	if ((eh->e_type != ET_EXEC && eh->e_type != ET_DYN) || eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum)
		return ELF_REFUSED;
	if (head_size > file_size)
		head_size = file_size;
	return range_ok(eh->e_phoff, eh->e_phnum * sizeof(Elf64_Phdr), head_size) ? 0 : ELF_REFUSED;
}

static int load_parse(const Elf64_Phdr *ph, const Elf64_Ehdr *eh, struct elf_image *out)
{
	uint64_t headers = eh->e_phnum * sizeof *ph;

	if (!ph->p_memsz)
		return 0;
	if (out->load_count == ELF_LOADS || ph->p_vaddr > UINT64_MAX - ELF_PAGE - ph->p_memsz || ph->p_memsz > UINT64_MAX - ELF_PAGE)
		return ELF_REFUSED;
	if (out->load_count && ph->p_vaddr < out->high)
		return ELF_REFUSED;
	if (ph->p_filesz && (ph->p_offset - ph->p_vaddr) % ELF_PAGE)
		return ELF_REFUSED;
	if (!out->load_count)
		out->low = ph->p_vaddr & ~(uint64_t)(ELF_PAGE - 1);
	out->high = ph->p_vaddr + ph->p_memsz;
	/* As Linux does: an alignment that is no power of two counts for nothing. */
	if (ph->p_align > out->align && !(ph->p_align & (ph->p_align - 1)))
		out->align = ph->p_align;
	if (!out->phdr_va && eh->e_phoff >= ph->p_offset && range_ok(eh->e_phoff - ph->p_offset, headers, ph->p_filesz))
		out->phdr_va = ph->p_vaddr + (eh->e_phoff - ph->p_offset);
	out->load[out->load_count++] = (struct elf_segment){ ph->p_offset, ph->p_vaddr, ph->p_filesz, ph->p_memsz, ph->p_flags & (PF_R | PF_W | PF_X) };
	return 0;
}

int elf_parse(const void *head, size_t head_size, uint64_t file_size, struct elf_image *out)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	if (head_size < sizeof eh)
		return ELF_REFUSED;
	memcpy(&eh, head, sizeof eh);
	if (header_parse(&eh, head_size, file_size) < 0)
		return ELF_REFUSED;
	memset(out, 0, sizeof *out);
	out->type = eh.e_type;
	out->phnum = eh.e_phnum;
	out->entry = eh.e_entry;
	out->align = ELF_PAGE;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, (const char *)head + eh.e_phoff + i * sizeof ph, sizeof ph);
		if (ph.p_type != PT_LOAD && ph.p_type != PT_INTERP && ph.p_type != PT_TLS && ph.p_type != PT_GNU_STACK)
			continue;
		if (ph.p_filesz && !range_ok(ph.p_offset, ph.p_filesz, file_size))
			return ELF_REFUSED;
		if (ph.p_type != PT_INTERP && ph.p_filesz > ph.p_memsz)
			return ELF_REFUSED;
		switch (ph.p_type) {
		case PT_LOAD:
			if (load_parse(&ph, &eh, out) < 0)
				return ELF_REFUSED;
			break;
		case PT_INTERP:
			if (ph.p_filesz < 2 || ph.p_filesz > ELF_PAGE || out->interp_size)
				return ELF_REFUSED;
			out->interp_offset = ph.p_offset;
			out->interp_size = ph.p_filesz;
			break;
		case PT_TLS:
			out->tls_offset = ph.p_offset;
			out->tls_va = ph.p_vaddr;
			out->tls_file_size = ph.p_filesz;
			out->tls_mem_size = ph.p_memsz;
			out->tls_align = ph.p_align;
			break;
		case PT_GNU_STACK:
			out->exec_stack = (ph.p_flags & PF_X) != 0;
			break;
		}
	}
	return out->load_count ? 0 : ELF_REFUSED;
}
