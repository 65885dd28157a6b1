#!/usr/bin/env bash
# The customer's own check of the agent's record, with jq and sha256sum alone: every line names the SHA-256 of the line
# before it, over all segments. Usage: verify_journal.sh FOLDER
set -euo pipefail

dir=${1:?usage: verify_journal.sh FOLDER}
prev=$(printf '0%.0s' {1..64})
count=0
for segment in "$dir"/*.jsonl; do
	[ -e "$segment" ] || { echo "no journal in $dir" >&2; exit 1; }
	while IFS= read -r line; do
		named=$(jq -r .prev <<<"$line")
		if [ "$named" != "$prev" ]; then
			echo "${segment##*/}: record $(jq -r .seq <<<"$line") names $named, but the line before it hashes to $prev" >&2
			exit 1
		fi
		prev=$(printf '%s' "$line" | sha256sum | cut -d' ' -f1)
		count=$((count + 1))
	done <"$segment"
done
echo "$count records, head $prev"
