// SPDX-License-Identifier: Apache-2.0
/* Steps 1 and 3: which source, which sink. Both must belong to the same deployment. */
import { h } from '../dom.js';
import * as ui from '../ui.js';
import { place, testBadge } from '../pages/datasources.js';

export class Ends {
	constructor(wizard, kind) {
		Object.assign(this, { wizard, kind });
	}

	list() {
		const { data, draft } = this.wizard;
		return data.datasources.filter((d) => d.kind === this.kind && (this.kind === 'source' || !draft.deployment_id || d.deployment_id === draft.deployment_id));
	}

	isDone() {
		return Boolean(this.wizard.end(this.kind));
	}

	canLeave() {
		return this.isDone();
	}

	note() {
		return this.wizard.end(this.kind)?.name;
	}

	choose(d) {
		this.take(d);
		this.wizard.view.draw();
	}

	/* Another end takes other options; its own are asked anew. */
	take(d) {
		const { wizard, kind } = this;
		const { draft } = wizard;
		if (draft[`${kind}_id`] === d.datasource_id)
			return;
		wizard.save({ [`${kind}_id`]: d.datasource_id, settled: false, settings: { ...draft.settings, [kind]: {} } });
		if (kind !== 'source')
			return;
		wizard.save({ deployment_id: d.deployment_id, tables: null, patterns: null, mode: null });
		if (wizard.end('sink')?.deployment_id !== d.deployment_id)
			wizard.save({ sink_id: null });
	}

	option(d) {
		const chosen = this.wizard.draft[`${this.kind}_id`] === d.datasource_id;
		return h('label.choice', { key: d.datasource_id, class: chosen ? 'is-chosen' : '' },
			h('input.form-check-input', { type: 'radio', name: this.kind, value: d.datasource_id, checked: chosen, onchange: () => this.choose(d) }),
			h('span.choice-words', h('strong', d.name), h('span.muted.clip', `${d.plugin} · ${place(d)}`)), testBadge(d));
	}

	render() {
		const list = this.list();
		const add = `/datasources/new?kind=${this.kind}&then=${encodeURIComponent(`/jobs/new?step=${this.kind}`)}${this.kind === 'sink' && this.wizard.draft.deployment_id ? `&deployment=${this.wizard.draft.deployment_id}` : ''}`;
		if (list.length === 0)
			return ui.empty(`No ${this.kind} yet`, this.kind === 'source' ? 'Say first which database to read.' : 'Say first where to write.', ui.link(`Add a ${this.kind}`, add, 'primary'));
		return [h('p.help', this.kind === 'source' ? 'The database whose tables are copied and followed.' : 'Where the rows go.'),
			h('fieldset.choices', h('legend.visually-hidden', `Choose a ${this.kind}`), list.map((d) => this.option(d))), h('div', ui.link(`Add a ${this.kind}`, add))];
	}
}
