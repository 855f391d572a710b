// SPDX-License-Identifier: Apache-2.0
/*
 * The page is built from plain DOM nodes: h() makes them, patch() brings what is on the
 * screen to the newly made ones and touches only what differs, so that focus, scroll
 * position and typed text outlive a refresh. Text always goes through text nodes.
 */
const SVG = 'http://www.w3.org/2000/svg';
const PROPERTIES = ['value', 'checked', 'selected', 'indeterminate', 'disabled', 'open'];

function setProp(el, name, value) {
	if (name === 'key') {
		el._key = String(value);
	} else if (name.startsWith('on')) {
		el[name] = value;
		(el._on ??= new Set()).add(name);
	} else if (name === 'style') {
		for (const [k, v] of Object.entries(value))
			el.style.setProperty(k, v);
	} else if (PROPERTIES.includes(name)) {
		el[name] = value;
		(el._props ??= {})[name] = value;
	} else if (value !== false) {
		el.setAttribute(name, value === true ? '' : value);
	}
}

function add(el, child) {
	if (Array.isArray(child))
		child.forEach((c) => add(el, c));
	else if (child !== null && child !== undefined && child !== false && child !== true)
		el.append(child);
}

function fill(el, classes, props, children) {
	let list = children;
	if (props === null || props === undefined || typeof props !== 'object' || Array.isArray(props) ||
	    props instanceof Node) {
		list = [props, ...children];
		props = {};
	}
	const all = [classes, props.class].filter(Boolean).join(' ');
	if (all)
		el.setAttribute('class', all);
	add(el, list);
	/* A select knows its value only when it has its options. */
	for (const [name, value] of Object.entries(props))
		if (name !== 'class' && value !== undefined && value !== null)
			setProp(el, name, value);
	return el;
}

/* h('div.card', {id: 'x', onclick: f}, 'text', node, [nodes]); the second may be left out. */
export function h(tag, props, ...children) {
	const [name, ...classes] = tag.split('.');
	return fill(document.createElement(name), classes.join(' '), props, children);
}

/* The same for SVG. */
export function s(tag, props, ...children) {
	const [name, ...classes] = tag.split('.');
	return fill(document.createElementNS(SVG, name), classes.join(' '), props, children);
}

/* Stands for a node that lives on between two renderings: a chart, a form. */
export function hold(node) {
	const place = document.createElement('ez-hold');
	place._held = node;
	node._isHeld = true;
	return place;
}

function isLike(a, b) {
	return !a._isHeld && a.nodeType === b.nodeType && a.nodeName === b.nodeName && a._key === b._key;
}

function syncAttributes(old, fresh) {
	for (const { name } of [...old.attributes])
		if (name !== 'style' && !fresh.hasAttribute(name) && !(name === 'aria-busy' && old._isBusy))
			old.removeAttribute(name);
	for (const { name, value } of fresh.attributes)
		if (name !== 'style' && old.getAttribute(name) !== value)
			old.setAttribute(name, value);
	if (old.style.cssText !== fresh.style.cssText)
		old.style.cssText = fresh.style.cssText;
}

function update(old, fresh) {
	if (old.nodeType !== Node.ELEMENT_NODE) {
		if (old.data !== fresh.data)
			old.data = fresh.data;
		return;
	}
	syncAttributes(old, fresh);
	for (const name of old._on ?? [])
		if (!fresh._on?.has(name))
			old[name] = null;
	for (const name of fresh._on ?? [])
		old[name] = fresh[name];
	old._on = fresh._on;
	patch(old, [...fresh.childNodes]);
	for (const [name, value] of Object.entries(fresh._props ?? {}))
		if (old[name] !== value && !(name === 'value' && old === document.activeElement))
			old[name] = value;
	old._props = fresh._props;
}

/* A subtree that is new as a whole still has placeholders in it. */
function settle(n) {
	for (const place of n.querySelectorAll?.('ez-hold') ?? [])
		place.replaceWith(place._held);
}

/* Makes the children of `parent` like the nodes of `fresh`. */
export function patch(parent, fresh) {
	const keyed = new Map();
	for (const c of parent.childNodes)
		if (c._key !== undefined && !c._isHeld)
			keyed.set(c._key, c);
	let at = parent.firstChild;
	for (const n of fresh) {
		let want = n;
		const same = n._key === undefined ? at : keyed.get(n._key);
		if (n._held) {
			want = n._held;
		} else if (same && isLike(same, n)) {
			update(same, n);
			want = same;
		} else {
			settle(n);
		}
		if (want === at)
			at = at.nextSibling;
		else
			parent.insertBefore(want, at);
	}
	while (at) {
		const next = at.nextSibling;
		at.remove();
		at = next;
	}
}

/* Puts nodes into the page for the first time: held ones take their places. */
export function mount(parent, ...nodes) {
	parent.replaceChildren();
	patch(parent, flat(nodes));
}

export function flat(nodes) {
	const box = document.createDocumentFragment();
	add(box, nodes);
	return [...box.childNodes];
}

let serial = 0;
export function uid(prefix = 'x') {
	return `${prefix}${++serial}`;
}
