// SPDX-License-Identifier: Apache-2.0
/* Keys for those who are here all day. Single letters can be turned off: a microphone or a cat may type them. */
import { h } from './dom.js';
import { pref, setPref } from './prefs.js';
import * as ui from './ui.js';

const GO = [
	['o', 'Overview', '/'], ['j', 'Jobs', '/jobs'], ['d', 'Datasources', '/datasources'], ['w', 'Workers', '/workers'],
	['a', 'Alerts', '/alerts'], ['u', 'Users', '/users'], ['t', 'API tokens', '/tokens'], ['l', 'Audit log', '/audit'],
];
const OTHERS = [
	['/', 'Search on this page'], ['n', 'New job'], ['r', 'Refresh this page'], ['t', 'Times: “3 min ago” or exact'],
	['Esc', 'Close a dialog or the menu'], ['?', 'This help'],
];
const GO_MS = 1500;

let portal = null;
let goUntil = 0;

const isTyping = (el) => el?.matches?.('input, textarea, select, [contenteditable]') && !['checkbox', 'radio', 'button'].includes(el.type);

function kbd(...keys) {
	return keys.map((k) => [h('kbd', k), ' ']);
}

function list(title, rows) {
	return h('section', h('h3', title), h('dl.keys', rows.map(([keys, text]) => [h('dt', kbd(...keys)), h('dd', text)])));
}

export function help() {
	const on = h('input.form-check-input', { type: 'checkbox', id: 'keys-on', checked: pref('keys') === 'on',
		onchange: (e) => setPref('keys', e.target.checked ? 'on' : 'off') });
	return ui.dialog('Keys', (close) => [
		h('div.keys-two', list('Go to', GO.map(([k, text]) => [['g', k], text])), list('Here', OTHERS.map(([k, text]) => [[k], text]))),
		h('div.check', on, h('label', { for: 'keys-on' }, 'Single letters do this', h('div.help', 'Off: only Esc and ? do something.'))),
		h('div.box-actions', ui.button('Close', () => close(true), 'primary')),
	]);
}

export function toggleTimes() {
	setPref('times', pref('times') === 'ago' ? 'exact' : 'ago');
	portal.view()?.draw();
}

function press(key) {
	const isGo = Date.now() < goUntil;
	goUntil = 0;
	if (isGo) {
		const place = GO.find(([k]) => k === key);
		return place && portal.navigate(place[2]);
	}
	switch (key) {
	case 'g': goUntil = Date.now() + GO_MS; return true;
	case 'n': return portal.navigate('/jobs/new');
	case 'r': return portal.view()?.reload();
	case 't': return toggleTimes();
	case '/': return document.querySelector('main input[type=search]')?.focus();
	default: return false;
	}
}

function onKey(e) {
	if (e.ctrlKey || e.metaKey || e.altKey || isTyping(e.target) || document.querySelector('dialog[open]') || !portal.view())
		return;
	if (e.key === '?') {
		e.preventDefault();
		help();
	} else if (pref('keys') === 'on' && e.key.length === 1 && press(e.key) !== false) {
		e.preventDefault();
	}
}

/* portal: {view(), navigate(path)}; view() is null while nobody is logged in. */
export function listen(it) {
	portal = it;
	document.addEventListener('keydown', onKey);
}
