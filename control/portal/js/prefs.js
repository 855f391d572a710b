// SPDX-License-Identifier: Apache-2.0
/* What one person likes, kept in this browser: {times: 'ago' | 'exact', keys: 'on' | 'off'}. */
const KEY = 'ezcdc.prefs';
const prefs = { times: 'ago', keys: 'on' };

try {
	Object.assign(prefs, JSON.parse(localStorage.getItem(KEY)));
} catch {
	/* A browser that keeps nothing has the defaults. */
}

export const pref = (name) => prefs[name];

export function setPref(name, value) {
	prefs[name] = value;
	try {
		localStorage.setItem(KEY, JSON.stringify(prefs));
	} catch {
		/* Then it lasts as long as the page. */
	}
}
