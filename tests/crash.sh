#!/bin/sh
# The proof that a killed worker loses nothing and tears nothing. BIN is the program (build/test/bin/standpipe).
#
#   sh tests/crash.sh points [STRIDE]     a run for each STRIDE-th system call: killed before it, and after it
#   sh tests/crash.sh steps [STRIDE]      killed some instructions after each call: between the stores to shared memory
#   sh tests/crash.sh twice [STRIDE]      the next worker is killed as well, while it recovers
#   sh tests/crash.sh readers [STRIDE]    as points, and the reader of the forward dies and comes back all the time
#   sh tests/crash.sh relay [STRIDE]      as points, and some instructions after, where bytes go by reference; readers die, too
#   sh tests/crash.sh files [STRIDE]      as points, some instructions after, and twice, where all goes into files, also rotated ones
#   sh tests/crash.sh devices [STRIDE]    as points, and some instructions after, where each device has a file of its own
#   sh tests/crash.sh held [STRIDE]       as points, and some instructions after, while what handlers that are away miss goes to the disk, and comes back
#   sh tests/crash.sh process [STRIDE]    as points, and some instructions after, where every handler has a process of its own
#   sh tests/crash.sh made [STRIDE]       the same where plugins make messages
#   sh tests/crash.sh taken [STRIDE]      as points, some instructions after, and twice, where plugins settle messages later
#   sh tests/crash.sh queue [STRIDE]      as points, some instructions after, and twice, with a queue on disk for each handler
#   sh tests/crash.sh replay [STRIDE]     as points, some instructions after, and twice, while dead letters are replayed
#   sh tests/crash.sh reload [TIMES]      200 reloads under load, of all kinds, workers and keepers killed meanwhile
#   sh tests/crash.sh reloadpoints [STRIDE] as points, while the hub is reloaded: also at every system call of a succession
#   sh tests/crash.sh random [SECONDS]    one run under load, up to 1,000 kills at random instants
#   sh tests/crash.sh writers [TIMES]     1,000 writers, each killed inside a large frame: all are counted, and others go on
#   sh tests/crash.sh readertimes [TIMES] 1,000 readers killed at random while 1,000 messages a second of 10 B to 300 KiB pass
#   sh tests/crash.sh deaths [PATTERN]    plugins and readers that die, hang or corrupt; the keeper killed, also in a reload; all killed
#   sh tests/crash.sh harness             the judgement and the killer themselves: can they fail?
set -eu
cd "$(dirname "$0")/.."
bin=${BIN:-build/test/bin/standpipe}
jobs=${JOBS:-2}
mode=${1:-points}
argument=${2:-}
points() { exec python3 tests/crash/points.py --bin "$bin" --jobs "$jobs" "$@"; }
relays() (points --relay --messages 400 "$@")
lives() { exec python3 tests/crash/lives.py --bin "$bin" --times "${argument:-1000}" "$1"; }
tests() {
  STANDPIPE_TEST_FOLDERS=tests/crash exec python3 tests/e2e/run.py --bin "$bin" --jobs "$jobs" --only "$1"
}
case $mode in
  points) points --every "${argument:-1}" ;;
  steps) points --every "${argument:-1}" --when after --steps 4000 ;;
  twice) points --every "${argument:-5}" --then 300 ;;
  readers) points --every "${argument:-1}" --readers-die ;;
  relay)
    relays --every "${argument:-1}" &&
      relays --every "${argument:-1}" --when after --steps 4000 &&
      relays --readers-die --every "$((${argument:-1} * 16))"
    ;;
  files)
    (points --files --every "${argument:-1}") &&
      (points --files --every "${argument:-1}" --when after --steps 4000) &&
      points --files --every "$((${argument:-1} * 4))" --then 300
    ;;
  devices)
    (points --devices --messages 60 --every "${argument:-1}") &&
      points --devices --messages 60 --every "${argument:-1}" --when after --steps 4000
    ;;
  held)
    (points --held --every "${argument:-1}") && points --held --every "${argument:-1}" --when after --steps 4000
    ;;
  process)
    (points --process --every "${argument:-1}") && points --process --every "${argument:-1}" --when after --steps 4000
    ;;
  made)
    (points --made --every "${argument:-1}") &&
      (points --made --every "${argument:-1}" --when after --steps 4000) &&
      points --made --every "$((${argument:-1} * 4))" --then 300
    ;;
  taken)
    (points --taken --every "${argument:-1}") &&
      (points --taken --every "${argument:-1}" --when after --steps 4000) &&
      points --taken --every "$((${argument:-1} * 4))" --then 300
    ;;
  queue)
    (points --queue --every "${argument:-1}") &&
      (points --queue --every "${argument:-1}" --when after --steps 4000) &&
      points --queue --every "$((${argument:-1} * 4))" --then 300
    ;;
  replay)
    (points --replay --messages 60 --every "${argument:-1}") &&
      (points --replay --messages 60 --every "${argument:-1}" --when after --steps 4000) &&
      points --replay --messages 60 --every "$((${argument:-1} * 4))" --then 300
    ;;
  reload) exec python3 tests/crash/reloads.py --bin "$bin" --times "${argument:-200}" ;;
  reloadpoints) points --reload --every "${argument:-1}" ;;
  random) points --seconds "${argument:-60}" ;;
  writers) lives writers ;;
  readertimes) lives readers ;;
  deaths) tests "(deaths|succession): .*${argument}" ;;
  harness) tests "harness: " ;;
  *)
    sed -n 's/^#   //p' "$0" >&2
    exit 2
    ;;
esac
