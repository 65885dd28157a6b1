#!/usr/bin/env bash
# Runs the demo once for each check with its cause broken. It must end with 1, and with that check FAILED.
# Usage: breaks.sh PYTHON NUMBER...
set -uo pipefail

python=$1
shift
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for n in "$@"; do
	DEMO_BREAK=$n "$python" -m tests.demo.demo >"$log" 2>&1
	status=$?
	if [ "$status" = 1 ] && grep -q "^check $n FAILED, as it must" "$log"; then
		passed=$((passed + 1))
		echo "ok      check $n notices: $(grep -A1 -E "FAILED +$n\." "$log" | tail -1 | sed 's/^ *[0-9.]* *//' | cut -c1-150)"
	else
		failed=$((failed + 1))
		echo "FAILED  check $n: exit status $status"
		tail -30 "$log"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
