// SPDX-License-Identifier: Apache-2.0
/* Patterns as the source has them: * and ?, ! excludes, the last that matches decides. */
export function lines(text) {
	return (text ?? '').split('\n').map((l) => l.trim()).filter(Boolean);
}

function regex(pattern) {
	const text = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
	return new RegExp(`^${text}$`);
}

export function matcher(patterns) {
	const rules = patterns.map((p) => (p.startsWith('!') ? { yes: false, re: regex(p.slice(1)) } : { yes: true, re: regex(p) }));
	return (name) => {
		let yes = false;
		for (const r of rules)
			if (r.re.test(name))
				yes = r.yes;
		return yes;
	};
}
