/* SPDX-License-Identifier: MIT */
/* What this room wants of whoever links it: names to define. What stands behind a mapping is a struct inode to it,
 * which it never looks into. The family lock is held but where a line says otherwise. */
#ifndef VM_NEEDS_H
#define VM_NEEDS_H
#include <exo/env.h>

struct inode;

#pragma GCC visibility push(hidden)
/* ---- the contract of a mapped object */
/* Address, valid in every member, of the page that holds the object's page `index` (page-aligned; bytes past its end
 * are zeros), NULL: a hole, or past the end. With make != 0 (a shared writable mapping) a hole gets its page; NULL
 * then means ENOMEM, or that it may have no more. */
void *inode_page(struct inode *ip, uint64_t index, int make);
/* In bytes: past its last page is no memory. */
uint64_t inode_size(struct inode *ip);
/* A reference for each region. */
void inode_get(struct inode *ip);
void inode_put(struct inode *ip);
/* So many regions more by which it can be written. */
void inode_maps_count(struct inode *ip, int n);

/* ---- envs and limits */
/* The upcall entries of a new env of the caller's family, or of one that it makes. Without the lock. */
void env_entries(uint64_t entry[EXO_ENTRY_COUNT]);
/* The pager: makes the page of va present with that access (one of PROT_); 0, -EFAULT, -ENXIO, -ENOMEM. page_serve is
 * one. The lock as it may be. */
int page_bring(uint64_t va, unsigned access);
/* The soft limit of RLIMIT_which. */
uint64_t current_limit(int which);
/* For who counts: what has happened to the caller's space; and a page fault has come, without the lock. */
enum space_news {
	SPACE_CHANGED, /* SPACE->region_bytes is another one */
	SPACE_SHRINKS, /* many pages are about to go */
	SPACE_IS_WX,   /* for the first time something is to be written and executed */
};
void space_note(enum space_news news);
void fault_note(void);
#pragma GCC visibility pop
#endif
