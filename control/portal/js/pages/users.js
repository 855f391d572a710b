// SPDX-License-Identifier: Apache-2.0
/* People: who may what, and when they were seen last. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as fmt from '../format.js';
import * as ui from '../ui.js';

const ROLES = [['viewer', 'viewer: sees everything but secrets'], ['operator', 'operator: creates and runs jobs'], ['admin', 'admin: everything']];
const roles = (value) => h('select.form-select', { value }, ROLES.map(([v, t]) => h('option', { value: v }, t)));

function form(title, fields, action, save) {
	const submit = (close) => (e) => {
		e.preventDefault();
		ui.act({ currentTarget: e.submitter }, async () => {
			await save();
			close(true);
		});
	};
	return ui.dialog(title, (close) => h('form', { onsubmit: submit(close) }, fields,
		h('div.box-actions', ui.button('Cancel', () => close(false)), h('button.btn.btn-primary', { type: 'submit' }, action))));
}

function add(view) {
	const name = h('input.form-control', { required: true, maxlength: 100, autocomplete: 'off' });
	const role = roles('viewer');
	const password = h('input.form-control', { type: 'password', minlength: 10, autocomplete: 'new-password' });
	const help = 'At least 10 characters; they change it themselves. Empty: only API tokens open this account.';
	return form('New user', [ui.field('Name', name), ui.field('Role', role), ui.field('First password', password, help)], 'Add', async () => {
		await api.post('/api/users', { name: name.value.trim(), role: role.value, ...(password.value ? { password: password.value } : {}) });
		await view.reload();
	});
}

function edit(view, u) {
	const role = roles(u.role);
	const password = h('input.form-control', { type: 'password', minlength: 10, autocomplete: 'new-password' });
	return form(u.name, [ui.field('Role', role), ui.field('New password', password, 'Empty: stays as it is. A new one ends their sessions.')], 'Save', async () => {
		await api.change(`/api/users/${u.user_id}`, { role: role.value, ...(password.value ? { password: password.value } : {}) });
		await view.reload();
	});
}

async function disable(view, u, e) {
	await ui.act(e, async () => {
		await api.change(`/api/users/${u.user_id}`, { disabled: !u.disabled });
		await view.reload();
	});
}

async function drop(view, u, e) {
	const at = { currentTarget: e.currentTarget };
	if (!await ui.confirm({ title: `Remove ${u.name}?`, action: 'Remove', danger: true,
		text: 'Their sessions end and their API tokens stop to work. What they did stays in the audit log.' }))
		return;
	await ui.act(at, async () => {
		await api.remove(`/api/users/${u.user_id}`);
		await view.reload();
	}, `${u.name} is removed.`);
}

function row(view, u) {
	const self = u.user_id === view.me.user_id;
	return h('tr', { key: u.user_id },
		h('td.cell-name', u.name, self ? h('span.muted', ' (you)') : null), h('td', { 'data-label': 'Role' }, u.role),
		h('td', { 'data-label': 'State' }, ui.badge(u.disabled ? 'disabled' : 'active'), u.has_password ? null : h('div.cell-note', 'tokens only')),
		h('td.num', { 'data-label': 'Seen' }, u.last_seen ? ui.when(u.last_seen) : h('span.muted', 'never')),
		h('td.num', { 'data-label': 'Created' }, ui.when(u.created_at)),
		h('td.cell-actions', ui.button('Change', () => edit(view, u), 'small'), self ? null : [
			ui.button(u.disabled ? 'Enable' : 'Disable', (e) => disable(view, u, e), 'small'), ui.button('Remove', (e) => drop(view, u, e), 'small')]));
}

export function page(view) {
	view.title('Users');
	return view.load((signal) => api.all('/api/users', signal), (list) => [
		ui.heading('Users', `${fmt.plural(list.length, 'account')}, ${fmt.plural(list.filter((u) => u.role === 'admin' && !u.disabled).length, 'admin')}.`,
			ui.button('New user', () => add(view), 'primary')),
		ui.table('Users', [['Name'], ['Role'], ['State'], ['Last seen', 'num'], ['Created', 'num'], ['']], list.map((u) => row(view, u))),
	], { every: 30000 });
}
