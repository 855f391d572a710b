// SPDX-License-Identifier: Apache-2.0
/*
 * Forms drawn from a plugin's option table: one field per option, with its label, help,
 * default, range and choices. Secrets are write-only: what is stored is never shown, only
 * that it is. read() gives the options that differ from their defaults.
 */
import { h, uid } from './dom.js';
import * as ui from './ui.js';

const SIZE = /^\d+(\.\d+)?\s*(B|KiB|MiB|GiB|TiB)?$/;
const DURATION = /^\d+(\.\d+)?\s*(us|ms|s|m|h|d)?$/;

const EXAMPLES = {
	conninfo: 'host=db.example.com port=5432 dbname=shop user=ezcdc',
	size: '64MiB',
	duration: '30s',
	list: 'one a line',
	map: 'key = value, one a line',
};

function lines(text) {
	return text.split('\n').map((l) => l.trim()).filter(Boolean);
}

function textInput(o, value, type = 'text') {
	return h('input.form-control', {
		type, value: value ?? '', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'none',
		placeholder: o.default || EXAMPLES[o.name] || EXAMPLES[o.type] || '',
	});
}

function intInput(o, value) {
	return h('input.form-control', {
		type: 'number', step: 1, value: value ?? '', placeholder: o.default ?? '', inputmode: 'numeric',
		min: o.min ?? null, max: o.max !== undefined && o.max < 2 ** 53 ? o.max : null,
	});
}

function choice(o, value) {
	return h('select.form-select', { value: value ?? '' },
		h('option', { value: '' }, o.default ? `${o.default} (default)` : 'not set'),
		(o.choices ?? []).filter((c) => c !== o.default).map((c) => h('option', { value: c }, c)));
}

function flag(o, value) {
	const words = { true: 'yes', false: 'no' };
	return h('select.form-select', { value: value === undefined ? '' : String(value) },
		h('option', { value: '' }, o.default ? `${words[o.default] ?? o.default} (default)` : 'not set'),
		['true', 'false'].filter((c) => c !== o.default).map((c) => h('option', { value: c }, words[c])));
}

function area(o, text) {
	return h('textarea.form-control', { rows: 2, value: text, placeholder: EXAMPLES[o.type], spellcheck: 'false' });
}

const fromMap = (v) => Object.entries(v ?? {}).map(([k, x]) => `${k} = ${x}`).join('\n');

function toMap(text) {
	const pairs = lines(text).map((l) => l.split('=').map((p) => p.trim()));
	return Object.fromEntries(pairs.map(([k, ...rest]) => [k, rest.join('=')]));
}

/* {input, read, check?}; read() gives undefined for "not set". */
function secretInput(o, value) {
	const isSet = value?.set === true;
	const typed = textInput({ ...o, default: isSet ? 'stored: leave empty to keep it' : '' }, '', 'password');
	typed.autocomplete = 'new-password';
	const file = textInput({ ...o, default: 'name of a file in the worker’s secrets folder' }, value?.file ?? '');
	const how = h('select.form-select.secret-how', { 'aria-label': `${o.label}: where it is`, value: value?.file ? 'file' : 'text' },
		h('option', { value: 'text' }, 'typed here'), h('option', { value: 'file' }, 'file on the worker'));
	const show = () => {
		typed.hidden = how.value === 'file';
		file.hidden = !typed.hidden;
	};
	how.onchange = show;
	show();
	return {
		input: typed,
		node: h('div.secret', how, typed, file),
		read: () => {
			if (how.value === 'file')
				return file.value.trim() ? { file: file.value.trim() } : undefined;
			return typed.value || (isSet ? { set: true } : undefined);
		},
	};
}

function control(o, value) {
	if (o.type === 'secret')
		return secretInput(o, value);
	if (o.type === 'bool') {
		const input = flag(o, value);
		return { input, read: () => (input.value === '' ? undefined : input.value === 'true') };
	}
	if (o.type === 'int') {
		const input = intInput(o, value);
		return { input, read: () => (input.value === '' ? undefined : Number(input.value)) };
	}
	if (o.type === 'list') {
		const input = area(o, (value ?? []).join('\n'));
		return { input, read: () => (lines(input.value).length ? lines(input.value) : undefined) };
	}
	if (o.type === 'map') {
		const input = area(o, fromMap(value));
		return { input, read: () => (lines(input.value).length ? toMap(input.value) : undefined) };
	}
	const input = o.type === 'enum' ? choice(o, value) : textInput(o, value);
	return { input, read: () => input.value.trim() || undefined };
}

/* "Default: 8. From 1 to 1024." below the help, where it stays when something is typed. */
function limits(o) {
	const words = { true: 'yes', false: 'no' };
	const texts = [];
	if (o.default && !(o.help ?? '').includes(o.default))
		texts.push(`Default: ${words[o.default] ?? o.default}.`);
	if (o.type === 'int' && o.min !== undefined)
		texts.push(`From ${o.min}${o.max < 2 ** 53 ? ` to ${o.max}` : ''}.`);
	if (o.type === 'size' || o.type === 'duration')
		texts.push(`Such as ${EXAMPLES[o.type]}.`);
	return texts.length ? h('span.limits', ` ${texts.join(' ')}`) : null;
}

function problemOf(o, value, input) {
	if (value === undefined)
		return o.required ? 'is needed' : null;
	if (o.type === 'size' && !SIZE.test(value))
		return 'must be a size such as 64MiB';
	if (o.type === 'duration' && !DURATION.test(value))
		return 'must be a duration such as 30s';
	if (o.type === 'int' && !input.validity.valid)
		return `must be a whole number${o.min !== undefined ? ` from ${o.min}` : ''}${o.max < 2 ** 53 ? ` to ${o.max}` : ''}`;
	return null;
}

function drawField(o, value) {
	const c = control(o, value);
	const id = uid('o');
	const problem = h('div.problem', { id: `${id}-p` });
	c.input.id = id;
	c.input.name = o.name;
	c.input.setAttribute('aria-describedby', `${id}-h ${id}-p`);
	if (o.required)
		c.input.setAttribute('aria-required', 'true');
	const node = h('div.field', { class: o.type === 'list' || o.type === 'map' || o.name === 'conninfo' ? 'field-wide' : '' },
		h('label', { for: id }, o.label || o.name, o.required ? h('span.needed', ' required') : null),
		c.node ?? c.input,
		h('div.help', { id: `${id}-h` }, o.help ?? '', limits(o)), problem);
	return {
		option: o, node, input: c.input, read: c.read,
		say: (text) => {
			problem.textContent = text ? ui.sentence(`${o.label || o.name} ${text}`) : '';
			c.input.toggleAttribute('aria-invalid', Boolean(text));
		},
	};
}

function grouped(fields) {
	const groups = new Map();
	for (const f of fields) {
		const name = f.option.group ?? '';
		groups.set(name, [...(groups.get(name) ?? []), f]);
	}
	return [...groups].map(([name, list]) => h('fieldset.group',
		name && groups.size > 1 ? h('legend', name) : null, h('div.fields', list.map((f) => f.node))));
}

/* Options that most people leave alone are folded away. */
function isCommon(o, value) {
	return o.required || o.connection || value !== undefined || o.name === 'snapshot';
}

export class OptionForm {
	constructor(options, values = {}, { foldAll = false, more = 'More options' } = {}) {
		this.fields = options.map((o) => drawField(o, values[o.name]));
		const common = this.fields.filter((f) => !foldAll && isCommon(f.option, values[f.option.name]));
		const rest = this.fields.filter((f) => !common.includes(f));
		this.fold = rest.length > 0 && h('details.fold', h('summary', `${more} (${rest.length})`), grouped(rest));
		this.node = h('div.option-form', grouped(common), this.fold);
		this.node.oninput = () => this.onchange?.();
		this.node.addEventListener('change', () => this.onchange?.());
	}

	read() {
		const out = {};
		for (const f of this.fields) {
			const v = f.read();
			if (v !== undefined)
				out[f.option.name] = v;
		}
		return out;
	}

	/* False, with the cursor in the first wrong field, when something is not right. */
	check() {
		let first = null;
		for (const f of this.fields) {
			const p = problemOf(f.option, f.read(), f.input);
			f.say(p);
			if (p)
				first ??= f;
		}
		this.reveal(first);
		return !first;
	}

	reveal(f) {
		if (!f)
			return;
		if (this.fold && this.fold.contains(f.node))
			this.fold.open = true;
		f.input.focus();
	}

	/* What the server says about "config.password" or "source.slot"; false: not one of ours. */
	blame(path, text) {
		const f = this.fields.find((x) => path === x.option.name || path?.endsWith(`.${x.option.name}`));
		if (!f)
			return false;
		f.say(text.replace(/^[\w.]+: /, ''));
		this.reveal(f);
		return true;
	}
}
