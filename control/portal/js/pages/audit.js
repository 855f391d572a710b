// SPDX-License-Identifier: Apache-2.0
/* Who did what, when, from where. Filters stand in the URL; the same view can be downloaded. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';

const KINDS = ['', 'job.', 'datasource.', 'deployment.', 'worker.', 'alert_rule.', 'alert_channel.', 'user.', 'token.', 'session.'];
const START = { from: 'T00:00:00', to: 'T23:59:59' };

function linkOf(a) {
	const where = { job: 'jobs', datasource: 'datasources', worker: 'workers' }[a.object_type];
	const text = a.object_name || (a.object_id ?? '').slice(0, 8);
	return where && a.object_id && !a.action.endsWith('.delete') ? h('a', { href: `/${where}/${a.object_id}` }, text) : text;
}

function params(view) {
	const p = {};
	for (const f of ['actor', 'action', 'from', 'to']) {
		const v = view.query.get(f);
		if (v)
			p[f] = START[f] ? new Date(v + START[f]).toISOString() : v;
	}
	return p;
}

function filters(view, state) {
	const q = (name) => view.query.get(name) ?? '';
	const set = (name) => (e) => {
		view.set({ [name]: e.target.value });
		state.limit = 100;
		clearTimeout(state.timer);
		state.timer = setTimeout(() => view.reload(), 300);
	};
	return h('div.filters', { role: 'search' },
		h('input.form-control', { type: 'search', 'aria-label': 'Who', placeholder: 'Who', value: q('actor'), oninput: set('actor') }),
		h('select.form-select', { 'aria-label': 'What', value: q('action'), onchange: set('action') },
			KINDS.map((k) => h('option', { value: k }, k ? `${k.replace('.', '').replace('_', ' ')}s` : 'everything'))),
		['from', 'to'].map((name) => h('label.day', name, h('input.form-control', { type: 'date', value: q(name), onchange: set(name) }))));
}

function details(a) {
	const pairs = Object.entries(a.details ?? {});
	return pairs.length ? h('div.cell-note', pairs.map(([k, v]) => `${k}: ${typeof v === 'object' ? JSON.stringify(v) : v}`).join(', ')) : null;
}

function row(a) {
	return h('tr', { key: a.id },
		h('td', { 'data-label': 'When' }, ui.moment(a.at)), h('td.cell-name', a.actor),
		h('td', { 'data-label': 'What' }, a.action.replace(/[._]/g, ' '), details(a)),
		h('td', { 'data-label': 'Which' }, linkOf(a)), h('td.mono', { 'data-label': 'From' }, a.address ?? '–'));
}

export function page(view) {
	view.title('Audit log');
	const state = { limit: 100 };
	const more = () => {
		state.limit = Math.min(state.limit + 200, 1000);
		view.reload();
	};
	return view.load((signal) => api.get(api.query('/api/audit', { ...params(view), limit: state.limit }), signal), (p) => [
		ui.heading('Audit log', 'Everything that people and programs changed here. Nobody can change this list.',
			h('a.btn.btn-plain', { href: api.query('/api/audit', { ...params(view), format: 'csv' }), download: 'ezcdc-audit.csv' }, 'Download CSV')),
		filters(view, state),
		p.items.length === 0 ? ui.empty('No matches', 'Nothing of this kind has happened in this time.')
			: ui.table('Audit log', [['When'], ['Who'], ['What'], ['Which'], ['From']], p.items.map(row)),
		p.next && state.limit < 1000 ? ui.button('Show more', more) : null,
	], { every: 15000 });
}
