// SPDX-License-Identifier: Apache-2.0
/* All jobs: search and filter stand in the URL, so that a view can be shared and outlives a reload. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

const STATES = ['running', 'failed', 'pending', 'starting', 'paused', 'stopped', 'created'];
const SPARKS = 30;
const MOST = 1000;
const SPARK_AGE_MS = 60000;

/* Rates of the last half hour, for the jobs that are on the screen; asked once a minute. */
class Sparks {
	constructor(signal) {
		this.signal = signal;
		this.known = new Map();
	}

	async fetch(jobs) {
		const old = jobs.filter((j) => Date.now() - (this.known.get(j.job_id)?.at ?? 0) > SPARK_AGE_MS).slice(0, SPARKS);
		const from = new Date(Date.now() - 1800 * 1000).toISOString();
		await Promise.all(old.map(async (j) => {
			const { points } = await api.get(api.query(`/api/jobs/${j.job_id}/metrics`, { from, step: 60 }), this.signal);
			this.known.set(j.job_id, { at: Date.now(), values: points.map((p) => p.rows_per_second) });
		}));
	}

	of(job) {
		return this.known.get(job.job_id)?.values ?? [];
	}
}

function row(j, sparks) {
	const m = j.metrics;
	const runs = ['running', 'paused'].includes(j.status);
	const none = runs ? '' : 'is-none';
	return h('tr', { key: j.job_id },
		h('td.cell-name', h('a', { href: `/jobs/${j.job_id}` }, j.name),
			j.status === 'failed' && j.error ? h('div.cell-note.text-bad', { title: j.error }, j.error) : null),
		h('td', { 'data-label': 'State' }, ui.badge(ui.jobState(j))),
		h('td.cell-ends', { 'data-label': 'From, to' }, h('div', h('div.clip', { title: j.source }, j.source), h('div.clip.muted', { title: j.sink }, `→ ${j.sink}`))),
		h('td.num', { 'data-label': 'Rate', class: none }, h('div.cell-rate', j.status === 'running' ? ui.spark(sparks.of(j), 'rate of the last half hour') : null, h('span', runs ? fmt.rate(m.rows_per_second) : '–'))),
		h('td.num', { 'data-label': 'Lag', class: none }, runs ? h('div', fmt.duration(m.lag_ms), h('div.cell-note', fmt.bytes(m.lag_bytes))) : '–'),
		h('td.nowrap', { 'data-label': 'Worker', class: j.worker ? '' : 'is-none' }, j.worker ? h('a', { href: `/workers/${j.worker_id}` }, j.worker) : h('span.muted', '–')),
		h('td.num', { 'data-label': 'Since' }, ui.when(j.status_since)));
}

/* What a column is sorted by; jobs without a value come last. */
const SORTS = {
	name: (j) => j.name, state: (j) => STATES.indexOf(j.status), rate: (j) => j.metrics.rows_per_second, lag: (j) => j.metrics.lag_ms,
	worker: (j) => j.worker, since: (j) => -Date.parse(j.status_since),
};

function sorted(jobs, by) {
	const key = SORTS[by.replace(/^-/, '')];
	if (!key)
		return jobs;
	const sign = by.startsWith('-') ? -1 : 1;
	return [...jobs].sort((a, b) => {
		const [x, y] = [key(a) ?? null, key(b) ?? null];
		if (x === null || y === null)
			return (x === null) - (y === null);
		return sign * (typeof x === 'string' ? x.localeCompare(y) : x - y);
	});
}

/* The head of a column that sorts: first one way, then the other, then not. */
function head(view, text, name, cls) {
	const by = view.query.get('sort') ?? '';
	const next = by === name ? `-${name}` : by === `-${name}` ? '' : name;
	const mark = by === name ? ' ↑' : by === `-${name}` ? ' ↓' : '';
	return [h('button.sort', { type: 'button', onclick: () => view.set({ sort: next }) }, text, h('span', { 'aria-hidden': 'true' }, mark)), cls,
		mark ? (by === name ? 'ascending' : 'descending') : null];
}

function fits(j, words, status) {
	const text = [j.name, j.source, j.sink, j.worker, j.error, j.job_id].join(' ').toLowerCase();
	return (!status || j.status === status) && words.every((w) => text.includes(w));
}

function summary(jobs) {
	const failed = jobs.filter((j) => j.status === 'failed');
	const running = jobs.filter((j) => j.status === 'running');
	const behind = running.map((j) => j.metrics.lag_ms).filter((x) => x !== null);
	const parts = [`${fmt.plural(jobs.length, 'job')}, ${running.length} running`];
	if (behind.length)
		parts.push(`the slowest ${fmt.lag(Math.max(...behind))} behind its source`);
	if (failed.length)
		parts.push(`${failed.map((j) => j.name).slice(0, 3).join(', ')} failing`);
	return `${parts.join('; ')}.`;
}

function filters(view, jobs) {
	const status = view.query.get('status') ?? '';
	return h('div.filters', { role: 'search' },
		h('input.form-control', {
			type: 'search', placeholder: 'Name, source, sink or worker', 'aria-label': 'Search jobs', value: view.query.get('q') ?? '',
			oninput: (e) => view.set({ q: e.target.value }),
		}),
		h('div.chips', { role: 'group', 'aria-label': 'State' },
			[['', `All ${jobs.length}`], ...STATES.map((st) => [st, `${st} ${jobs.filter((j) => j.status === st).length}`])]
				.filter(([st, text]) => !st || st === status || !text.endsWith(' 0'))
				.map(([st, text]) => h('button.chip', {
					key: st, type: 'button', 'aria-pressed': String(st === status), onclick: () => view.set({ status: st }),
				}, text))));
}

export function page(view) {
	view.title('Jobs');
	const sparks = new Sparks(view.signal);
	const isNew = view.can('operator') && ui.link('New job', '/jobs/new', 'primary');
	return view.load(async (signal) => {
		const jobs = await api.all('/api/jobs', signal, MOST);
		await sparks.fetch(jobs.filter((j) => j.status === 'running'));
		return jobs;
	}, (jobs) => {
		if (jobs.length === 0)
			return [ui.heading('Jobs'), ui.empty('No jobs yet', 'A job copies tables from a source into a sink and keeps them equal from then on. It takes a worker, a source and a sink.', isNew)];
		const words = (view.query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
		const shown = jobs.filter((j) => fits(j, words, view.query.get('status')));
		return [
			ui.heading('Jobs', summary(jobs), isNew),
			filters(view, jobs),
			shown.length === 0 ? ui.empty('No matches', 'No job matches this search.', ui.button('Show all', () => view.set({ q: '', status: '' })))
				: ui.table('Jobs', [head(view, 'Name', 'name'), head(view, 'State', 'state'), ['Source → sink'], head(view, 'Rate', 'rate', 'num'),
					head(view, 'Lag', 'lag', 'num'), head(view, 'Worker', 'worker'), head(view, 'Since', 'since', 'num')],
				sorted(shown, view.query.get('sort') ?? '').map((j) => row(j, sparks))),
			jobs.length >= MOST ? h('p.muted', `Only the first ${fmt.count(MOST)} jobs are shown.`) : null,
		];
	}, { kinds: ['job', 'worker'], every: 5000 });
}
