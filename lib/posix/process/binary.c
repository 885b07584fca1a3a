/* SPDX-License-Identifier: MIT */
/* From a path to an image that can be run: the chain of formats. Each one looks at the file's first bytes and says yes, "not mine" (-ENOEXEC), or why not. */
#include "binfmt.h"
#include <load/exec.h>
#include <posix/parts.h>

#define INTERP_MAX 4096

static int head_read(struct exec_plan *plan, struct inode *ip)
{
	long n = inode_read(ip, plan->head, EXEC_HEAD, 0);

	if (n < 0)
		return (int)n;
	memset(plan->head + n, 0, (size_t)(EXEC_HEAD - n));
	return 0;
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "#!" line: interpreter and at most one argument, which keeps its inner blanks. Cuts the line up in plan->head. */
static int script_parse(struct exec_plan *plan, const char **interp, char **argument)
{
	char *at = plan->head + 2, *end = plan->head + 256, *nl;
	int whole;

	for (nl = at; nl < end && *nl != '\n' && *nl; nl++)
		;
	if (nl == end) {
		/* Linux refuses only when the interpreter's name itself is cut off. */
		char *p = at;

		while (p < end && is_blank(*p))
			p++;
		while (p < end && !is_blank(*p))
			p++;
		if (p == end)
			return -ENOEXEC;
		nl = end - 1;
	}
	whole = *nl == '\n';
	*nl = 0;
	while (nl > at && is_blank(nl[-1]))
		*--nl = 0;
	while (is_blank(*at))
		at++;
	if (!*at)
		return whole ? -ENOEXEC : -EACCES; /* without a line's end Linux opens "", which is a directory */
	*interp = at;
	while (*at && !is_blank(*at))
		at++;
	while (is_blank(*at))
		*at++ = 0;
	*argument = *at ? at : 0;
	return 0;
}

static int elf_open(struct exec_plan *plan, struct exec_image *image)
{
	int e = elf_parse(plan->head, EXEC_HEAD, inode_size(image->inode), &image->elf);

	if (e)
		return -ENOEXEC;
	if (image->elf.type == ET_EXEC && (image->elf.low < EXO_NULL_GUARD || image->elf.high > STACK_TOP - (9ul << 20)))
		return -ENOEXEC;
	if (image->elf.high - image->elf.low > 300 * EXO_HOME_SIZE)
		return -ENOEXEC;
	return 0;
}

static int interp_open(struct exec_plan *plan)
{
	const struct elf_image *elf = &plan->program.elf;
	char *path;
	long n;
	int e;

	if (!elf->interp_size)
		return 0;
	if (elf->interp_size > INTERP_MAX || elf->interp_size < 2)
		return -ENOEXEC;
	path = fam_alloc(elf->interp_size + 1);
	if (!path)
		return -ENOMEM;
	n = inode_read(plan->program.inode, path, elf->interp_size, elf->interp_offset);
	e = n != (long)elf->interp_size || path[elf->interp_size - 1] ? -ENOEXEC : inode_lookup_exec(path, &plan->interp.inode);
	fam_free(path);
	if (!e)
		e = head_read(plan, plan->interp.inode);
	if (!e && elf_open(plan, &plan->interp))
		e = -ELIBBAD;
	return e;
}

int load_binary(struct exec_plan *plan, const char *path)
{
	struct inode *fixed = 0;
	char *script = 0;
	int e = 0;

	for (int nest = 0; ; nest++) {
		const struct binfmt *format;
		const char *interp;
		char *argument = 0, *next;

		if (fixed)
			inode_get(plan->program.inode = fixed);
		else
			e = inode_lookup_exec(path, &plan->program.inode);
		if (!e)
			e = head_read(plan, plan->program.inode);
		if (e)
			break;
		format = binfmt_match(plan->head, path);
		if (!format && (plan->head[0] != '#' || plan->head[1] != '!'))
			break;
		fixed = format ? format->fixed : 0;
		if (format && format->opens && !plan->opened)
			plan->opened = plan->program.inode;
		else
			inode_put(plan->program.inode);
		plan->program.inode = 0;
		if (nest == SCRIPT_NEST)
			e = -ELOOP;
		else if (format)
			interp = format->interpreter;
		else
			e = script_parse(plan, &interp, &argument);
		if (!e)
			e = strings_script(plan, interp, argument, path, format && format->keeps_first);
		next = e ? 0 : fam_alloc(strlen(interp) + 1);
		if (!e && !next)
			e = -ENOMEM;
		if (e)
			break;
		memcpy(next, interp, strlen(interp) + 1);
		fam_free(script);
		path = script = next;
	}
	if (!e)
		e = elf_open(plan, &plan->program);
	if (!e)
		e = interp_open(plan);
	fam_free(script);
	return e;
}

void plan_free(struct exec_plan *plan)
{
	if (plan->program.inode)
		inode_put(plan->program.inode);
	if (plan->interp.inode)
		inode_put(plan->interp.inode);
	if (plan->opened)
		inode_put(plan->opened);
	fam_pages_free(plan->strings, plan->strings_pages);
	fam_pages_free(plan, PLAN_PAGES);
}
