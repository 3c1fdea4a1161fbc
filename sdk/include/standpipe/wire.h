/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/wire.h: the default frame, as bytes in a FIFO.
 *
 *   offset  size  what
 *   0       4     length of the payload in bytes, unsigned, little endian
 *   4       n     the payload: any bytes
 *
 * It is the frame of browsers' native messaging, too (on little-endian machines): hosts for it read
 * and write such FIFOs.
 *
 * Nothing lies between frames. A length of 0 is a message. The router accepts lengths up to the
 * source's max_message_size (default 16 MiB, at most 1 GiB). A frame (header and payload) of at
 * most PIPE_BUF (4096) bytes that is written by one write(2) is atomic in the kernel; writers of
 * larger frames hold an exclusive flock(2) on the FIFO, or must be alone. Where some write larger
 * frames, those who write small ones beside them take the lock, too.
 */
#ifndef STANDPIPE_WIRE_H
#define STANDPIPE_WIRE_H

#include <stdint.h>

#define STANDPIPE_WIRE_HEADER_BYTES 4
#define STANDPIPE_WIRE_MESSAGE_MAX_DEFAULT (16u << 20)
#define STANDPIPE_WIRE_MESSAGE_MAX_LIMIT (1u << 30)

/* No casts: C++ authors may well compile with -Wold-style-cast. */
static inline uint8_t standpipe_wire_low_byte(uint32_t value) { return value & 0xff; }

static inline void standpipe_wire_put_length(uint8_t header[STANDPIPE_WIRE_HEADER_BYTES],
                                             uint32_t length) {
  header[0] = standpipe_wire_low_byte(length);
  header[1] = standpipe_wire_low_byte(length >> 8);
  header[2] = standpipe_wire_low_byte(length >> 16);
  header[3] = standpipe_wire_low_byte(length >> 24);
}

static inline uint32_t standpipe_wire_get_length(
    const uint8_t header[STANDPIPE_WIRE_HEADER_BYTES]) {
  const uint32_t b0 = header[0], b1 = header[1], b2 = header[2], b3 = header[3];
  return b0 | b1 << 8 | b2 << 16 | b3 << 24;
}

#endif
