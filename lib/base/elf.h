/* SPDX-License-Identifier: MIT */
/* What a loader wants to know of an x86-64 ELF file, read from its first bytes. It maps nothing and judges no rights. */
#ifndef BASE_ELF_H
#define BASE_ELF_H
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_LOADS 16

/* flags: PF_R PF_W PF_X. mem_size > 0; [offset, offset + file_size) lies in the file and is page-congruent to va. */
struct elf_segment { uint64_t offset, va, file_size, mem_size; uint32_t flags; };

struct elf_image {
	uint16_t type;                        /* ET_EXEC or ET_DYN */
	uint16_t phnum;
	int load_count, exec_stack;
	uint64_t entry;                       /* as the file has it; need not lie in a segment */
	uint64_t phdr_va;                     /* program headers in memory; 0 = in no segment */
	uint64_t low, high;                   /* first page's address; end of the last segment, unrounded */
	uint64_t align;                       /* greatest alignment that a segment asks for, at least 4096 */
	struct elf_segment load[ELF_LOADS];   /* ascending, disjoint by byte (two may share a page) */
	uint64_t interp_offset, interp_size;  /* path of the interpreter with its NUL, in the file; size 0 = none */
	uint64_t tls_offset, tls_va, tls_file_size, tls_mem_size, tls_align; /* mem_size 0 = none */
};

/* head: the file's first head_size bytes, with ELF header and all program headers. 0, or -ENOEXEC (-8) with *out undefined. */
int elf_parse(const void *head, size_t head_size, uint64_t file_size, struct elf_image *out);
#endif
