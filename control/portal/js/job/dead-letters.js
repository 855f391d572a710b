// SPDX-License-Identifier: Apache-2.0
/* Rows that were put aside: where and why. Their values stay on the worker. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

export class DeadLetters {
	constructor(view) {
		this.view = view;
	}

	fetch() {
		if (!this.busy && Date.now() - (this.at ?? 0) > 15000)
			this.ask();
	}

	async ask() {
		this.busy = true;
		try {
			this.found = await api.answer(`/api/jobs/${this.view.params.id}/dead-letters`, this.view.signal);
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

	render() {
		if (this.problem && this.problem.code !== 'never_ran')
			return ui.failure(this.problem, () => this.ask());
		if (!this.found && !this.problem)
			return [h('p.muted', 'Asking the worker …'), ui.skeleton()];
		const letters = this.found?.letters ?? [];
		if (letters.length === 0)
			return ui.empty('No dead letters', 'Every row could be written. With the policy dead-letter a row that the sink refuses is put aside here and the job goes on.');
		return [
			h('p', `${fmt.plural(this.found.count, 'row was', 'rows were')} put aside. This page shows where and why; to read the rows themselves, run this on the worker:`),
			this.found.path ? ui.code(`sudo jq . ${this.found.path}`) : null,
			ui.table('Dead letters', [['When'], ['Table'], ['Position'], ['Reason']], letters.map((l, i) => h('tr', { key: `${l.lsn}.${l.seq}.${i}` },
				h('td', ui.when(l.time)), h('td.cell-name', { 'data-label': 'Table' }, l.table), h('td.mono', { 'data-label': 'Position' }, `${l.lsn}, ${l.seq}`), h('td', { 'data-label': 'Reason' }, l.reason)))),
		];
	}
}
