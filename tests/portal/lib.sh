# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the tests of the portal, after tests/testkit/lib.sh.
#
#   browser_find            Chromium and playwright-core, or skip
#   browser_start SCRIPT    run it in the background; it finds CHROMIUM and PLAYWRIGHT in its environment
#   browser_wrote NAME      has it written $T/NAME?
#   browser_end             wait for it; it must have passed

# Fetched once for a build tree, by the package client as it is set up on this machine.
PLAYWRIGHT_VERSION=1.65.1

browser_find() {
	local name folder=$EZ_BUILD/tests/portal/node
	need_tool node npm
	for name in chromium chromium-browser google-chrome; do
		CHROMIUM=$(command -v "$name") && break
	done
	[ -n "${CHROMIUM:-}" ] || skip "chromium is not installed"
	if [ ! -e "$folder/node_modules/playwright-core/package.json" ]; then
		mkdir -p "$folder"
		npm install --silent --no-save --no-audit --no-fund --prefix "$folder" "playwright-core@$PLAYWRIGHT_VERSION" >"$T/npm.log" 2>&1 ||
			skip "playwright-core cannot be fetched: $(tail -n 1 "$T/npm.log")"
	fi
	PLAYWRIGHT=$folder/node_modules/playwright-core/index.js
	export CHROMIUM PLAYWRIGHT
}

browser_start() {
	node "$1" >"$T/browser.log" 2>&1 </dev/null &
	BROWSER_PID=$!
	EZ_CHILDREN+=($!)
}

_browser_runs() { kill -0 "$BROWSER_PID" 2>/dev/null; }

browser_wrote() {
	[ -s "$T/$1" ] && return 0
	_browser_runs || fail "the browser's part ended: $(tail -n 25 "$T/browser.log")"
	return 1
}

browser_end() {
	local rc=0
	wait "$BROWSER_PID" || rc=$?
	cat "$T/browser.log"
	[ "$rc" = 0 ] || fail "the browser's part ended with $rc"
}
