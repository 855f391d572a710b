// SPDX-License-Identifier: Apache-2.0
/* What can be done with a job, by its state; what is hard to undo asks first. */
import { h } from '../dom.js';
import * as api from '../api.js';
import * as ui from '../ui.js';

const ALLOWED = {
	start: ['created', 'stopped'],
	pause: ['running'],
	resume: ['paused'],
	stop: ['pending', 'starting', 'running', 'paused', 'failed'],
	retry: ['failed'],
	restart: ['starting', 'running', 'paused'],
	delete: ['created', 'failed', 'stopped'],
};

const ACTIONS = [
	['start', 'Start', 'primary'],
	['retry', 'Retry now', 'primary'],
	['resume', 'Resume', 'primary'],
	['pause', 'Pause', 'plain'],
	['restart', 'Restart', 'plain'],
	['stop', 'Stop', 'danger-plain'],
];

const DONE = {
	start: 'It starts as soon as a worker takes it.', retry: 'It tries again.', resume: 'It goes on.', pause: 'It pauses after what is in flight.',
	restart: 'It restarts.', stop: 'It stops after what is in flight.',
};

const ASK = {
	stop: { action: 'Stop', text: 'What is in flight is made durable first, and nothing is lost. Until it starts again the source keeps every change on its disk.' },
	restart: { action: 'Restart', text: 'It stops after what is in flight and goes on from there with a new process.' },
};

async function run(view, job, name, e) {
	const at = { currentTarget: e.currentTarget };
	if (ASK[name] && !await ui.confirm({ ...ASK[name], title: `${ASK[name].action} ${job.name}?`, danger: name === 'stop' }))
		return;
	await ui.act(at, async () => {
		await api.post(`/api/jobs/${job.job_id}/${name}`);
		await view.reload();
	}, DONE[name]);
}

async function removeJob(view, job, e) {
	const at = { currentTarget: e.currentTarget };
	const drop = h('input.form-check-input', { type: 'checkbox', id: 'drop', checked: true });
	const yes = await ui.confirm({
		title: `Delete ${job.name}?`, action: 'Delete', danger: true,
		text: 'The job, its history and its charts go. What was written to the sink stays.',
		extra: h('div.check', drop, h('label', { for: 'drop' }, `Remove the slot and publication ${job.slot} at the source as well`,
			h('div.help', 'Otherwise the source keeps changes for it until someone drops the slot.'))),
	});
	if (!yes)
		return;
	await ui.act(at, async () => {
		await api.remove(`/api/jobs/${job.job_id}${drop.checked ? '?drop=true' : ''}`);
		view.navigate('/jobs');
	}, `${job.name} is deleted.`);
}

export function actions(view, job) {
	if (!view.can('operator'))
		return [];
	const ending = job.desired === 'stopped' && ['starting', 'running', 'paused'].includes(job.status);
	const buttons = ACTIONS.filter(([name]) => ALLOWED[name].includes(job.status) && !ending)
		.map(([name, text, kind]) => ui.button(text, (e) => run(view, job, name, e), kind, { key: name }));
	if (ALLOWED.delete.includes(job.status))
		buttons.push(ui.button('Delete', (e) => removeJob(view, job, e), 'danger-plain', { key: 'delete' }));
	return buttons;
}
