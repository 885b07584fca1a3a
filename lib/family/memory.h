/* SPDX-License-Identifier: MIT */
/* Where things lie in a member of a family, and the memory that all members share. */
#ifndef FAMILY_MEMORY_H
#define FAMILY_MEMORY_H
#include <stddef.h>
#include <stdint.h>
#include <exo/layout.h>
#include <base/homes.h>

/* ---- address map of a member of the family */
/* Library and app image lie at app_base (rt.h), read-only, live in all members; the root image likewise. */
#define ROOTIMG_BASE  HOME_AT(HOME_ROOTIMG)
/* A family's homes stand in a row, from its base on (process.h): control memory, its monitor's own, data memory. What
 * the monitor says (family/monitor.h) lies near the end of the home before, which nobody of another family has. That of
 * the first family stands behind the root image, so that one call links both. */
#define FIRST_FAMILY  HOME_AT(HOME_FAMILY)
#define FAMILY_SAID   (4ul << 20)         /* below the base */
#define FAMILY_OWN    EXO_HOME_SIZE       /* the first one's: aril.conf page(s) and the first env's stack */
#define FAMILY_DATA   (2 * EXO_HOME_SIZE) /* data memory: homes in which members may map */
#define CONFIG_BASE   (FIRST_FAMILY + FAMILY_OWN)
#define PRIVATE_BASE  (510ul * EXO_HOME_SIZE)              /* slot 0, last GiB but one: struct process, library stack, scratch; never sealed */
#define USER_END      (509ul * EXO_HOME_SIZE)              /* slot 0: what programs may map lies below */

/* Control memory: zeroed, 16-byte aligned (fam_alloc) or page-aligned (fam_pages), valid in every member; NULL when
 * refused. */
void *fam_alloc(size_t size);
void *fam_alloc_any(size_t size); /* as its last user left it */
void  fam_free(void *p);
void *fam_pages(size_t count);
void *fam_pages_any(size_t count); /* as their last user left them: for who writes each byte before it is read */
void  fam_pages_free(void *p, size_t count);
/* So many more pages may be taken before only `quarters` of the reserve are left, which is there for those who must
 * go on. */
enum room {
	ROOM_ANY,         /* none of it */
	ROOM_FEW,         /* an open file of who has few */
	ROOM_OWN,         /* programs' own memory: memory_spare */
	ROOM_SOME = ROOM_OWN, /* an open file of who has no more than most may have */
	ROOM_FILES,       /* an open file of who has many */
	ROOM_CONTENT = 4, /* what programs fill at will */
};
uint64_t fam_room(enum room quarters);
void *fam_content(size_t count); /* fam_pages that grow with contents of files and messages: stops before the reserve */
/* Data memory: a zeroed page for contents, or NULL. No pointer that the library follows may stand in it: any member can
 * take the page away. Who touches one that is gone finds an empty one there. */
void *data_page(enum room quarters);
void  data_page_free(void *page);
/* The same for one that may be mapped: who maps it keeps it, to himself, until he unmaps it. */
void  data_page_leave(void *page);
uint64_t data_pages_used(void);
/* True: that has happened to the caller since it asked last. */
int   data_lost(void);
/* Who does much under the family lock shows by this that it gets on: else the monitor ends it (lock.c). */
void family_progress(void);
#endif
