/* SPDX-License-Identifier: MIT */
/* USB behind xHCI controllers: hubs and keyboards. Nothing here waits: usb_pump takes each step that is due, and each
 * step has a deadline. Who misbehaves is named in the log and left alone. */
#ifndef DEV_USB_H
#define DEV_USB_H
#include <exo/pci.h>
#include "keyboard.h"

struct usb;

#define USB_SPACE (4ul << 20) /* of addresses, for one controller */

/* A row's open (drivers.def): binds the xHCI controller and starts to bring it up. 0, -EACCES, -ENOMEM. One that cannot
 * be used is named in the log, and gives no keys. First env only. */
int usb_open(struct usb **u, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w);
/* Takes all steps that are due at `now`, ns of rt_now. To be called after the controller's message, and at
 * usb_deadline. */
void usb_pump(struct usb *u, uint64_t now);
/* The row's step, deadline and list. */
int usb_serve(struct usb *const *u);
uint64_t usb_deadline(struct usb *const *u);
size_t usb_list(struct usb *const *u, char *to, size_t max);
/* The next key of any of its keyboards, held ones repeated: true. */
int usb_key(struct usb *u, struct keyboard_event *e);
/* Bits as keyboards have them (HID 1.11, B.1): NumLock 1, CapsLock 2. */
void usb_leds(struct usb *u, unsigned leds);
#endif
