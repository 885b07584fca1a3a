/* SPDX-License-Identifier: MIT */
/* What exec hands from the old env to the new one, in family memory: the checked image, its strings, and who will be
 * it. */
#ifndef POSIX_EXEC_H
#define POSIX_EXEC_H
#include <posix/library.h>
#include <base/elf.h>

#define EXEC_HEAD 4096
#define STRINGS_MAX (2ul << 20)
#define STRING_MAX  (128ul << 10)
#define SCRIPT_NEST 4

struct exec_image { struct inode *inode; struct elf_image elf; uint64_t base; };

struct exec_plan {
	struct task *task;
	exo_name old_env;                  /* ends with the exec; 0: none, or others live on there */
	struct exec_image program, interp; /* references held; interp.inode NULL: none */
	/* the file that the program is to interpret finds open, reference held; NULL: none */
	struct inode *opened;
	int opened_fd;                     /* as this */
	struct file_state *files;          /* a table of its own, for who shared one; else NULL */
	char *strings;                     /* argv's, then envp's, each with its NUL; fam_pages */
	uint64_t strings_size, strings_pages;
	uint32_t argc, envc;
	uint64_t args_size;                /* bytes of argv's strings */
	uint64_t random[4];                /* the first two for the program, the others for where it lies: image.c */
	uint64_t stack_skip;               /* bytes that the stack leaves out below its strings */
	char path[4096];                   /* of the file that the caller named */
	char head[EXEC_HEAD];              /* first bytes of the file being looked at */
};
_Static_assert(sizeof(struct exec_plan) < 5 * PAGE, "fam_pages");
#define PLAN_PAGES (PAGE_UP(sizeof(struct exec_plan)) / PAGE)

#pragma GCC visibility push(hidden)
/* strings.c */
int  strings_user(struct exec_plan *plan, uint64_t argv, uint64_t envp);            /* from user memory: 0 or -errno */
int  strings_library(struct exec_plan *plan, char *const argv[], char *const envp[]);
/* argv[0] becomes these, or stays behind them */
int  strings_script(struct exec_plan *plan, const char *interp, const char *argument, const char *script, int keeps);
/* binary.c */
void plan_free(struct exec_plan *plan);
/* image.c: regions of program and interpreter, stack and heap, in the caller's (new, empty) space: 0 or -errno */
int address_space(struct exec_plan *plan);
/* stack.c: builds the first stack in the caller's (new) user memory: its rsp, or 0. */
uint64_t stack_build(const struct exec_plan *plan);
#pragma GCC visibility pop
#endif
