#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A handler in sh for the plugin exec: notify.sh COMMAND [ARGUMENT...] runs the command for each message, with the message as
# its standard input. It is delivered if the command succeeds, and tried again later if not. Some hundred messages a second pass.
set -u
message=$(mktemp) || exit 1
trap 'rm -f "$message"' EXIT

# The length of a frame, in four bytes; fails at the end of the messages.
length() {
  head -c 4 | od -An -tu1 | {
    read -r a b c d && echo $((a + b * 256 + c * 65536 + d * 16777216))
  }
}

echo "standpipe 1"
while bytes=$(length); do
  # Into a file first, so that a command that reads only a part of it leaves nothing in the way.
  if [ "$bytes" -gt 0 ]; then head -c "$bytes" >"$message"; else : >"$message"; fi
  if "$@" <"$message" >&2; then
    echo delivered
  else
    echo "retry 1 $1 failed"
  fi
done
