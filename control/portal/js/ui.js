// SPDX-License-Identifier: Apache-2.0
/* The small parts that all pages are made of. */
import { h, s, mount, uid } from './dom.js';
import * as fmt from './format.js';
import { pref } from './prefs.js';

/* ------------------------------------------------------------------ states */

const STATES = {
	created: ['quiet', '○', 'created'],
	pending: ['wait', '◔', 'pending'],
	starting: ['wait', '◑', 'starting'],
	running: ['good', '●', 'running'],
	snapshot: ['busy', '◕', 'copying'],
	init: ['wait', '◑', 'preparing'],
	streaming: ['good', '●', 'streaming'],
	paused: ['quiet', '❚❚', 'paused'],
	pausing: ['wait', '❚❚', 'pausing'],
	stopping: ['wait', '◔', 'stopping'],
	failed: ['bad', '✕', 'failed'],
	retrying: ['bad', '↻', 'retrying'],
	stopped: ['quiet', '■', 'stopped'],
	online: ['good', '●', 'online'],
	draining: ['wait', '◔', 'draining'],
	lost: ['bad', '✕', 'lost'],
	gone: ['quiet', '○', 'gone'],
	revoked: ['quiet', '○', 'revoked'],
	firing: ['bad', '▲', 'firing'],
	resolved: ['good', '✓', 'resolved'],
	ok: ['good', '✓', 'ok'],
	warning: ['wait', '!', 'warning'],
	succeeded: ['good', '✓', 'passed'],
	untested: ['quiet', '○', 'not tested'],
	disabled: ['quiet', '○', 'disabled'],
	active: ['good', '●', 'active'],
	expired: ['quiet', '○', 'expired'],
};

export function badge(state, text) {
	const [tone, mark, word] = STATES[state] ?? ['quiet', '○', state];
	return h('span.state', { class: `state-${tone}` },
		h('span.state-mark', { 'aria-hidden': 'true' }, mark), text ?? word);
}

/* What a job does, in one word: what it is told to do counts while it is not done yet. */
export function jobState(job) {
	const held = ['starting', 'running', 'paused'].includes(job.status);
	if (held && job.desired === 'stopped')
		return 'stopping';
	if (job.status === 'running' && job.desired === 'paused')
		return 'pausing';
	if (job.status === 'failed' && job.retry_at)
		return 'retrying';
	if (job.status === 'running')
		return STATES[job.phase] ? job.phase : 'running';
	return job.status;
}

/* ------------------------------------------------------------------ words */

/* How long ago, with the exact time behind it, or the other way round: as the person likes. */
export function when(iso) {
	const isExact = pref('times') === 'exact';
	return h('time.nowrap', { datetime: iso ?? '', title: isExact ? fmt.ago(iso) : fmt.exact(iso) }, isExact && iso ? fmt.exact(iso) : fmt.ago(iso));
}

/* Both at once, where the moment itself matters. */
export function moment(iso) {
	return h('time.moment', { datetime: iso ?? '' }, h('span', fmt.ago(iso)), h('span.muted', fmt.exact(iso)));
}

export function heading(title, lead, ...actions) {
	return h('header.page-head',
		h('div.page-words', h('h1', { tabindex: '-1' }, title), lead && h('p.lead', lead)),
		actions.flat().some(Boolean) && h('div.page-actions', actions));
}

/* The way back to the list that a page belongs to. */
export function crumb(text, href) {
	return h('nav.crumbs', { 'aria-label': 'Back' }, h('a', { href }, h('span', { 'aria-hidden': 'true' }, '← '), text));
}

export function empty(title, text, ...actions) {
	return h('div.empty', h('h2', title), h('p', text), h('div.empty-actions', actions));
}

/* What happened, what it means, and what to do. */
export function notice(tone, title, text, ...actions) {
	return h('div.notice', { class: `notice-${tone}`, role: tone === 'bad' ? 'alert' : 'status' },
		h('div', h('strong', title), text && h('div', text)), actions.length > 0 && h('div.notice-actions', actions));
}

export function failure(e, retry) {
	return notice('bad', e.status === 403 ? 'You may not see this' : 'That did not work',
		sentence(e.message), retry && button('Try again', retry));
}

export function sentence(text) {
	const t = String(text ?? '').trim();
	return t ? t[0].toUpperCase() + t.slice(1) + (/[.!?…]$/.test(t) ? '' : '.') : '';
}

export function skeleton(rows = 5) {
	return h('div.skeleton', { role: 'status' }, h('span.visually-hidden', 'Loading'), Array.from({ length: rows }, () => h('div', { 'aria-hidden': 'true' })));
}

/* ------------------------------------------------------------------ controls */

export function button(text, onclick, kind = 'plain', props = {}) {
	return h('button.btn', { class: `btn-${kind}`, type: 'button', onclick, ...props }, text);
}

export function link(text, href, kind = 'plain') {
	return h('a.btn', { class: `btn-${kind}`, href }, text);
}

/* Runs an action of a button: shows that it works, and what went wrong. */
export async function act(e, work, done) {
	const b = e?.currentTarget;
	if (b) {
		if (b.getAttribute('aria-busy'))
			return undefined;
		b.setAttribute('aria-busy', 'true');
		b._isBusy = true;
	}
	try {
		const result = await work();
		if (done)
			toast(done);
		return result;
	} catch (err) {
		if (err.name !== 'AbortError')
			toast(sentence(err.message), 'bad');
		return undefined;
	} finally {
		b?.removeAttribute('aria-busy');
		if (b)
			b._isBusy = false;
	}
}

export function toast(text, tone = 'good') {
	/* What lies below an open dialog is not seen. */
	const box = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.getElementById('toasts');
	const close = () => node.remove();
	const node = h('div.toast-line', { class: `notice-${tone}`, role: tone === 'bad' ? 'alert' : 'status' }, h('span', text),
		h('button.btn-close-plain', { type: 'button', 'aria-label': 'Close', onclick: close }, '×'));
	box.append(node);
	setTimeout(close, tone === 'bad' ? 12000 : 5000);
}

export async function copyText(text) {
	try {
		await navigator.clipboard.writeText(text);
		toast('Copied');
	} catch {
		toast('The browser does not let this page copy: mark the text and copy it by hand.', 'bad');
	}
}

/* Something to copy: a command, a file. */
export function code(text, label = 'Copy') {
	return h('div.code', h('pre', { tabindex: '0' }, h('code', text)),
		button(label, () => copyText(text), 'small', { class: 'btn-small code-copy' }));
}

export function id(value) {
	return value ? h('button.id', { type: 'button', title: `${value}: click to copy`, onclick: () => copyText(value) },
		value.slice(0, 8)) : '–';
}

/* ------------------------------------------------------------------ dialogs */

/* f(close) gives the content. Resolves to what close() was given. */
export function dialog(title, f) {
	return new Promise((resolve) => {
		const name = uid('d');
		const box = h('dialog.box', { 'aria-labelledby': name });
		const close = (value) => {
			box.close();
			box.remove();
			resolve(value);
		};
		box.oncancel = (e) => {
			e.preventDefault();
			close(undefined);
		};
		mount(box, h('h2', { id: name }, title), f(close));
		document.body.append(box);
		box.showModal();
	});
}

/* A question before something that is hard to undo. `extra`: more content, above the buttons. */
export function confirm({ title, text, action, danger = false, extra = null }) {
	return dialog(title, (close) => [
		h('p', text), extra,
		h('div.box-actions', button('Cancel', () => close(false)),
			button(action, () => close(true), danger ? 'danger' : 'primary')),
	]);
}

/* ------------------------------------------------------------------ tabs, tables, bars */

export function tabs(items, current, hrefOf) {
	return h('nav.tabs', { 'aria-label': 'Sections' }, items.map(([name, text, n]) =>
		h('a.tab', { key: name, href: hrefOf(name), 'aria-current': name === current ? 'page' : null },
			text, n ? h('span.tab-count', String(n)) : null)));
}

/*
 * columns: [text, class, aria-sort]; rows: <tr>s with a `key`. On narrow screens the rows are drawn as cards; the roles are
 * named so that it stays a table for those who hear it.
 */
export function table(label, columns, rows) {
	for (const tr of rows) {
		tr.setAttribute('role', 'row');
		for (const td of tr.children)
			td.setAttribute('role', 'cell');
	}
	return h('div.table-wrap', h('table.list', { 'aria-label': label, role: 'table' },
		h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, columns.map(([text, cls, sort]) =>
			h('th', { scope: 'col', role: 'columnheader', class: cls ?? '', 'aria-sort': sort ?? null }, text || h('span.visually-hidden', 'What can be done'))))),
		h('tbody', { role: 'rowgroup' }, rows)));
}

export function bar(part, of, label) {
	const p = fmt.percent(part, of);
	return h('div.bar', { role: 'progressbar', 'aria-valuenow': p, 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-label': label },
		h('div.bar-fill', { style: { width: `${p}%` } }));
}

export function spark(values, label) {
	const known = values.filter((v) => v !== null && v !== undefined);
	if (known.length < 2)
		return h('span.spark-none', { 'aria-hidden': 'true' });
	const max = Math.max(...known, 1e-9);
	const step = 100 / (values.length - 1);
	let pen = 'M';
	const d = values.map((v, i) => {
		if (v === null || v === undefined) {
			pen = 'M';
			return '';
		}
		const p = `${pen}${(i * step).toFixed(1)} ${(23 - 21 * v / max).toFixed(1)}`;
		pen = 'L';
		return p;
	}).join('');
	return s('svg.spark', { viewBox: '0 0 100 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
		s('path', { d, 'vector-effect': 'non-scaling-stroke' }));
}

/* "4,185 rows/s": the number large, its unit small. */
function measured(value) {
	const [, number, unit] = /^([\d.,]+) ([^\d]+)$/.exec(value) ?? [];
	return number ? [number, h('span.stat-unit', ` ${unit}`)] : value;
}

export function stat(label, value, note) {
	return h('div.stat', h('div.stat-label', label), h('div.stat-value', measured(value)), note && h('div.stat-note', note));
}

export function field(label, input, help) {
	const name = input.id || (input.id = uid('f'));
	const helpId = `${name}-help`;
	if (help)
		input.setAttribute('aria-describedby', helpId);
	return h('div.field', h('label', { for: name }, label), input, help && h('div.help', { id: helpId }, help));
}
