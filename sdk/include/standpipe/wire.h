/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/wire.h: the default frame, as bytes in a FIFO.
 *
 *   offset  size  what
 *   0       4     length of the payload in bytes, unsigned, little endian
 *   4       n     the payload: any bytes
 *
 * Nothing lies between frames. A length of 0 is a message. The router accepts lengths up to the source's max_message_size
 * (default 16 MiB, at most 1 GiB). A frame (header and payload) of at most PIPE_BUF (4096) bytes that is written by one write(2)
 * is atomic in the kernel; writers of larger frames hold an exclusive flock(2) on the FIFO, or must be alone.
 */
#ifndef STANDPIPE_WIRE_H
#define STANDPIPE_WIRE_H

#include <stdint.h>

#define STANDPIPE_WIRE_HEADER_BYTES 4
#define STANDPIPE_WIRE_MESSAGE_MAX_DEFAULT (16u << 20)
#define STANDPIPE_WIRE_MESSAGE_MAX_LIMIT (1u << 30)

static inline void standpipe_wire_put_length(uint8_t header[STANDPIPE_WIRE_HEADER_BYTES], uint32_t length) {
  header[0] = (uint8_t)(length & 0xff);
  header[1] = (uint8_t)((length >> 8) & 0xff);
  header[2] = (uint8_t)((length >> 16) & 0xff);
  header[3] = (uint8_t)((length >> 24) & 0xff);
}

static inline uint32_t standpipe_wire_get_length(const uint8_t header[STANDPIPE_WIRE_HEADER_BYTES]) {
  return (uint32_t)header[0] | ((uint32_t)header[1] << 8) | ((uint32_t)header[2] << 16) | ((uint32_t)header[3] << 24);
}

#endif
