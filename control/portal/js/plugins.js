// SPDX-License-Identifier: Apache-2.0
/* The option tables: those of the plugins come from the workers, those of a job's own sections stand here. */
import * as api from './api.js';

export async function plugins(signal) {
	return (await api.get('/api/plugins', signal)).items;
}

export const ofKind = (list, kind) => list.filter((p) => p.kind === kind);
export const named = (list, kind, name) => list.find((p) => p.kind === kind && p.name === name);

/* Options of a datasource belong to the connection; the rest belongs to each job. */
export function connectionOptions(plugin) {
	return (plugin?.options ?? []).filter((o) => o.connection || o.required);
}

export function jobOptions(plugin) {
	return (plugin?.options ?? []).filter((o) => !o.connection && !o.required && o.name !== 'tables');
}

const option = (name, type, label, fallback, help, more = {}) =>
	({ name, type, label, default: fallback, help, required: false, ...more });

export const SECTIONS = {
	batch: [
		option('max_age', 'duration', 'Maximum age of a batch', '1s', 'A batch is written when its first row is this old. Shorter is fresher, longer is cheaper for the target.'),
		option('max_bytes', 'size', 'Maximum size of a batch', '32MiB', 'A batch is written at this size; a quarter of the memory if that is less.'),
		option('max_rows', 'int', 'Maximum rows of a batch', '500000', 'A batch is written at this number of rows.', { min: 1, max: 100000000 }),
		option('max_inflight', 'int', 'Batches in flight', '8', 'At most so many batches wait to become durable.', { min: 1, max: 1024 }),
	],
	errors: [
		option('policy', 'enum', 'Rows that cannot be written', 'stop', 'Stop the job, or put such a row into a dead-letter file on the worker and go on.', { choices: ['stop', 'dead-letter'] }),
		option('limit', 'int', 'Dead letter limit', '1000', 'The job stops when more rows than this were put aside.', { min: 1 }),
	],
	retry: [
		option('give_up_after', 'duration', 'Give up after', '0', 'Fail the job after an outage of so long; 0: never.'),
	],
	job: [
		option('memory', 'size', 'Memory', '64MiB', 'Ceiling for all rows in flight on the worker. At least 8 MiB.'),
	],
};
