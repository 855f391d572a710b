// SPDX-License-Identifier: Apache-2.0
/* One job: what it does, tab by tab, and what one can do with it. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';
import { actions } from '../job/actions.js';
import { Overview } from '../job/overview.js';
import { Tables } from '../job/tables.js';
import { History } from '../job/history.js';
import { Log } from '../job/log.js';
import { DeadLetters } from '../job/dead-letters.js';
import { Configuration } from '../job/configuration.js';
import { sum } from '../job/copy.js';
import { trouble } from '../job/trouble.js';

const TABS = [
	['overview', 'Overview', Overview],
	['tables', 'Tables', Tables],
	['history', 'History', History],
	['log', 'Log', Log],
	['dead-letters', 'Dead letters', DeadLetters],
	['configuration', 'Configuration', Configuration],
];

function progress(job) {
	const { rows, of, done, percent } = sum(job);
	return `Copying: ${percent} % of about ${fmt.short(of)} rows${rows ? '' : ', just begun'}, ${done} of ${fmt.plural(job.tables.length, 'table')} done.`;
}

/* The sentence that one came for. */
function sentence(job) {
	const m = job.metrics;
	switch (ui.jobState(job)) {
	case 'streaming': case 'running':
		return m.lag_ms === null ? 'Running; the first figures come within seconds.'
			: `Streaming, ${fmt.lag(m.lag_ms)} behind the source${m.rows_per_second > 0 ? ` at ${fmt.rate(m.rows_per_second)}` : '; nothing changes there right now'}.`;
	case 'snapshot': return progress(job);
	case 'pending': return job.waits_for ? `Waiting: ${job.waits_for}.` : 'Waiting for a worker to take it, which is a matter of seconds.';
	case 'starting': case 'init': return job.error ? `Starting again after: ${job.error}` : 'A worker is starting it.';
	case 'paused': return 'Paused. The source keeps its changes until it goes on: its disk fills meanwhile.';
	case 'pausing': return 'Pausing: what is in flight is finished first.';
	case 'stopping': return 'Stopping: what is in flight is made durable first.';
	case 'stopped': return 'Stopped. Its slot at the source keeps changes, and disk, until it starts again or is deleted with its slot.';
	case 'created': return 'Created, not started yet.';
	case 'retrying': return `Failed; it tries again by itself ${fmt.ago(job.retry_at)}.`;
	case 'failed': return 'Failed, and waits for someone to fix the cause.';
	default: return '';
	}
}

/* On narrow screens the tabs are wider than the page. */
function showTab(view, tab) {
	if (view.tab !== tab)
		setTimeout(() => view.root.querySelector('.tab[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }));
	view.tab = tab;
	return null;
}

export function page(view) {
	view.title('Job');
	const parts = Object.fromEntries(TABS.map(([name, , Part]) => [name, new Part(view)]));
	view.cleanups.push(() => Object.values(parts).forEach((p) => p.stop?.()));
	const tab = () => (parts[view.query.get('tab')] ? view.query.get('tab') : 'overview');
	const part = () => parts[tab()];
	/* Going from tab to tab draws anew and loads what the new one needs. */
	view.samePage = () => {
		view.query = new URLSearchParams(location.search);
		if (view.data)
			view.draw();
		view.reload();
		return true;
	};
	return view.load(async (signal) => {
		const [job] = await Promise.all([api.get(`/api/jobs/${view.params.id}`, signal), part().fetch?.(signal)]);
		return job;
	}, (job) => {
		view.title(job.name);
		const count = { tables: job.tables.length, 'dead-letters': job.metrics.dead_letters };
		return [
			ui.crumb('Jobs', '/jobs'),
			h('header.page-head',
				h('div.page-words', h('h1', { tabindex: '-1' }, job.name, ' ', ui.badge(ui.jobState(job))),
					h('p.lead', sentence(job), h('span.muted', ' · for ', h('time', { datetime: job.status_since, title: fmt.exact(job.status_since) }, fmt.since(job.status_since)),
						job.worker ? [' on ', h('a', { href: `/workers/${job.worker_id}` }, job.worker)] : '', ' · ', ui.id(job.job_id)))),
				h('div.page-actions', actions(view, job))),
			trouble(view, job),
			ui.tabs(TABS.map(([name, text]) => [name, text, count[name]]), tab(), (name) => view.href({ tab: name === 'overview' ? null : name })),
			showTab(view, tab()),
			h('div.tab-body', { key: tab() }, part().render(job)),
		];
	}, { kinds: ['job'], every: 5000 });
}
