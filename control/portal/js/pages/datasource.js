// SPDX-License-Identifier: Apache-2.0
/* One connection, new or known: a form drawn from its plugin's option table, and its test. */
import { h, hold, mount } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';
import { OptionForm } from '../form.js';
import { connectionOptions, named, ofKind, plugins } from '../plugins.js';
import { aboutTables, findings, verdict } from '../findings.js';

class Editor {
	constructor(view, { list, deployments, known }) {
		Object.assign(this, { view, list, known, deployments });
		this.kind = known?.kind ?? (view.query.get('kind') === 'sink' ? 'sink' : 'source');
		this.name = h('input.form-control', { value: known?.name ?? '', maxlength: 100, 'aria-required': 'true', autocomplete: 'off' });
		this.nameProblem = h('div.problem');
		const mine = ofKind(list, this.kind);
		this.plugin = h('select.form-select', { value: known?.plugin ?? mine[0]?.name ?? '', disabled: Boolean(known) || mine.length < 2 },
			(known ? [{ name: known.plugin }] : mine).map((p) => h('option', { value: p.name }, p.summary ? `${p.name}: ${p.summary}` : p.name)));
		this.plugin.onchange = () => this.draw();
		const wanted = known?.deployment_id ?? view.query.get('deployment') ?? deployments.find((d) => d.workers_online)?.deployment_id ?? deployments[0]?.deployment_id;
		this.deployment = h('select.form-select', { value: wanted ?? '', disabled: Boolean(known) || deployments.length < 2 },
			deployments.map((d) => h('option', { value: d.deployment_id }, `${d.name} (${fmt.plural(d.workers_online, 'worker')} online)`)));
		this.options = h('div');
		this.node = h('form.editor', { novalidate: true, inert: !view.can('operator'), onsubmit: (e) => this.submit(e) },
			h('div.fields', h('div.field', h('label', { for: 'ds-name' }, 'Name', h('span.needed', ' required')), this.name, h('div.help', 'What people call it, such as “shop, production”.'), this.nameProblem),
				ui.field('Kind of system', this.plugin, null),
				deployments.length > 1 || known ? ui.field('Deployment', this.deployment, 'The group of workers that can reach it.') : null),
			this.options,
			h('div.box-actions', ui.link('Cancel', view.way('then') ?? '/datasources'),
				view.can('operator') ? h('button.btn.btn-primary', { type: 'submit' }, 'Save and test') : null));
		this.name.id = 'ds-name';
		this.draw();
	}

	draw() {
		const p = named(this.list, this.kind, this.plugin.value);
		this.form = new OptionForm(connectionOptions(p), this.known?.config ?? {});
		mount(this.options, p || this.known ? this.form.node : null);
	}

	async submit(e) {
		e.preventDefault();
		const named_ = this.name.value.trim() !== '';
		this.nameProblem.textContent = named_ ? '' : 'It needs a name.';
		if (!named_)
			return this.name.focus();
		if (!this.form.check())
			return undefined;
		return ui.act({ currentTarget: e.submitter }, () => this.save());
	}

	async save() {
		const body = { name: this.name.value.trim(), config: this.form.read() };
		try {
			if (this.known) {
				await api.change(`/api/datasources/${this.known.datasource_id}`, body);
				ui.toast('Saved. Jobs that use it restart with the new settings.');
				await this.view.reload();
				return this.view.test();
			}
			const made = await api.post('/api/datasources', { ...body, kind: this.kind, plugin: this.plugin.value, deployment_id: this.deployment.value });
			const then = this.view.way('then');
			const q = new URLSearchParams({ test: '1', ...(then ? { then } : {}) });
			return this.view.navigate(`/datasources/${made.datasource_id}?${q}`);
		} catch (err) {
			if (err.field === 'name' || err.code === 'conflict' || err.code === 'exists') {
				this.nameProblem.textContent = ui.sentence(err.message);
				this.name.focus();
				return undefined;
			}
			if (!this.form.blame(err.field, err.message))
				throw err;
			return undefined;
		}
	}
}

/* The test runs on a worker; its result stays on the page until the next one. */
class Test {
	constructor(view) {
		this.view = view;
	}

	async run() {
		if (this.busy)
			return;
		this.busy = true;
		this.view.draw();
		try {
			const made = await api.post(`/api/datasources/${this.view.params.id}/test`);
			this.report = await api.task(made.task_id, this.view.signal);
			this.problem = null;
		} catch (e) {
			if (this.view.signal.aborted)
				return;
			this.problem = e;
		} finally {
			this.busy = false;
		}
		this.view.draw();
	}

	/* Results are kept for a week: the last one shows without a new test. */
	async recall(d) {
		const id = d.last_test?.task_id;
		if (!id || this.report || this.busy || this.recalled === id)
			return;
		this.recalled = id;
		const task = await api.get(`/api/tasks/${id}`, this.view.signal).catch(() => null);
		if (!task?.result || this.busy)
			return;
		this.report = task.result;
		this.view.draw();
	}

	render(d) {
		const last = d.last_test;
		this.recall(d);
		return h('section.panel', h('div.row-between', h('h2', 'Test'), this.view.can('operator') &&
			ui.button(this.report || last ? 'Test again' : 'Test now', () => this.run(), 'plain', { 'aria-busy': this.busy ? 'true' : null })),
		this.busy ? h('p.muted', 'A worker is trying the connection …') : null,
		!this.busy && this.problem ? ui.failure(this.problem) : null,
		!this.busy && this.report && !this.problem ? [verdict(aboutTables(this.report)), findings(aboutTables(this.report))] : null,
		!this.busy && this.report && last && !this.problem ? h('p.muted', 'Tested ', ui.when(last.at), '.') : null,
		!this.busy && !this.report && !this.problem ? h('p.muted', last ? ['Last tested ', ui.when(last.at), last.error ? `: ${last.error}` : last.ok ? ', passed.' : ', failed.'] : 'A worker connects, looks at versions, settings and rights, and changes nothing.') : null);
	}
}

async function drop(view, d, e) {
	const at = { currentTarget: e.currentTarget };
	if (!await ui.confirm({ title: `Remove ${d.name}?`, text: 'The connection and its stored secrets are forgotten. The database itself is left alone.', action: 'Remove', danger: true }))
		return;
	await ui.act(at, async () => {
		await api.remove(`/api/datasources/${d.datasource_id}`);
		view.navigate('/datasources');
	}, `${d.name} is removed.`);
}

async function fresh(view) {
	const kind = view.query.get('kind') === 'sink' ? 'sink' : 'source';
	const title = `New ${kind}`;
	view.title(title);
	if (!view.can('operator')) {
		view.show(ui.heading(title), ui.empty('An operator does this', 'Your account can see everything but change nothing.', ui.link('Datasources', '/datasources')));
		return undefined;
	}
	return view.load(async (signal) => {
		const [list, deployments] = await Promise.all([plugins(signal), api.all('/api/deployments', signal)]);
		return { list, deployments };
	}, (data) => {
		const head = [ui.crumb('Datasources', '/datasources'), ui.heading(title, kind === 'source' ? 'A database that jobs read.' : 'A place that jobs write to.')];
		if (data.deployments.length === 0 || ofKind(data.list, kind).length === 0)
			return [head, ui.empty('A worker comes first', `Workers bring the plugins that know how to reach a ${kind}. Connect one, then come back.`, view.can('admin') && ui.link('Add a worker', '/workers/add', 'primary'))];
		view.editor ??= new Editor(view, data);
		return [head, h('section.panel', hold(view.editor.node))];
	}, { kinds: ['worker'], every: 0 });
}

export function page(view) {
	if (!view.params.id)
		return fresh(view);
	view.title('Datasource');
	const test = new Test(view);
	view.test = () => test.run();
	const then = view.way('then');
	if (view.query.get('test')) {
		view.set({ test: null });
		test.run();
	}
	return view.load(async (signal) => {
		const [known, list, deployments] = await Promise.all([api.get(`/api/datasources/${view.params.id}`, signal), plugins(signal), api.all('/api/deployments', signal)]);
		return { known, list, deployments };
	}, (data) => {
		const d = data.known;
		view.title(d.name);
		if (!view.editor || view.editor.known.revision !== d.revision)
			view.editor = new Editor(view, data);
		return [
			ui.crumb('Datasources', '/datasources'),
			ui.heading(d.name, `${d.kind === 'source' ? 'Source' : 'Sink'} · ${d.plugin} · ${d.jobs ? `used by ${fmt.plural(d.jobs, 'job')}` : 'not used by a job'}`,
				then ? ui.link('Go on with the job', `${then}&${d.kind}_id=${d.datasource_id}`, 'primary') : null,
				view.can('operator') && ui.button('Remove', (e) => drop(view, d, e), 'danger-plain', { disabled: d.jobs > 0, title: d.jobs > 0 ? 'A job uses it' : '' })),
			test.render(d),
			h('section.panel', h('h2', 'Connection'), hold(view.editor.node)),
		];
	}, { kinds: [], every: 0 });
}
