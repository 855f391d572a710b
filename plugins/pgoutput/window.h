/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_WINDOW_H
#define PGOUTPUT_WINDOW_H

/*
 * TCP's receive window between processes of one machine.
 *
 * A loopback segment is 64 KiB, and a sender with more than that to send waits until a whole
 * segment fits into the receiver's window, or for a timer of 200 ms. The window is what the
 * receive buffer can take of packets as they come, and small messages occupy several times
 * their size: after a pause in which they have filled the default buffer of 128 KiB it can
 * stay just below 64 KiB for good, and a stream of 100 MB/s becomes one of 3 MB/s. A larger
 * buffer keeps it above.
 *
 * Only for a server on the same machine: a size that was set ends the kernel's own tuning,
 * which long lines need, and their segments are small.
 */
void window_widen(int fd);

#endif
