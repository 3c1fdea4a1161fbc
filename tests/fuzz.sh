#!/bin/sh
# Builds the fuzz targets (clang, libFuzzer) and runs each for SECONDS (60). A crash leaves its input in build/fuzz.
set -eu
seconds=${1:-60}
cd "$(dirname "$0")/.."
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz_decoder fuzz_config fuzz_disk_log fuzz_meta fuzz_template fuzz_match

run() {
  target=$1
  shift
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  if ! "build/fuzz/bin/$target" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="build/fuzz/$target-" \
    -rss_limit_mb=2000 -timeout=10 "$@" >"build/fuzz/$target.log" 2>&1; then
    tail -n 40 "build/fuzz/$target.log"
    echo "$target failed; its input is in build/fuzz, all it said in build/fuzz/$target.log"
    exit 1
  fi
  grep -E 'number_of_executed_units|peak_rss' "build/fuzz/$target.log" | sed "s/^/$target, $seconds s: /"
}

# Two at a time.
beside() {
  (run "$@") &
  other=$!
}
beside fuzz_decoder -max_len=65536 build/fuzz/corpus/fuzz_decoder tests/fuzz/decoder
run fuzz_disk_log -max_len=4096 build/fuzz/corpus/fuzz_disk_log tests/fuzz/disk_log
wait "$other"
beside fuzz_meta -max_len=4096 build/fuzz/corpus/fuzz_meta tests/fuzz/meta
run fuzz_template -max_len=4096 build/fuzz/corpus/fuzz_template tests/fuzz/template
wait "$other"
beside fuzz_match -max_len=4096 build/fuzz/corpus/fuzz_match tests/fuzz/match
run fuzz_config -max_len=4096 -dict=tests/fuzz/config.dict build/fuzz/corpus/fuzz_config tests/fuzz/config tests/unit/config/bad
wait "$other"
echo "fuzz: no crash in $seconds s a target"
