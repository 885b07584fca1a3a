/* SPDX-License-Identifier: MIT */
/* USB behind xHCI controllers: hubs and keyboards. Nothing here waits: usb_pump takes each step that is due, and each
 * step has a deadline. Who misbehaves is named in the log and left alone. */
#ifndef DEV_USB_H
#define DEV_USB_H
#include "keyboard.h"

struct usb;

#define USB_SPACE (4ul << 20) /* of addresses, for one controller */

/* Binds the next xHCI controller of the PCI table, from number *at on (0 for the first), and starts to bring it up;
 * its memory is mapped in [va, va + USB_SPACE), va on a 2 MiB boundary. NULL: there is no more. One that cannot be
 * used is named in the log, and gives no keys. First env only. */
struct usb *usb_open(uint64_t *at, uint64_t va);
/* Takes all steps that are due at `now`, ns of rt_now. To be called after the controller's message, and at
 * usb_deadline. */
void usb_pump(struct usb *u, uint64_t now);
/* ns of rt_now; 0 = not before a message. */
uint64_t usb_deadline(const struct usb *u);
/* The next key of any of its keyboards, held ones repeated: true. */
int usb_key(struct usb *u, struct keyboard_event *e);
/* Bits as keyboards have them (HID 1.11, B.1): NumLock 1, CapsLock 2. */
void usb_leds(struct usb *u, unsigned leds);
/* Changes with what usb_list says. */
unsigned usb_version(const struct usb *u);
/* The controller and what is plugged in, with who drives it: lines. Length, at most max. */
size_t usb_list(const struct usb *u, char *to, size_t max);
#endif
