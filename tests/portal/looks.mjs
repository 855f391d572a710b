// SPDX-License-Identifier: Apache-2.0
/* What a machine can say of a page's looks: nothing sticks out, text can be read, every control has a name. */

/* Runs in the page, so it is one function without anything from outside. */
function inspect() {
	const found = [];
	const shown = (el) => el.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && el.getClientRects().length > 0;
	const name = (el) => `${el.tagName.toLowerCase()}${el.className && typeof el.className === 'string' ? `.${el.className.trim().replace(/\s+/g, '.')}` : ''} "${
		(el.textContent ?? '').trim().slice(0, 30)}"`;
	const rgba = (text) => {
		const n = text.match(/[\d.]+/g).map(Number);
		return { r: n[0], g: n[1], b: n[2], a: n[3] ?? 1 };
	};
	const over = (top, below) => ({ r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1 });
	const light = ({ r, g, b }) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const known = new Map();
	/* What is behind an element's text, and how much of it shows through. */
	const around = (el) => {
		if (!el)
			return { back: { r: 255, g: 255, b: 255, a: 1 }, opacity: 1 };
		if (!known.has(el)) {
			const style = getComputedStyle(el);
			const outer = around(el.parentElement);
			known.set(el, { back: over(rgba(style.backgroundColor), outer.back), opacity: Number(style.opacity) * outer.opacity });
		}
		return known.get(el);
	};
	const contrast = (el) => {
		const { back, opacity } = around(el);
		const c = rgba(getComputedStyle(el).color);
		const [a, b] = [light(over({ ...c, a: c.a * opacity }, back)), light(back)];
		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	};
	const isText = (el) => [...el.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim() !== '');
	const isLarge = (style) => parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 600);

	const wide = document.scrollingElement.scrollWidth;
	if (wide > innerWidth) {
		const out = [...document.querySelectorAll('main *')].filter((el) => el.getBoundingClientRect().right > innerWidth + 1 && shown(el)).slice(-1);
		found.push(`is ${wide} px wide in a window of ${innerWidth}: ${out.map(name)}`);
	}
	for (const el of document.querySelectorAll('body *')) {
		if (!shown(el) || el.closest('.visually-hidden, [aria-hidden], :disabled, [aria-disabled], [aria-busy]') || !isText(el))
			continue;
		const ratio = contrast(el);
		if (ratio < (isLarge(getComputedStyle(el)) ? 3 : 4.5))
			found.push(`contrast ${ratio.toFixed(2)} of ${name(el)}`);
	}
	for (const el of document.querySelectorAll('input, select, textarea, button, a[href]')) {
		const text = el.labels?.length ? el.labels[0].textContent : el.textContent;
		if (shown(el) && !(el.getAttribute('aria-label') || el.getAttribute('aria-labelledby') || text.trim() || el.querySelector('img[alt]:not([alt=""])')))
			found.push(`no name: ${name(el)}`);
	}
	const ids = [...document.querySelectorAll('[id]')].map((el) => el.id);
	found.push(...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `the id ${id} twice`));
	if (document.querySelectorAll('h1').length > 1 || document.querySelectorAll('main').length !== 1)
		found.push('more than one heading or no main part');
	return found;
}

/* What is wrong with the page as it is; an empty list if nothing. */
export function flaws(page) {
	return page.evaluate(inspect);
}

/* Does the element that has the focus show it? */
export function focusShows(page) {
	return page.evaluate(() => {
		const style = getComputedStyle(document.activeElement);
		return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
	});
}
