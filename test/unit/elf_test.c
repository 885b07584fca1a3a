/* SPDX-License-Identifier: MIT */
/* lib/base/elf.c: what it reads, and everything that it refuses, one field at a time. */
#include "check.h"
#include <base/elf.h>

enum { REFUSED = -8, FILE_SIZE = 0x5000, HEADS = 6 };

static struct { Elf64_Ehdr eh; Elf64_Phdr ph[HEADS]; } file;
static struct elf_image image;

static void file_make(void)
{
	memset(&file, 0, sizeof file);
	memcpy(file.eh.e_ident, ELFMAG, SELFMAG);
	file.eh.e_ident[EI_CLASS] = ELFCLASS64;
	file.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	file.eh.e_ident[EI_VERSION] = EV_CURRENT;
	file.eh.e_type = ET_DYN;
	file.eh.e_machine = EM_X86_64;
	file.eh.e_version = EV_CURRENT;
	file.eh.e_entry = 0x1234;
	file.eh.e_phoff = sizeof file.eh;
	file.eh.e_phentsize = sizeof *file.ph;
	file.eh.e_phnum = HEADS;
	file.ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R, .p_offset = 0, .p_vaddr = 0, .p_filesz = 0x800, .p_memsz = 0x800, .p_align = 0x1000 };
	file.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x1000, .p_vaddr = 0x1000, .p_filesz = 0x1800, .p_memsz = 0x1800, .p_align = 0x200000 };
	file.ph[2] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x2800, .p_vaddr = 0x4800, .p_filesz = 0x100, .p_memsz = 0x4000, .p_align = 0x1000 };
	file.ph[3] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = 0x700, .p_vaddr = 0x700, .p_filesz = 0x1c, .p_memsz = 0x1c, .p_align = 1 };
	file.ph[4] = (Elf64_Phdr){ .p_type = PT_TLS, .p_offset = 0x2800, .p_vaddr = 0x4800, .p_filesz = 0x10, .p_memsz = 0x40, .p_align = 8 };
	file.ph[5] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
}

static int parse(void)
{
	return elf_parse(&file, sizeof file, FILE_SIZE, &image);
}

/* Changes one field of a good file: it must be refused. */
#define REFUSES(change) do { file_make(); CHECK_EQ(parse(), 0); change; CHECK_EQ(parse(), REFUSED); } while (0)
#define ACCEPTS(change) do { file_make(); change; CHECK_EQ(parse(), 0); } while (0)

TEST(elf_reads)
{
	file_make();
	CHECK_EQ(parse(), 0);
	CHECK_EQ(image.type, ET_DYN);
	CHECK_EQ(image.entry, 0x1234);
	CHECK_EQ(image.phnum, HEADS);
	CHECK_EQ(image.phdr_va, sizeof(Elf64_Ehdr));
	CHECK_EQ(image.load_count, 3);
	CHECK_EQ(image.low, 0);
	CHECK_EQ(image.high, 0x8800);
	CHECK_EQ(image.align, 0x200000);
	CHECK_EQ(image.load[2].va, 0x4800);
	CHECK_EQ(image.load[2].offset, 0x2800);
	CHECK_EQ(image.load[2].file_size, 0x100);
	CHECK_EQ(image.load[2].mem_size, 0x4000);
	CHECK_EQ(image.load[1].flags, PF_R | PF_X);
	CHECK_EQ(image.interp_offset, 0x700);
	CHECK_EQ(image.interp_size, 0x1c);
	CHECK_EQ(image.tls_va, 0x4800);
	CHECK_EQ(image.tls_mem_size, 0x40);
	CHECK_EQ(image.exec_stack, 0);
}

TEST(elf_refuses_headers)
{
	REFUSES(file.eh.e_ident[0] = 0);
	REFUSES(file.eh.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSES(file.eh.e_ident[EI_DATA] = ELFDATA2MSB);
	REFUSES(file.eh.e_ident[EI_VERSION] = 0);
	REFUSES(file.eh.e_version = 2);
	REFUSES(file.eh.e_machine = EM_386);
	REFUSES(file.eh.e_type = ET_REL);
	REFUSES(file.eh.e_type = ET_CORE);
	REFUSES(file.eh.e_phentsize = 32);
	REFUSES(file.eh.e_phnum = 0);
	REFUSES(file.eh.e_phnum = 0xffff);
}

TEST(elf_refuses_program_headers_outside)
{
	REFUSES(file.eh.e_phnum = HEADS + 1);
	REFUSES(file.eh.e_phoff = sizeof file.eh + 1);
	REFUSES(file.eh.e_phoff = ~0ul - 8);
	file_make();
	CHECK_EQ(elf_parse(&file, sizeof file - 1, FILE_SIZE, &image), REFUSED);
	CHECK_EQ(elf_parse(&file, sizeof file.eh - 1, FILE_SIZE, &image), REFUSED);
	CHECK_EQ(elf_parse(&file, 0, FILE_SIZE, &image), REFUSED);
	CHECK_EQ(elf_parse(&file, sizeof file, sizeof file - 1, &image), REFUSED);
}

TEST(elf_refuses_segments_outside_file)
{
	REFUSES(file.ph[2].p_filesz = FILE_SIZE; file.ph[2].p_memsz = FILE_SIZE);
	REFUSES(file.ph[2].p_offset = 0x7800);
	REFUSES(file.ph[2].p_offset = ~0xffful + 0x800);
	REFUSES(file.ph[3].p_offset = FILE_SIZE);
	REFUSES(file.ph[4].p_offset = FILE_SIZE);
}

TEST(elf_refuses_wrapping)
{
	REFUSES(file.ph[2].p_vaddr = ~0xffful + 0x800);
	REFUSES(file.ph[2].p_memsz = ~0ul);
	REFUSES(file.ph[2].p_memsz = ~0ul - 0x4800);
}

TEST(elf_refuses_bad_sizes)
{
	REFUSES(file.ph[1].p_filesz = 0x1801);
	REFUSES(file.ph[4].p_filesz = 0x41);
	REFUSES(file.ph[3].p_filesz = 0x1001);
	REFUSES(file.ph[3].p_filesz = 1);
}

TEST(elf_refuses_incongruent)
{
	REFUSES(file.ph[2].p_offset = 0x2000);
	REFUSES(file.ph[2].p_vaddr = 0x4801);
	ACCEPTS(file.ph[2].p_filesz = 0; file.ph[2].p_offset = 1);
}

TEST(elf_refuses_disorder)
{
	REFUSES(file.ph[2].p_vaddr = 0x2000 + 0x7ff; file.ph[2].p_offset = 0x27ff);
	REFUSES(file.ph[0].p_vaddr = 0x10000);
	ACCEPTS(file.ph[2].p_vaddr = 0x2800);
}

TEST(elf_counts_segments)
{
	file_make();
	for (int i = 0; i < 3; i++)
		file.ph[i].p_type = PT_NULL;
	CHECK_EQ(parse(), REFUSED);
	ACCEPTS(file.ph[1].p_memsz = file.ph[1].p_filesz = 0);
	CHECK_EQ(image.load_count, 2);

	static struct { Elf64_Ehdr eh; Elf64_Phdr ph[ELF_LOADS + 1]; } many;
	file_make();
	many.eh = file.eh;
	for (int i = 0; i <= ELF_LOADS; i++)
		many.ph[i] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = (uint64_t)i * 0x1000, .p_memsz = 1 };
	many.eh.e_phnum = ELF_LOADS;
	CHECK_EQ(elf_parse(&many, sizeof many, sizeof many, &image), 0);
	many.eh.e_phnum = ELF_LOADS + 1;
	CHECK_EQ(elf_parse(&many, sizeof many, sizeof many, &image), REFUSED);
}

TEST(elf_alignment)
{
	ACCEPTS(file.ph[1].p_align = 0x300000);
	CHECK_EQ(image.align, 0x1000);
	ACCEPTS(for (int i = 0; i < 3; i++) file.ph[i].p_align = 0);
	CHECK_EQ(image.align, 0x1000);
	ACCEPTS(file.ph[0].p_vaddr = 0x400; file.ph[0].p_offset = 0x400; file.ph[0].p_filesz = file.ph[0].p_memsz = 0x400);
	CHECK_EQ(image.low, 0);
	CHECK_EQ(image.phdr_va, 0);
}

TEST(elf_second_interpreter_and_stack)
{
	REFUSES(file.ph[4] = file.ph[3]);
	ACCEPTS(file.ph[5].p_flags |= PF_X);
	CHECK_EQ(image.exec_stack, 1);
}

TEST(elf_top_of_memory)
{
	ACCEPTS(file.ph[2].p_vaddr = 0xffffffff80000800);
	CHECK_EQ(image.high, 0xffffffff80004800);
}

TEST(elf_unaligned_head)
{
	uint8_t *p = guarded(sizeof file + 1);

	file_make();
	memcpy(p, &file, sizeof file);
	CHECK_EQ(elf_parse(p, sizeof file, FILE_SIZE, &image), 0);
	p = guarded(sizeof file);
	memcpy(p, &file, sizeof file);
	CHECK_EQ(elf_parse(p, sizeof file, FILE_SIZE, &image), 0);
}

TEST(elf_reads_this_program)
{
	size_t size;
	uint8_t *p = file_load("/proc/self/exe", &size);

	CHECK_EQ(elf_parse(p, size < 4096 ? size : 4096, size, &image), 0);
	CHECK(image.load_count >= 2 && image.phdr_va && image.interp_size && !image.exec_stack);
	CHECK(p[image.interp_offset] == '/' && !p[image.interp_offset + image.interp_size - 1]);
}

static void image_check(uint64_t file_size)
{
	uint64_t at = image.low;

	CHECK(image.load_count > 0 && image.load_count <= ELF_LOADS && !(image.low & 4095) && image.align >= 4096);
	for (int i = 0; i < image.load_count; i++) {
		struct elf_segment *s = &image.load[i];

		CHECK(s->mem_size && s->file_size <= s->mem_size && s->va >= at && s->va + s->mem_size > s->va);
		CHECK(!s->file_size || (s->offset <= file_size && s->file_size <= file_size - s->offset && (s->offset - s->va) % 4096 == 0));
		at = s->va + s->mem_size;
		CHECK(((at + 4095) & ~4095ul) >= at);
	}
	CHECK_EQ(at, image.high);
	CHECK(image.interp_size <= 4096 && image.interp_offset + image.interp_size <= file_size);
	CHECK(image.tls_file_size <= image.tls_mem_size && (!image.tls_file_size || image.tls_offset + image.tls_file_size <= file_size));
}

TEST(fuzz_elf)
{
	int accepted = 0, rounds = 200000;

	random_seed(2);
	for (int i = 0; i < rounds; i++) {
		uint8_t *p = malloc(sizeof file);
		/* Half of them stay past magic, class and machine. */
		size_t from = i & 1 ? 24 : 0;

		file_make();
		memcpy(p, &file, sizeof file);
		random_mutate(p + from, sizeof file - from);
		if (!elf_parse(p, sizeof file, FILE_SIZE, &image)) {
			image_check(FILE_SIZE);
			accepted++;
		}
		free(p);
	}
	CHECK(accepted > rounds / 50 && accepted < rounds);
}
