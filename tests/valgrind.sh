#!/bin/sh
# The unit tests under valgrind: sh tests/valgrind.sh BUILD_FOLDER
set -u
passed=0
failed=0
for test in "$1"/bin/unit_*; do
  if valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    --trace-children=no "$test"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL: $test"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
