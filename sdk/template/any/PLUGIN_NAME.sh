#!/bin/sh
# Says how long each message is, and rejects those that are empty. Make it do what you need, in any language: this one is sh.
# Messages come on standard input, each with its length before it. On standard output goes what becomes of each; README.md says
# what. Standard error is the hub's log.
set -u
prefix=${1-"got "}
message=$(mktemp) || exit 1
trap 'rm -f "$message"' EXIT

# The length of the next message, from four bytes, the lowest first. Fails at the end of the messages.
length() {
  head -c 4 | od -An -tu1 | {
    read -r a b c d && echo $((a + b * 256 + c * 65536 + d * 16777216))
  }
}

echo "standpipe 1"
while bytes=$(length); do
  if [ "$bytes" -eq 0 ]; then
    echo "reject 1 it is empty"
    continue
  fi
  head -c "$bytes" >"$message"
  echo "$prefix$(wc -c <"$message") bytes" >&2
  echo delivered
done
