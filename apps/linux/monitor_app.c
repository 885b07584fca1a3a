/* SPDX-License-Identifier: MIT */
/* A box whose library OS is another app (`box --app NAME`): the app's ELF file out of the root image to the home that
 * it is linked in, a stack, the settings; then its first instruction. What fails is one line of the box's stream, and
 * the env's end. Runs in the box, on the library stack, before anything of the Linux library OS has begun. */
#include <stdarg.h>
#include <base/conf.h>
#include <base/elf.h>
#include <base/erofs.h>
#include <base/fmt.h>
#include <base/string.h>
#include <rt/ring.h>
#include <rt/rt.h>
#include "monitor.h"

/* The last pages of the app's home: settings, and below them the stack. */
#define SETTINGS_PAGES 5u
#define STACK_PAGES    16u
#define SETTINGS_MOST  ((SETTINGS_PAGES - 1) * PAGE)

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

/* ---- the settings */

static uint8_t byte_take(const struct rt_box *b)
{
	const uint8_t *at;

	while (!ring_to_take(b->up, b->down, &at, 1))
		(void)gate_yield(b->maker, 0);
	ring_took(b->up, 1);
	return at[0];
}

static void settings_take(struct rt_box *b, char *text)
{
	const char *at = text;
	struct conf_line line;
	char type;

	do {
		type = (char)byte_take(b);
		uint32_t n = byte_take(b);
		n |= (uint32_t)byte_take(b) << 8;
		for (; n; n--) {
			uint8_t c = byte_take(b);
			if (type == 'A' && b->settings_size < SETTINGS_MOST)
				text[b->settings_size++] = (char)c;
		}
		(void)gate_notify(b->maker, b->bits);
	} while (type != 'G');
	b->settings = text;
	memset(&line, 0, sizeof line);
	while (conf_next(&at, text + b->settings_size, &line) > 0)
		if (conf_is(&line, "nonce") && line.value_size == sizeof b->nonce)
			memcpy(b->nonce, line.value, sizeof b->nonce);
}

/* ---- the image */

/* What nobody writes is the root image's own page: its mapping is the proof of the right to it. */
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

static void image_load(uint64_t base, const char *name, struct elf_image *elf)
{
	struct erofs fs;
	struct erofs_inode inode;
	char path[32];
	uint64_t file, top;
	int64_t r = erofs_open_known(&fs, (const void *)rt_info->root_va, rt_info->root_size);

	(void)fmt(path, sizeof path, "/aril/%s", name);
	if (r >= 0)
		r = erofs_path(&fs, path, &inode);
	if (r < 0)
		refuse(base, "%s: there is no such app in the root image", name);
	file = rt_info->root_va + inode.offset;
	if (elf_parse((const void *)file, inode.size, inode.size, elf) < 0 || !is_linked_well(elf, stack_of(elf->low)))
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
	uint64_t base = (uint64_t)argument;
	struct elf_image elf;
	char name[BOX_NAME];

	memcpy(name, up_of(base)->bytes, sizeof name);
	name[sizeof name - 1] = 0;
	image_load(base, name, &elf);
	uint64_t top = stack_of(elf.low) + STACK_PAGES * PAGE;
	struct rt_box *b = (struct rt_box *)top;
	b->self = rt_self();
	b->maker = rt_creator(&rt_envs[EXO_NAME_INDEX(b->self)]);
	b->bits = MONITOR_BOXES;
	b->base = base;
	b->up = up_of(base);
	b->down = (const struct ring_side *)(base + FAMILY_OWN + RING_DOWN);
	settings_take(b, (char *)top + PAGE);
	(void)gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)none, 0); /* the library's */
	__asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tjmp *%1"
		: : "r"(top), "r"(elf.entry), "D"((uint64_t)b->self), "S"(b) : "memory");
	__builtin_unreachable();
}
