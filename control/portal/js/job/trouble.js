// SPDX-License-Identifier: Apache-2.0
/* A job that has failed: what happened, what it means for the data, and the next step. */
import { h } from '../dom.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';
import { remedy } from '../findings.js';

/* Exit codes of a daemon, and the page that mends it. */
const CODES = {
	64: ['the job file is not right', 'configuration'], 65: ['a row cannot be written', 'log'],
	69: ['a server cannot be reached', 'source'], 70: ['a fault in the program', 'log'],
	73: ['a file cannot be made', 'log'], 74: ['reading or writing failed', 'log'], 75: ['held by another', 'history'],
	77: ['access was refused', 'source'], 78: ['the settings do not fit the databases', 'configuration'],
};

const STEPS = {
	configuration: (view) => ui.link('Change the settings', view.href({ tab: 'configuration' })),
	history: (view) => ui.link('History', view.href({ tab: 'history' })),
	source: (view, job) => [ui.link('Test the source', `/datasources/${job.source_id}`), ui.link('Test the sink', `/datasources/${job.sink_id}`)],
	log: () => null,
};

/* The engine puts what mends it behind a semicolon. */
function parts(text) {
	const at = (text ?? '').indexOf('; ');
	return at < 0 ? [text ?? 'No reason was given', null] : [text.slice(0, at), text.slice(at + 2)];
}

function kept(m) {
	if (!(m.retained_bytes > 0))
		return '';
	const limit = m.safe_bytes > 0 ? `, ${fmt.percent(m.retained_bytes, m.retained_bytes + m.safe_bytes)} % of its limit` : '';
	return ` Meanwhile the source keeps ${fmt.bytes(m.retained_bytes)} of its log for this job${limit}.`;
}

export function trouble(view, job) {
	if (job.status !== 'failed')
		return null;
	const [what, mend] = parts(job.error);
	const [words, page] = CODES[job.exit_code] ?? [null, 'log'];
	return ui.notice('bad', ['Failed ', ui.when(job.status_since), words ? `: ${words} (exit code ${job.exit_code})` : job.exit_code ? ` (exit code ${job.exit_code})` : ''], [
		h('p', ui.sentence(what)),
		mend ? h('div.remedy', h('span', 'How to fix it: '), remedy(mend)) : null,
		h('p.muted', `Nothing is lost: it goes on from its last durable position.${kept(job.metrics)}`, job.retry_at ? [' It tries again by itself ', ui.when(job.retry_at), '.']
			: ' It waits for a person: fix the cause, then retry.')],
	STEPS[page](view, job), ui.link('Log', view.href({ tab: 'log' })));
}
