// SPDX-License-Identifier: Apache-2.0
/* A new worker: a fresh token, the exact commands, and a look-out for its first call. */
import { h, hold } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';
import { workerState } from './workers.js';

function commands(token) {
	return `getent passwd ezcdc >/dev/null || sudo useradd --system --home-dir /var/lib/ezcdc --shell /usr/sbin/nologin ezcdc
sudo install -d -m 0750 -o ezcdc -g ezcdc /etc/ezcdc
sudo tee /etc/ezcdc/deployment.token >/dev/null <<'END'
${token}
END
sudo chown ezcdc: /etc/ezcdc/deployment.token
sudo chmod 0600 /etc/ezcdc/deployment.token
sudo tee /etc/ezcdc/worker.conf >/dev/null <<'END'
agent = {
    plugin = "agent";
    control_url = "${location.origin}";
    token = { file = "/etc/ezcdc/deployment.token"; };
};
END
sudo systemctl enable --now ezcdc-worker`;
}

class Add {
	constructor(view) {
		this.view = view;
		this.name = h('input.form-control', { value: 'default', maxlength: 100, autocomplete: 'off', id: 'deployment-name' });
		this.expires = h('select.form-select', { value: '24h' },
			[['1h', 'an hour'], ['24h', 'a day'], ['7d', 'a week']].map(([v, t]) => h('option', { value: v }, t)));
	}

	pick(deployments) {
		if (this.select)
			return;
		this.select = h('select.form-select', { value: this.view.query.get('deployment') ?? deployments[0]?.deployment_id ?? '' },
			deployments.map((d) => h('option', { value: d.deployment_id }, d.name)), h('option', { value: '' }, 'a new one …'));
		this.fresh = ui.field('Name of the deployment', this.name,
			'A group of workers in one network, such as “production”. Its jobs go from worker to worker within it.');
		const show = () => {
			this.fresh.hidden = this.select.value !== '';
		};
		this.select.onchange = show;
		show();
		this.form = h('form.editor.panel.is-form', { onsubmit: (e) => this.submit(e) },
			deployments.length ? ui.field('Deployment', this.select, 'The group that the worker joins.') : null, this.fresh,
			ui.field('The token is good for', this.expires, 'It registers workers; the secret that each then has of its own does not expire.'),
			h('div.box-actions', ui.link('Cancel', '/workers'), h('button.btn.btn-primary', { type: 'submit' }, 'Show the commands')));
	}

	submit(e) {
		e.preventDefault();
		return ui.act({ currentTarget: e.submitter }, async () => {
			let id = this.select.value;
			if (!id)
				id = (await api.post('/api/deployments', { name: this.name.value.trim() })).deployment_id;
			this.deployment = id;
			this.before = new Set(this.view.data.workers.map((w) => w.worker_id));
			this.token = (await api.post(`/api/deployments/${id}/tokens`, { expires: this.expires.value })).token;
			await this.view.reload();
		});
	}

	waiting(workers) {
		const come = workers.filter((w) => w.deployment_id === this.deployment && !this.before.has(w.worker_id) && workerState(w) === 'online');
		if (!come.length)
			return ui.notice('quiet', h('span.waiting', 'Waiting for its first call'), 'This page shows it as soon as the worker has registered.');
		return ui.notice('good', `${come.map((w) => w.name).join(', ')} is online`, `It has ${come[0].plugins.length} plugins and room for ${come[0].max_jobs} jobs.`,
			ui.link('Add a datasource', '/datasources/new', 'primary'), ui.link('Workers', '/workers'));
	}

	render({ deployments, workers }) {
		const head = [ui.crumb('Workers', '/workers'),
			ui.heading('Add a worker', 'It runs inside your network, beside the databases, and only ever calls out to here.')];
		if (!this.token) {
			this.pick(deployments);
			return [head, hold(this.form)];
		}
		this.shown ??= ui.code(commands(this.token), 'Copy all');
		return [head, h('p', 'Run this on the machine of the worker, with EZ-CDC installed. The token is shown only now; one that is lost is simply replaced.'),
			hold(this.shown), this.waiting(workers)];
	}
}

export function page(view) {
	view.title('Add a worker');
	if (!view.can('admin')) {
		view.show(ui.heading('Add a worker'), ui.empty('An admin does this', 'Registration tokens are created by admins.', ui.link('Workers', '/workers')));
		return undefined;
	}
	const add = new Add(view);
	return view.load(async (signal) => {
		const [deployments, workers] = await Promise.all([api.all('/api/deployments', signal), api.all('/api/workers', signal)]);
		return { deployments, workers };
	}, (data) => add.render(data), { kinds: ['worker'], every: 4000 });
}
