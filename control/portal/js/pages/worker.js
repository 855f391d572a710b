// SPDX-License-Identifier: Apache-2.0
/* One worker: its jobs, its plugins, and draining it. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';
import { workerState } from './workers.js';

function lead(w) {
	const state = workerState(w);
	if (state === 'draining')
		return w.jobs ? `Draining: ${fmt.plural(w.jobs, 'job')} still to go.` : 'Drained: it has no job and gets no new one.';
	if (state === 'lost')
		return `Lost: nothing was heard since ${fmt.exact(w.last_seen)}. Its jobs go to other workers of the deployment.`;
	if (state === 'online')
		return `Online with ${fmt.plural(w.jobs, 'job')} of at most ${w.max_jobs}.`;
	return 'It has left.';
}

async function drain(view, w, on, e) {
	const at = { currentTarget: e.currentTarget };
	if (on && !await ui.confirm({ title: `Drain ${w.name}?`, action: 'Drain',
		text: 'Its jobs finish what is in flight and go to other workers of the deployment; it gets no new ones.' }))
		return;
	await ui.act(at, async () => {
		await api.post(`/api/workers/${w.worker_id}/drain`, { drain: on });
		await view.reload();
	});
}

async function revoke(view, w, e) {
	const at = { currentTarget: e.currentTarget };
	if (!await ui.confirm({ title: `Revoke ${w.name}?`, action: 'Revoke', danger: true,
		text: 'Its secret opens nothing any more and its jobs go to others. To come back it needs a new token.' }))
		return;
	await ui.act(at, async () => {
		await api.remove(`/api/workers/${w.worker_id}`);
		view.navigate('/workers');
	}, `${w.name} is revoked.`);
}

function facts(w) {
	const rows = [['Deployment', w.deployment], ['Host', w.host], ['Address', w.address], ['Version', w.version && `${w.version}, ABI ${w.abi}`],
		['Started', w.started_at && ui.when(w.started_at)], ['Last seen', ui.when(w.last_seen)], ['Id', ui.id(w.worker_id)]];
	return h('dl.summary', rows.filter(([, v]) => v).map(([k, v]) => [h('dt', k), h('dd', v)]));
}

function actions(view, w, state) {
	return [
		view.can('operator') && ['online', 'draining'].includes(state) && (w.draining
			? ui.button('Stop draining', (e) => drain(view, w, false, e), 'primary', { key: 'take' })
			: ui.button('Drain', (e) => drain(view, w, true, e), 'plain', { key: 'drain' })),
		view.can('admin') && state !== 'revoked' && ui.button('Revoke', (e) => revoke(view, w, e), 'danger-plain', { key: 'revoke' }),
	];
}

function jobs(w) {
	return h('section.panel', h('h2', 'Jobs'), w.running.length === 0 ? h('p.muted', 'No job is on it now.')
		: h('ul.plain-list', w.running.map((j) => h('li.row-between', { key: j.job_id }, h('a', { href: `/jobs/${j.job_id}` }, j.name), ui.badge(j.status)))));
}

function plugins(w) {
	return h('section.panel', h('h2', 'Plugins'),
		w.plugins.length === 0 ? h('p.muted', 'It has not named any yet.') : h('ul.tags', w.plugins.map((p) => h('li', { key: `${p.kind}${p.name}` }, h('strong', p.name), ` ${p.kind} ${p.version}`))),
		(w.broken ?? []).map((b, i) => h('div', { key: i }, ui.notice('wait', b.path ?? b.name ?? 'A plugin', b.error ?? b.reason ?? 'cannot be loaded'))));
}

export function page(view) {
	view.title('Worker');
	return view.load((signal) => api.get(`/api/workers/${view.params.id}`, signal), (w) => {
		view.title(w.name);
		const state = workerState(w);
		return [
			ui.crumb('Workers', '/workers'),
			ui.heading([w.name, ' ', ui.badge(state)], lead(w), actions(view, w, state)),
			state === 'draining' && w.jobs ? ui.notice('wait', 'Draining', 'You may leave this page; it goes on by itself.') : null,
			h('div.two', jobs(w), h('section.panel', h('h2', 'Details'), facts(w))),
			plugins(w),
		];
	}, { kinds: ['worker', 'job'], every: 5000 });
}
