/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_UNIT_ASK_H
#define SCHEDULER_UNIT_ASK_H

struct unit;

/*
 * What a unit asks its daemon, one question at a time: how it is, over and over; to pause
 * and to go on; to take over a new configuration if that needs no restart. Nothing waits.
 */
void unit_step_ask(struct unit *u);

/* Hands the wanted configuration to the daemon, as soon as no other question is under way.
 * When it is refused, u->reload_failed is its revision. */
void unit_reload(struct unit *u);

#endif
