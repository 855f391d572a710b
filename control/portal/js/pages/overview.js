// SPDX-License-Identifier: Apache-2.0
/* How is all of it: one sentence, what needs a person, the last hour, what changed lately. */
import { h, hold } from '../dom.js';
import * as api from '../api.js';
import { ChartGroup } from '../chart.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

const ORDER = ['failed', 'running', 'starting', 'pending', 'paused', 'stopped', 'created'];

function total(counts) {
	return Object.values(counts).reduce((a, b) => a + b, 0);
}

function worstLag(o) {
	const lags = o.worst.filter((j) => j.status === 'running' && j.lag_ms !== null).map((j) => j.lag_ms);
	return lags.length ? Math.max(...lags) : null;
}

/* The answer to the question that one comes with. */
function health(o) {
	const n = total(o.jobs);
	const running = o.jobs.running ?? 0;
	const failed = o.worst.filter((j) => j.status === 'failed');
	const lag = worstLag(o);
	if (failed.length)
		return ['bad', failed.length === 1 ? `${failed[0].name} is failing${n > 1 ? `; ${running} of ${fmt.plural(n, 'pipeline')} running` : ''}.`
			: `${failed.length} of ${n} pipelines are failing.`];
	if (n === 0)
		return ['quiet', 'No pipelines yet.'];
	if ((o.jobs.pending ?? 0) > 0 && !(o.workers.online > 0))
		return ['bad', `${fmt.plural(o.jobs.pending, 'pipeline waits', 'pipelines wait')} for a worker, and none is online.`];
	if (running === 0)
		return ['quiet', `None of the ${fmt.plural(n, 'pipeline')} is running.`];
	if (lag !== null)
		return ['good', running === 1 && n === 1 ? `The pipeline runs, ${fmt.duration(lag)} behind its source.`
			: `${running === n ? 'All' : `${running} of`} ${fmt.plural(n, 'pipeline')} running, ${running === 1 ? '' : 'all within '}${fmt.duration(Math.max(lag, 1000))}${running === 1 ? ' behind' : ' of'} the source.`];
	return ['good', `${running} of ${fmt.plural(n, 'pipeline')} running.`];
}

function step(n, done, title, text, action) {
	return h('li.step-card', { class: done ? 'is-done' : '' },
		h('div.step-number', { 'aria-hidden': 'true' }, done ? '✓' : String(n)),
		h('div', h('h2', title), h('p', text), done ? h('span.muted', 'Done') : action));
}

function firstSteps(view, o) {
	const worker = (o.workers.online ?? 0) > 0;
	const ends = o.sources > 0 && o.sinks > 0;
	return h('ol.first-steps',
		step(1, worker, 'Connect a worker', 'It runs inside your network, beside the databases, and needs no open port: it calls here.',
			view.can('admin') ? ui.link('Add a worker', '/workers/add', worker ? 'plain' : 'primary') : 'An admin does this.'),
		step(2, ends, 'Say where the data is', 'A source to read from and a sink to write to. Passwords go in and never come out again.',
			view.can('operator') ? ui.link('Add a datasource', `/datasources/new?kind=${o.sources > 0 ? 'sink' : 'source'}`, worker ? 'primary' : 'plain') : 'An operator does this.'),
		step(3, false, 'Make the first pipeline', 'Choose tables, look at the plan, start. The first copy and all changes after it follow by themselves.',
			view.can('operator') ? ui.link('New job', '/jobs/new', ends ? 'primary' : 'plain') : 'An operator does this.'));
}

function troubles(o) {
	const failed = o.worst.filter((j) => j.status === 'failed');
	return [
		failed.map((j) => h('div', { key: j.job_id }, ui.notice('bad', [h('a', { href: `/jobs/${j.job_id}` }, j.name), ' has failed ', ui.when(j.since)],
			ui.sentence(j.error ?? 'no reason was given'), ui.link('Look at it', `/jobs/${j.job_id}`)))),
		o.alerts > 0 && ui.notice('bad', `${fmt.plural(o.alerts, 'alert')} firing`, null, ui.link('Alerts', '/alerts')),
		(o.workers.lost ?? 0) > 0 && ui.notice('wait', `${fmt.plural(o.workers.lost, 'worker is', 'workers are')} lost`,
			'Nothing was heard for a minute; jobs go to other workers.', ui.link('Workers', '/workers')),
	];
}

function counts(o) {
	const n = total(o.jobs);
	if (!n)
		return null;
	return h('section.panel', { 'aria-label': 'Jobs by state' }, h('div.count-bar', { 'aria-hidden': 'true' },
		ORDER.filter((st) => o.jobs[st]).map((st) => h('span', { key: st, class: `count-${st}`, style: { 'flex-grow': o.jobs[st] } }))),
	h('ul.count-list', ORDER.filter((st) => o.jobs[st]).map((st) => h('li', { key: st },
		h('a', { href: `/jobs?status=${st}` }, ui.badge(st), h('strong', fmt.count(o.jobs[st])))))));
}

const WORDS = {
	create: 'was made', start: 'was started', claim: 'went to a worker', up: 'is running', paused: 'is paused',
	drained: 'has stopped', stop: 'was stopped', error: 'has failed', lost: 'lost its worker', retry: 'tries again',
	delete: 'was deleted', restart: 'starts anew', edit: 'was changed',
};

export function eventWords(e) {
	return WORDS[e.event] ?? e.event.replace(/^wanted /, 'is to be ');
}

function changes(o) {
	return h('section.panel', h('h2', 'Lately'),
		o.changes.length === 0 ? h('p.muted', 'Nothing has happened yet.') :
			h('ul.feed', o.changes.slice(0, 8).map((e) => h('li', { key: e.id },
				h('span.feed-what', h('a', { href: `/jobs/${e.job_id}` }, e.job), ` ${eventWords(e)}`,
					e.message ? h('span.muted.feed-why', e.message) : null),
				h('span.muted.feed-when', ui.when(e.at))))));
}

function hour(view, o, group, nodes) {
	const to = Date.now();
	group.update(o.series, 30, to - 3600 * 1000, to);
	return h('section.panel', h('h2', 'The last hour'),
		o.series.length === 0 ? h('p.muted', 'Throughput and lag show here once a pipeline runs.') : null,
		h('div.charts', { hidden: o.series.length === 0 }, nodes.map(hold)));
}

export function page(view) {
	view.title('Overview');
	const group = new ChartGroup();
	const nodes = [
		group.add({ title: 'Throughput, all pipelines', unit: (v) => `${fmt.short(v)}/s`, lines: [{ label: 'rows', name: 'rows_per_second' }] }),
		group.add({ title: 'Lag, the slowest pipeline', unit: fmt.duration, least: 1000, lines: [{ label: 'lag', name: 'lag_ms' }] }),
	];
	view.cleanups.push(() => group.stop());
	let started = false;
	return view.load((signal) => api.get('/api/overview', signal), (o) => {
		const [tone, text] = health(o);
		const isNew = total(o.jobs) === 0;
		if (!isNew && !started) {
			started = true;
			queueMicrotask(() => group.start().catch((e) => ui.toast(e.message, 'bad')));
		}
		return [
			h('header.page-head', h('div.page-words', h('h1.health', { tabindex: '-1', class: `health-${tone}` }, isNew ? 'Three steps to the first pipeline' : text)),
				!isNew && view.can('operator') && h('div.page-actions', ui.link('New job', '/jobs/new', 'primary'))),
			troubles(o),
			isNew ? firstSteps(view, o) : [counts(o), h('div.two', hour(view, o, group, nodes), changes(o))],
		];
	}, { kinds: ['job', 'worker', 'alert'] });
}
