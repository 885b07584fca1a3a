/* SPDX-License-Identifier: MIT */
/* A box whose library OS is another app (`box --app NAME`), or another build of this one: the app's ELF file, out of
 * the root image or as it is sent, to the home that it is linked in, a stack, the settings; then its first
 * instruction. What fails is one line of the box's stream, and the env's end. Runs in the box, on the library stack,
 * before anything of the Linux library OS has begun. */
#include <stdarg.h>
#include <base/conf.h>
#include <base/elf.h>
#include <base/erofs.h>
#include <base/fmt.h>
#include <base/string.h>
#include <fs/box.h>
#include <rt/ring.h>
#include <rt/rt.h>
#include "monitor.h"

/* The last pages of the app's home: settings, and below them the stack. */
#define SETTINGS_PAGES 5u
#define STACK_PAGES    16u
#define SETTINGS_MOST  ((SETTINGS_PAGES - 1) * PAGE)
/* In slot 0, which has nothing yet: a file that is sent, until its pages are where they belong. */
#define FILE_AT        (4 * EXO_HOME_SIZE)

static struct ring_side *up_of(uint64_t base) { return (struct ring_side *)(base + FAMILY_OWN); }

static void refuse(uint64_t base, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
static void refuse(uint64_t base, const char *format, ...)
{
	uint8_t *to;
	va_list list;
	int n;

	(void)ring_to_put(up_of(base), up_of(base), &to, RING_BYTES); /* nothing has been said yet */
	va_start(list, format);
	n = vfmt((char *)to + 3, 200, format, list);
	va_end(list);
	n = MIN_OF(n, 199);
	to[0] = 'L';
	to[1] = (uint8_t)n;
	to[2] = 0;
	ring_was_put(up_of(base), (uint32_t)n + 3);
	for (;;)
		(void)gate_env_kill(0);
}

/* ---- what the box is sent: frames of the channel */

static void bytes_take(const struct rt_box *b, void *to, size_t n)
{
	uint8_t *into = to;

	while (n) {
		const uint8_t *at;
		uint32_t piece = ring_to_take(b->up, b->down, &at, n);

		if (!piece) {
			(void)gate_notify(b->maker, b->bits);
			(void)gate_yield(b->maker, 0);
			continue;
		}
		memcpy(into, at, piece);
		ring_took(b->up, piece);
		into += piece;
		n -= piece;
	}
}

/* Its type; *n: bytes that it has. */
static char frame_take(const struct rt_box *b, size_t *n)
{
	uint8_t head[3];

	bytes_take(b, head, sizeof head);
	*n = head[1] | (size_t)head[2] << 8;
	return (char)head[0];
}

static void frame_skip(const struct rt_box *b, size_t n)
{
	uint8_t other[64];

	for (size_t piece; n; n -= piece)
		bytes_take(b, other, piece = MIN_OF(n, sizeof other));
}

static void settings_take(struct rt_box *b, char *text)
{
	const char *at = text;
	struct conf_line line;
	size_t n;
	char type;

	do {
		type = frame_take(b, &n);
		if (type == 'A' && n <= SETTINGS_MOST - b->settings_size) {
			bytes_take(b, text + b->settings_size, n);
			b->settings_size += n;
		} else if (type == 'G' && n == sizeof b->go) {
			bytes_take(b, b->go, n);
		} else {
			frame_skip(b, n);
		}
	} while (type != 'G');
	(void)gate_notify(b->maker, b->bits);
	b->settings = text;
	memset(&line, 0, sizeof line);
	while (conf_next(&at, text + b->settings_size, &line) > 0)
		if (conf_is(&line, "nonce") && line.value_size == sizeof b->nonce)
			memcpy(b->nonce, line.value, sizeof b->nonce);
}

/* A file that is sent, to its address in slot 0: its size. */
static uint64_t file_take(const struct rt_box *b)
{
	uint64_t end = FILE_AT, size = 0;
	size_t n;

	while (frame_take(b, &n) == 'B' && n) {
		int64_t r = rt_pages(&end, PAGE_UP(FILE_AT + size + n));

		if (r < 0)
			refuse(b->base, "the app cannot be loaded: %s", rt_error(r));
		bytes_take(b, (void *)(FILE_AT + size), n);
		size += n;
	}
	for (uint64_t at = FILE_AT; at < end; at += PAGE) /* who can be written has one entry alone */
		(void)gate_pte_write(0, at | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_RW, 0);
	return size;
}

/* ---- the image */

/* What nobody writes is the file's own page, in the root image or as it was sent: its mapping is the proof of the right
 * to it. */
static int64_t pages_lend(uint64_t va, uint64_t from, uint64_t n, uint64_t rights)
{
	int64_t r = 0;

	for (uint64_t i = 0; i < n && r >= 0; i++) {
		int64_t entry = rt_entry(from + i * PAGE, 1);

		r = EXO_IS_ERROR(entry) ? entry : rt_tables(0, va + i * PAGE, NULL, NULL); /* NX is the sign */
		if (r >= 0)
			r = gate_pte_write(0, (va + i * PAGE) | 1, 1,
				((uint64_t)entry & EXO_PTE_ADDR) | EXO_PTE_P | EXO_PTE_U | rights, 0, from + i * PAGE);
	}
	return r;
}

static int64_t segment_map(const struct elf_segment *s, uint64_t file)
{
	uint64_t skew = s->va % PAGE, va = s->va - skew, pages = PAGE_UP(skew + s->mem_size) / PAGE;
	int64_t r;

	if (!(s->flags & PF_W))
		return pages_lend(va, file + s->offset - skew, pages, s->flags & PF_X ? 0 : EXO_PTE_NX);
	r = rt_pages(&va, va + pages * PAGE);
	if (r >= 0)
		memcpy((void *)s->va, (const void *)(file + s->offset), s->file_size);
	return r;
}

/* It fits into one home, below stack and settings, and no page of it is both written and run. */
static int is_linked_well(const struct elf_image *elf, uint64_t end)
{
	if (elf->type != ET_EXEC || elf->load_count < 1 || elf->low < HOME_AT(HOMES_LINUX) || elf->low >= EXO_WINDOW ||
		elf->high > end)
		return 0;
	if (elf->low >= HOME_AT(HOME_ROOTIMG) && elf->low < HOME_AT(HOMES_APPS)) /* kept for others */
		return 0;
	for (int i = 0; i < elf->load_count; i++)
		if ((elf->load[i].flags & (PF_W | PF_X)) == (PF_W | PF_X))
			return 0;
	return elf->entry >= elf->low && elf->entry < elf->high;
}

/* Where the home's part for stack and settings begins. */
static uint64_t stack_of(uint64_t va)
{
	return (va | (EXO_HOME_SIZE - 1)) + 1 - (STACK_PAGES + SETTINGS_PAGES) * PAGE;
}

/* Where it lies in the root image; *size: its bytes. */
static uint64_t file_find(uint64_t base, const char *name, uint64_t *size)
{
	struct erofs fs;
	struct erofs_inode inode;
	char path[32];
	int64_t r = erofs_open_known(&fs, (const void *)rt_info->root_va, rt_info->root_size);

	(void)fmt(path, sizeof path, "/aril/%s", name);
	if (r >= 0)
		r = erofs_path(&fs, path, &inode);
	if (r < 0)
		refuse(base, "%s: there is no such app in the root image", name);
	*size = inode.size;
	return rt_info->root_va + inode.offset;
}

static void image_load(uint64_t base, const char *name, uint64_t file, uint64_t size, struct elf_image *elf)
{
	uint64_t top;
	int64_t r;

	if (elf_parse((const void *)file, size, size, elf) < 0 || !is_linked_well(elf, stack_of(elf->low)))
		refuse(base, "%s: it is not linked at an address in a home of its own", name);
	r = gate_home_set(0, EXO_HOME_CLAIM, elf->low & -EXO_HOME_SIZE, 1);
	if (r == -EXO_EBUSY)
		refuse(base, "%s: the home that it is linked in, at 0x%lx, is another's", name,
			(unsigned long)(elf->low & -EXO_HOME_SIZE));
	for (int i = 0; i < elf->load_count && r >= 0; i++)
		r = segment_map(&elf->load[i], file);
	top = stack_of(elf->low);
	if (r >= 0)
		r = rt_pages(&top, top + (STACK_PAGES + SETTINGS_PAGES) * PAGE);
	if (r < 0)
		refuse(base, "%s: it cannot be loaded: %s", name, rt_error(r));
}

void app_begin(void *argument)
{
	static const uint64_t none[EXO_ENTRY_COUNT];
	struct rt_box box = { .self = rt_self(), .bits = MONITOR_BOXES, .base = (uint64_t)argument };
	uint64_t file, size;
	struct elf_image elf;
	char name[BOX_NAME];

	memcpy(name, up_of(box.base)->bytes, sizeof name);
	name[sizeof name - 1] = 0;
	box.maker = rt_creator(&rt_envs[EXO_NAME_INDEX(box.self)]);
	box.up = up_of(box.base);
	box.down = (const struct ring_side *)(box.base + FAMILY_OWN + RING_DOWN);
	if (strcmp(name, BOX_APP_SENT)) {
		file = file_find(box.base, name, &size);
		image_load(box.base, name, file, size, &elf);
	} else {
		size = file_take(&box);
		image_load(box.base, "the app", FILE_AT, size, &elf);
		(void)rt_unmap(0, FILE_AT, PAGE_UP(size) / PAGE, 1);
	}
	uint64_t top = stack_of(elf.low) + STACK_PAGES * PAGE;
	struct rt_box *b = (struct rt_box *)top;
	*b = box;
	settings_take(b, (char *)top + PAGE);
	(void)gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)none, 0); /* the library's */
	__asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tjmp *%1"
		: : "r"(top), "r"(elf.entry), "D"((uint64_t)b->self), "S"(b) : "memory");
	__builtin_unreachable();
}
