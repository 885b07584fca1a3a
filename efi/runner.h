/* SPDX-License-Identifier: MIT */
/* What the machine runs by: a CPU, or software that shows one. */
#ifndef EFI_RUNNER_H
#define EFI_RUNNER_H
#include <stdint.h>

#define RUNNER_NAME 13

/* In words for people. one_c: ECX of leaf 1, whose last bit only software sets. cpuid: a leaf's EAX, EBX, ECX, EDX,
 * whatever the CPU's own maximum is. name: room for a name that is not known here; the answer may lie in it. */
const char *runner_name(uint32_t one_c, void (*cpuid)(uint32_t leaf, uint32_t out[4]), char name[RUNNER_NAME]);
#endif
