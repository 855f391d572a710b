// SPDX-License-Identifier: Apache-2.0
/* Step 5: the job in words and as the job file that it stands for; a test run; the start. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';
import { aboutTables, findings, verdict } from '../findings.js';
import { matcher } from './patterns.js';

export class Review {
	constructor(wizard) {
		this.wizard = wizard;
	}

	isDone() {
		return false;
	}

	body() {
		const { draft, steps } = this.wizard;
		const body = { ...draft.settings, deployment_id: draft.deployment_id, source_id: draft.source_id, sink_id: draft.sink_id, tables: steps.tables.value() };
		for (const [k, v] of Object.entries(body))
			if (v && typeof v === 'object' && Object.keys(v).length === 0)
				delete body[k];
		return body;
	}

	/* The server checks it and answers with the job file; nothing is made. */
	async ask(text) {
		this.asked = text;
		this.file = null;
		this.problem = null;
		try {
			const a = await api.post('/api/jobs?dry_run=true', JSON.parse(text), this.wizard.view.signal);
			this.file = a.config;
		} catch (e) {
			if (this.wizard.view.signal.aborted)
				return;
			this.problem = e;
		}
		this.wizard.view.draw();
	}

	async test() {
		if (this.testing)
			return;
		const { draft, view } = this.wizard;
		this.testing = true;
		view.draw();
		const run = async (kind) => {
			try {
				const made = await api.post(`/api/datasources/${draft[`${kind}_id`]}/test`);
				return { kind, report: await api.task(made.task_id, view.signal) };
			} catch (e) {
				return { kind, problem: e };
			}
		};
		this.tests = await Promise.all(['source', 'sink'].map(run));
		this.testing = false;
		view.draw();
	}

	async create(e, start) {
		await ui.act(e, async () => {
			const made = await api.post('/api/jobs', { ...this.body(), start });
			this.wizard.forget();
			this.wizard.view.navigate(`/jobs/${made.job_id}`);
		}, start ? 'The job is created; a worker takes it now.' : 'The job is created.');
	}

	buttons() {
		const off = !this.file;
		return [ui.button('Create, start later', (e) => this.create(e, false), 'plain', { disabled: off, key: 'later' }),
			ui.button('Create and start', (e) => this.create(e, true), 'primary', { disabled: off, key: 'now' })];
	}

	result({ kind, report, problem }) {
		const title = h('h4', kind === 'source' ? 'Source' : 'Sink');
		if (problem)
			return h('div', { key: kind }, title, ui.failure(problem));
		const own = aboutTables(report, matcher(this.wizard.steps.tables.value()));
		return h('div', { key: kind }, title, verdict(own), findings(own));
	}

	render() {
		const { wizard } = this;
		const text = JSON.stringify(this.body());
		if (this.asked !== text)
			queueMicrotask(() => this.ask(text));
		const s = wizard.draft.settings;
		const copy = s.source?.snapshot ?? 'initial';
		return [
			h('dl.summary',
				h('dt', 'Name'), h('dd', s.name),
				h('dt', 'From'), h('dd', wizard.end('source').name), h('dt', 'To'), h('dd', wizard.end('sink').name),
				h('dt', 'Tables'), h('dd', wizard.steps.tables.value().join(', ')),
				h('dt', 'First'), h('dd', copy === 'never' ? 'No copy: only changes from now on.' : copy === 'only' ? 'A copy of the tables, then the end.' : 'A copy of the tables, then every change from exactly there.'),
				s.transforms?.length ? [h('dt', 'Transforms'), h('dd', s.transforms.map((t) => t.plugin).join(' → '))] : null),
			h('section.group', h('div.row-between', h('h3', 'Test run'), ui.button('Test now', () => this.test(), 'plain', { 'aria-busy': this.testing ? 'true' : null })),
				this.testing ? h('p.muted', 'A worker tries both ends …') : this.tests ? this.tests.map((t) => this.result(t)) : h('p.help', 'A worker connects to both ends and checks versions, settings and rights. Nothing is changed.')),
			h('section.group', h('h3', 'The job file'), this.problem ? ui.notice('bad', 'This job cannot be created', ui.sentence(this.problem.message)) : this.file ? ui.code(this.file) : ui.skeleton(6)),
		];
	}
}
