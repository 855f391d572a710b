// SPDX-License-Identifier: Apache-2.0
/* How far copies of tables have come, how fast they go, and how long they will take. */
import { h } from '../dom.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

const WINDOW_MS = 60000;

/* Rows a second, from what was seen within the last minute. */
export class Pace {
	constructor() {
		this.seen = new Map();
	}

	speed(name, rows) {
		const now = Date.now();
		const list = (this.seen.get(name) ?? []).filter((p) => now - p.at < WINDOW_MS);
		if (!list.length || list.at(-1).rows !== rows)
			list.push({ at: now, rows });
		this.seen.set(name, list);
		const sec = (now - list[0].at) / 1000;
		return sec > 2 ? Math.max(0, (rows - list[0].rows) / sec) : null;
	}
}

/* ", 51 k rows/s, about 3 min left" */
export function timeLeft(rows, of, speed) {
	if (!(speed > 0))
		return '';
	return `, ${fmt.rate(speed)}, ${of > rows ? `about ${fmt.duration((of - rows) / speed * 1000)} left` : 'nearly done'}`;
}

/* All tables of a job together. */
export function sum(job) {
	const rows = job.tables.reduce((a, t) => a + (t.rows ?? 0), 0);
	const of = job.tables.reduce((a, t) => a + Math.max(t.estimate ?? 0, t.rows ?? 0), 0);
	const done = job.tables.filter((t) => t.state !== 'copying' && t.state !== 'waiting').length;
	/* What is estimated too low is not done for that. */
	const percent = Math.min(fmt.percent(rows, of), done < job.tables.length ? 99 : 100);
	return { rows, of, done, percent };
}

/* The first copy as a whole, while it goes on. */
export function copyPanel(job, pace, href) {
	if (ui.jobState(job) !== 'snapshot' || job.tables.length === 0)
		return null;
	const { rows, of, done, percent } = sum(job);
	const now = job.tables.filter((t) => t.state === 'copying').map((t) => t.name);
	return h('section.panel', { 'aria-label': 'First copy' },
		h('div.row-between', h('h2', 'First copy'), h('strong.big-percent', `${percent} %`)),
		ui.bar(rows, of, 'first copy'),
		h('div.row-between.muted',
			h('span', `${fmt.short(rows)} of about ${fmt.short(of)} rows${timeLeft(rows, of, pace.speed('', rows))}`),
			h('a', { href }, `${done} of ${fmt.plural(job.tables.length, 'table')} done`)),
		now.length ? h('div.muted.clip', `Now: ${now.join(', ')}`) : null);
}
