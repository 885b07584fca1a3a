/* SPDX-License-Identifier: MIT */
/* Notes for who reads the gate's trace: op nop does nothing, and the trace records its registers all the same
 * (exo/trace.h). Made only while somebody traces; test/aril/trace_words.py mirrors the kinds. */
#ifndef RT_NOTE_H
#define RT_NOTE_H
#include <rt/gate.h>

enum note_kind {
	NOTE_NONE,
	NOTE_CALL_END,  /* a = result of the foreign call that the caller now returns from */
	NOTE_LOOK,      /* what is called from here to the next note is the tracer's own: it only looks */
	NOTE_FAULT,     /* a = address; b to e = the entries of levels 4 to 1 on the way there; 0: absent or not reached */
	NOTE_FAULT_END, /* the same, when the fault has been served; kind >> 8 = why not, as Linux's error number */
};

static inline void note(uint64_t kind, uint64_t a, const uint64_t entry[4])
{
	(void)gate6(EXO_GATE_nop, kind, a, entry[3], entry[2], entry[1], entry[0]);
}

static inline void note_plain(uint64_t kind, uint64_t a) { (void)gate3(EXO_GATE_nop, kind, a, 0); }
#endif
