// SPDX-License-Identifier: Apache-2.0
/* The job's tables: where each one is, how far its copy has come, and copying it again. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

const STATES = {
	waiting: ['quiet', 'waiting'], copying: ['busy', 'copying'], copied: ['good', 'copied'], streaming: ['good', 'streaming'],
};

export class Tables {
	constructor(view) {
		this.view = view;
		this.seen = new Map();
	}

	/* Rows a second of a copy, from what the last renderings showed. */
	speed(t) {
		const now = Date.now();
		const list = (this.seen.get(t.name) ?? []).filter((p) => now - p.at < 60000);
		if (!list.length || list.at(-1).rows !== t.rows)
			list.push({ at: now, rows: t.rows });
		this.seen.set(t.name, list);
		const first = list[0];
		const sec = (now - first.at) / 1000;
		return sec > 2 ? (t.rows - first.rows) / sec : null;
	}

	progress(t) {
		if (t.state !== 'copying' && t.state !== 'waiting')
			return h('span.muted', t.rows ? `${fmt.short(t.rows)} rows copied` : '–');
		const of = Math.max(t.estimate ?? 0, t.rows ?? 0);
		const speed = t.state === 'copying' ? this.speed(t) : null;
		const left = speed > 0 ? (of - t.rows) / speed * 1000 : null;
		return [ui.bar(t.rows ?? 0, of, `copy of ${t.name}`), h('div.cell-note',
			`${fmt.short(t.rows)} of about ${fmt.short(of)} rows`,
			speed > 0 ? `, ${fmt.rate(speed)}, ${left > 0 ? `about ${fmt.duration(left)} left` : 'nearly done'}` : '',
			t.parts > 1 ? `, part ${t.parts_done} of ${t.parts}` : '')];
	}

	async again(job, t, e) {
		const at = { currentTarget: e.currentTarget };
		if (!await ui.confirm({ title: `Copy ${t.name} again?`, action: 'Copy again', text: 'The job goes on streaming; the rows of this table are read and written once more.' }))
			return;
		await ui.act(at, async () => {
			const made = await api.post(`/api/jobs/${job.job_id}/snapshot`, { tables: [t.name] });
			await api.task(made.task_id, this.view.signal);
			await this.view.reload();
		}, `${t.name} is copied again.`);
	}

	row(job, t) {
		const state = t.state === 'copied' && job.phase === 'streaming' ? 'streaming' : t.state;
		const [tone, word] = STATES[state] ?? ['quiet', state];
		const c = t.changes ?? {};
		const may = this.view.can('operator') && ['running', 'paused'].includes(job.status) && state === 'streaming';
		return h('tr', { key: t.name },
			h('td.cell-name', t.name),
			h('td', { 'data-label': 'State' }, ui.badge({ good: 'streaming', busy: 'snapshot', quiet: 'created' }[tone], word)),
			h('td.cell-wide', { 'data-label': 'Copy' }, this.progress(t)),
			h('td.num', { 'data-label': 'Inserts' }, fmt.count(c.insert)), h('td.num', { 'data-label': 'Updates' }, fmt.count(c.update)),
			h('td.num', { 'data-label': 'Deletes' }, fmt.count(c.delete)),
			h('td.num', { 'data-label': 'Last change' }, t.last_change ? ui.when(t.last_change) : h('span.muted', '–')),
			h('td.cell-actions', may ? ui.button('Copy again', (e) => this.again(job, t, e), 'small') : null));
	}

	render(job) {
		if (job.tables.length === 0)
			return ui.empty('No tables yet', 'They show here as soon as the job has looked at its source.');
		const q = (this.view.query.get('table') ?? '').toLowerCase();
		const shown = job.tables.filter((t) => t.name.toLowerCase().includes(q));
		return [
			job.tables.length > 8 && h('div.filters', h('input.form-control', { type: 'search', placeholder: 'Search tables', 'aria-label': 'Search tables', value: this.view.query.get('table') ?? '',
				oninput: (e) => this.view.set({ table: e.target.value }) })),
			ui.table('Tables', [['Table'], ['State'], ['Copy'], ['Inserts', 'num'], ['Updates', 'num'], ['Deletes', 'num'], ['Last change', 'num'], ['']],
				shown.map((t) => this.row(job, t))),
		];
	}
}
