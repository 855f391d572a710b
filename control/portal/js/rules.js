// SPDX-License-Identifier: Apache-2.0
/* Alert rules: what kinds there are, their words for people, and the form that makes one. */
import { h } from './dom.js';
import * as api from './api.js';
import * as fmt from './format.js';
import * as ui from './ui.js';

/* usual: threshold in `unit`, which is `size` of the API's units. */
const KINDS = {
	job_failed: { title: 'A job fails', words: () => 'has failed' },
	lag_ms: { title: 'A job is behind in time', unit: 'seconds', usual: 60, size: 1000, words: (v) => `is more than ${fmt.duration(v)} behind its source` },
	lag_bytes: { title: 'A job is behind in bytes', unit: 'MiB', usual: 1024, size: 1048576, words: (v) => `is more than ${fmt.bytes(v)} behind its source` },
	retained_percent: { title: 'The source’s log limit comes near', unit: '%', usual: 70, words: (v) => `makes its source keep more than ${fmt.short(v)} % of the log that it may keep` },
	dead_letters: { title: 'Rows were put aside', unit: 'rows', usual: 0, words: (v) => `has put more than ${fmt.plural(v, 'row')} aside` },
	worker_lost: { title: 'A worker is lost', words: () => 'is lost' },
	no_progress: { title: 'Nothing is heard of a job', unit: 'seconds', usual: 120, words: (v) => `was not heard of for ${fmt.duration(v * 1000)}` },
};

export function preview(r, jobs, channels) {
	const kind = KINDS[r.kind];
	const name = jobs.find((j) => j.job_id === r.job_id)?.name ?? 'that is gone';
	const who = r.kind === 'worker_lost' ? 'any worker' : r.job_id ? `the job ${name}` : 'any job';
	const last = r.for_seconds ? `, for at least ${fmt.duration(r.for_seconds * 1000)}` : '';
	const to = channels.find((c) => c.channel_id === r.channel_id);
	return `When ${who} ${kind ? kind.words(r.threshold) : r.kind}${last}, ${to ? `tell ${to.name}` : 'show it here'}.`;
}

const select = (options, value) => h('select.form-select', { value }, options.map(([v, t]) => h('option', { value: v }, t)));
const number = (value) => h('input.form-control', { type: 'number', min: 0, step: 'any', value });

export class RuleForm {
	constructor(close, { jobs, channels }, done) {
		Object.assign(this, { close, jobs, channels, done });
		this.kind = select(Object.entries(KINDS).map(([k, v]) => [k, v.title]), 'job_failed');
		this.job = select([['', 'any job'], ...jobs.map((j) => [j.job_id, j.name])], '');
		this.threshold = number(0);
		this.seconds = number(0);
		this.channel = select([['', 'show it here only'], ...channels.map((c) => [c.channel_id, c.name])], channels[0]?.channel_id ?? '');
		this.name = h('input.form-control', { maxlength: 100, required: true });
		this.words = h('p.preview', { role: 'status' });
		this.unit = h('span.help');
		this.limit = ui.field('More than', this.threshold);
		this.limit.append(this.unit);
		this.which = ui.field('Which job', this.job);
		this.node = h('form', { onsubmit: (e) => this.submit(e), oninput: () => this.tell(), onchange: () => this.tell() },
			ui.field('When', this.kind), this.which, this.limit, ui.field('For at least (seconds)', this.seconds), ui.field('Tell', this.channel),
			ui.field('Name of the rule', this.name), this.words,
			h('div.box-actions', ui.button('Cancel', () => close(false)), h('button.btn.btn-primary', { type: 'submit' }, 'Create rule')));
		this.kind.onchange = () => this.fit();
		this.fit();
	}

	submit(e) {
		e.preventDefault();
		ui.act({ currentTarget: e.submitter }, async () => {
			await api.post('/api/alerts/rules', this.read());
			this.close(true);
			await this.done();
		}, 'The rule is created.');
	}

	fit() {
		const kind = KINDS[this.kind.value];
		this.limit.hidden = !kind.unit;
		this.which.hidden = this.kind.value === 'worker_lost';
		this.unit.textContent = kind.unit ?? '';
		this.threshold.value = kind.usual ?? 0;
		this.name.value = kind.title;
		this.tell();
	}

	read() {
		const kind = KINDS[this.kind.value];
		return {
			name: this.name.value.trim(), kind: this.kind.value, threshold: Number(this.threshold.value) * (kind.size ?? 1),
			for_seconds: Math.round(Number(this.seconds.value)), channel_id: this.channel.value || null,
			job_id: this.kind.value === 'worker_lost' ? null : this.job.value || null,
		};
	}

	tell() {
		this.words.textContent = preview(this.read(), this.jobs, this.channels);
	}
}
