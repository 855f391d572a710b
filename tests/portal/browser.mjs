// SPDX-License-Identifier: Apache-2.0
/* A browser that notes what must not happen: errors, violations of the policy, requests elsewhere. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { chromium } = createRequire(import.meta.url)(process.env.PLAYWRIGHT);
const SLOW = Number(process.env.EZ_SLOW ?? 3);
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

/* Chromium starts while the servers do; then the test says where they are. */
const starting = chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });
const told = `${process.env.T}/servers.json`;
while (!existsSync(told))
	await new Promise((resolve) => setTimeout(resolve, 50));
export const { url: URL_BASE, setup: SETUP_LINK, port: PG_PORT, database: PGDATABASE } = JSON.parse(readFileSync(told, 'utf8'));

export function check(ok, what) {
	if (!ok)
		throw new Error(what);
}

export function write(name, text) {
	writeFileSync(`${process.env.T}/${name}`, `${text}\n`, { mode: 0o600 });
}

const started = Date.now();
export function step(text) {
	console.log(`   ${text} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/* What is refused or cut off on purpose shows as an error of the console as well. */
const EXPECTED = /status of (401|403|404|409)|ERR_INTERNET_DISCONNECTED/;
const isExpected = (m) => EXPECTED.test(m.text()) && new URL(m.location().url).pathname.startsWith('/api/');

export class Browser {
	async open() {
		this.problems = [];
		this.sizes = new Map();
		this.chromium = await starting;
		this.context = await this.chromium.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce' });
		this.context.setDefaultTimeout(10000 * SLOW);
		await this.context.addInitScript(() => {
			addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
		});
		this.page = await this.context.newPage();
		this.page.on('console', (m) => {
			if (['error', 'warning'].includes(m.type()) && !isExpected(m))
				this.problems.push(`console: ${m.text()} (${this.page.url()})`);
		});
		this.page.on('pageerror', (e) => this.problems.push(`exception: ${e.message} (${this.page.url()})`));
		this.page.on('request', (r) => {
			if (!r.url().startsWith(URL_BASE) && !r.url().startsWith('data:'))
				this.problems.push(`a request to ${r.url()}`);
		});
		this.page.on('response', async (r) => {
			const path = new URL(r.url()).pathname;
			if (!path.startsWith('/api') && !path.startsWith('/vendor') && r.status() === 200)
				this.sizes.set(path, Number(r.headers()['content-length'] ?? 0));
		});
		return this.page;
	}

	/* Bytes of the portal's own files that were fetched so far. */
	ownBytes() {
		return [...this.sizes.values()].reduce((a, b) => a + b, 0);
	}

	sound() {
		check(this.problems.length === 0, `the browser had problems:\n${this.problems.join('\n')}`);
	}

	close() {
		return this.chromium.close();
	}
}
