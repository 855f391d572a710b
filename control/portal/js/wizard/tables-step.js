// SPDX-License-Identifier: Apache-2.0
/* Step 2: which tables. A worker lists them with size, key and whether they are ready. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';
import { lines, matcher } from './patterns.js';

const MANY = 500;
const full = (t) => `${t.schema}.${t.name}`;

export class TablesStep {
	constructor(wizard) {
		this.wizard = wizard;
		this.search = '';
	}

	get draft() {
		return this.wizard.draft;
	}

	mode() {
		return this.draft.mode ?? 'choose';
	}

	chosen() {
		return new Set(this.draft.tables ?? []);
	}

	/* What goes into the job: names or patterns. */
	value() {
		return this.mode() === 'pattern' ? lines(this.draft.patterns) : [...this.chosen()];
	}

	isDone() {
		return this.value().length > 0;
	}

	canLeave() {
		return this.isDone();
	}

	note() {
		if (!this.isDone())
			return '';
		return this.mode() === 'pattern' ? this.value().join(' ') : fmt.plural(this.chosen().size, 'table');
	}

	async ask(refresh = false) {
		const source = this.draft.source_id;
		this.asked = source;
		this.tables = null;
		this.problem = null;
		this.wizard.view.draw();
		try {
			const a = await api.answer(`/api/datasources/${source}/tables${refresh ? '?refresh=true' : ''}`, this.wizard.view.signal);
			if (this.asked === source)
				this.tables = a.tables ?? [];
		} catch (e) {
			if (this.wizard.view.signal.aborted)
				return;
			this.problem = e;
		}
		this.wizard.view.draw();
	}

	save(values) {
		this.wizard.save(values);
		this.wizard.view.draw();
	}

	pick(names, on) {
		const set = this.chosen();
		for (const n of names) {
			if (on)
				set.add(n);
			else
				set.delete(n);
		}
		this.save({ tables: [...set].sort() });
	}

	row(t, chosen) {
		const name = full(t);
		const box = h('input.form-check-input', { type: 'checkbox', 'aria-label': name, checked: chosen.has(name), disabled: !t.ready && !chosen.has(name),
			onchange: (e) => this.pick([name], e.target.checked) });
		return h('tr', { key: name, class: t.ready ? '' : 'is-off' },
			h('td.cell-check', box), h('td.cell-name', name),
			h('td.num', { 'data-label': 'Rows' }, t.rows < 0 ? '?' : `≈ ${fmt.short(t.rows)}`), h('td.num', { 'data-label': 'Size' }, fmt.bytes(t.bytes)),
			h('td', { 'data-label': 'Key' }, t.key || h('span.muted', 'none')),
			h('td', { 'data-label': 'Ready' }, ui.badge(t.ready ? 'ok' : 'warning', t.ready ? 'ready' : 'not ready'), t.reason ? h('div.cell-note', t.reason) : null));
	}

	chooser() {
		const chosen = this.chosen();
		const q = this.search.toLowerCase();
		const fits = this.tables.filter((t) => full(t).toLowerCase().includes(q));
		const ready = fits.filter((t) => t.ready).map(full);
		const all = ready.length > 0 && ready.every((n) => chosen.has(n));
		const picked = this.tables.filter((t) => chosen.has(full(t)));
		const off = this.tables.filter((t) => !t.ready).length;
		return [
			h('p', { role: 'status' }, `${fmt.plural(chosen.size, 'table')} of ${this.tables.length} chosen, about ${fmt.short(picked.reduce((a, t) => a + Math.max(t.rows, 0), 0))} rows, ${
				fmt.bytes(picked.reduce((a, t) => a + Math.max(t.bytes, 0), 0))}.${off ? ` ${fmt.plural(off, 'table is', 'tables are')} not ready; each says why.` : ''}`),
			h('div.filters', h('input.form-control', { type: 'search', placeholder: 'Search tables', 'aria-label': 'Search tables', value: this.search,
				oninput: (e) => {
					this.search = e.target.value;
					this.wizard.view.draw();
				},
				onkeydown: (e) => e.key === 'Enter' && e.preventDefault() }),
			ui.button(all ? 'Choose none' : q ? `Choose the ${ready.length} shown` : 'Choose all', () => this.pick(ready, !all)),
			ui.button('Refresh', () => this.ask(true))),
			ui.table('Tables', [[''], ['Table'], ['Rows', 'num'], ['Size', 'num'], ['Key'], ['Ready']], fits.slice(0, MANY).map((t) => this.row(t, chosen))),
			fits.length > MANY ? h('p.muted', `The first ${MANY} of ${fits.length}: search to see others, or choose by pattern.`) : null,
		];
	}

	patterns() {
		const list = lines(this.draft.patterns);
		const match = matcher(list);
		const hits = (this.tables ?? []).filter((t) => match(full(t)));
		return [
			h('div.field', h('label', { for: 'patterns' }, 'Patterns, one a line'),
				h('textarea.form-control.mono', { id: 'patterns', rows: 5, spellcheck: 'false', placeholder: 'public.*\n!public.audit_*', value: this.draft.patterns ?? '', oninput: (e) => this.save({ patterns: e.target.value }) }),
				h('div.help', '* and ? stand for any letters, ! in front excludes, the last that matches decides. Tables that fit and are made later come along.')),
			this.tables && list.length > 0 ? h('p', { role: 'status' }, `${fmt.plural(hits.length, 'table fits', 'tables fit')} now${hits.length ? `: ${hits.slice(0, 8).map(full).join(', ')}${hits.length > 8 ? ', …' : ''}` : '.'}`) : null,
		];
	}

	render() {
		if (this.asked !== this.draft.source_id)
			queueMicrotask(() => this.ask());
		const mode = this.mode();
		return [
			h('div.chips', { role: 'group', 'aria-label': 'How to choose' }, [['choose', 'Choose from a list'], ['pattern', 'By pattern']].map(([m, text]) =>
				h('button.chip', { key: m, type: 'button', 'aria-pressed': String(m === mode), onclick: () => this.save({ mode: m }) }, text))),
			this.problem ? h('div', ui.failure(this.problem, () => this.ask(true)), mode === 'choose' ? h('p.muted', 'Tables can be named by pattern without the list.') : null) : null,
			mode === 'pattern' ? this.patterns() : this.tables ? (this.tables.length ? this.chooser() : ui.empty('No tables', 'The source has no tables that its user may read.', ui.button('Refresh', () => this.ask(true))))
				: !this.problem ? [h('p.muted', 'A worker is looking at the source …'), ui.skeleton(6)] : null,
		];
	}
}
