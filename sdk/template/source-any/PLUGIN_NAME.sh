#!/bin/sh
# Brings a number every so often, and goes on where it was. Make it bring what you need, in any language: this one is sh.
# Messages go to standard output; README.md says how. Standard error is the hub's log.
set -u
prefix=${1-"number "}
every=${2-1} # seconds

# How many bytes a text has: ${#1} may count characters.
bytes() { printf %s "$1" | wc -c; }

# Brings message $1, after which the source goes on at $2.
put() { printf 'emit %d 0 %d\n%s%s' "$(bytes "$1")" "$(bytes "$2")" "$2" "$1"; }

echo "standpipe 1"
read -r _ size || exit 0 # "resume SIZE"
number=$(head -c "$size")
case ${number:=1} in
*[!0-9]* | 0?*)
  echo "fatal its place in the hub's state is no number: it was another program's"
  exit
  ;;
esac

while :; do
  put "$prefix$number" $((number + 1))
  number=$((number + 1))
  # Waits. Status 124 says that the time is over; standard input ends when the hub wants this to end.
  timeout "$every" cat >/dev/null
  [ $? -eq 124 ] || exit 0
done
