/* SPDX-License-Identifier: MIT */
/* Formats that a user registers: files of a magic number or an extension run by way of an interpreter (Linux's admin-guide/binfmt-misc). The files below /proc that this
 * is done by are proc_fs.c's. */
#include "binfmt.h"
#include <posix/call/calls.h>
#include <posix/library.h>

#define LINE_MIN 11

static struct binfmt *of_number(int number)
{
	struct binfmt *b = F->binfmts;

	while (b && b->number != number)
		b = b->next;
	return b;
}

int binfmt_number(const char *name, size_t n)
{
	for (const struct binfmt *b = F->binfmts; b; b = b->next)
		if (strlen(b->name) == n && !memcmp(b->name, name, n))
			return b->number;
	return 0;
}

int binfmt_next(int after, const char **name)
{
	const struct binfmt *next = 0;

	for (const struct binfmt *b = F->binfmts; b; b = b->next)
		if (b->number > after && (!next || b->number < next->number))
			next = b;
	if (next)
		*name = next->name;
	return next ? next->number : 0;
}

/* ---- the line: `:name:type:offset:magic:mask:interpreter:flags`, whose first character is what separates */

struct line { const char *at, *end; char separator; };

/* The next field, without its separator; NULL: the line ends within it. */
static const char *field(struct line *l, size_t *n)
{
	const char *from = l->at;

	while (l->at < l->end && *l->at != l->separator)
		l->at++;
	*n = (size_t)(l->at - from);
	return l->at++ < l->end ? from : 0;
}

static int has_slash(const char *text)
{
	while (*text && *text != '/')
		text++;
	return *text == '/';
}

static int text_field(struct line *l, char *to, size_t max)
{
	size_t n;
	const char *from = field(l, &n);

	if (!from || !n || n >= max)
		return -EINVAL;
	memcpy(to, from, n);
	to[n] = 0;
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Bytes with \x escapes: how many, or -EINVAL. */
static int bytes_field(struct line *l, uint8_t to[BINFMT_HEAD])
{
	size_t n;
	const char *from = field(l, &n), *end = from + n;
	int count = 0;

	if (!from)
		return -EINVAL;
	while (from < end) {
		if (count == BINFMT_HEAD)
			return -EINVAL;
		if (end - from >= 3 && from[0] == '\\' && from[1] == 'x' && hex_digit(from[2]) >= 0) {
			int value = hex_digit(from[2]);

			from += 3;
			if (from < end && hex_digit(*from) >= 0)
				value = value * 16 + hex_digit(*from++);
			to[count++] = (uint8_t)value;
		} else {
			to[count++] = (uint8_t)*from++;
		}
	}
	return count;
}

static int offset_field(struct line *l)
{
	size_t n;
	const char *from = field(l, &n);
	int value = 0;

	if (!from || n > 3)
		return -EINVAL;
	for (; n; n--, from++) {
		if (*from < '0' || *from > '9')
			return -EINVAL;
		value = value * 10 + *from - '0';
	}
	return value;
}

static int magic_fields(struct line *l, struct binfmt *b)
{
	int offset = offset_field(l), size = bytes_field(l, b->magic), masked = bytes_field(l, b->mask);

	if (offset < 0 || size < 1 || masked < 0 || (masked && masked != size) || offset + size > BINFMT_HEAD)
		return -EINVAL;
	b->offset = (uint16_t)offset;
	b->size = (uint16_t)size;
	b->is_masked = masked != 0;
	return 0;
}

static int extension_fields(struct line *l, struct binfmt *b)
{
	size_t n;

	if (!field(l, &n) || text_field(l, (char *)b->magic, BINFMT_HEAD) || has_slash((char *)b->magic) || !field(l, &n))
		return -EINVAL;
	b->is_extension = 1;
	return 0;
}

/* The rest of the line. */
static int flags_parse(const struct line *l, struct binfmt *b)
{
	struct inode *interpreter;
	int fixes = 0, e;

	for (const char *at = l->at; at < l->end; at++) {
		b->keeps_first |= *at == 'P';
		b->opens |= *at == 'O' || *at == 'C';
		b->credits |= *at == 'C';
		fixes |= *at == 'F';
		if (*at != 'P' && *at != 'O' && *at != 'C' && *at != 'F')
			return -EINVAL;
	}
	if (!fixes)
		return 0;
	e = inode_lookup_exec(b->interpreter, &interpreter);
	if (e)
		return e;
	inode_run(interpreter);
	inode_put(interpreter);
	b->fixed = interpreter;
	return 0;
}

static int line_parse(struct line *l, struct binfmt *b)
{
	char type[2];

	if (text_field(l, b->name, sizeof b->name) || !strcmp(b->name, ".") || !strcmp(b->name, "..") || has_slash(b->name))
		return -EINVAL;
	if (text_field(l, type, sizeof type) || (*type != 'M' && *type != 'E') || (*type == 'M' ? magic_fields(l, b) : extension_fields(l, b)))
		return -EINVAL;
	if (text_field(l, b->interpreter, sizeof b->interpreter))
		return -EINVAL;
	return 0;
}

static void format_free(struct binfmt *b)
{
	if (b->fixed)
		inode_run_end(b->fixed);
	fam_free(b);
}

int binfmt_register(const char *text, size_t n)
{
	struct line l = { text + 1, text + n, *text };
	struct binfmt *b;
	int e;

	if (n < LINE_MIN)
		return -EINVAL;
	if (l.end[-1] == '\n')
		l.end--;
	b = fam_alloc(sizeof *b);
	if (!b)
		return -ENOMEM;
	e = line_parse(&l, b);
	if (!e && binfmt_number(b->name, strlen(b->name)))
		e = -EEXIST;
	if (!e && (!strcmp(b->name, "register") || !strcmp(b->name, "status")))
		e = -EEXIST;
	if (!e)
		e = flags_parse(&l, b);
	if (e) {
		format_free(b);
		return e;
	}
	b->enabled = 1;
	b->number = ++F->binfmts_made;
	b->next = F->binfmts;
	F->binfmts = b;
	return 0;
}

static void drop(struct binfmt *b)
{
	struct binfmt **link = &F->binfmts;

	while (*link != b)
		link = &(*link)->next;
	*link = b->next;
	format_free(b);
}

int binfmt_command(int number, const char *text, size_t n)
{
	struct binfmt *b = number ? of_number(number) : 0;
	int on;

	if (n && text[n - 1] == '\n')
		n--;
	if (number && !b)
		return -ENOENT;
	if (n == 2 && text[0] == '-' && text[1] == '1') {
		if (b)
			drop(b);
		while (!number && F->binfmts)
			drop(F->binfmts);
		return 0;
	}
	if (n != 1 || (*text != '0' && *text != '1'))
		return -EINVAL;
	on = *text == '1';
	if (b)
		b->enabled = on;
	else
		F->binfmt_off = !on;
	return 0;
}

static size_t hex_line(char *to, size_t max, const char *name, const uint8_t *bytes, size_t n)
{
	size_t at = (size_t)fmt(to, max, "%s ", name);

	for (size_t i = 0; i < n; i++)
		at += (size_t)fmt(to + at, max - at, "%02x", bytes[i]);
	return at + (size_t)fmt(to + at, max - at, "\n");
}

size_t binfmt_text(int number, char *to, size_t max)
{
	const struct binfmt *b = number ? of_number(number) : 0;
	size_t at;

	if (!number)
		return (size_t)fmt(to, max, "%s\n", F->binfmt_off ? "disabled" : "enabled");
	if (!b)
		return 0;
	at = (size_t)fmt(to, max, "%s\ninterpreter %s\nflags: %s%s%s%s\n", b->enabled ? "enabled" : "disabled", b->interpreter, b->keeps_first ? "P" : "",
		b->opens ? "O" : "", b->credits ? "C" : "", b->fixed ? "F" : "");
	if (b->is_extension)
		return at + (size_t)fmt(to + at, max - at, "extension .%s\n", (const char *)b->magic);
	at += (size_t)fmt(to + at, max - at, "offset %u\n", b->offset);
	at += hex_line(to + at, max - at, "magic", b->magic, b->size);
	return b->is_masked ? at + hex_line(to + at, max - at, "mask", b->mask, b->size) : at;
}

static int has_magic(const struct binfmt *b, const char *head)
{
	for (unsigned i = 0; i < b->size; i++)
		if (((uint8_t)head[b->offset + i] ^ b->magic[i]) & (b->is_masked ? b->mask[i] : 0xff))
			return 0;
	return 1;
}

static int has_extension(const struct binfmt *b, const char *path)
{
	const char *dot = 0;

	for (; *path; path++)
		dot = *path == '.' ? path : dot;
	return dot && !strcmp(dot + 1, (const char *)b->magic);
}

const struct binfmt *binfmt_match(const char *head, const char *path)
{
	for (const struct binfmt *b = F->binfmt_off ? 0 : F->binfmts; b; b = b->next)
		if (b->enabled && (b->is_extension ? has_extension(b, path) : has_magic(b, head)))
			return b;
	return 0;
}
