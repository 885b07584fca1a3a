/* SPDX-License-Identifier: MIT */
/* Gate error numbers, expanded from error.def. */
#ifndef EXO_ERROR_H
#define EXO_ERROR_H
enum exo_error {
#define ERROR(name, number, message) EXO_##name = number,
#include <exo/error.def>
#undef ERROR
};
/* True for a gate result that is an error. A page table entry with NX set is negative too, but never this small. */
#define EXO_IS_ERROR(r) ((unsigned long)(r) > -4096ul)
#endif
