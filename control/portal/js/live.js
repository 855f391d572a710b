// SPDX-License-Identifier: Apache-2.0
/*
 * News of the control plane. One stream of server-sent events for the whole portal; while
 * it is down the pages poll faster instead. Subscribers learn that something of a kind
 * (job, worker, task, alert) has changed and load it anew.
 */
const KINDS = ['job', 'worker', 'task', 'alert'];
const subscribers = new Set();
let source = null;
let isUp = false;
let isReached = true;
let hasBeenDown = false;
const watchers = new Set();

/* live: news come as they happen; polling: pages ask every few seconds; offline: nothing answers. */
export function state() {
	return !isReached ? 'offline' : isUp ? 'live' : 'polling';
}

function change(make) {
	const before = state();
	make();
	if (state() !== before)
		watchers.forEach((f) => f(state()));
}

function setUp(up) {
	change(() => {
		isUp = up;
		isReached ||= up;
	});
}

/* Whether the last request got any answer. */
export function setReached(reached) {
	change(() => {
		isReached = reached;
	});
}

function tell(kind, data) {
	for (const s of subscribers)
		if (kind === 'reload' || s.kinds.includes(kind))
			s.run(kind, data);
}

export function connect() {
	if (source)
		return;
	source = new EventSource('/api/events');
	source.onopen = () => {
		const wasDown = hasBeenDown;
		setUp(true);
		if (wasDown)
			tell('reload', {});
		hasBeenDown = false;
	};
	source.onerror = () => {
		hasBeenDown = true;
		setUp(false);
		/* The browser gives up for good when the answer was not a stream. */
		if (source?.readyState === EventSource.CLOSED) {
			source = null;
			setTimeout(connect, 5000);
		}
	};
	for (const kind of [...KINDS, 'reload']) {
		source.addEventListener(kind, (e) => {
			let data = {};
			try {
				data = JSON.parse(e.data);
			} catch {
				/* A line that was cut off says no less that something has changed. */
			}
			tell(kind, data);
		});
	}
}

export function disconnect() {
	source?.close();
	source = null;
	setUp(false);
}

export function subscribe(kinds, run) {
	const s = { kinds, run };
	subscribers.add(s);
	return () => subscribers.delete(s);
}

export function isLive() {
	return state() === 'live';
}

/* f(state) whenever it changes. */
export function watch(f) {
	watchers.add(f);
	return () => watchers.delete(f);
}
