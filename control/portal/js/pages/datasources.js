// SPDX-License-Identifier: Apache-2.0
/* Where data comes from and goes to: a card for each connection, with what its last test said. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

/* host and database of a connection string, or what else says where it leads. */
export function place(d) {
	const c = d.config;
	if (c.conninfo) {
		const part = (name) => c.conninfo.match(new RegExp(`(?:^|\\s)${name}\\s*=\\s*'?([^\\s']+)`))?.[1];
		const url = c.conninfo.match(/^postgres(?:ql)?:\/\/(?:[^@/]*@)?([^?]*)/)?.[1];
		return url ?? ([part('host'), part('dbname')].filter(Boolean).join(' / ') || c.conninfo);
	}
	const first = c.path ?? c.fe?.[0] ?? Object.values(c).find((v) => typeof v === 'string');
	return first ?? '';
}

export function testState(d) {
	const t = d.last_test;
	if (!t)
		return 'untested';
	if (t.status === 'failed')
		return 'failed';
	if (t.status !== 'succeeded')
		return 'pending';
	return t.ok ? 'succeeded' : t.failed === 0 ? 'warning' : 'failed';
}

const WORDS = { untested: 'not tested', pending: 'testing', succeeded: 'test passed', warning: 'usable', failed: 'test failed' };

export function testBadge(d) {
	const state = testState(d);
	const b = ui.badge(state, WORDS[state]);
	if (state === 'warning')
		b.title = 'The connection works; some of its tables are not ready.';
	return b;
}

function card(d) {
	return h('li.card-item', { key: d.datasource_id },
		h('div.row-between', h('a.card-title', { href: `/datasources/${d.datasource_id}` }, d.name), testBadge(d)),
		h('div.muted.clip', { title: place(d) }, `${d.plugin} · ${place(d)}`),
		h('div.card-foot', h('span', d.jobs ? `used by ${fmt.plural(d.jobs, 'job')}` : 'not used yet'), d.last_test ? h('span', 'tested ', ui.when(d.last_test.at)) : null));
}

function group(view, title, kind, list) {
	return h('section', h('div.row-between', h('h2', title), view.can('operator') && list.length > 0 && ui.link(`Add a ${kind}`, `/datasources/new?kind=${kind}`)),
		list.length === 0 ? ui.empty(`No ${kind} yet`, kind === 'source' ? 'A source is a PostgreSQL database that jobs copy from and listen to.'
			: 'A sink is where jobs write: files, or an analytical database.', view.can('operator') && ui.link(`Add a ${kind}`, `/datasources/new?kind=${kind}`, 'primary'))
			: h('ul.cards', list.map(card)));
}

function lead(list) {
	const bad = list.filter((d) => testState(d) === 'failed').map((d) => d.name);
	if (bad.length)
		return `The last test of ${bad.slice(0, 3).join(', ')} failed.`;
	if (list.length === 0)
		return 'The connections that jobs read from and write to.';
	const open = list.filter((d) => ['untested', 'pending'].includes(testState(d))).length;
	return `${fmt.plural(list.length, 'connection')}; ${open ? `${open} not tested yet` : 'all passed their last test'}.`;
}

export function page(view) {
	view.title('Datasources');
	return view.load((signal) => api.all('/api/datasources', signal), (list) => [
		ui.heading('Datasources', lead(list)),
		group(view, 'Sources', 'source', list.filter((d) => d.kind === 'source')),
		group(view, 'Sinks', 'sink', list.filter((d) => d.kind === 'sink')),
	], { kinds: ['task'], every: 15000 });
}
