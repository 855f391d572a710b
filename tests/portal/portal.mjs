// SPDX-License-Identifier: Apache-2.0
/* From the set-up link to a job that streams, then every page in narrow and dark. */
import { Browser, PG_PORT, PGDATABASE, SETUP_LINK, URL_BASE, check, step, write } from './browser.mjs';
import { flaws, focusShows } from './looks.mjs';

const { T } = process.env;
const PASSWORD = 'correct horse battery';
const browser = new Browser();
const page = await browser.open();
const button = (name) => page.getByRole('button', { name, exact: true });
const link = (name) => page.getByRole('link', { name, exact: true });
const says = (text) => page.getByText(text).first().waitFor();
const at = (path) => page.waitForURL((u) => u.pathname === path);

async function neat(what) {
	const found = await flaws(page);
	check(found.length === 0, `${what}: ${found.slice(0, 5).join('; ')}`);
}

async function setUp() {
	await page.goto(SETUP_LINK.trim());
	await page.getByLabel('Name').fill('admin');
	await neat('the set-up');
	await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
	await page.getByLabel('Password again').fill('something else');
	await button('Create account').click();
	await says('The two passwords differ');
	await page.getByLabel('Password again').fill(PASSWORD);
	await button('Create account').click();
	await says('Three steps to the first pipeline');
	await neat('the first steps');
	check(!page.url().includes('#'), 'the token of the set-up link stays in the address');
	check(browser.ownBytes() > 0 && browser.ownBytes() < 100 * 1024, `the first page takes ${browser.ownBytes()} bytes of our own`);
}

async function addWorker() {
	await link('Add a worker').click();
	await button('Show the commands').click();
	const text = await page.locator('.code code').textContent();
	check(text.includes(`control_url = "${URL_BASE}"`), 'the commands name another address');
	write('token', text.match(/^ezd_\S+$/m)[0]);
	await says('edge is online');
	await neat('the commands of a worker');
	await link('Add a datasource').click();
}

async function addSource() {
	await at('/datasources/new');
	await button('Save and test').click();
	await says('It needs a name');
	await page.getByLabel('Name required').fill('shop');
	await button('Save and test').click();
	await says('Connection string is needed');
	await page.getByLabel('Connection string').fill(`host=127.0.0.1 port=${PG_PORT} dbname=${PGDATABASE} user=cdc`);
	await page.getByLabel('Password', { exact: true }).fill('open-sesame-4711');
	await button('Save and test').click();
	await page.locator('.findings li').first().waitFor();
	check(!(await page.content()).includes('open-sesame'), 'the secret came back');
	await neat('the test of a source');
	const bad = await page.locator('.findings li', { has: page.locator('.state-bad') }).allTextContents();
	check(bad.every((f) => f.includes('public.loose')), `the test of the source failed: ${bad}`);
	await page.reload();
	check(await page.getByLabel('Password', { exact: true }).inputValue() === '', 'the secret is shown');
}

async function addSink() {
	await page.goto(`${URL_BASE}/datasources/new?kind=sink`);
	await page.getByLabel('Name required').fill('files');
	await page.getByLabel('Kind of system').selectOption('file');
	await page.getByLabel('Folder').fill(`${T}/shop/out`);
	await button('Save and test').click();
	await says(/checks? passed/i);
}

/* The first step by keyboard alone, from the top of the page. */
async function chooseSourceByKeyboard() {
	await page.goto(`${URL_BASE}/jobs/new`);
	await page.getByRole('radio').first().waitFor();
	for (let i = 0; i < 40; i++) {
		await page.keyboard.press('Tab');
		check(await focusShows(page), 'the focus cannot be seen');
		if (await page.evaluate(() => document.activeElement?.type === 'radio'))
			break;
	}
	await page.keyboard.press('Space');
	check(await page.getByRole('radio', { name: /shop/ }).isChecked(), 'the keyboard does not choose');
	await page.keyboard.press('Enter');
	await page.getByRole('heading', { name: '2. Tables' }).waitFor();
}

async function chooseTables() {
	await page.getByRole('checkbox', { name: 'public.orders' }).check();
	await page.getByLabel('Search tables').fill('cust');
	check(await page.getByRole('checkbox').count() === 1, 'the search leaves other tables');
	await button('Choose the 1 shown').click();
	await says('2 tables of');
	await neat('the choice of tables');
	await page.reload();
	check(await page.getByRole('checkbox', { name: 'public.orders' }).isChecked(), 'a reload forgets the choice');
	await button('By pattern').click();
	await page.getByLabel('Patterns, one a line').fill('public.*\n!public.l*');
	await says('2 tables fit now');
	await button('Choose from a list').click();
	await button('Next').click();
}

async function finishJob() {
	await page.getByRole('heading', { name: '3. Sink' }).waitFor();
	await page.getByRole('radio', { name: /files/ }).check();
	await button('Next').click();
	await page.getByRole('heading', { name: '4. Settings' }).waitFor();
	await page.getByLabel('Name required').fill('Not a name');
	await button('Next').click();
	await says('The name needs small letters');
	await page.getByLabel('Name required').fill('shop');
	await page.locator('summary', { hasText: 'Batches' }).click();
	await neat('the settings');
	await page.getByLabel('Maximum age of a batch').fill('20ms');
	await button('Next').click();
	await page.locator('.code').getByText('max_age = "20ms"').waitFor();
	await button('Test now').click();
	await page.locator('.findings').nth(1).waitFor();
	await neat('the review');
	await button('Create and start').click();
	await page.getByRole('heading', { name: /shop/ }).getByText('streaming').waitFor();
	write('job', new URL(page.url()).pathname.split('/')[2]);
}

async function tabs() {
	const own = page.url();
	await link('Tables2').click();
	await page.getByRole('row', { name: /public\.orders/ }).waitFor();
	await link('History').click();
	await says('created');
	await page.goto(`${own}?tab=log`);
	await page.locator('.log-line').first().waitFor();
	await link('Dead letters').click();
	await says('No dead letters');
	await link('Configuration').click();
	await page.locator('.code').getByText('plugin = "pgoutput"').waitFor();
	check(!(await page.content()).includes('open-sesame'), 'the job file shows the secret');
	await page.goBack();
	await says('No dead letters');
	return new URL(own).pathname;
}

/* What one page does another one shows: also where the stream of news is cut, by polling. */
async function pauseAndResume(job) {
	const other = await browser.context.newPage();
	await other.route('**/api/events', (route) => route.abort());
	await other.goto(URL_BASE + job);
	await other.getByText('polling').waitFor();
	await page.goto(URL_BASE + job);
	await page.locator('canvas').first().waitFor();
	await button('Pause').click();
	const state = (p, text) => p.getByRole('heading', { name: /shop/ }).getByText(text).waitFor();
	await state(page, 'paused');
	await state(other, 'paused');
	await other.close();
	await button('Resume').click();
	await state(page, 'streaming');
}

/* To another page without loading the portal anew. */
async function visit(path) {
	await page.evaluate((to) => {
		history.pushState({}, '', to);
		dispatchEvent(new PopStateEvent('popstate'));
	}, path);
	await page.locator('h1, .empty h2').first().waitFor();
	await page.locator('.skeleton').first().waitFor({ state: 'detached' });
}

/* Every page, as wide as a phone, a tablet and a desk, in the dark and by day: nothing sticks out, all can be read, nothing complains. */
async function everyPage(job) {
	const first = (what) => page.evaluate((w) => fetch(`/api/${w}`).then((r) => r.json()).then((a) => `/${w}/${Object.values(a.items[0])[0]}`), what);
	const paths = ['/', '/jobs', job, ...['tables', 'history', 'log', 'configuration'].map((tab) => `${job}?tab=${tab}`), '/jobs/new',
		'/datasources', await first('datasources'), '/datasources/new', '/datasources/new?kind=sink', '/workers', await first('workers'), '/workers/add',
		'/alerts', '/users', '/tokens', '/audit', '/nowhere', '/jobs/00000000-0000-0000-0000-000000000000'];
	const found = new Set();
	for (const path of paths) {
		await visit(path);
		if (!path.endsWith('0000') && await page.locator('.notice-bad').count() > 0)
			found.add(`${path} shows a failure`);
		for (const [width, height, colorScheme] of [[360, 740, 'dark'], [768, 1024, 'light'], [1280, 800, 'dark']]) {
			await page.setViewportSize({ width, height });
			await page.emulateMedia({ colorScheme });
			(await flaws(page)).forEach((f) => found.add(`${path}, ${width} px, ${colorScheme}: ${f}`));
		}
	}
	check(found.size === 0, `${found.size} flaws:\n${[...found].slice(0, 15).join('\n')}`);
}

async function keys() {
	await visit('/');
	await page.keyboard.press('g');
	await page.keyboard.press('j');
	await at('/jobs');
	await page.getByLabel('Search jobs').waitFor();
	await page.keyboard.press('/');
	await page.keyboard.type('sh?');
	check(await page.getByLabel('Search jobs').inputValue() === 'sh?', 'keys do not go where one types');
	await page.locator('h1').focus();
	await page.keyboard.press('?');
	await page.getByRole('dialog', { name: 'Keys' }).waitFor();
	await neat('the help');
	await page.keyboard.press('Escape');
	await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/* Another log-in of the same person, in another tab, makes the token of this one stale: it takes the new one by itself. */
async function staleToken() {
	await page.context().request.post(`${URL_BASE}/api/session`, { data: { name: 'admin', password: PASSWORD } });
	await visit('/alerts');
	await button('New rule').click();
	await page.getByRole('dialog').waitFor();
	await neat('the dialog of a rule');
	await button('Create rule').click();
	await page.locator('.plain-list').getByText('When any job has failed').waitFor();
}

/* The control plane goes away and comes back, the session ends: the page says so, and goes on where it was. */
async function badDays(job) {
	await visit(job);
	await page.context().setOffline(true);
	await page.keyboard.press('r');
	await page.locator('.live.is-offline').waitFor();
	await says('does not answer');
	await page.getByRole('heading', { name: /shop/ }).waitFor();
	await page.context().setOffline(false);
	await page.keyboard.press('r');
	await page.locator('.live.is-live').waitFor();
	await page.locator('.notice-bad').waitFor({ state: 'detached' });
	await page.context().clearCookies();
	await page.keyboard.press('r');
	await says('Your session has ended');
	await neat('the door');
	await page.getByLabel('Name').fill('admin');
	await page.getByLabel('Password').fill(PASSWORD);
	await button('Log in').click();
	await page.getByRole('heading', { name: /shop/ }).waitFor();
}

async function leave() {
	await visit('/audit');
	await page.getByRole('row', { name: /datasource test shop/ }).first().waitFor();
	await page.goto(`${URL_BASE}/jobs?q=sho&status=running`);
	await page.getByRole('row', { name: /shop/ }).waitFor();
	await button('Log out').click();
	await page.getByRole('heading', { name: 'Log in' }).waitFor();
	await page.getByLabel('Name').fill('admin');
	await page.getByLabel('Password').fill('wrong');
	await button('Log in').click();
	await says('Name or password is wrong');
	await page.getByLabel('Password').fill(PASSWORD);
	await button('Log in').click();
	await says('The pipeline runs');
}

try {
	for (const part of [setUp, addWorker, addSource, addSink, chooseSourceByKeyboard, chooseTables, finishJob]) {
		step(part.name);
		await part();
	}
	step('tabs');
	const job = await tabs();
	for (const part of [pauseAndResume, everyPage, keys, staleToken, badDays, leave]) {
		step(part.name);
		await part(job);
	}
	browser.sound();
	step('done');
} catch (e) {
	console.error((await page.locator('main').innerText().catch(() => '')).slice(0, 1000));
	console.error(browser.problems.join('\n'));
	console.error(`at ${page.url()}\n${e.message}`);
	await page.screenshot({ path: `${T}/failed.png` }).catch(() => {});
	process.exitCode = 1;
} finally {
	await browser.close();
}
