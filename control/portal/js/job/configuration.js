// SPDX-License-Identifier: Apache-2.0
/* The job file that the job stands for, and its settings as a form. Secrets are never shown. */
import { h, hold } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';
import { plugins } from '../plugins.js';
import { SettingsForm } from '../wizard/settings-form.js';

export class Configuration {
	constructor(view) {
		this.view = view;
	}

	async fetch(signal) {
		const file = await api.get(`/api/jobs/${this.view.params.id}/config`, signal);
		this.file = file.config;
	}

	async edit(job, e) {
		await ui.act(e, async () => {
			const [list, source, sink] = await Promise.all([plugins(this.view.signal),
				api.get(`/api/datasources/${job.source_id}`), api.get(`/api/datasources/${job.sink_id}`)]);
			this.form = new SettingsForm({ ...job.spec, name: job.name, source_plugin: source.plugin, sink_plugin: sink.plugin }, list);
			this.tables = h('textarea.form-control', { rows: 6, value: (job.spec.tables ?? []).join('\n'), spellcheck: 'false' });
			this.view.draw();
		});
	}

	async save(job, e) {
		if (!this.form.check())
			return;
		const at = { currentTarget: e.currentTarget };
		const runs = ['starting', 'running', 'paused'].includes(job.status);
		if (runs && !await ui.confirm({ title: `Change ${job.name} while it runs?`, action: 'Save and restart', text: 'It stops after what is in flight and goes on with the new settings.' }))
			return;
		await ui.act(at, async () => {
			const tables = this.tables.value.split('\n').map((l) => l.trim()).filter(Boolean);
			try {
				await api.change(`/api/jobs/${job.job_id}`, { ...this.form.read(), tables });
			} catch (err) {
				this.form.blame(err);
				throw err;
			}
			this.form = null;
			await this.view.reload();
		}, 'Saved.');
	}

	render(job) {
		if (this.form)
			return h('div.editor.panel', ui.field('Tables', this.tables, 'Patterns like public.orders or public.*, one a line; ! in front excludes. Empty: every table of the publication.'),
				hold(this.form.node), h('div.box-actions', ui.button('Cancel', () => {
					this.form = null;
					this.view.draw();
				}), ui.button('Save', (e) => this.save(job, e), 'primary')));
		return [
			h('div.row-between', h('p.muted', `Revision ${job.revision}. The job file that it stands for; secrets are left out.`),
				this.view.can('operator') && ui.button('Change the settings', (e) => this.edit(job, e))),
			this.file === undefined ? ui.skeleton() : ui.code(this.file),
		];
	}
}
