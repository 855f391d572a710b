// SPDX-License-Identifier: Apache-2.0
/* What a check has found: each item with its state, its words and what mends it. */
import { h } from './dom.js';
import * as ui from './ui.js';

export function findings(report) {
	const list = report?.findings ?? [];
	return h('ul.findings', list.map((f, i) => h('li', { key: i },
		h('div.finding-state', ui.badge(f.status === 'failed' ? 'failed' : f.status)),
		h('div.finding-words', h('strong', f.what), f.text ? h('div', f.text) : null,
			f.remedy ? h('div.remedy', h('span', 'To mend it: '), /^(GRANT|ALTER|CREATE|ezcdc|sudo|SELECT|DROP)\b/i.test(f.remedy) ? ui.code(f.remedy) : f.remedy) : null))));
}

export function verdict(report) {
	const bad = (report?.findings ?? []).filter((f) => f.status === 'failed').length;
	const odd = (report?.findings ?? []).filter((f) => f.status === 'warning').length;
	if (bad)
		return ui.notice('bad', `${bad} of ${report.findings.length} checks failed`, 'Each says below what mends it.');
	if (odd)
		return ui.notice('wait', `It works, with ${odd === 1 ? 'a warning' : `${odd} warnings`}`, null);
	return ui.notice('good', report?.findings?.length ? `All ${report.findings.length} checks passed` : 'The check passed', null);
}
