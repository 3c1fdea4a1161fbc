/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/client.h: for programs that write to a hub's FIFO and read from one. Header-only, C11,
 * POSIX and Linux; it needs no library and no running hub to compile. C++ authors include
 * <standpipe/client.hpp> instead.
 *
 *   standpipe_sender out;
 *   if (standpipe_sender_open(&out, "/tmp/orders", 5000) == 0)
 *     standpipe_send(&out, "order 66", 8, 5000);
 *   standpipe_sender_close(&out);
 *
 *   standpipe_receiver in;
 *   standpipe_message_view m;
 *   if (standpipe_receiver_open(&in, "/tmp/billing", 0) == 0)
 *     while (standpipe_receive(&in, &m, -1) == 1) use(m.data, m.size);
 *   standpipe_receiver_close(&in);
 *
 * client/work.h receives as one of several equal workers and acknowledges; client/request.h sends a
 * request and waits for its reply.
 *
 * Functions return 0 (or what is said), or a negative errno. Timeouts are in milliseconds; -1 waits
 * for ever, 0 does not wait. Sizes are in bytes. One object is for one thread at a time; different
 * objects are independent, and nothing is shared by them. SIGPIPE is never raised. Descriptors are
 * closed on exec. Who waits wakes once a second, to look whether its FIFO is still the one at its
 * path.
 */
#ifndef STANDPIPE_CLIENT_H
#define STANDPIPE_CLIENT_H

#include <standpipe/client/base.h>
#include <standpipe/client/receive.h>
#include <standpipe/client/request.h>
#include <standpipe/client/send.h>
#include <standpipe/client/work.h>

#endif
