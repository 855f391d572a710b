// SPDX-License-Identifier: Apache-2.0
/* Starts the portal: who is there, which page the address names, and links between pages. */
import { h, mount } from './dom.js';
import * as api from './api.js';
import * as live from './live.js';
import * as ui from './ui.js';
import { View } from './view.js';
import * as keys from './keys.js';
import { shell, markNav } from './shell.js';

/* Each page is a module of its own, fetched when it is first looked at. */
const ROUTES = [
	['/', 'overview'],
	['/jobs', 'jobs'],
	['/jobs/new', 'wizard'],
	['/jobs/:id', 'job'],
	['/datasources', 'datasources'],
	['/datasources/new', 'datasource'],
	['/datasources/:id', 'datasource'],
	['/workers', 'workers'],
	['/workers/add', 'worker-add'],
	['/workers/:id', 'worker'],
	['/alerts', 'alerts'],
	['/users', 'users'],
	['/tokens', 'tokens'],
	['/audit', 'audit'],
];

const app = document.getElementById('app');
let me = null;
let view = null;
let main = null;

function match(path) {
	const clean = path.length > 1 ? path.replace(/\/+$/, '') : path;
	for (const [pattern, page] of ROUTES) {
		const params = {};
		const want = pattern.split('/');
		const have = clean.split('/');
		const fits = want.length === have.length && want.every((part, i) => {
			if (!part.startsWith(':'))
				return part === have[i];
			params[part.slice(1)] = decodeURIComponent(have[i]);
			return have[i] !== '';
		});
		if (fits)
			return { page, params };
	}
	return null;
}

function end() {
	view?.leave();
	view = null;
}

function fresh(params) {
	end();
	const root = h('div.page');
	mount(main, root);
	view = new View(root, params, me, navigate);
	view.path = location.pathname;
	return view;
}

async function showPage(focus) {
	const found = match(location.pathname);
	const v = fresh(found?.params ?? {});
	markNav(location.pathname);
	if (!found) {
		v.title('Not found');
		v.show(ui.empty('There is no such page', 'The address may be old.', ui.link('To the overview', '/', 'primary')));
		return;
	}
	try {
		const module = await import(`./pages/${found.page}.js`);
		if (v !== view)
			return;
		await module.page(v);
	} catch (e) {
		console.error(e);
		v.show(ui.failure(e, () => location.reload()));
	}
	if (focus && v === view)
		v.root.querySelector('h1')?.focus({ preventScroll: true });
}

function navigate(href, { replace = false } = {}) {
	const url = new URL(href, location.href);
	const samePage = url.pathname === location.pathname;
	history[replace ? 'replaceState' : 'pushState']({}, '', url);
	if (samePage && view?.samePage?.()) {
		return;
	}
	if (!samePage)
		scrollTo(0, 0);
	showPage(!samePage);
}

function onLink(e) {
	const a = e.target.closest?.('a[href]');
	if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey)
		return;
	const url = new URL(a.href);
	if (url.origin !== location.origin || a.target || a.hasAttribute('download') || url.pathname.startsWith('/api'))
		return;
	e.preventDefault();
	navigate(url.href);
}

/* `why`: what a person who has not asked for it should know. */
async function signIn(page, why = null) {
	end();
	live.disconnect();
	me = null;
	api.setMe(null);
	const { door } = await import('./pages/door.js');
	document.querySelectorAll('dialog[open]').forEach((d) => d.remove());
	door(app, page, why, (who) => {
		if (location.pathname === '/setup' || location.pathname === '/login')
			history.replaceState({}, '', '/');
		enter(who);
	});
}

function enter(who) {
	me = who;
	api.setMe(who);
	main = h('main', { id: 'main' });
	shell(app, main, me, signOut);
	live.connect();
	showPage(false);
}

async function signOut() {
	try {
		await api.remove('/api/session');
	} catch (e) {
		if (e.status !== 401)
			return ui.toast(ui.sentence(e.message), 'bad');
	}
	history.replaceState({}, '', '/');
	return signIn('login');
}

function onBack() {
	if (!me || (view?.path === location.pathname && view.samePage?.()))
		return;
	showPage(false);
}

async function start() {
	document.addEventListener('click', onLink);
	addEventListener('popstate', onBack);
	keys.listen({ view: () => me && view, navigate });
	api.whenReached(live.setReached);
	api.whenSignedOut(() => me && signIn('login', 'Your session has ended. Log in again to go on where you were; nothing that runs is touched by this.'));
	if (location.pathname === '/setup')
		return signIn('setup');
	try {
		return enter(await api.get('/api/me'));
	} catch (e) {
		if (e.status === 401)
			return signIn('login');
		mount(app, h('div.door', ui.failure(e, () => location.reload())));
		return setTimeout(() => location.reload(), 10000);
	}
}

start();
