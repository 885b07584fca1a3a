/* SPDX-License-Identifier: MIT */
/* An address space: regions and the pages behind them, user memory, new envs. All on the caller's own space (space.h)
 * and, but where a line says otherwise, with the family lock held. */
#ifndef VM_VM_H
#define VM_VM_H
#include <stddef.h>
#include <asm/errno.h>
#include <exo/env.h>
#include <rt/page.h>
#include <family/family.h>
#include <vm/space.h>
#include <linux/mman.h> /* MAP_, as far as it counts here */

/* Where the library places things, when nothing is random (load/image.c): all below 320 GiB and, until that is full,
 * above 192 GiB, the one part of slot 0
 * that AddressSanitizer's layout leaves to others. vDSO, interpreter, the first mappings and the stack lie near one
 * another, in one table for fork to link, of which it copies a part; and the two that stay below what comes and goes,
 * so that their regions need not be moved. Images, and what is too large, lie in slots that this layout leaves free. */
#define STACK_TOP    (320 * EXO_HOME_SIZE - 16 * PAGE)
#define STACK_GAP    (256 * PAGE)                  /* kept free below a growing stack */
#define STACK_ROOM   (64ul << 20)                  /* between its top and mmap_top */
#define MMAP_TOP     (STACK_TOP - STACK_ROOM)
#define INTERP_BASE  (SPACE->mmap_top - (32ul << 20))
#define VDSO_BASE    (INTERP_BASE - 16 * PAGE)
#define PIE_BASE     (200 * EXO_HOME_SIZE)         /* when no home is to be had */
#define IMAGES_BASE  HOME_AT(HOMES_END)
#define LARGE_BASE   (96 * EXO_SLOT_SIZE)          /* end of the images' slots */
#define LARGE_END    (192 * EXO_SLOT_SIZE)
#define USER_HIGH    (2 * EXO_SLOT_SIZE)           /* programs may map from here on, too: slots.c */


#pragma GCC visibility push(hidden)

/* ---- region.c, place.c; all on the caller's own regions. A pointer to one holds until regions come, go or are cut. */
/* mmap.c: as mmap of a file, whole pages; flags: MAP_FIXED or 0 */
long map_shared(struct inode *ip, uint64_t hint, uint64_t size, unsigned prot, uint64_t flags);
int  map_remove(uint64_t start, uint64_t end);     /* the same for munmap: 0 or -ENOMEM */
struct region *region_find(uint64_t va);           /* the one that holds va, or NULL */
/* replaces what stands there; takes over the inode reference; 0 or -ENOMEM (reference dropped) */
int  region_insert(const struct region *r);
/* makes start and end borders: the first region that ends above start; NULL: no memory */
struct region *region_cut(uint64_t start, uint64_t end);
/* neighbours with one meaning become one, there and at its borders */
void regions_join(uint64_t start, uint64_t end);
int  region_remove(uint64_t start, uint64_t end);  /* regions only, no entries: 0 or -ENOMEM */
void regions_get(void);                            /* one reference more to all files, for a fork child's copy */
void regions_drop(void);                           /* all references given back */
void regions_open(void);                           /* no regions, in a first leaf that is there */
struct region *region_above(uint64_t va);          /* first region with end > va, or NULL */
struct region *region_before(const struct region *r); /* its neighbours, or NULL */
static inline struct region *region_next(struct region *r)
{
	const struct leaf *l = (const struct leaf *)PAGE_DOWN(r);

	return r + 1 < l->region + l->count ? r + 1 : region_above(r->end);
}
static inline struct region *region_first(void) { return region_above(0); }
struct region *region_last(void);                  /* these two: NULL when there is none */
void region_grow(struct region *r, uint64_t start, uint64_t end); /* over free addresses on either side */
uint64_t regions_max(void);                        /* so many an env can have */
int  region_free_space(uint64_t start, uint64_t end); /* true when nothing stands there */
/* highest free space below mmap_top, else among the large things, 0 = none */
uint64_t region_place(uint64_t size);
/* lowest free space between them, 0 = none */
uint64_t region_place_low(uint64_t low, uint64_t high, uint64_t size);
/* the file that a program knows to be mapped there: not the vDSO, which has no name */
struct inode *region_file(const struct region *r);
int  is_mapped(uint64_t start, uint64_t size);     /* whole pages of [start, start + size), each in some region */
/* extent of regions within, low >= high: none */
void regions_in(uint64_t base, uint64_t size, uint64_t *low, uint64_t *high);

/* ---- slots.c */
/* the first table of va's slot, which is not slot 0: 0 or a gate error */
int64_t slot_open(uint64_t va);
/* the first above in which there is a table; at or above that of EXO_WINDOW: none */
uint64_t slot_next(uint64_t slot);
uint64_t slots_skip(uint64_t va, uint64_t end);    /* the first address from va on in such a slot; end: none below */

/* ---- path.c */
/* tables down to level 1 present, exclusive and writable: 0 or -errno */
int path_open(uint64_t va);
int table_open(uint64_t va);                       /* the same, down to level 2 */
/* One of these two (level 2 or 3 for the last table's entry) for addresses whose regions are gone: what only the old
 * tables have of them is left to those who share these. */
int path_leave(uint64_t va, int level);
/* This env is about to lose its only way to a table (of that level) that others share: what it owns by entries [first,
 * end) of it, if it owns the table, is theirs. Else it would stay charged to an env that cannot reach it. */
void table_leave(uint64_t pfn, int level, unsigned first, unsigned end);

/* ---- huge.c */
int huge_serve(const struct region *r, uint64_t va); /* a run at va's 2 MiB, where r and memory allow it: 1, else 0 */
/* runs that these addresses touch become small pages: 0 or -ENOMEM */
int huge_split(uint64_t start, uint64_t end);
int huge_drop(uint64_t start, uint64_t end);       /* the same, but whole ones are unmapped */
int huge_split_all(void);
/* the run at `from`, if there is one and both are multiples of 2 MiB, goes to `to`, where no page is: 1, else 0 */
int huge_move(uint64_t from, uint64_t to);
/* ---- pages.c */
#define BLOCK (512 * PAGE) /* what one table of level 1 maps */
/* The level-1 entries from that of va to the end of its table, which is this env's own, through a window; NULL: no
 * table, or no window. One at a time. */
const volatile uint64_t *entries_look(uint64_t va);
void entries_unlook(void);
/* One window for each level; a table of one's own: true when it is there */
#define TABLE_WINDOW(level) ((const uint64_t *)(SCRATCH + ((level) - 1) * PAGE))
int table_look(int level, uint64_t pfn);
void table_unlook(int level);
/* these bits of n entries, up to the first that is absent */
void entries_change(uint64_t va, uint64_t n, uint64_t value, uint64_t mask);
int table_is_there(uint64_t va);                   /* the level-2 table for it */
int pages_unmap(uint64_t start, uint64_t end);     /* regions are gone already */
int pages_clear(uint64_t start, uint64_t end);     /* the same, but what swap has of them stays there */
int pages_protect(uint64_t start, uint64_t end, unsigned prot);
/* as pages_protect, where no right but that to write changes, and some to read is left: 0 or -ENOMEM */
int tables_protect(uint64_t start, uint64_t end, unsigned prot);
void table_rights(uint64_t va);                    /* va's level-1 table has just been opened: path.c */
int tables_open(void);                             /* no table is closed: what has one cannot be sealed. 0, -ENOMEM */
uint64_t present_from(uint64_t va, uint64_t end);  /* the next present page from va on; end: none below */
/* which pages of va's table of level 1 are present, a byte each, 1 or 0; present: at 8 bytes. 0, -ENOMEM */
int table_present(uint64_t va, uint8_t present[512]);

/* Of a file that has lost pages, and has so many bytes: what this mapping may show of those goes. */
void mapping_renew(const struct region *r, uint64_t size);

/* ---- user.c: programs own slot 0 below USER_END and what lies from USER_HIGH on, but for the homes beside that of
 * their image, and what stands in homes of other library OSes; all else is the library's */
int user_range_high(uint64_t va, uint64_t n);
static inline int user_range_ok(uint64_t va, uint64_t n)
{
	return va + n <= USER_END && va + n >= va ? va >= EXO_NULL_GUARD : user_range_high(va, n);
}

/* ---- stash.c: all return 0 or -ENOMEM */
int stash_put(uint64_t start, uint64_t end);       /* private pages become inaccessible: their bytes are kept */
int stash_take(uint64_t start, uint64_t end);      /* brings them back; the regions there are writable meanwhile */
int stash_drop(uint64_t start, uint64_t end);      /* what was kept for these addresses is forgotten */
/* it belongs to as many others from `to` on, for which nothing is kept; -ENOMEM: a part may have moved */
int stash_move(uint64_t start, uint64_t end, uint64_t to);
int stash_swapped(uint64_t start, uint64_t end);   /* what swap has of them is kept here instead; or -EIO */
static inline int stash_used(void) { return SPACE->has_stash; } /* else the last two have nothing to do */

/* ---- populate.c */
/* all pages there are made: 0, -ENOMEM, -EINVAL, -EFAULT past a file's end */
int  populate(uint64_t start, uint64_t end, unsigned access);
/* by the access that each region has, as far as there is something to read or write there: 0, -ENOMEM */
int  populate_all(uint64_t start, uint64_t end);
/* the same for a new mapping, as far as it goes */
void map_populate(uint64_t start, uint64_t end, int locks, int on_fault);

/* ---- mmap.c */
long map_anonymous(uint64_t start, uint64_t size, unsigned prot, uint32_t flags);
void wx_note(unsigned prot);
/* What mmap maps: page `page` of a file first, by a descriptor that allows it; flags: REGION_READ_ONLY or 0. */
struct map_file { struct inode *inode; uint64_t page; uint32_t flags; };
/* As mmap, with whole pages; file NULL, or without an inode: anonymous memory. The address, or -errno. */
long map_new(uint64_t hint, uint64_t size, uint64_t prot, uint64_t flags, const struct map_file *file);
/* addresses kept free, some of which no program may use: start, or -errno */
long map_reserve(uint64_t start, uint64_t end);
long map_protect(uint64_t start, uint64_t size, uint64_t prot);  /* as mprotect */
/* as mremap. mremap.c */
long map_move(uint64_t old, uint64_t old_size, uint64_t new_size, uint64_t flags, uint64_t new);
long heap_set(uint64_t wanted);                    /* as Linux's brk: where the heap ends now. brk.c */
int  limit_reached(uint64_t more);                 /* RLIMIT_AS */

/* ---- pager.c */
/* Makes the page of va present with that access (one of PROT_) for user code or for the library: 0, -EFAULT, -ENXIO
 * past the end of a file, -ENOMEM. The lock as it may be. */
int page_serve(uint64_t va, unsigned access);
int memory_make(uint64_t n);                       /* as memory_wait, when need be by swap */

/* ---- user.c, user_copy.S */
/* User memory: 0 or -EFAULT; faults are served on the way. user_str copies a NUL-terminated string: its length,
 * -EFAULT, or -ENAMETOOLONG. */
int  user_read(void *to, uint64_t from, size_t n);
int  user_write(uint64_t to, const void *from, size_t n);
long user_str(char *to, uint64_t from, size_t max);
int timespec_read(uint64_t from, uint64_t *ns);        /* of a struct timespec there; -EINVAL too */
int user_copy(void *to, const void *from, size_t n);
int user_compare_swap(uint32_t *at, uint32_t *old, uint32_t new);
/* Between the first two a fault that cannot be served ends at the third, as -EFAULT. An app's link script names them. */
extern const char user_copy_begin[], user_copy_end[], user_copy_fault[];

/* ---- env_begin.S */
/* Calls it on the empty library stack of the thread that runs here. The other is the first instruction of an env: rdi
 * = go_on, rsi = argument. */
void library_restart(void (*go_on)(void *), void *argument) __attribute__((noreturn));
void library_begin(void);

/* ---- env.c */
#define BUILD_PRIVATE 3 /* process, XSAVE image, first leaf of regions */
struct env_build {
	uint64_t root;                                 /* frame of the new root */
	/* frames of library stack and those three, which stand in a row */
	uint64_t own[LIBRARY_STACK_FIRST + BUILD_PRIVATE];
	/* frames of further pages, control memory of the caller's: given to the env when it is there */
	uint32_t *more, more_count;
	struct exo_env_spec spec;
};
#define PAGES_PUT_MAX 64
/* Maps n frames at va of root (0: the caller's), to read and write; at most PAGES_PUT_MAX. 0 or a gate error. */
int64_t pages_put(uint64_t root, uint64_t va, const uint64_t *frame, uint64_t n);
/* Claims and composes a root with library, family, root image and the private area. *b: zeroed. 0, or -errno with
 * nothing left. */
int  env_build(struct env_build *b);
/* n pages more of the private area from va on, within 2 MiB, at most PAGES_PUT_MAX, and the table for them if it is
 * missing: frames of the caller's that go to the env with it. 0 or a gate error: the frames are the caller's still. */
int64_t env_build_more(struct env_build *b, uint64_t va, const uint64_t *frame, uint64_t n);
/* The same for the monitor of another family, which makes that by itself: nothing of the caller's family is in it. */
int  env_build_monitor(struct env_build *b);
void env_unbuild(struct env_build *b);
/* Makes the env; it starts at go_on(argument) on its library stack. Its name, or -errno with nothing left. */
long env_launch(struct env_build *b, void (*go_on)(void *), void *argument);
/* First words of a new env's life: P->exo, P->self, what it opens to others. */
void env_begin(void);
/* The same, where nothing was copied; control: any address in its family's control memory. */
void env_begin_blank(const void *control);
/* The first env of a family that is to stand there: registers these entries, builds its own private area, in place
 * of what another build has left there; regions_open is the caller's. Not called on a stack in it. 0 or a gate
 * error. */
int64_t env_first(exo_name self, uint64_t family, const uint64_t entry[EXO_ENTRY_COUNT]);
/* The same for a monitor that another one of this build has built, on its library stack. */
int64_t env_first_of(uint64_t family, const uint64_t entry[EXO_ENTRY_COUNT]);

/* ---- alone.c, for apps that are a family of one env */
/* The first env makes itself a family, with an empty space: upcalls come when rt_page()->disabled is cleared. 0 or a
 * gate error. */
int64_t alone_start(exo_name self);
#pragma GCC visibility pop
#endif
