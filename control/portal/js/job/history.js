// SPDX-License-Identifier: Apache-2.0
/* What has happened to the job: from state to state, who and why. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';

const WORDS = {
	create: 'created', start: 'started', claim: 'taken by a worker', up: 'running', paused: 'paused', drained: 'stopped', stop: 'stopped',
	error: 'failed', lost: 'worker lost', retry: 'tried again', restart: 'restarted', edit: 'changed', delete: 'deleted',
};

export function timeline(events) {
	return h('ol.timeline', events.map((e) => h('li', { key: e.id },
		h('div.timeline-when', ui.moment(e.at)),
		h('div', h('strong', WORDS[e.event] ?? e.event), e.from && e.to && e.from !== e.to ? h('span.muted', ` ${e.from} → ${e.to}`) : null,
			e.phase ? h('span.muted', ` · ${e.phase}`) : null, h('span.muted', ` · by ${e.actor}`), e.epoch ? h('span.muted', ` · lease ${e.epoch}`) : null,
			e.message ? h('div.timeline-why', ui.sentence(e.message)) : null))));
}

export class History {
	constructor(view) {
		this.view = view;
		this.limit = 50;
	}

	async fetch(signal) {
		this.page = await api.get(`/api/jobs/${this.view.params.id}/events?limit=${this.limit}`, signal);
	}

	render() {
		if (!this.page)
			return ui.skeleton();
		return [
			timeline(this.page.items),
			this.page.next ? ui.button('Show more', () => {
				this.limit = Math.min(this.limit + 100, 1000);
				this.view.reload();
			}) : null,
		];
	}
}
