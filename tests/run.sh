#!/bin/sh
# Installs what the tests need (Debian 12; as root or with sudo), builds in every flavour, runs everything, ends with a count,
# and below it the name of each step and each test that failed: the end of a long output is what is read.
#
#   sh tests/run.sh                all of it: half an hour on 2 cores where a compiler cache (ccache) has it all, and an hour where not
#   sh tests/run.sh STAGE...       some of: test install bridges crash asan lint tsan valgrind fuzz
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$here/configs/packages.sh"
cd "$here" || exit 1
exec </dev/null  # the same whether a terminal, nothing or a closed descriptor is there
export CCACHE_BASEDIR="$here" CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
cached="$here/tests/launcher/ccache"
jobs=$(nproc)
logs="$here/build/logs"
mkdir -p "$logs"
failures="$logs/failures"
times="$logs/times"
counts="$logs/counts"
: >"$failures" >"$times" >"$counts"

# step NAME COMMAND...: runs it with its output in a log; adds what it counted ('N passed, N failed').
step() {
  name=$1
  shift
  log="$logs/$(echo "$name" | tr ' /' '--').log"
  began=$(date +%s)
  idle=$(idle_seconds)
  printf '%-44s' "$name"
  if "$@" >"$log" 2>&1; then verdict=ok; else verdict=FAILED; fi
  # A log without a count is one test: the step itself.
  ok=$(counted "$log")
  bad=${ok#* }
  ok=${ok% *}
  [ "$verdict" = ok ] && [ "$ok$bad" = 00 ] && ok=1
  [ "$verdict" = FAILED ] && [ "$bad" = 0 ] && bad=1
  echo "$ok passed, $bad failed" >>"$counts"
  took=$(($(date +%s) - began))
  idle=$(($(idle_seconds) - idle))
  printf '%6d s, %3d%% idle  %s\n' "$took" $((100 * idle / (jobs * (took > 0 ? took : 1)))) "$name" >>"$times"
  printf '%s  %d passed, %d failed  (%d s)\n' "$verdict" "$ok" "$bad" "$took"
  if [ "$verdict" = FAILED ]; then
    tail -n 60 "$log" | sed 's/^/    /'
    echo "    whole log: $log"
    remember_failure
  fi
  [ "$verdict" = ok ]
}

# counted FILE: how many of its tests passed, and how many failed
counted() { sed -nE 's/^([0-9]+) passed, ([0-9]+) failed.*$/\1 \2/p' "$1" | awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }'; }

# Of all processors together: what a step leaves of them, another could have.
idle_seconds() { awk -v hertz="$(getconf CLK_TCK)" '/^cpu / { printf "%d", ($5 + $6) / hertz }' /proc/stat; }

# For the end: the failed step, and its tests, or else the end of what it said.
remember_failure() {
  echo "FAILED: $name, whole log: $log"
  if grep -q '^FAIL' "$log"; then
    grep -h '^FAIL' "$log" | sort -u | head -n 20
  else
    tail -n 3 "$log"
  fi | cut -c 1-160 | sed 's/^/    /'
} >>"$failures"

# What takes processors and nothing else is done in the background, one job after the other, with what the tests leave of the
# processors: they mostly wait. A stage awaits the job that it needs, which is a function below.
begun=' '
begin() {
  begun=" $* "
  for job in "$@"; do rm -f "$logs/job-$job.status"; done
  (
    self=$(exec sh -c 'echo "$PPID"')
    chrt --idle --pid 0 "$self" || renice 19 "$self"
    for job in "$@"; do
      began=$(date +%s)
      "$job" >"$logs/job-$job.log" 2>&1
      echo "$? $(($(date +%s) - began))" >"$logs/job-$job.new"
      mv "$logs/job-$job.new" "$logs/job-$job.status"
    done
  ) >"$logs/jobs.log" 2>&1 &
  end_with_us $!
}
started=
end_with_us() {
  started="$started $1"
  # shellcheck disable=SC2064 # the processes of now
  trap "for each in $started; do pkill -P \$each; kill \$each; done 2>/dev/null" EXIT
}
# await JOB: what it printed, and its status. What was not begun is done now.
await() {
  case $begun in *" $1 "*) ;; *)
    "$1"
    return
    ;;
  esac
  until [ -e "$logs/job-$1.status" ]; do sleep 1; done
  cat "$logs/job-$1.log"
  read -r status seconds <"$logs/job-$1.status"
  echo "(in the background, in $seconds s)"
  return "$status"
}
# build PRESET [TARGET...]
build() {
  preset=$1
  shift
  configure "$preset" && cmake --build "build/$preset" ${1:+--target "$@"}
}
configure() { cmake -S . --preset "$1" -DSTANDPIPE_WERROR=ON -DCMAKE_C_COMPILER_LAUNCHER="$cached" -DCMAKE_CXX_COMPILER_LAUNCHER="$cached"; }
unit() { JOBS=$jobs sh tests/unit.sh "$@"; }
journey="base state frame log source match plugin deliver" # folders that a message passes; worker/ is in the journeys of whole hubs
threaded="base state log source deliver child control keeper worker" # and that threads do
of_tsan="standpipe plugins test_plugins config_plugins $(for folder in $threaded; do printf 'unit_%s ' "$folder"; done)"
# Tests of thousands of damages, or of millions of bytes, in one thread take a sanitizer minutes; and limits of memory that one exceeds itself.
quick='~[exhaustive]~[no-sanitizer]'
# Not for the thread sanitizer: commands that start no hub, or ask nothing of it that others do not.
threads='(agreement|check|config_tests|disk_files|duplex|examples|filesystems|graph|live|plugin|readme|send_recv|tour): '
# For no sanitizer: what programs in other languages do at the ends of FIFOs, which are ours in other tests; and tests of the tests.
foreign='(client|interop|kit|native_messaging|schema): |exec: (the python package|a new )'
# Not for valgrind: a child that ends by _exit leaves its parent's memory, which is no leak, and
# bears valgrind's name; there are system calls that it does not know; and what is slow without it.
alone="$quick~[slow]~[fork]~[epoll_pwait2]~[pidfd]"
# Its tests mostly wait: 180 of them took 99 s of a loaded machine four at a time, 59 s eight at a time, and 88 s of its processors.
e2e() {
  flavour=$1
  shift
  python3 tests/e2e/run.py --bin "build/$flavour/bin/standpipe" --jobs "$jobs" "$@"  # a later --jobs counts
}
format() { git ls-files -co --exclude-standard '*.h' '*.hpp' '*.cpp' '*.c' | xargs clang-format --dry-run --Werror; }

# ---- jobs

build_test() { build test; }
# Once, for the stages that want it.
test_built=
test_is_built() {
  [ -n "$test_built" ] || step "build: gcc, optimised, file by file" build_test && test_built=yes
}
build_asan() { build asan; }
# shellcheck disable=SC2086 # words
build_tsan() { build tsan $of_tsan; }
# Neither the program nor the plugins, but for those that a target loads.
build_fuzz() { build fuzz fuzz_decoder fuzz_config fuzz_disk_log fuzz_meta fuzz_template fuzz_match; }
headers() { python3 tests/compiles.py headers g++; }
# Sanitizers build folders as one file each, if they are not too large; the rest is built file by file.
joined() {
  case $begun in *' joined '*) ;; *) configure test || return ;; esac  # else it was, before this began
  python3 tests/compiles.py unity build/test g++
}
# By folder, as the folders are compiled there: each header is read once a folder and not once a file.
tidy() { run-clang-tidy -quiet -p build/asan -j "$jobs" "^$here/(build/asan/)?(router|plugins)/"; }
memcheck="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --suppressions=$here/tests/valgrind.supp"
# shellcheck disable=SC2086 # words
unit_valgrind() { FOLDERS=$journey unit build/test 600 "$alone" $memcheck; }

# ---- stages

stage_test() {
  test_is_built || return
  # shellcheck disable=SC2046 # words
  begin $(jobs_of $stages)
  step "unit tests" env JOBS=$((jobs * 2)) sh tests/unit.sh build/test
  step "end-to-end tests, full scale" e2e test --scale full --jobs $((jobs * 3))
}
# The jobs of the stages that come after the first one, in the order in which they are awaited.
jobs_of() {
  for stage in "$@"; do
    case $stage in
      asan) echo build_asan ;;
      lint) echo build_asan headers joined tidy ;;
      tsan) echo build_tsan ;;
      valgrind) echo unit_valgrind ;;
      fuzz) echo build_fuzz ;;
    esac
  done | tr ' ' '\n' | awk '!seen[$0]++'
}
# From a prefix, and as packages in a bare Debian 12; what this machine cannot do is skipped, and told.
stage_install() {
  test_is_built || return
  step "installed, moved, packaged, upgraded, purged" python3 tests/install/run.py --build build/test
  grep -hE -A1 '^SKIP|skipped$' "$log" | sed 's/^/    /'
}
stage_lint() {
  step "clang-format" format
  step "each folder links what it includes" python3 tests/links.py
  step "each type that decides something has a test" python3 tests/stems.py
  step "no word that was replaced" python3 tests/words.py
  step "the plugin ABI is what it was" python3 tests/abi/abi.py check
  grep -h '^SKIP' "$log" | sed 's/^/    /'
  step "each header compiles alone" await headers
  step "any unity build compiles" await joined
  step "build: clang, address+undefined sanitizers" await build_asan || return
  step "clang-tidy" await tidy
}
stage_asan() {
  export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
  step "build: clang, address+undefined sanitizers" await build_asan || return
  step "unit tests, address+undefined" unit build/asan 300 "$quick"
  STANDPIPE_TEST_SLOW=6 step "end-to-end tests, address+undefined" e2e asan --scale small --jobs $((jobs * 2)) --only "^(?!$foreign)"
}
stage_tsan() {
  export TSAN_OPTIONS=halt_on_error=1:abort_on_error=1
  step "build: gcc, thread sanitizer" await build_tsan || return
  FOLDERS=$threaded step "unit tests, thread sanitizer" unit build/tsan 400 "$quick~[slow]"  # those have one thread
  STANDPIPE_TEST_SLOW=8 step "end-to-end tests, thread sanitizer" e2e tsan --scale small --jobs $((jobs * 2)) --only "^(?!$threads|$foreign)"
}
# What the sanitizers do not see: bytes that were never written.
stage_valgrind() {
  test_is_built || return
  step "unit tests, valgrind" await unit_valgrind
  STANDPIPE_TEST_SLOW=10 step "end-to-end tests, valgrind" e2e test --scale small --only '^journey: ' --wrap "$memcheck --trace-children=yes"
}
# A whole stage beside the others, for one that mostly waits; its lines come where it is awaited.
start_stage() {
  "stage_$1" >"$logs/stage-$1.out" 2>&1 &
  stage_process=$!
  end_with_us $stage_process
}
await_stage() {
  wait "$stage_process"
  cat "$logs/stage-$1.out"
}

# Short runs of what has commands of its own; those take a stride, or a time.
# Its runs mostly wait: 46 of them took 37 s two at a time, 24 s four at a time. More at once keep their own hubs from their deadlines.
crash() { BIN=build/test/bin/standpipe JOBS=$((jobs * 2)) sh tests/crash.sh "$@"; }
stage_crash() {
  test_is_built || return
  step "crash: each 8th system call, before and after" crash points 8
  step "crash: and the next worker while it recovers" crash twice 30
  step "crash: between stores" crash steps 30
  step "crash: with readers that die" crash readers 120
  step "crash: where bytes go by reference" crash relay 16
  step "crash: with a file for each device" crash devices 150
  step "crash: while what handlers that are away miss goes to the disk" crash held 120
  step "crash: with a process for each handler" crash process 40
  step "crash: where plugins settle messages later" crash taken 150
  step "crash: where plugins make messages" crash made 100
  step "crash: with a queue on disk for each handler" crash queue 60
  step "crash: while dead letters are replayed" crash replay 40
  step "crash: while the configuration is reloaded" crash reload 40
  step "crash: each 80th system call of reloads" crash reloadpoints 80
  step "crash: at random instants" crash random 10
  step "crash: plugins, readers, the keeper, all" crash deaths
  step "crash: writers killed inside frames" crash writers 100
  step "crash: readers killed while messages pass" crash readertimes 100
  step "crash: the harness itself" crash harness
  BIN=build/test/bin/standpipe step "soak, a short run" sh tests/soak.sh 0.3
  step "bench, a smoke run" sh tests/bench/run.sh --smoke --bin build/test/bin/standpipe
}
# Against real servers; what a machine does not have is told, and its tests are skipped and counted.
stage_bridges() {
  test_is_built || return
  install_servers
  step "bridges, against real servers" python3 tests/bridges/serve.py -- \
    python3 tests/e2e/run.py --bin build/test/bin/standpipe --jobs $((jobs * 2))
  grep -hE '^SKIP|skipped$' "$log" | sed 's/^/    /'
}
stage_fuzz() {
  step "build: clang, fuzz targets" await build_fuzz || return
  step "fuzzing, a short run" sh tests/fuzz.sh 10
}

# shellcheck disable=SC2086 # a list of packages
install_packages $packages_build $packages_bridges $packages_test $packages_install || exit 1
# What mostly waits comes first.
[ $# -gt 0 ] || set -- test install bridges crash asan lint tsan valgrind fuzz
stages=$*
# Packages are unpacked and installed in roots of their own while the servers of the bridges, and crash tests, wait.
beside=
case " $stages " in *' test '*) case " $stages " in *' install '*) beside=install ;; esac ;; esac
for stage in "$@"; do
  case $stage in
    install) [ -n "$beside" ] || stage_install ;;
    test)
      stage_test
      [ -z "$beside" ] || start_stage $beside
      ;;
    bridges | crash | asan | lint | tsan | valgrind | fuzz) "stage_$stage" ;;
    *)
      echo "error: there is no stage '$stage' (stages: test install bridges crash asan lint tsan valgrind fuzz)" >&2
      exit 2
      ;;
  esac
done
[ -z "$beside" ] || await_stage $beside
echo
echo "The longest steps:"
sort -rn "$times" | head -n 12
echo
all=$(counted "$counts")
echo "${all% *} passed, ${all#* } failed"
cat "$failures"
[ "${all#* }" = 0 ]
