/* SPDX-License-Identifier: MIT */
/* A format that a user registered. */
#ifndef POSIX_BINFMT_H
#define POSIX_BINFMT_H
#include <stdint.h>
#include <base/fmt.h>
#include <base/string.h>

#define BINFMT_HEAD 256 /* bytes of a file that a magic number may lie in */

struct binfmt {
	struct binfmt *next;
	int number;              /* by which /proc knows it */
	uint8_t enabled, is_extension, is_masked;
	uint8_t keeps_first;     /* flag P: argv[0] stays, behind the file's path */
	uint8_t opens, credits;  /* flag O: the interpreter finds the file open (AT_EXECFD); C: also as whose it runs, which is root in any case */
	struct inode *fixed;     /* flag F: the interpreter as it was when this was registered; inode_run; NULL: looked up each time */
	uint16_t offset, size;   /* of the magic number */
	uint8_t magic[BINFMT_HEAD], mask[BINFMT_HEAD]; /* or the extension, with its NUL, in magic */
	char name[64], interpreter[128];
};

/* Which format a file with these first BINFMT_HEAD bytes and that path is of: the one registered last that fits, NULL: none. Family lock held. */
const struct binfmt *binfmt_match(const char *head, const char *path);
#endif
