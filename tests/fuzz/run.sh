#!/bin/bash
# run.sh NAME SECONDS - one fuzzer, from its seeds and what earlier runs found worth keeping (build/fuzz/corpus/NAME).
# An input that breaks it is kept in build/fuzz/found; `build/fuzz/tests/fuzz/NAME FILE` replays it.
set -euo pipefail

name=$1 seconds=$2
corpus=build/fuzz/corpus/$name
mkdir -p "$corpus" build/fuzz/found
build/fuzz/tests/fuzz/"$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -max_len=4096 -use_value_profile=1 \
	-artifact_prefix="build/fuzz/found/$name-" "$corpus" "tests/fuzz/seeds/$name"
