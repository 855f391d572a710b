// SPDX-License-Identifier: Apache-2.0
/*
 * The REST API. The session is a cookie that scripts cannot read; what changes something
 * carries the CSRF token that the log-in answered. Failures are ApiErrors with the words
 * of the server.
 */
let me = null;
let onSignedOut = () => {};
let onReach = () => {};

export class ApiError extends Error {
	constructor(status, code, message, field) {
		super(message);
		Object.assign(this, { status, code, field });
	}
}

/* Who is logged in, as the log-in or /api/me has answered; null: nobody. */
export function setMe(who) {
	me = who;
}

export function whenSignedOut(f) {
	onSignedOut = f;
}

/* f(true | false): the server has answered, or nothing has. */
export function whenReached(f) {
	onReach = f;
}

async function read(res) {
	const type = res.headers.get('Content-Type') ?? '';
	const text = await res.text();
	const body = text && type.startsWith('application/json') ? JSON.parse(text) : text;
	if (res.ok)
		return body;
	const e = body?.error ?? {};
	throw new ApiError(res.status, e.code ?? 'error',
		e.message ?? `the server answered ${res.status}`, e.field ?? null);
}

/* Someone has logged in anew in another tab. The same person goes on; another one begins from the top. */
async function isStillMe() {
	const who = await send('GET', '/api/me');
	if (who.user_id === me?.user_id) {
		me = who;
		return true;
	}
	location.reload();
	return false;
}

async function send(method, path, body, signal, isAgain = false) {
	const headers = { Accept: 'application/json' };
	if (method !== 'GET') {
		headers['Content-Type'] = 'application/json';
		if (me?.csrf_token)
			headers['X-CSRF-Token'] = me.csrf_token;
	}
	let res;
	try {
		res = await fetch(path, {
			method, headers, signal, credentials: 'same-origin', cache: 'no-store',
			body: body === undefined ? undefined : JSON.stringify(body),
		});
	} catch (e) {
		if (e.name === 'AbortError')
			throw e;
		onReach(false);
		throw new ApiError(0, 'offline', 'The control plane does not answer. This page tries again by itself.', null);
	}
	onReach(true);
	try {
		return await read(res);
	} catch (e) {
		if (e.code === 'csrf' && !isAgain && await isStillMe())
			return send(method, path, body, signal, true);
		if (e.status === 401 && path !== '/api/session' && path !== '/api/me')
			onSignedOut();
		throw e;
	}
}

export const get = (path, signal) => send('GET', path, undefined, signal);
export const post = (path, body = {}, signal) => send('POST', path, body, signal);
export const change = (path, body) => send('PATCH', path, body);
export const remove = (path) => send('DELETE', path);

export function query(path, params) {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(params))
		if (v !== undefined && v !== null && v !== '')
			q.set(k, v);
	return q.size ? `${path}?${q}` : path;
}

/* All items of a list, page after page, up to a thousand or `max`. */
export async function all(path, signal, max = 1000) {
	const items = [];
	let after = null;
	do {
		const [base, q = ''] = path.split('?');
		const params = new URLSearchParams(q);
		params.set('limit', '500');
		if (after)
			params.set('after', after);
		const page = await get(`${base}?${params}`, signal);
		items.push(...page.items);
		after = page.next;
	} while (after && items.length < max);
	return items;
}

const pause = (ms, signal) => new Promise((resolve, reject) => {
	const t = setTimeout(resolve, ms);
	signal?.addEventListener('abort', () => {
		clearTimeout(t);
		reject(new DOMException('left', 'AbortError'));
	});
});

/* Waits for a task of a worker; gives its result or throws its error. */
export async function task(id, signal, seconds = 75) {
	const until = Date.now() + seconds * 1000;
	for (let wait = 250; ; wait = Math.min(wait * 1.5, 2000)) {
		const t = await get(`/api/tasks/${id}`, signal);
		if (t.status === 'succeeded')
			return t.result;
		if (t.status === 'failed')
			throw new ApiError(502, 'task_failed', t.error ?? 'the worker could not do it', null);
		if (Date.now() > until)
			throw new ApiError(504, 'no_worker',
				'No worker has answered. Is one online in this deployment?', null);
		await pause(wait, signal);
	}
}

/* What is answered at once or, while the worker is busy, as a task (202). */
export async function answer(path, signal) {
	const a = await get(path, signal);
	return a.task_id && a.status === 'pending' ? task(a.task_id, signal) : a;
}
