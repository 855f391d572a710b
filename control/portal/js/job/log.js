// SPDX-License-Identifier: Apache-2.0
/* The newest lines of the job's log. They stay on the worker and are fetched when someone looks. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';

function clock(iso) {
	const d = new Date(iso);
	if (Number.isNaN(d.getTime()))
		return '';
	const day = d.toDateString() === new Date().toDateString() ? '' : `${d.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} `;
	return `${day}${d.toLocaleTimeString('en-GB')}.${String(d.getMilliseconds()).padStart(3, '0')}`;
}

const LEVELS = ['error', 'warning', 'notice', 'info', 'debug'];

export class Log {
	constructor(view) {
		this.view = view;
		this.lines = null;
	}

	fetch() {
		if (!this.busy && Date.now() - (this.at ?? 0) > 4000)
			this.ask();
	}

	/* Not awaited: a worker may take its time, and the page goes on meanwhile. */
	async ask() {
		this.busy = true;
		try {
			const a = await api.answer(`/api/jobs/${this.view.params.id}/log?lines=400`, this.view.signal);
			this.lines = a.lines ?? [];
			this.problem = null;
		} catch (e) {
			if (this.view.signal.aborted)
				return;
			this.problem = e;
		} finally {
			this.busy = false;
			this.at = Date.now();
		}
		this.view.draw();
	}

	line(l, i) {
		return h('div.log-line', { key: `${l.time}${i}`, class: `log-${l.level}` },
			h('time', { title: l.time }, clock(l.time)), h('span.log-level', l.level), h('span.log-text', l.message));
	}

	render() {
		if (this.problem)
			return this.problem.code === 'never_ran' ? ui.empty('No log yet', 'No worker has had this job so far.') : ui.failure(this.problem, () => this.ask());
		if (!this.lines)
			return [h('p.muted', 'Asking the worker for the newest lines …'), ui.skeleton(8)];
		const level = this.view.query.get('level') ?? 'info';
		const q = (this.view.query.get('find') ?? '').toLowerCase();
		const shown = this.lines.filter((l) => LEVELS.indexOf(l.level) <= LEVELS.indexOf(level) && (!q || l.message.toLowerCase().includes(q)));
		return [
			h('div.filters', h('input.form-control', { type: 'search', placeholder: 'Search the log', 'aria-label': 'Search the log', value: this.view.query.get('find') ?? '', oninput: (e) => this.view.set({ find: e.target.value }) }),
				h('select.form-select', { 'aria-label': 'Least level', value: level, onchange: (e) => this.view.set({ level: e.target.value === 'info' ? '' : e.target.value }) },
					LEVELS.map((l) => h('option', { value: l }, l === 'error' ? 'errors only' : `${l} and above`)))),
			shown.length === 0 ? ui.empty('No lines', 'No line matches, or the log is still empty.')
				: h('div.log', { tabindex: '0', role: 'log', 'aria-label': 'Log' }, shown.map((l, i) => this.line(l, i)).reverse()),
			h('p.muted', 'Newest first. Values of rows never stand in a log.'),
		];
	}
}
