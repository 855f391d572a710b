// SPDX-License-Identifier: Apache-2.0
/* The job as a picture: source, transforms, sink with the rates between them, and its charts. */
import { h, hold } from '../dom.js';
import * as api from '../api.js';
import { ChartGroup } from '../chart.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';
import { Pace, copyPanel } from './copy.js';
import { timeline } from './history.js';

const RANGES = [['15m', '15 min', 900], ['1h', '1 hour', 3600], ['6h', '6 hours', 21600], ['24h', '1 day', 86400], ['7d', '7 days', 604800]];
const DEFAULT = '1h';

function arrow(job, text) {
	const moves = job.status === 'running' && job.metrics.rows_per_second > 0;
	return h('div.flow-arrow', { class: moves ? 'is-moving' : '' }, h('span.flow-rate', text), h('span.flow-line', { 'aria-hidden': 'true' }));
}

function diagram(job) {
	const m = job.metrics;
	const transforms = job.spec.transforms ?? [];
	const runs = job.status === 'running';
	return h('section.flow', { 'aria-label': 'From source to sink' },
		h('a.flow-end', { href: `/datasources/${job.source_id}` }, h('span.flow-kind', 'Source'), h('strong', job.source ?? '–'),
			h('span.muted', job.tables.length ? fmt.plural(job.tables.length, 'table') : '')),
		arrow(job, runs ? fmt.rate(m.rows_per_second) : ui.jobState(job)),
		transforms.length > 0 && [
			h('div.flow-mid', h('span.flow-kind', 'Transforms'), transforms.map((t) => h('span.chip-static', t.plugin))),
			arrow(job, runs ? `${fmt.bytes(m.bytes_per_second)}/s` : '')],
		h('a.flow-end', { href: `/datasources/${job.sink_id}` }, h('span.flow-kind', 'Sink'), h('strong', job.sink ?? '–'),
			h('span.muted', m.rows_total === null ? '' : `${fmt.short(m.rows_total)} rows so far`)));
}

function figures(job) {
	const m = job.metrics;
	const live = ['running', 'paused'].includes(job.status);
	const limit = m.safe_bytes > 0 ? m.retained_bytes + m.safe_bytes : null;
	if (!m.at)
		return null;
	return h('div.stats',
		ui.stat('Rate', live ? fmt.rate(m.rows_per_second) : '–', live ? `${fmt.bytes(m.bytes_per_second)}/s` : null),
		ui.stat('Lag', live ? fmt.duration(m.lag_ms) : '–', live ? fmt.bytes(m.lag_bytes) : null),
		ui.stat('Kept at source', fmt.bytes(m.retained_bytes), limit
			? [ui.bar(m.retained_bytes, limit, 'of the limit'), `${fmt.percent(m.retained_bytes, limit)} % of ${fmt.bytes(limit)}`]
			: m.retained_bytes === null || m.retained_bytes === undefined ? null : 'the source sets no limit'),
		ui.stat('Batch write, p99', fmt.duration(m.flush_p99_ms), m.queue_bytes === null || m.queue_bytes === undefined ? null : `${fmt.bytes(m.queue_bytes)} waiting`),
		ui.stat('Dead letters', fmt.count(m.dead_letters), null),
		ui.stat('On the worker', fmt.bytes(m.rss_bytes), m.cpu_percent === null || m.cpu_percent === undefined ? null : `${m.cpu_percent.toFixed(1)} % of a CPU`));
}

export class Overview {
	constructor(view) {
		this.view = view;
		this.pace = new Pace();
		this.group = new ChartGroup();
		this.charts = [
			{ title: 'Throughput', unit: fmt.rate, axis: (v) => `${fmt.brief(v)}/s`, lines: [{ label: 'rows', name: 'rows_per_second' }] },
			{ title: 'Lag', unit: fmt.duration, least: 1000, lines: [{ label: 'time', name: 'lag_ms' }] },
			{ title: 'Batch write time, p99', unit: fmt.duration, least: 10, lines: [{ label: 'p99', name: 'flush_p99_ms' }] },
			{ title: 'Log at the source', unit: fmt.bytes, least: 1048576, lines: [{ label: 'kept', name: 'retained_bytes' }, { label: 'behind', name: 'lag_bytes' }] },
		].map((c) => this.group.add(c));
	}

	range() {
		return RANGES.find(([name]) => name === this.view.query.get('range')) ?? RANGES.find(([name]) => name === DEFAULT);
	}

	async fetch(signal) {
		const to = Date.now();
		const from = to - this.range()[2] * 1000;
		const own = `/api/jobs/${this.view.params.id}`;
		[this.series, this.events] = await Promise.all([
			api.get(api.query(`${own}/metrics`, { from: new Date(from).toISOString() }), signal), api.get(`${own}/events?limit=5`, signal)]);
		this.span = [from, to];
	}

	render(job) {
		const points = this.series?.points ?? [];
		if (!this.started && points.length) {
			this.started = true;
			queueMicrotask(() => this.group.start().catch((e) => ui.toast(e.message, 'bad')));
		}
		if (this.series)
			this.group.update(points, this.series.step, ...this.span);
		const current = this.range()[0];
		return [
			diagram(job), copyPanel(job, this.pace, this.view.href({ tab: 'tables' })), figures(job),
			h('div.row-between', h('h2', 'Over time'), h('div.chips', { role: 'group', 'aria-label': 'Time range' }, RANGES.map(([name, text]) =>
				h('a.chip', { key: name, href: this.view.href({ range: name === DEFAULT ? null : name }), 'aria-current': name === current ? 'true' : null }, text)))),
			points.length === 0 ? h('p.panel.muted', 'No figures in this range. A running job sends some every ten seconds.') : null,
			h('div.charts.charts-two', { hidden: points.length === 0 }, this.charts.map(hold)),
			this.events?.items.length > 0 && h('section.panel', h('div.row-between', h('h2', 'Lately'), h('a', { href: this.view.href({ tab: 'history' }) }, 'Full history')),
				timeline(this.events.items)),
		];
	}

	stop() {
		this.group.stop();
	}
}
