/* SPDX-License-Identifier: MIT */
/* USB behind xHCI controllers: hubs, keyboards, and one file on a disk. Nothing here waits: usb_pump takes each step
 * that is due, and each step has a deadline. Who misbehaves is named in the log and left alone. */
#ifndef DEV_USB_H
#define DEV_USB_H
#include <exo/pci.h>
#include "keyboard.h"

struct usb;

#define USB_SPACE (4ul << 20) /* of addresses, for one controller */

/* The file for a report: in the root directory of Aril's own FAT32 volume, as esp/mkimage makes it, of this size. Its
 * first line is this one and stays; the report follows, then empty lines. */
#define USB_REPORT_FILE  "HWINFO  TXT"
#define USB_REPORT_MARK  "Aril keeps this file for `hwinfo --report`, which writes over it and over nothing else.\n"
#define USB_REPORT_BYTES 65536u
#define USB_REPORT_ROOM  (USB_REPORT_BYTES - (sizeof USB_REPORT_MARK - 1))
#define USB_REPORT_TEXT  512u
/* size: bytes of a report, at most USB_REPORT_ROOM. give: copies n of them from `at` on; true: they cannot be had. */
struct usb_report { int (*give)(void *from, size_t at, void *to, size_t n); void *from; size_t size; };

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
/* Begins to write a report into that file, on the first disk behind this controller that has it. `what` is asked until
 * usb_report_end says that it is over. 0, or -EBUSY: another one is under way. */
int usb_report(struct usb *u, const struct usb_report *what);
/* 0: under way. Else it is over, and lines say where it was written, or why not, *n bytes, at most max: 1, it is on a
 * disk; -ENODEV, no disk has the file; -EIO, it was begun and failed. */
int usb_report_end(struct usb *u, char *to, size_t max, size_t *n);
#endif
