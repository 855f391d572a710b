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
		return ['good', running === 1 && n === 1 ? `The pipeline runs, ${fmt.lag(lag)} behind its source.`
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
		step(2, ends, 'Connect source and sink', 'A source to read from and a sink to write to. Passwords go in and never come out again.',
			view.can('operator') ? ui.link('Add a datasource', `/datasources/new?kind=${o.sources > 0 ? 'sink' : 'source'}`, worker ? 'primary' : 'plain') : 'An operator does this.'),
		step(3, false, 'Create the first pipeline', 'Choose tables, look at the plan, start. The first copy and all changes after it follow by themselves.',
			view.can('operator') ? ui.link('New job', '/jobs/new', ends ? 'primary' : 'plain') : 'An operator does this.'));
}

const SHOWN = 4;

function trouble(state, title, text, when, href) {
	return h('li.trouble', { key: href }, ui.badge(state), h('div.trouble-words', h('a', { href }, title), text && h('div.trouble-why', { title: text }, text)), when && ui.when(when));
}

/* What needs a person, as a list of at most a few lines. */
function troubles(o) {
	const failed = o.worst.filter((j) => j.status === 'failed');
	const lost = o.workers.lost ?? 0;
	if (!failed.length && !o.alerts && !lost)
		return null;
	const more = (o.jobs.failed ?? 0) - SHOWN;
	return h('section.panel.panel-bad', h('h2', 'Needs attention'), h('ul.plain-list',
		failed.slice(0, SHOWN).map((j) => trouble('failed', j.name, ui.sentence(j.error ?? 'No reason was given'), j.since, `/jobs/${j.job_id}`)),
		more > 0 && trouble('failed', `${fmt.plural(more, 'more job has', 'more jobs have')} failed`, null, null, '/jobs?status=failed'),
		o.alerts > 0 && trouble('firing', fmt.plural(o.alerts, 'alert'), null, null, '/alerts'),
		lost > 0 && trouble('lost', fmt.plural(lost, 'worker'), 'Not heard of for a minute; their jobs go to other workers.', null, '/workers')));
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

/* The newest value of a series; what is older than two minutes is not "now". */
function newest(o, name) {
	const last = o.series.findLast((p) => p[name] !== null);
	return last && Date.now() - Date.parse(last.at) < 120000 ? last[name] : null;
}

function figures(o) {
	const rates = o.series.map((p) => p.rows_per_second).filter((v) => v !== null);
	const lagging = o.worst.find((j) => j.status === 'running' && j.lag_ms !== null);
	const workers = o.workers.online ?? 0;
	return h('div.stats',
		ui.stat('Throughput now', fmt.rate(newest(o, 'rows_per_second')), rates.length ? `peak ${fmt.rate(Math.max(...rates))}` : null),
		ui.stat('Slowest pipeline', fmt.duration(worstLag(o)), lagging && h('a.clip', { href: `/jobs/${lagging.job_id}` }, lagging.name)),
		ui.stat('Workers online', fmt.count(workers), h('a', { href: '/workers' }, o.workers.lost ? `${o.workers.lost} lost` : `in ${fmt.plural(o.deployments, 'deployment')}`)),
		ui.stat('Alerts firing', fmt.count(o.alerts), h('a', { href: '/alerts' }, o.alerts ? 'Show them' : 'rules')));
}

const WORDS = {
	create: 'was created', start: 'was started', claim: 'was taken by a worker', up: 'is running', paused: 'is paused',
	drained: 'has stopped', stop: 'was stopped', error: 'has failed', lost: 'lost its worker', retry: 'tries again',
	delete: 'was deleted', restart: 'restarts', edit: 'was changed',
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
		group.add({ title: 'Throughput, all pipelines', unit: fmt.rate, axis: (v) => `${fmt.brief(v)}/s`, lines: [{ label: 'rows', name: 'rows_per_second' }] }),
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
			isNew ? [troubles(o), firstSteps(view, o)] : [figures(o), troubles(o), counts(o), h('div.two', hour(view, o, group, nodes), changes(o))],
		];
	}, { kinds: ['job', 'worker', 'alert'] });
}
