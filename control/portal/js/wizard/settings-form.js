// SPDX-License-Identifier: Apache-2.0
/* A job's settings: its name, what source and sink take per job, transforms, batches, errors. */
import { h, uid } from '../dom.js';
import * as ui from '../ui.js';
import { OptionForm } from '../form.js';
import { SECTIONS, jobOptions, named, ofKind } from '../plugins.js';

const NAME = /^[a-z][a-z0-9_]{0,39}$/;

/* The transforms, in the order in which a row passes them. */
class Transforms {
	constructor(list, known) {
		this.known = known;
		this.items = [];
		this.box = h('div.transforms');
		const pick = h('select.form-select', { 'aria-label': 'Kind of transform' }, known.map((p) => h('option', { value: p.name }, `${p.name}: ${p.summary ?? ''}`)));
		this.node = h('section.group', h('h3', 'Transforms'), h('p.help', 'Change rows on their way: leave out or mask columns, filter rows, rename tables. They work in this order.'), this.box,
			known.length === 0 ? h('p.muted', 'The workers have no transform plugins.') : h('div.inline', pick, ui.button('Add', () => {
				this.add(pick.value, {}).form.fields[0]?.input.focus();
			})));
		for (const { plugin, ...values } of list)
			this.add(plugin, values);
	}

	add(plugin, values) {
		const p = this.known.find((x) => x.name === plugin);
		const item = { plugin, form: new OptionForm((p?.options ?? []).map((o) => ({ ...o, connection: true })), values) };
		item.node = h('div.transform', h('div.row-between', h('strong', plugin), h('div.inline',
			ui.button('↑', () => this.move(item, -1), 'small', { 'aria-label': `Move ${plugin} up` }),
			ui.button('↓', () => this.move(item, 1), 'small', { 'aria-label': `Move ${plugin} down` }),
			ui.button('Remove', () => {
				this.items.splice(this.items.indexOf(item), 1);
				item.node.remove();
				this.onchange?.();
			}, 'small'))), item.form.node);
		item.form.onchange = () => this.onchange?.();
		this.items.push(item);
		this.box.append(item.node);
		return item;
	}

	move(item, by) {
		const from = this.items.indexOf(item);
		const to = from + by;
		if (to < 0 || to >= this.items.length)
			return;
		this.items.splice(from, 1);
		this.items.splice(to, 0, item);
		this.box.replaceChildren(...this.items.map((i) => i.node));
		this.onchange?.();
	}

	read() {
		return this.items.map((i) => ({ plugin: i.plugin, ...i.form.read() }));
	}

	check() {
		return this.items.every((i) => i.form.check());
	}
}

function section(title, text, form) {
	return form.fields.length ? h('section.group', h('h3', title), text && h('p.help', text), form.node) : null;
}

export class SettingsForm {
	/* job: {name, source, sink, transforms, batch, …, source_plugin, sink_plugin}; list: the plugins. */
	constructor(job, list) {
		const id = uid('name');
		this.problem = h('div.problem', { id: `${id}-p` });
		this.name = h('input.form-control', { id, value: job.name ?? '', maxlength: 40, spellcheck: 'false', autocapitalize: 'none', autocomplete: 'off', 'aria-describedby': `${id}-h ${id}-p` });
		this.forms = {
			source: new OptionForm(jobOptions(named(list, 'source', job.source_plugin)), job.source),
			sink: new OptionForm(jobOptions(named(list, 'sink', job.sink_plugin)), job.sink),
			batch: new OptionForm(SECTIONS.batch, job.batch, { foldAll: true, more: 'Batches' }),
			errors: new OptionForm(SECTIONS.errors, job.errors, { foldAll: true, more: 'Errors' }),
			retry: new OptionForm(SECTIONS.retry, job.retry, { foldAll: true, more: 'Retries' }),
			job: new OptionForm(SECTIONS.job, { memory: job.memory }, { foldAll: true, more: 'Memory' }),
		};
		this.transforms = new Transforms(job.transforms ?? [], ofKind(list, 'transform'));
		const f = this.forms;
		this.node = h('div.settings',
			h('div.field', h('label', { for: id }, 'Name', h('span.needed', ' required')), this.name,
				h('div.help', { id: `${id}-h` }, 'Small letters, digits and _, beginning with a letter. It stands in logs, charts and file names.'), this.problem),
			section('Source', null, f.source), section('Sink', null, f.sink), this.transforms.node,
			h('section.group', h('h3', 'Engine'), h('p.help', 'The defaults suit most jobs.'), f.job.node, f.batch.node, f.errors.node, f.retry.node));
		this.node.addEventListener('input', () => this.onchange?.());
		this.node.addEventListener('change', () => this.onchange?.());
		this.transforms.onchange = () => this.onchange?.();
	}

	read() {
		const { source, sink, batch, errors, retry, job } = this.forms;
		return {
			name: this.name.value.trim(), source: source.read(), sink: sink.read(), transforms: this.transforms.read(),
			batch: batch.read(), errors: errors.read(), retry: retry.read(), ...job.read(),
		};
	}

	checkName() {
		const ok = NAME.test(this.name.value.trim());
		this.problem.textContent = ok ? '' : 'The name needs small letters, digits and _, beginning with a letter.';
		this.name.toggleAttribute('aria-invalid', !ok);
		if (!ok)
			this.name.focus();
		return ok;
	}

	check() {
		return this.checkName() && Object.values(this.forms).every((f) => f.check()) && this.transforms.check();
	}

	/* Shows an error of the server at the field that it names. */
	blame(e) {
		if (e.field === 'name') {
			this.problem.textContent = ui.sentence(e.message);
			this.name.focus();
			return true;
		}
		return Object.entries(this.forms).some(([name, f]) => (e.field?.startsWith(`${name}.`) || (name === 'job' && e.field)) && f.blame(e.field, e.message));
	}
}
