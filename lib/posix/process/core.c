/* SPDX-License-Identifier: MIT */
/* The image of a process that a signal ends, for a debugger: an ELF core file (ELF gABI; its notes as Linux's sys/procfs.h lays them out), made by the thread
 * that dies. Present pages of memory without a file are in it, and private mappings of files that were or may be written; the rest a debugger reads from the
 * files that NT_FILE names. */
#include <base/elf.h>
#include <base/fmt.h>
#include <posix/library.h>
#include "core.h"
#include <posix/signal/sigframe.h>
#include <posix/signal/signals.h>
#include <vm/swap.h>

#define RLIMIT_CORE 4
#define PATH_SHOWN 256
#define NAME "CORE"
#define SIGNALS_CORE (SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | \
	SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGXCPU) | SIGNAL_BIT(SIGXFSZ) | SIGNAL_BIT(SIGSYS))

struct core_status { /* elf_prstatus */
	int32_t number, code, error;
	int16_t signal, pad;
	uint64_t pending, blocked;
	int32_t tid, ppid, pgrp, session;
	uint64_t times[4][2];
	uint64_t regs[REGS_LISTED];
	int32_t has_fp, pad2;
};
_Static_assert(sizeof(struct core_status) == 336, "elf_prstatus");

struct core_process { /* elf_prpsinfo */
	char state, letter, zombie, nice;
	uint64_t flags;
	uint32_t uid, gid;
	int32_t pid, ppid, pgrp, session;
	char name[16], arguments[80];
};
_Static_assert(sizeof(struct core_process) == 136, "elf_prpsinfo");

/* Headers and notes, in family memory, before they go to the file at once. */
struct core {
	char *at;
	size_t used, room;
	uint64_t size;        /* of the whole file */
	uint64_t left;        /* bytes that may be written still; holes count for none */
	struct inode *file;
};

static void *grow(struct core *c, size_t n)
{
	void *at = c->at + c->used;

	if (n > c->room - c->used)
		return 0;
	c->used += n;
	return at;
}

/* Room for a note's content, zeroed, padded to four bytes. */
static void *note(struct core *c, uint32_t type, size_t size)
{
	Elf64_Nhdr *h = grow(c, sizeof *h + 8 + (size + 3) / 4 * 4);

	if (!h)
		return 0;
	*h = (Elf64_Nhdr){ sizeof NAME, (uint32_t)size, type };
	memcpy(h + 1, NAME, sizeof NAME);
	return (char *)(h + 1) + 8;
}

/* The last note is no longer than that. */
static void note_cut(struct core *c, void *content, size_t size)
{
	Elf64_Nhdr *h = (Elf64_Nhdr *)((char *)content - 8) - 1;

	c->used -= (h->n_descsz + 3) / 4 * 4 - (size + 3) / 4 * 4;
	h->n_descsz = (uint32_t)size;
}

static void status_note(struct core *c, const struct thread *th, const struct thread_start *regs, const void *xsave, int sig)
{
	struct core_status *s = note(c, NT_PRSTATUS, sizeof *s);
	const struct task *t = th->task;
	void *fp = note(c, NT_FPREGSET, FXSAVE_SIZE);

	if (!s || !fp)
		return;
	s->number = s->signal = (int16_t)sig;
	s->pending = th->signals.pending;
	s->blocked = th->signals.blocked;
	s->tid = th->tid;
	s->ppid = t->parent ? t->parent->pid : 0;
	s->pgrp = t->pgrp;
	s->session = t->session;
	regs_list(regs, s->regs);
	s->has_fp = 1;
	memcpy(fp, xsave, FXSAVE_SIZE);
}

static void process_note(struct core *c)
{
	struct core_process *p = note(c, NT_PRPSINFO, sizeof *p);
	const struct task *t = P->task;
	size_t size;

	if (!p)
		return;
	p->letter = 'R';
	p->nice = (char)P->thread->nice;
	p->pid = t->pid;
	p->ppid = t->parent ? t->parent->pid : 0;
	p->pgrp = t->pgrp;
	p->session = t->session;
	memcpy(p->name, t->name, sizeof p->name);
	size = MIN_OF(P->arg_end - P->arg_start, sizeof p->arguments - 1);
	if (user_read(p->arguments, P->arg_start, size))
		memset(p->arguments, 0, sizeof p->arguments);
	for (size_t i = 0; i < size; i++)
		if (!p->arguments[i])
			p->arguments[i] = ' ';
}

/* The auxiliary vector as exec left it on the stack: behind the pointers to argv and envp. */
static void aux_note(struct core *c)
{
	uint64_t aux[2 * AUX_MAX], *to;
	size_t n = 0;

	if (user_read(aux, P->aux_start, sizeof aux))
		return;
	while (n < AUX_MAX && aux[2 * n])
		n++;
	to = note(c, NT_AUXV, (n + 1) * 16);
	if (to)
		memcpy(to, aux, n * 16);
}

/* A page of a private mapping that is no longer the file's: it was written, be it before mprotect took the right away. */
static int is_changed(const struct region *r)
{
	if (swap_from(r->start, r->end) < r->end)
		return 1;
	for (uint64_t va = r->start; (va = present_from(va, r->end)) < r->end; va += PAGE) {
		void *page = inode_page(r->inode, r->offset + (va - r->start) / PAGE, 0);

		if (!page || frame_at((uint64_t)page) != frame_at(va))
			return 1;
	}
	return 0;
}

/* By its kind and the process's filter. */
static int is_wanted(const struct region *r)
{
	unsigned filter = P->task->dump_filter;

	if (!region_file(r)) {
		if (r->inode) /* the vDSO: nobody else has it */
			return 1;
		return (filter & (r->flags & REGION_SHARED ? DUMP_ANON_SHARED : DUMP_ANON_PRIVATE)) != 0;
	}
	if (r->flags & REGION_SHARED)
		return (filter & DUMP_FILE_SHARED) != 0;
	if (filter & DUMP_FILE_PRIVATE)
		return 1;
	return filter & DUMP_ANON_PRIVATE && (r->prot & PROT_WRITE || is_changed(r));
}

/* Bytes of it that are in the core file. Of a program that was not changed its headers, by which a debugger sees where it was loaded. */
static uint64_t dumped_bytes(const struct region *r)
{
	if (r->flags & REGION_NOT_DUMPED)
		return 0;
	if (!r->prot)
		return 0;
	if (is_wanted(r))
		return r->end - r->start;
	return P->task->dump_filter & DUMP_ELF_HEADERS && region_file(r) && r->prot & PROT_READ && !r->offset
		&& !page_serve(r->start, PROT_READ) && !memcmp((const void *)r->start, ELFMAG, SELFMAG) ? PAGE : 0;
}

static void files_note(struct core *c)
{
	uint64_t count = 0, k = 2, *list, size;
	char *names;

	for (struct region *r = region_first(); r; r = region_next(r))
		count += region_file(r) != 0;
	size = 16 + count * (24 + PATH_SHOWN);
	list = note(c, NT_FILE, size);
	if (!list)
		return;
	names = (char *)(list + 2 + 3 * count);
	list[0] = count;
	list[1] = PAGE;
	for (struct region *r = region_first(); r; r = region_next(r)) {
		if (!region_file(r))
			continue;
		list[k++] = r->start;
		list[k++] = r->end;
		list[k++] = r->offset;
		if (inode_path(r->inode, names, PATH_SHOWN) < 0)
			*names = 0;
		names += strlen(names) + 1;
	}
	note_cut(c, list, (size_t)(names - (char *)list));
}

/* The next page from va on that somebody has touched. A private page of a file that was never is in no table, and yet
 * part of the image. */
static uint64_t page_next(const struct region *r, uint64_t va, uint64_t end)
{
	return r->inode ? MIN_OF(va, end) : MIN_OF(present_from(va, end), swap_from(va, end));
}

static int region_write(struct core *c, const struct region *r, uint64_t size, uint64_t at)
{
	uint64_t end = r->start + size;

	for (uint64_t va = r->start; (va = page_next(r, va, end)) < end; va += PAGE) {
		if (r->inode && page_serve(va, PROT_READ))
			continue;
		if (c->left < PAGE)
			return -EFBIG;
		c->left -= PAGE;
		if (inode_write(c->file, (const void *)va, PAGE, at + (va - r->start)) != (long)PAGE)
			return -ENOSPC;
	}
	return 0;
}

static void headers(struct core *c, const struct signal_info *info, int sig)
{
	const struct thread_start mine = { P->regs, fs_base_get(), gs_base_get() };
	Elf64_Ehdr *e = grow(c, sizeof *e);
	Elf64_Phdr *p = grow(c, (SPACE->region_count + 1) * sizeof *p), *load = p + 1;
	size_t from = c->used;
	void *to;

	xstate_save(XSAVE_IMAGE);
	status_note(c, P->thread, &mine, XSAVE_IMAGE, sig);
	process_note(c);
	to = note(c, NT_SIGINFO, sizeof *info);
	if (to)
		memcpy(to, info, sizeof *info);
	aux_note(c);
	files_note(c);
	for (const struct thread *th = P->task->threads; th; th = th->next)
		if (th != P->thread && th->state != THREAD_ENDED && th->kept)
			status_note(c, th, th->kept, thread_xsave(th), sig);

	memcpy(e->e_ident, ELFMAG, SELFMAG);
	e->e_ident[EI_CLASS] = ELFCLASS64;
	e->e_ident[EI_DATA] = ELFDATA2LSB;
	e->e_ident[EI_VERSION] = e->e_version = EV_CURRENT;
	e->e_type = ET_CORE;
	e->e_machine = EM_X86_64;
	e->e_phoff = e->e_ehsize = sizeof *e;
	e->e_phentsize = sizeof *p;
	*p = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = from, .p_filesz = c->used - from, .p_align = 4 };
	c->size = PAGE_UP(c->used);
	for (struct region *r = region_first(); r; r = region_next(r)) {
		if (r->flags & REGION_STASH)
			continue;
		*load = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = c->size, .p_vaddr = r->start, .p_memsz = r->end - r->start, .p_align = PAGE,
			.p_flags = (r->prot & PROT_READ ? PF_R : 0u) | (r->prot & PROT_WRITE ? PF_W : 0u) | (r->prot & PROT_EXEC ? PF_X : 0u),
			.p_filesz = dumped_bytes(r) };
		c->size += load++->p_filesz;
	}
	e->e_phnum = (uint16_t)(load - p);
}

/* Where no more is allowed the file ends: 0, too. */
static int contents_write(struct core *c)
{
	const Elf64_Phdr *load = (const Elf64_Phdr *)(c->at + sizeof(Elf64_Ehdr)) + 1;
	size_t head = MIN_OF(c->used, c->left);
	int e = inode_write(c->file, c->at, head, 0) == (long)head ? 0 : -ENOSPC;

	c->left -= head;
	if (head < c->used)
		return e;
	for (struct region *r = region_first(); !e && r; r = region_next(r))
		if (!(r->flags & REGION_STASH)) {
			e = region_write(c, r, load->p_filesz, load->p_offset);
			load++;
		}
	if (e)
		return e == -EFBIG ? 0 : e;
	return file_resize(c->file, c->size);
}

int core_dump(int sig, const struct signal_info *info)
{
	struct core c = { 0 };
	char name[CORE_NAME_MAX];
	uint64_t limit = P->task->limit[RLIMIT_CORE][0];
	size_t pages;
	int e;

	if (!(SIGNAL_BIT(sig) & SIGNALS_CORE) || limit < PAGE || SPACE->region_count >= PN_XNUM - 1)
		return 0;
	c.room = 2 * PAGE + SPACE->region_count * (sizeof(Elf64_Phdr) + 24 + PATH_SHOWN) + P->thread_count * (sizeof(struct core_status) + FXSAVE_SIZE + 64ul);
	pages = PAGE_UP(c.room) / PAGE;
	c.at = fam_pages(pages);
	if (!c.at)
		return 0;
	headers(&c, info, sig);
	c.left = limit;
	core_name(name, sizeof name, sig);
	e = file_in_cwd(name, 0600, &c.file);
	if (!e) {
		e = contents_write(&c);
		if (e)
			(void)file_resize(c.file, 0);
		inode_put(c.file);
	}
	if (e)
		rt_log("%s[%d]: no core file: error %d", P->task->name, P->task->pid, -e);
	fam_pages_free(c.at, pages);
	return !e;
}
