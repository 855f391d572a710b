// SPDX-License-Identifier: Apache-2.0
/* What stands around every page: the way to the others, who is logged in, whether news come. */
import { h, s, mount } from './dom.js';
import * as api from './api.js';
import { help } from './keys.js';
import * as live from './live.js';
import * as ui from './ui.js';

const ICONS = {
	overview: 'M3 13h8V3H3zM13 21h8v-8h-8zM13 3v6h8V3zM3 21h8v-4H3z',
	jobs: 'M4 7h10M4 17h10M17 4l3 3-3 3M17 14l3 3-3 3',
	datasources: 'M4 6c0-4 16-4 16 0v12c0 4-16 4-16 0zM4 6c0 4 16 4 16 0M4 12c0 4 16 4 16 0',
	workers: 'M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01',
	alerts: 'M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4',
	users: 'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M2 21c0-8 14-8 14 0M17 4a4 4 0 0 1 0 7M19 15c2 1 3 3 3 6',
	tokens: 'M15 9a4 4 0 1 0-4 4l-1 1v2H8v2H6v3H3v-3l6-6',
	menu: 'M4 7h16M4 12h16M4 17h16',
	audit: 'M6 3h9l4 4v14H6zM9 11h7M9 15h7M9 7h3',
};

const PLACES = [
	['Overview', '/', 'overview', 'viewer'],
	['Jobs', '/jobs', 'jobs', 'viewer'],
	['Datasources', '/datasources', 'datasources', 'viewer'],
	['Workers', '/workers', 'workers', 'viewer'],
	['Alerts', '/alerts', 'alerts', 'viewer'],
	['Users', '/users', 'users', 'admin'],
	['API tokens', '/tokens', 'tokens', 'viewer'],
	['Audit log', '/audit', 'audit', 'admin'],
];

let nav = null;
let toggle = null;
let stopWatching = null;

function icon(name) {
	return s('svg.icon', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, s('path', { d: ICONS[name] }));
}

/* On narrow screens the places are behind a button. */
function openMenu(open) {
	nav?.classList.toggle('is-open', open);
	toggle?.setAttribute('aria-expanded', String(open));
}

export function markNav(path) {
	openMenu(false);
	for (const a of nav?.querySelectorAll('a.place') ?? []) {
		const at = a.getAttribute('href');
		const here = at === '/' ? path === '/' : path === at || path.startsWith(`${at}/`);
		if (here)
			a.setAttribute('aria-current', 'page');
		else
			a.removeAttribute('aria-current');
	}
}

function changePassword() {
	const old = h('input.form-control', { type: 'password', autocomplete: 'current-password', required: true });
	const fresh = h('input.form-control', { type: 'password', autocomplete: 'new-password', required: true, minlength: 10 });
	return ui.dialog('Change your password', (close) => h('form', {
		onsubmit: (e) => {
			e.preventDefault();
			ui.act({ currentTarget: e.submitter }, async () => {
				await api.post('/api/me/password', { old: old.value, new: fresh.value });
				close(true);
			}, 'Your password is changed. Other sessions of yours have ended.');
		},
	}, ui.field('Password now', old), ui.field('New password', fresh, 'At least 10 characters.'),
	h('div.box-actions', ui.button('Cancel', () => close(false)), h('button.btn.btn-primary', { type: 'submit' }, 'Change'))));
}

const LIVE = {
	live: 'Updates arrive as they happen.',
	polling: 'Live updates are down: this page asks every few seconds instead.',
	offline: 'The control plane does not answer. This page keeps trying; pipelines run on without it.',
};

function liveMark() {
	const node = h('span.live', { role: 'status' });
	const draw = (state) => {
		node.setAttribute('class', `live is-${state}`);
		node.textContent = state;
		node.title = LIVE[state];
	};
	draw(live.state());
	stopWatching?.();
	stopWatching = live.watch(draw);
	return node;
}

export function shell(app, main, me, signOut) {
	const order = ['viewer', 'operator', 'admin'];
	toggle = h('button.btn.btn-plain.nav-toggle', {
		type: 'button', 'aria-label': 'Menu', 'aria-controls': 'places', 'aria-expanded': 'false', onclick: () => openMenu(!nav.classList.contains('is-open')),
	}, icon('menu'));
	nav = h('nav.side', { 'aria-label': 'Main', onkeydown: (e) => {
		if (e.key === 'Escape' && nav.classList.contains('is-open')) {
			openMenu(false);
			toggle.focus();
		}
	} },
		h('div.side-top', h('a.brand', { href: '/' }, h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 }), 'EZ-CDC'),
			liveMark(), toggle),
		h('div.side-body', { id: 'places' },
			PLACES.filter((p) => order.indexOf(me.role) >= order.indexOf(p[3]))
				.map(([text, href, name]) => h('a.place', { href }, icon(name), text)),
			h('div.side-end',
				h('div.who', h('strong', me.name), h('span', me.role)),
				h('div.side-links', ui.button('Password', changePassword, 'bare'), ui.button('Keys', help, 'bare', { 'aria-keyshortcuts': '?' }),
					ui.button('Log out', signOut, 'bare')))));
	mount(app, h('a.skip', { href: '#main', onclick: (e) => {
		e.preventDefault();
		main.querySelector('h1')?.focus();
	} }, 'To the content'), h('div.frame', nav, main));
}
