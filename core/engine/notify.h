/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_NOTIFY_H
#define ENGINE_NOTIFY_H

#include <stdint.h>

#include "base/attr.h"

/*
 * sd_notify: one datagram to $NOTIFY_SOCKET per message; nothing happens without it. Also
 * the watchdog: notify_watchdog_us() is half of $WATCHDOG_USEC (0: none, or
 * $WATCHDOG_PID is another process), how often "WATCHDOG=1" must be sent. Main thread.
 */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_status(const char *fmt, ...) _printf_(1, 2);
void notify_watchdog(void);
int64_t notify_watchdog_us(void);

#endif
