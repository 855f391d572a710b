// SPDX-License-Identifier: Apache-2.0
/* Numbers, sizes and times in words for people. "–" stands for what is not known. */
const NONE = '–';
const known = (n) => n !== null && n !== undefined && Number.isFinite(Number(n));

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

export function count(n) {
	return known(n) ? whole.format(n) : NONE;
}

/* 1234567 -> 1.23 M */
export function short(n) {
	if (!known(n))
		return NONE;
	for (const [unit, size] of [['G', 1e9], ['M', 1e6], ['k', 1e4]])
		if (Math.abs(n) >= size)
			return `${fine.format(n / (unit === 'k' ? 1e3 : size))} ${unit}`;
	return Math.abs(n) < 10 ? fine.format(n) : whole.format(n);
}

/* The ends of an axis: 5 k beside 15 k. */
export function brief(n) {
	return Math.abs(n) >= 1000 && Math.abs(n) < 1e6 ? `${fine.format(n / 1e3)} k` : short(n);
}

export function rate(n) {
	return known(n) ? `${short(n)} rows/s` : NONE;
}

export function bytes(n) {
	if (!known(n) || n < 0)
		return NONE;
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let i = 0;
	for (; n >= 1024 && i < units.length - 1; i++)
		n /= 1024;
	return `${fine.format(n)} ${units[i]}`;
}

function pair(a, unitA, b, unitB) {
	return b ? `${a} ${unitA} ${b} ${unitB}` : `${a} ${unitA}`;
}

export function duration(ms) {
	if (!known(ms))
		return NONE;
	if (ms < 1000)
		return `${whole.format(ms)} ms`;
	const sec = ms / 1000;
	if (sec < 60)
		return `${fine.format(sec)} s`;
	if (sec < 3600)
		return pair(Math.floor(sec / 60), 'min', Math.floor(sec % 60), 's');
	if (sec < 86400)
		return pair(Math.floor(sec / 3600), 'h', Math.floor(sec % 3600 / 60), 'min');
	return pair(Math.floor(sec / 86400), 'd', Math.floor(sec % 86400 / 3600), 'h');
}

/* A lag in a sentence: what is below a second is no news. */
export function lag(ms) {
	return ms < 1000 ? 'less than 1 s' : duration(ms);
}

/* "3 min ago" */
export function ago(iso, now = Date.now()) {
	if (!iso)
		return NONE;
	const sec = Math.round((now - Date.parse(iso)) / 1000);
	const far = Math.abs(sec);
	const text = far < 60 ? `${far} s` : far < 3600 ? `${Math.floor(far / 60)} min`
		: far < 86400 ? `${Math.floor(far / 3600)} h` : `${Math.floor(far / 86400)} d`;
	if (far < 5)
		return 'just now';
	return sec >= 0 ? `${text} ago` : `in ${text}`;
}

/* "3 min", for something that lasts since then */
export function since(iso) {
	return ago(iso).replace(/ ago$/, '').replace('just now', 'some seconds');
}

const stamp = new Intl.DateTimeFormat('en-GB', {
	day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short',
});

/* "22 Nov 2026, 20:19:05 CET" */
export function exact(iso) {
	return iso ? stamp.format(new Date(iso)) : '';
}

export function clock(ms, withDay = false) {
	const d = new Date(ms);
	const time = d.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
	return withDay ? `${d.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${time}` : time;
}

export function plural(n, one, many = `${one}s`) {
	return `${count(n)} ${Number(n) === 1 ? one : many}`;
}

export function percent(part, of) {
	return of > 0 ? Math.min(100, Math.round(100 * part / of)) : 0;
}
