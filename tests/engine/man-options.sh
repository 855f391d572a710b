#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every option of every plugin stands in that plugin's manual page, and every key of a job file in ezcdc-job(5): the option
# tables are the truth, and this is what keeps the pages true.

set -eu
src=${EZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${EZ_BUILD:-$src}
command -v python3 >/dev/null || { echo "skip: python3 is not installed"; exit 77; }

"$build/ezcdc" plugins --json | python3 -c '
import json, os, re, sys

src = sys.argv[1]
missing = 0

def words(path):
    with open(path, encoding="utf-8") as f:
        return set(re.findall(r"[a-z_]+", f.read()))

def complain(text):
    global missing
    missing += 1
    print("not ok - " + text)

job = words(os.path.join(src, "docs/man/ezcdc-job.5"))
plugins = json.load(sys.stdin)["plugins"]
for plugin in plugins:
    name = plugin["name"]
    folder = name if plugin["kind"] == "agent" else os.path.join("plugins", name)
    path = os.path.join(src, folder, "ezcdc-%s.7" % name)
    if not os.path.exists(path):
        complain("%s has no manual page" % name)
        continue
    page = words(path)
    for option in plugin["options"]:
        if option["name"] not in page and option["name"] not in job:
            complain("%s: option %s is not in its manual page" % (name, option["name"]))
print("ok - %d plugins" % len(plugins) if not missing and plugins else "not ok - %d missing" % missing)
sys.exit(1 if missing or not plugins else 0)
' "$src"

# The keys of the job file itself, as the engine declares them.
status=0
while read -r key; do
	grep -qw "$key" "$src/docs/man/ezcdc-job.5" || { echo "not ok - $key is not in ezcdc-job(5)"; status=1; }
done < <(sed -n 's/.*\.name = "\([a-z_]*\)".*/\1/p' "$src/core/engine/job_options.c")
[ "$status" = 0 ] && echo "ok - job file"
# And those of the worker.
while read -r key; do
	grep -qw "$key" "$src/docs/man/ezcdc-worker.8" || { echo "not ok - $key is not in ezcdc-worker(8)"; status=1; }
done < <(sed -n 's/.*\.name = "\([a-z_]*\)".*/\1/p' "$src/core/scheduler/settings.c")
exit $status
