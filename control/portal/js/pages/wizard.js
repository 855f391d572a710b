// SPDX-License-Identifier: Apache-2.0
/*
 * A new job in five steps. The step stands in the URL, the draft in the tab's own storage
 * (without secrets), so that neither reload nor the way back loses it.
 */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';
import { plugins } from '../plugins.js';
import { Ends } from '../wizard/ends.js';
import { TablesStep } from '../wizard/tables-step.js';
import { SettingsStep } from '../wizard/settings-step.js';
import { Review } from '../wizard/review.js';

const KEY = 'ezcdc.draft';
const STEPS = [['source', 'Source'], ['tables', 'Tables'], ['sink', 'Sink'], ['settings', 'Settings'], ['review', 'Review']];

function loadDraft() {
	try {
		return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
	} catch {
		return {};
	}
}

export class Wizard {
	constructor(view) {
		this.view = view;
		this.draft = loadDraft();
		this.steps = {
			source: new Ends(this, 'source'), tables: new TablesStep(this), sink: new Ends(this, 'sink'),
			settings: new SettingsStep(this), review: new Review(this),
		};
	}

	save(values) {
		Object.assign(this.draft, values);
		const secret = new Set((this.data?.plugins ?? []).flatMap((p) => p.options ?? []).filter((o) => o.type === 'secret').map((o) => o.name));
		sessionStorage.setItem(KEY, JSON.stringify(this.draft, (k, v) => (secret.has(k) ? undefined : v)));
	}

	forget() {
		sessionStorage.removeItem(KEY);
	}

	end(kind) {
		return this.data.datasources.find((d) => d.datasource_id === this.draft[`${kind}_id`] && d.kind === kind);
	}

	/* The first step that is not done yet bounds how far one may go. */
	reach() {
		for (let i = 0; i < STEPS.length - 1; i++)
			if (!this.steps[STEPS[i][0]].isDone())
				return i;
		return STEPS.length - 1;
	}

	at() {
		const want = STEPS.findIndex(([name]) => name === this.view.query.get('step'));
		return Math.min(Math.max(want, 0), this.reach());
	}

	go(i) {
		this.view.navigate(this.view.href({ step: STEPS[i][0] }));
		scrollTo(0, 0);
		this.view.root.querySelector('h2')?.focus({ preventScroll: true });
	}

	next() {
		const i = this.at();
		const step = this.steps[STEPS[i][0]];
		if (step.leave && !step.leave())
			return;
		if (step.isDone())
			this.go(i + 1);
	}

	rail(at) {
		const reach = this.reach();
		return h('ol.rail', STEPS.map(([name, text], i) => h('li', { key: name, class: i === at ? 'is-here' : i < at ? 'is-done' : '' },
			i <= reach && i !== at ? h('a', { href: this.view.href({ step: name }) }, h('span.rail-n', String(i + 1)), text)
				: h('span', { 'aria-current': i === at ? 'step' : null }, h('span.rail-n', String(i + 1)), text),
			h('div.rail-note', this.steps[name].note?.() ?? ''))));
	}

	/* Whoever comes back from adding a datasource has chosen it, and so has who has only one. */
	takeMade() {
		for (const kind of ['source', 'sink']) {
			const made = this.data.datasources.find((d) => d.datasource_id === this.view.query.get(`${kind}_id`) && d.kind === kind);
			this.view.query.delete(`${kind}_id`);
			const list = this.steps[kind].list();
			if (made || (list.length === 1 && !this.end(kind)))
				this.steps[kind].take(made ?? list[0]);
		}
	}

	render(data) {
		this.data = data;
		this.takeMade();
		if (data.deployments.every((d) => d.workers === 0))
			return [ui.heading('New job'), ui.empty('A worker comes first', 'Jobs run on workers inside your network. Connect one, then come back.',
				this.view.can('admin') && ui.link('Add a worker', '/workers/add', 'primary'))];
		const at = this.at();
		const [name, title] = STEPS[at];
		const step = this.steps[name];
		return [
			ui.crumb('Jobs', '/jobs'), ui.heading('New job', 'Five steps from a database to a live copy of it.'),
			h('div.wizard', this.rail(at), h('form.wizard-body', { key: name, novalidate: true, onsubmit: (e) => {
				e.preventDefault();
				this.next();
			} }, h('h2', { tabindex: '-1' }, `${at + 1}. ${title}`), step.render(data),
			h('div.box-actions', at > 0 ? ui.button('Back', () => this.go(at - 1)) : null,
				name === 'review' ? step.buttons() : h('button.btn.btn-primary', { type: 'submit', disabled: !step.canLeave() }, 'Next')))),
		];
	}
}

export function page(view) {
	view.title('New job');
	if (!view.can('operator')) {
		view.show(ui.heading('New job'), ui.empty('An operator does this', 'Your account can see everything but change nothing.', ui.link('Jobs', '/jobs')));
		return undefined;
	}
	const wizard = new Wizard(view);
	view.samePage = () => {
		view.query = new URLSearchParams(location.search);
		view.draw();
		return true;
	};
	return view.load(async (signal) => {
		const [datasources, deployments, list] = await Promise.all([api.all('/api/datasources', signal), api.all('/api/deployments', signal), plugins(signal)]);
		return { datasources, deployments, plugins: list };
	}, (data) => wizard.render(data), { kinds: ['worker'], every: 0 });
}
