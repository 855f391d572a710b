// SPDX-License-Identifier: Apache-2.0
/* Deployments and the workers in them: who is there, how full, and how to add one. */
import { h, mount } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

export function workerState(w) {
	if (w.revoked_at)
		return 'revoked';
	return w.draining && w.status === 'online' ? 'draining' : w.status;
}

function row(w) {
	return h('tr', { key: w.worker_id },
		h('td.cell-name', h('a', { href: `/workers/${w.worker_id}` }, w.name), w.host && w.host !== w.name ? h('div.cell-note.clip', { title: w.host }, w.host) : null),
		h('td', { 'data-label': 'State' }, ui.badge(workerState(w))),
		h('td', { 'data-label': 'Jobs' }, h('div.cell-rate', ui.bar(w.jobs, w.max_jobs, 'capacity used'), h('span.nowrap', `${w.jobs} of ${w.max_jobs}`))),
		h('td', { 'data-label': 'Version' }, w.version ?? '–'),
		h('td', { 'data-label': 'Plugins' }, h('span.clip', w.plugins.map((p) => p.name).join(', ') || '–'), w.broken?.length ? h('div.cell-note.text-bad', `${fmt.plural(w.broken.length, 'plugin')} cannot be loaded`) : null),
		h('td.num', { 'data-label': 'Last seen' }, ui.when(w.last_seen)));
}

async function rename(view, d, e) {
	const at = { currentTarget: e.currentTarget };
	const name = h('input.form-control', { value: d.name, maxlength: 100 });
	if (!await ui.confirm({ title: 'Rename the deployment', action: 'Rename', text: 'Jobs and workers stay in it.', extra: ui.field('Name', name) }))
		return;
	await ui.act(at, async () => {
		await api.change(`/api/deployments/${d.deployment_id}`, { name: name.value.trim() });
		await view.reload();
	});
}

async function removeDeployment(view, d, e) {
	const at = { currentTarget: e.currentTarget };
	if (!await ui.confirm({ title: `Remove ${d.name}?`, text: 'Only an empty deployment can go: without jobs, datasources and workers online.', action: 'Remove', danger: true }))
		return;
	await ui.act(at, async () => {
		await api.remove(`/api/deployments/${d.deployment_id}`);
		await view.reload();
	}, `${d.name} is removed.`);
}

function tokenRow(d, t, again) {
	const isOver = t.revoked_at || (t.expires_at && Date.parse(t.expires_at) < Date.now());
	const revoke = (e) => ui.act(e, async () => {
		await api.remove(`/api/deployments/${d.deployment_id}/tokens/${t.token_id}`);
		await again();
	}, 'The token is revoked. Workers that it has registered stay.');
	return h('li.row-between', { key: t.token_id }, h('div', 'Created ', ui.when(t.created_at), t.created_by ? ` by ${t.created_by}` : '',
		h('div.muted', t.last_seen ? ['last used ', ui.when(t.last_seen)] : 'never used', t.expires_at ? [', expires ', ui.when(t.expires_at)] : ', does not expire')),
	isOver ? ui.badge(t.revoked_at ? 'revoked' : 'expired') : ui.button('Revoke', revoke, 'small'));
}

/* Tokens register workers; the list shows what is still open. */
function tokens(d) {
	const list = h('ul.plain-list');
	const draw = async () => {
		const items = await api.all(`/api/deployments/${d.deployment_id}/tokens`);
		mount(list, items.length ? items.map((t) => tokenRow(d, t, draw)) : h('li.muted', 'No token has been created.'));
	};
	draw().catch((e) => mount(list, h('li', ui.failure(e))));
	return ui.dialog(`Registration tokens of ${d.name}`, (close) => [list, h('div.box-actions', ui.button('Close', () => close(true)))]);
}

function section(view, d, workers) {
	const mine = workers.filter((w) => w.deployment_id === d.deployment_id && (view.query.get('all') || workerState(w) !== 'revoked' && w.status !== 'gone'));
	return h('section', { key: d.deployment_id },
		h('div.row-between', h('h2', d.name, h('span.muted.h-note', ` ${fmt.plural(d.workers_online, 'worker')} online, ${fmt.plural(d.jobs, 'job')}`)),
			view.can('admin') && h('div.inline', ui.button('Tokens', () => tokens(d), 'small'), ui.button('Rename', (e) => rename(view, d, e), 'small'), ui.button('Remove', (e) => removeDeployment(view, d, e), 'small'),
				ui.link('Add a worker', `/workers/add?deployment=${d.deployment_id}`, 'small'))),
		mine.length === 0 ? ui.empty('No workers here', 'A worker runs beside your databases and calls here; it needs no open port.', view.can('admin') && ui.link('Add a worker', `/workers/add?deployment=${d.deployment_id}`, 'primary'))
			: ui.table(`Workers of ${d.name}`, [['Worker'], ['State'], ['Jobs'], ['Version'], ['Plugins'], ['Last seen', 'num']], mine.map(row)));
}

function lead(workers) {
	const states = workers.map(workerState);
	const n = (st) => states.filter((x) => x === st).length;
	const free = workers.filter((w) => workerState(w) === 'online').reduce((a, w) => a + Math.max(w.max_jobs - w.jobs, 0), 0);
	return `${fmt.plural(n('online'), 'worker')} online, room for ${fmt.plural(free, 'more job', 'more jobs')}.${n('lost') ? ` ${n('lost')} lost.` : ''}${n('draining') ? ` ${n('draining')} draining.` : ''}`;
}

export function page(view) {
	view.title('Workers');
	return view.load(async (signal) => {
		const [deployments, workers] = await Promise.all([api.all('/api/deployments', signal), api.all('/api/workers', signal)]);
		return { deployments, workers };
	}, ({ deployments, workers }) => {
		const old = workers.filter((w) => workerState(w) === 'revoked' || w.status === 'gone').length;
		if (deployments.length === 0)
			return [ui.heading('Workers'), ui.empty('No workers yet', 'A worker runs beside your databases, needs no open port, and does the copying. Workers come in groups, one for each network: deployments.',
				view.can('admin') && ui.link('Add the first worker', '/workers/add', 'primary'))];
		return [
			ui.heading('Workers', lead(workers), view.can('admin') && ui.link('Add a worker', '/workers/add', 'primary')),
			deployments.map((d) => section(view, d, workers)),
			old ? ui.button(view.query.get('all') ? 'Hide those that are gone' : `Show ${old} that ${old === 1 ? 'is' : 'are'} gone`, () => view.set({ all: view.query.get('all') ? null : '1' }), 'small') : null,
		];
	}, { kinds: ['worker', 'job'] });
}
