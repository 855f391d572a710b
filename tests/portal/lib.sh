# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the tests of the portal, after tests/testkit/lib.sh.
#
#   browser_find            Chromium and playwright-core, or skip
#   browser_start SCRIPT    run it in the background; it finds CHROMIUM and PLAYWRIGHT in its environment, and waits for
#                           $T/servers.json (browser.mjs)
#   browser_wrote NAME      has it written $T/NAME?
#   browser_end             wait for it; it must have passed

# Fetched once, by the package client as it is set up on this machine, into a cache folder outside every build tree.
PLAYWRIGHT_VERSION=1.65.1

browser_find() {
	local name work place
	place=${XDG_CACHE_HOME:-/var/tmp}/ezcdc-playwright-$PLAYWRIGHT_VERSION-$(id -u)
	need_tool node npm
	for name in chromium chromium-browser google-chrome; do
		CHROMIUM=$(command -v "$name") && break
	done
	[ -n "${CHROMIUM:-}" ] || skip "chromium is not installed"
	PLAYWRIGHT=$place/node_modules/playwright-core/index.js
	export CHROMIUM PLAYWRIGHT
	[ ! -e "$place" ] || [ -O "$place" ] || skip "$place belongs to someone else"
	[ ! -e "$PLAYWRIGHT" ] || return 0
	mkdir -p "${place%/*}"
	work=$(mktemp -d "$place.XXXXXX")
	npm install --silent --no-save --no-audit --no-fund --prefix "$work" "playwright-core@$PLAYWRIGHT_VERSION" >"$T/npm.log" 2>&1 || {
		rm -rf "$work"
		skip "playwright-core cannot be fetched: $(tail -n 1 "$T/npm.log")"
	}
	# Two tests may fetch it at the same time: one folder wins.
	mv -T "$work" "$place" 2>/dev/null || rm -rf "$work"
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
