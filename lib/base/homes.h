/* SPDX-License-Identifier: MIT */
/* Who has which homes, so that library OSes of all kinds can lie side by side: numbers of homes. lib/rt/apphome reads
 * them, too. Home 0 is for an app that is alone (test/guest/gate: its tests name it). */
#ifndef BASE_HOMES_H
#define BASE_HOMES_H

/* Apps, each in a home that a hash of what it is made of chooses. Those of the Linux library OS lie in the slot of
 * their families, since each member has a table for that one; and first in it, since the end of each reads its table up
 * to its last entry. */
#define HOMES_LINUX  1
#define HOME_ROOTIMG 64    /* the root image, by the loader; behind it what the first family's monitor says */
#define HOME_FAMILY  66    /* the first family; behind it those of boxes, and what servers claim for their clients */
#define HOMES_APPS   512   /* all other apps */
#define HOMES_END    16384 /* images of Linux programs begin here: vm.h */

/* Its address, for who includes <exo/layout.h>. */
#define HOME_AT(number) (EXO_HOMES_BASE + (number) * EXO_HOME_SIZE)
#endif
