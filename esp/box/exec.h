/* SPDX-License-Identifier: MIT */
/* `box exec`: what passes between it, the `box` that holds the box, and the agent in the box (esp/box-agent.c). On the
 * socket of a box frames have the channel's head; to the agent and back they have the number of their session before
 * it, and are the bytes of frames K. Each side sends bytes of a stream only as far as the other has room: a window of
 * EXEC_WINDOW at the beginning, then what W gives back. */
#ifndef ESP_BOX_EXEC_H
#define ESP_BOX_EXEC_H

#define FRAME_HEAD    3 /* type, length */
#define EXEC_HEAD     5 /* session, type, length */
#define EXEC_DATA     4096
#define EXEC_WINDOW   65536u
#define EXEC_SESSIONS 16 /* of a box, at once: that with number N has place N % EXEC_SESSIONS */
#define EXEC_ARGS     32768

/* To the agent. A: the next bytes of the arguments, each with a zero behind it. G: begin; struct exec_go. I: input, Z:
 * its end. S: rows, columns, 16 bits each. N: that signal, a byte, for the command. W: 32 bits, so many bytes of output
 * were taken. Q: nobody waits for it any more.
 * From it. O, E: output. W: of the input. X: 32 bits, the status; nothing comes behind it. */
struct exec_go { uint8_t is_terminal; uint16_t rows, columns; char term[32]; };
#endif
