// SPDX-License-Identifier: Apache-2.0
/* API tokens: made for scripts, shown once. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

const TERMS = [['30d', '30 days'], ['90d', '90 days'], ['365d', 'a year'], ['', 'no end']];

function state(t) {
	if (t.revoked_at)
		return 'revoked';
	return t.expires_at && Date.parse(t.expires_at) < Date.now() ? 'expired' : 'active';
}

async function add(view) {
	const name = h('input.form-control', { required: true, maxlength: 100, autocomplete: 'off', placeholder: 'deploy script' });
	const expires = h('select.form-select', { value: '90d' }, TERMS.map(([v, t]) => h('option', { value: v }, t)));
	const submit = (close) => (e) => {
		e.preventDefault();
		ui.act({ currentTarget: e.submitter }, async () => {
			const made = await api.post('/api/tokens', { name: name.value.trim(), ...(expires.value ? { expires: expires.value } : {}) });
			close(made.token);
		});
	};
	const token = await ui.dialog('New API token', (close) => h('form', { onsubmit: submit(close) },
		ui.field('What it is for', name), ui.field('Expires after', expires), h('p.help', 'It may do what you may do.'),
		h('div.box-actions', ui.button('Cancel', () => close(null)), h('button.btn.btn-primary', { type: 'submit' }, 'Create token'))));
	if (!token)
		return;
	await view.reload();
	await ui.dialog('Your new token', (close) => [h('p', 'Copy it now: it is not shown again.'), ui.code(token),
		h('p.help', 'Use it so:'), ui.code(`curl -H "Authorization: Bearer $TOKEN" ${location.origin}/api/jobs`),
		h('div.box-actions', ui.button('I have it', () => close(true), 'primary'))]);
}

async function revoke(view, t, e) {
	const at = { currentTarget: e.currentTarget };
	if (await ui.confirm({ title: `Revoke ${t.name}?`, text: 'What uses it stops to work at once.', action: 'Revoke', danger: true }))
		await ui.act(at, async () => {
			await api.remove(`/api/tokens/${t.token_id}`);
			await view.reload();
		}, 'The token is revoked.');
}

function row(view, t) {
	return h('tr', { key: t.token_id },
		h('td.cell-name', t.name || 'without a name'), h('td', { 'data-label': 'Owner' }, t.user), h('td', { 'data-label': 'State' }, ui.badge(state(t))),
		h('td.num', { 'data-label': 'Last used' }, t.last_seen ? ui.when(t.last_seen) : h('span.muted', 'never')),
		h('td.num', { 'data-label': 'Expires' }, t.expires_at ? ui.when(t.expires_at) : 'never'),
		h('td.cell-actions', state(t) === 'active' ? ui.button('Revoke', (e) => revoke(view, t, e), 'small') : null));
}

export function page(view) {
	view.title('API tokens');
	return view.load((signal) => api.all('/api/tokens', signal), (list) => {
		const all = view.query.get('all');
		const active = list.filter((t) => state(t) === 'active').length;
		const shown = list.filter((t) => all || state(t) === 'active');
		return [
			ui.heading('API tokens', active ? `${fmt.plural(active, 'token')} in use.` : null, ui.button('New token', () => add(view), 'primary')),
			shown.length === 0 ? ui.empty('No tokens', 'A token lets a script use the API as you: in deploy jobs, cron, or from a terminal.')
				: ui.table('API tokens', [['Token'], ['Owner'], ['State'], ['Last used', 'num'], ['Expires', 'num'], ['']], shown.map((t) => row(view, t))),
			list.length > active ? ui.button(all ? 'Hide old ones' : 'Show old ones', () => view.set({ all: all ? null : '1' }), 'small') : null,
		];
	}, { every: 30000 });
}
