// SPDX-License-Identifier: Apache-2.0
/*
 * A page on the screen. It loads its data, draws it, and draws it anew when news come or
 * time passes; the state that a person chooses (tab, filter, search) stands in the URL.
 */
import { flat, patch } from './dom.js';
import * as live from './live.js';
import * as ui from './ui.js';

const SLOW_MS = 10000;
const FAST_MS = 3000;
const SOON_MS = 250;

export class View {
	constructor(root, params, me, navigate) {
		Object.assign(this, { root, params, me, navigate });
		this.leaving = new AbortController();
		this.signal = this.leaving.signal;
		this.cleanups = [];
		this.query = new URLSearchParams(location.search);
	}

	title(text) {
		document.title = `${text} · EZ-CDC`;
	}

	can(role) {
		const order = ['viewer', 'operator', 'admin'];
		return order.indexOf(this.me.role) >= order.indexOf(role);
	}

	/* fetch(signal) gives the data, render(data) the nodes. */
	load(fetch, render, { kinds = [], every = SLOW_MS } = {}) {
		Object.assign(this, { fetch, render, every });
		this.draw();
		const tick = setInterval(() => this.pulse(), 1000);
		const onShown = () => this.isStale && !document.hidden && this.reload();
		document.addEventListener('visibilitychange', onShown);
		this.cleanups.push(live.subscribe(kinds, () => this.soon()), () => clearTimeout(this.timer), () => clearInterval(tick),
			() => document.removeEventListener('visibilitychange', onShown));
		return this.reload();
	}

	/* Many news within a moment are one reload, and one that takes long does not follow on itself. A page that nobody sees waits. */
	soon() {
		if (document.hidden) {
			this.isStale = true;
			return;
		}
		this.timer ??= setTimeout(() => {
			this.timer = null;
			this.reload();
		}, Math.max(SOON_MS, 2 * (this.tookMs ?? 0)));
	}

	pulse() {
		const every = live.isLive() ? this.every : Math.min(this.every, FAST_MS);
		if (document.hidden || !this.every)
			return;
		if (Date.now() - (this.loadedAt ?? 0) >= every)
			this.reload();
	}

	async reload() {
		if (this.busy) {
			this.again = true;
			return;
		}
		this.busy = true;
		do {
			this.again = false;
			this.isStale = false;
			const began = Date.now();
			try {
				this.data = await this.fetch(this.signal);
				this.failed = null;
			} catch (e) {
				if (this.signal.aborted)
					return;
				this.failed = e;
				if (!e.status && e.status !== 0)
					console.error(e);
			}
			this.loadedAt = Date.now();
			this.tookMs = this.loadedAt - began;
			this.draw();
		} while (this.again && !this.signal.aborted);
		this.busy = false;
	}

	draw() {
		if (this.signal.aborted)
			return;
		const retry = () => this.reload();
		let nodes;
		if (this.data === undefined)
			nodes = this.failed ? [this.lost(this.failed, retry)] : [ui.skeleton()];
		else
			nodes = [this.failed && ui.failure(this.failed, retry), this.render(this.data)];
		patch(this.root, flat(nodes));
	}

	lost(e, retry) {
		if (e.status === 404)
			return ui.empty('Not here any more', 'It was removed, or the address is wrong.', ui.link('To the overview', '/', 'primary'));
		return ui.failure(e, retry);
	}

	/* Draws nodes that need no data. */
	show(...nodes) {
		patch(this.root, flat(nodes));
	}

	set(values) {
		for (const [k, v] of Object.entries(values)) {
			if (v === null || v === undefined || v === '')
				this.query.delete(k);
			else
				this.query.set(k, v);
		}
		const q = this.query.toString();
		history.replaceState(history.state, '', location.pathname + (q ? `?${q}` : ''));
		this.draw();
	}

	/* A parameter that names a page of ours; null when it leads elsewhere. */
	way(name) {
		const path = this.query.get(name);
		return path && /^\/(?![/\\])/.test(path) ? path : null;
	}

	href(values) {
		const q = new URLSearchParams(this.query);
		for (const [k, v] of Object.entries(values)) {
			if (v === null || v === '')
				q.delete(k);
			else
				q.set(k, v);
		}
		return location.pathname + (q.size ? `?${q}` : '');
	}

	leave() {
		this.leaving.abort();
		this.cleanups.forEach((f) => f());
	}
}
