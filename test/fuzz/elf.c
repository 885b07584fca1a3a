/* SPDX-License-Identifier: MIT */
/* ELF headers: what elf_parse accepts keeps what elf.h promises. */
#include <base/elf.h>
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image out;
	uint8_t *head;
	uint64_t file_size;

	if (size < 8)
		return 0;
	/* The first word: how much longer the file is than its head. */
	memcpy(&file_size, data, 8);
	data += 8;
	size -= 8;
	file_size = size + (file_size >> (file_size & 63));
	if (file_size < size)
		return 0;
	head = exact_copy(data, size);
	if (!elf_parse(head, size, file_size, &out)) {
		PROMISE(out.load_count > 0 && out.load_count <= ELF_LOADS && (out.type == ET_EXEC || out.type == ET_DYN) && out.low % 4096 == 0 && out.low < out.high);
		PROMISE(out.align >= 4096 && !(out.align & (out.align - 1)));
		for (int i = 0; i < out.load_count; i++) {
			const struct elf_segment *s = &out.load[i];
			PROMISE(s->mem_size && s->file_size <= s->mem_size && s->va + s->mem_size > s->va && s->va >= out.low && s->va + s->mem_size <= out.high);
			PROMISE(!s->file_size || (s->offset <= file_size && s->file_size <= file_size - s->offset && (s->offset - s->va) % 4096 == 0));
			PROMISE(!i || s[-1].va + s[-1].mem_size <= s->va);
		}
		PROMISE(!out.interp_size || (out.interp_offset <= file_size && out.interp_size <= file_size - out.interp_offset));
		PROMISE(!out.tls_mem_size || out.tls_file_size <= out.tls_mem_size);
	}
	free(head);
	return 0;
}
