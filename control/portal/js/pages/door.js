// SPDX-License-Identifier: Apache-2.0
/* Before one is in: log-in, and the set-up of the first admin by its one-time link. */
import { h, mount } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';

const TEXTS = {
	login: {
		title: 'Log in', lead: 'The console of your change-data-capture pipelines.', action: 'Log in',
	},
	setup: {
		title: 'Welcome to EZ-CDC', action: 'Create account',
		lead: 'You are the first one here. Choose a name and a password for the administrator’s account; you can add others later.',
	},
};

/* enter(who) is called when one is in. */
export function door(app, kind, why, enter) {
	const isSetup = kind === 'setup';
	const text = TEXTS[kind];
	const name = h('input.form-control', { type: 'text', name: 'name', autocomplete: 'username', required: true, autocapitalize: 'none', spellcheck: 'false' });
	const password = h('input.form-control', {
		type: 'password', name: 'password', required: true, minlength: isSetup ? 10 : 1,
		autocomplete: isSetup ? 'new-password' : 'current-password',
	});
	const again = isSetup && h('input.form-control', { type: 'password', autocomplete: 'new-password', required: true });
	const problem = h('div.problem', { role: 'alert' });
	const go = h('button.btn.btn-primary.wide', { type: 'submit' }, text.action);

	async function submit(e) {
		e.preventDefault();
		problem.textContent = '';
		if (again && again.value !== password.value) {
			problem.textContent = 'The two passwords differ.';
			again.focus();
			return;
		}
		go.setAttribute('aria-busy', 'true');
		try {
			const body = { name: name.value, password: password.value };
			if (isSetup)
				body.token = location.hash.slice(1);
			enter(await api.post(isSetup ? '/api/setup' : '/api/session', body));
		} catch (err) {
			problem.textContent = ui.sentence(err.message);
			(isSetup ? name : password).focus();
		} finally {
			go.removeAttribute('aria-busy');
		}
	}

	document.title = `${text.title} · EZ-CDC`;
	mount(app, h('main.door',
		h('img', { src: '/favicon.svg', alt: '', width: 44, height: 44 }),
		h('h1', text.title), h('p.lead', text.lead),
		isSetup && location.hash.length < 2
			? ui.notice('bad', 'The link is not complete', 'Copy the whole set-up link that ezcdc-control has shown or written to its file.') : null,
		why && ui.notice('wait', why, null),
		h('form', { onsubmit: submit }, ui.field('Name', name),
			ui.field('Password', password, isSetup ? 'At least 10 characters.' : null),
			again && ui.field('Password again', again), problem, go)));
	name.focus();
}
