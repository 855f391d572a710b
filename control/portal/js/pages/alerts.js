// SPDX-License-Identifier: Apache-2.0
/* What fires, the rules behind it in plain words, where messages go, and what has fired before. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';
import { RuleForm, preview } from '../rules.js';

function newChannel(view) {
	const name = h('input.form-control', { maxlength: 100, required: true });
	const url = h('input.form-control', { type: 'url', required: true, placeholder: 'https://hooks.example.com/…', autocomplete: 'off' });
	const key = h('input.form-control', { type: 'password', autocomplete: 'new-password' });
	const submit = (close) => (e) => {
		e.preventDefault();
		ui.act({ currentTarget: e.submitter }, async () => {
			await api.post('/api/alerts/channels', { name: name.value.trim(), url: url.value.trim(), ...(key.value ? { key: key.value } : {}) });
			close(true);
			await view.reload();
		}, 'The channel is created. Send a test to see that it works.');
	};
	return ui.dialog('New channel', (close) => h('form', { onsubmit: submit(close) }, ui.field('Name', name),
		ui.field('Address', url, 'A webhook. Each alert is sent to it as JSON. The address is never shown again.'),
		ui.field('Key', key, 'If given, each message carries a signature made with it. Never shown again.'),
		h('div.box-actions', ui.button('Cancel', () => close(false)), h('button.btn.btn-primary', { type: 'submit' }, 'Create channel'))));
}

async function drop(view, path, name, e) {
	const at = { currentTarget: e.currentTarget };
	if (await ui.confirm({ title: `Remove ${name}?`, text: 'It is not asked or told any more.', action: 'Remove', danger: true }))
		await ui.act(at, async () => {
			await api.remove(path);
			await view.reload();
		});
}

/* The job or worker that it is about. */
function subject(a, jobs) {
	if (!a.subject)
		return null;
	const isJob = jobs.some((j) => j.job_id === a.subject);
	return h('a', { href: `/${isJob ? 'jobs' : 'workers'}/${a.subject}` }, a.subject_name ?? 'open');
}

function alertList(list, none, jobs) {
	if (list.length === 0)
		return h('p.muted', none);
	return h('ul.feed', list.map((a) => h('li', { key: a.alert_id },
		h('span.feed-what', ui.badge(a.status === 'pending' ? 'warning' : a.status, a.status), ' ', ui.sentence(a.message),
			h('div.cell-note', subject(a, jobs), a.rule ? ` · rule “${a.rule}”` : null)),
		h('span.muted.feed-when', ui.when(a.resolved_at ?? a.fired_at ?? a.since)))));
}

function rule(view, d, r) {
	const toggle = (e) => ui.act(e, async () => {
		await api.change(`/api/alerts/rules/${r.rule_id}`, { enabled: !r.enabled });
		await view.reload();
	});
	return h('li.row-between', { key: r.rule_id },
		h('div', h('strong', r.name), r.enabled ? null : [' ', ui.badge('disabled', 'off')], h('div.muted', preview(r, d.jobs, d.channels))),
		view.can('operator') && h('div.inline', ui.button(r.enabled ? 'Turn off' : 'Turn on', toggle, 'small'),
			ui.button('Remove', (e) => drop(view, `/api/alerts/rules/${r.rule_id}`, r.name, e), 'small')));
}

function rules(view, d) {
	const add = () => ui.dialog('New rule', (close) => new RuleForm(close, d, () => view.reload()).node);
	return h('section.panel', h('div.row-between', h('h2', 'Rules'), view.can('operator') && ui.button('New rule', add)),
		d.rules.length === 0 ? h('p.muted', 'No rules: nobody is told of anything. A good first one: when any job fails.')
			: h('ul.plain-list', d.rules.map((r) => rule(view, d, r))));
}

function channel(view, c) {
	const last = c.last_delivery;
	const words = last?.error ? `; the last message failed: ${last.error}` : last?.at ? ['; last told ', ui.when(last.at)] : '';
	return h('li.row-between', { key: c.channel_id }, h('div', h('strong', c.name), h('div.muted', `${c.kind} at ${c.host}`, words)),
		view.can('admin') && h('div.inline',
			ui.button('Send a test', (e) => ui.act(e, () => api.post(`/api/alerts/channels/${c.channel_id}/test`), 'A test is on its way.'), 'small'),
			ui.button('Remove', (e) => drop(view, `/api/alerts/channels/${c.channel_id}`, c.name, e), 'small')));
}

function channels(view, d) {
	return h('section.panel', h('div.row-between', h('h2', 'Channels'), view.can('admin') && ui.button('New channel', () => newChannel(view))),
		d.channels.length === 0 ? h('p.muted', 'No channels: alerts show here only. A channel is a webhook that is told of each alert.')
			: h('ul.plain-list', d.channels.map((c) => channel(view, c))));
}

async function fetch(signal) {
	const [firing, pending, past, ruleList, channelList, jobs] = await Promise.all([
		api.all('/api/alerts?status=firing', signal), api.all('/api/alerts?status=pending', signal),
		api.get('/api/alerts?status=resolved&limit=50', signal),
		api.all('/api/alerts/rules', signal), api.all('/api/alerts/channels', signal), api.all('/api/jobs', signal)]);
	return { firing, pending, past: past.items, rules: ruleList, channels: channelList, jobs };
}

export function page(view) {
	view.title('Alerts');
	return view.load(fetch, (d) => [
		ui.heading('Alerts', d.firing.length ? `${fmt.plural(d.firing.length, 'alert is', 'alerts are')} firing.`
			: d.rules.length ? 'No alert is firing.' : 'There is no rule yet.'),
		h('section.panel', h('h2', 'Firing now'), alertList([...d.firing, ...d.pending], 'No alert is firing.', d.jobs)),
		h('div.two', rules(view, d), channels(view, d)),
		h('section.panel', h('h2', 'Resolved'), alertList(d.past, 'No alert has fired so far.', d.jobs)),
	], { kinds: ['alert', 'job', 'worker'] });
}
