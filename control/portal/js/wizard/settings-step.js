// SPDX-License-Identifier: Apache-2.0
/* Step 4: name and options. */
import { hold } from '../dom.js';
import { SettingsForm } from './settings-form.js';

export class SettingsStep {
	constructor(wizard) {
		this.wizard = wizard;
	}

	isDone() {
		return this.wizard.draft.settled === true;
	}

	canLeave() {
		return true;
	}

	note() {
		return this.isDone() ? this.wizard.draft.settings?.name : '';
	}

	suggestion() {
		const name = (this.wizard.end('source')?.name ?? 'job').toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '');
		return name.slice(0, 40) || 'job';
	}

	leave() {
		if (!this.form.check())
			return false;
		this.wizard.save({ settings: this.form.read(), settled: true });
		return true;
	}

	render(data) {
		const source = this.wizard.end('source');
		const sink = this.wizard.end('sink');
		const of = `${source.datasource_id} ${sink.datasource_id}`;
		if (this.of !== of) {
			this.of = of;
			this.form = new SettingsForm({ name: this.suggestion(), ...this.wizard.draft.settings, source_plugin: source.plugin, sink_plugin: sink.plugin }, data.plugins);
			this.form.onchange = () => this.wizard.save({ settings: this.form.read() });
		}
		return hold(this.form.node);
	}
}
