// SPDX-License-Identifier: Apache-2.0
/* What a check has found: each item with its state, its words and what mends it. */
import { h } from './dom.js';
import * as ui from './ui.js';

const COMMAND = /^(GRANT|ALTER|CREATE|DROP|SELECT|ezcdc|sudo)\b/;

/* A command to copy, and the words that follow it. */
export function remedy(text) {
	if (!COMMAND.test(text))
		return text;
	const end = text.search(/, (or|and|then) | \(|; /);
	return end < 0 ? ui.code(text) : [ui.code(text.slice(0, end)), h('span.muted', text.slice(end).replace(/^[,;]? /, ''))];
}

/*
 * The test of a source looks at all tables that it can see. One that is not ready matters
 * only to jobs that take it: match(name) says which do; without it, it is a warning.
 */
export function aboutTables(report, match = null) {
	const list = report?.findings ?? [];
	const name = (f) => f.what === 'table' && f.status === 'failed' && /^(\S+\.\S+) /.exec(f.text ?? '')?.[1];
	return {
		...report,
		findings: list.filter((f) => !match || !name(f) || match(name(f)))
			.map((f) => (!match && name(f) ? { ...f, status: 'warning' } : f)),
	};
}

const FIRST = ['failed', 'warning', 'ok'];

/* What needs somebody comes first. */
export function findings(report) {
	const list = [...report?.findings ?? []].sort((a, b) => FIRST.indexOf(a.status) - FIRST.indexOf(b.status));
	return h('ul.findings', list.map((f, i) => h('li', { key: i },
		h('div.finding-state', ui.badge(f.status === 'failed' ? 'failed' : f.status)),
		h('div.finding-words', h('strong', f.what), f.text ? h('div', f.text) : null,
			f.remedy ? h('div.remedy', h('span', 'How to fix it: '), remedy(f.remedy)) : null))));
}

export function verdict(report) {
	const bad = (report?.findings ?? []).filter((f) => f.status === 'failed').length;
	const odd = (report?.findings ?? []).filter((f) => f.status === 'warning').length;
	if (bad)
		return ui.notice('bad', `${bad} of ${report.findings.length} checks failed`, 'Each one below says how to fix it.');
	if (odd)
		return ui.notice('wait', `It works, with ${odd === 1 ? 'a warning' : `${odd} warnings`}`, null);
	return ui.notice('good', report?.findings?.length ? `All ${report.findings.length} checks passed` : 'The check passed', null);
}
