/* SPDX-License-Identifier: MIT */
/* Lab 5, the server's beginning and its end: it has a box of its own, and what is wanted of it is client.c's. */
#include <lab5.h>
#include <rt/rt.h>

void app_main(exo_name self)
{
	rt_page()->disabled = 0;
	rt_log("env %lx serves", self);
	serve();
	rt_log("it has left off serving");
	rt_off(1);
}
