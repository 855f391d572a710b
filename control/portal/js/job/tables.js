// SPDX-License-Identifier: Apache-2.0
/* The job's tables: where each one is, how far its copy has come, and copying it again. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';
import { Pace, timeLeft } from './copy.js';

const STATES = {
	waiting: ['quiet', 'waiting'], copying: ['busy', 'copying'], copied: ['good', 'copied'], streaming: ['good', 'streaming'],
};

export class Tables {
	constructor(view) {
		this.view = view;
		this.pace = new Pace();
	}

	progress(t) {
		if (t.state !== 'copying' && t.state !== 'waiting')
			return h('span.muted', t.rows ? `${fmt.short(t.rows)} rows copied` : '–');
		const rows = t.rows ?? 0;
		const of = Math.max(t.estimate ?? 0, rows);
		const speed = t.state === 'copying' ? this.pace.speed(t.name, rows) : null;
		return [ui.bar(rows, of, `copy of ${t.name}`), h('div.cell-note',
			`${fmt.percent(rows, of)} %: ${fmt.short(rows)} of about ${fmt.short(of)} rows${timeLeft(rows, of, speed)}`,
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
			['insert', 'update', 'delete'].map((n) => h('td.num', { 'data-label': `${n[0].toUpperCase()}${n.slice(1)}s`, class: c[n] === undefined ? 'is-none' : '' }, fmt.count(c[n]))),
			h('td.num', { 'data-label': 'Last change', class: t.last_change ? '' : 'is-none' }, t.last_change ? ui.when(t.last_change) : h('span.muted', '–')),
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
