# SPDX-License-Identifier: MIT
# Debian's jq on 30 kB of JSON.
awk 'BEGIN { printf "["; for (i = 0; i < 600; i++) printf "%s{\"id\": %d, \"name\": \"n%d\", \"tags\": [\"t%d\", \"x\"], \"v\": %.2f}", i ? "," : "", i, i % 10, i % 3, i / 7; print "]" }' >j
jq length j; jq '.[5]' j; jq -c 'group_by(.name) | map({k: .[0].name, n: length, s: (map(.v) | add)})' j; jq -r '.[] | select(.id % 150 == 0) | [.id, .name, .tags[0]] | @csv' j; jq '[.[].tags[]] | unique' j
jq 'map(.v) | max, min, (add / length)' j; jq -S . j | md5sum; jq '.[0] | to_entries | map(.key)' j; jq 'reduce .[] as $x (0; . + $x.id)' j; echo '{"a": ' | jq .; echo $?; jq -n '[range(5)] | map(. * .)'; jq -e '.[0].none' j; echo $?
