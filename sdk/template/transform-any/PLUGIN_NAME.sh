#!/bin/sh
# Makes a new message of each, and rejects those that are empty. Make it do what you need, in any language: this one is sh.
# Messages come on standard input, each with its length before it. On standard output goes what is made of each, and what
# becomes of it; README.md says how. Standard error is the hub's log.
set -u
prefix=${1-"got "}
added=$(printf %s "$prefix" | wc -c)

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
  printf 'emit %d\n%s' $((added + bytes)) "$prefix"
  head -c "$bytes"
  echo delivered
done
