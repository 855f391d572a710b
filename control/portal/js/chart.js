// SPDX-License-Identifier: Apache-2.0
/*
 * Charts over time: at most two series, gaps where there is no data, one time axis for all
 * charts of a page and a crosshair that they share. Chart.js is fetched when it is needed.
 */
import { h } from './dom.js';
import * as fmt from './format.js';

let library = null;

function load() {
	library ??= new Promise((resolve, reject) => {
		const tag = h('script', { src: '/vendor/chart.min.js' });
		tag.onload = () => resolve(window.Chart);
		tag.onerror = () => reject(new Error('the charts cannot be loaded: is libjs-chart.js installed?'));
		document.head.append(tag);
	});
	return library;
}

function color(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* Points with a hole where more than two steps are missing. */
export function series(points, name, step) {
	const out = [];
	let last = null;
	for (const p of points) {
		const x = Date.parse(p.at);
		if (last !== null && x - last > 2.5 * step * 1000)
			out.push({ x: last + 1, y: null });
		out.push({ x, y: p[name] ?? null });
		last = x;
	}
	return out;
}

/* One width for all, so that the time axes of a page stand below each other. */
const AXIS_PX = 62;

const NICE_MS = [60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].map((s) => s * 1000);

/* Ticks at full minutes, hours and days of the clock on the wall. */
function timeTicks(axis) {
	const { min, max } = axis;
	const step = NICE_MS.find((ms) => (max - min) / ms <= 6) ?? 86400000;
	const zone = new Date(min).getTimezoneOffset() * 60000;
	axis.ticks = [];
	for (let at = Math.ceil((min - zone) / step) * step + zone; at <= max; at += step)
		axis.ticks.push({ value: at });
}

/* Bytes go up in powers of two. */
function byteTicks(axis) {
	const step = 2 ** Math.ceil(Math.log2(Math.max(axis.max, 1) / 4));
	axis.ticks = [];
	for (let at = 0; at <= axis.max; at += step)
		axis.ticks.push({ value: at });
}

const LENGTHS_MS = [10, 20, 50, 100, 200, 500, ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800].map((s) => s * 1000)];

/* Lengths of time at steps that have short names. */
function lengthTicks(axis) {
	const step = LENGTHS_MS.find((ms) => axis.max / ms <= 5) ?? 604800000;
	axis.ticks = [];
	for (let at = 0; at <= axis.max; at += step)
		axis.ticks.push({ value: at });
}

const TICKS = new Map([[fmt.bytes, byteTicks], [fmt.duration, lengthTicks]]);

const crosshair = {
	id: 'crosshair',
	afterEvent(chart, { event }) {
		const group = chart.options.plugins.crosshair.group;
		const inside = event.type !== 'mouseout' && event.x >= chart.chartArea.left && event.x <= chart.chartArea.right;
		const at = inside ? chart.scales.x.getValueForPixel(event.x) : null;
		if (group.at === at)
			return;
		group.at = at;
		for (const c of group.charts)
			c.draw();
		group.tell?.();
	},
	afterDatasetsDraw(chart) {
		const at = chart.options.plugins.crosshair.group.at;
		if (at === null || at === undefined)
			return;
		const { ctx, chartArea: { top, bottom }, scales: { x } } = chart;
		const px = x.getPixelForValue(at);
		ctx.save();
		ctx.strokeStyle = color('--muted');
		ctx.lineWidth = 1;
		ctx.setLineDash([3, 3]);
		ctx.beginPath();
		ctx.moveTo(px, top);
		ctx.lineTo(px, bottom);
		ctx.stroke();
		ctx.restore();
	},
};

function nearest(data, at) {
	let best = null;
	for (const p of data)
		if (p.y !== null && (!best || Math.abs(p.x - at) < Math.abs(best.x - at)))
			best = p;
	return best;
}

function config(spec, group) {
	const grid = color('--line');
	const text = color('--muted');
	return {
		type: 'line',
		data: { datasets: spec.lines.map((l, i) => ({
			label: l.label, data: [], parsing: false, spanGaps: false, borderWidth: 1.6, pointRadius: 0, pointHitRadius: 0,
			borderColor: color(i ? '--chart-2' : '--chart-1'), backgroundColor: color(i ? '--chart-2-soft' : '--chart-1-soft'),
			fill: i === 0 && spec.lines.length === 1, tension: 0, borderDash: i ? [5, 3] : [], stepped: false,
		})) },
		options: {
			animation: false, responsive: true, maintainAspectRatio: false, normalized: true,
			events: ['mousemove', 'mouseout', 'touchmove', 'touchstart'],
			plugins: { legend: { display: false }, tooltip: { enabled: false }, crosshair: { group } },
			scales: {
				x: { type: 'linear', afterBuildTicks: timeTicks, grid: { color: grid, drawTicks: false }, border: { display: false },
					ticks: { color: text, maxRotation: 0, autoSkip: true, maxTicksLimit: 7, padding: 6, callback: (v) => fmt.clock(v, group.long) } },
				y: { beginAtZero: true, afterFit: (axis) => {
					axis.width = AXIS_PX;
				}, afterBuildTicks: TICKS.get(spec.unit), suggestedMax: spec.least ?? 1, grid: { color: grid, drawTicks: false },
					ticks: { color: text, maxTicksLimit: 5, padding: 6, callback: (v) => (spec.axis ?? spec.unit)(v) } },
			},
		},
		plugins: [crosshair],
	};
}

/* Charts that share time axis and crosshair. */
export class ChartGroup {
	constructor() {
		this.charts = [];
		this.parts = [];
		this.at = null;
	}

	/* spec: {title, unit(value), axis(value) if ticks are written otherwise, lines: [{label, name}]}. Gives the node to put on the page. */
	add(spec) {
		const canvas = h('canvas', { role: 'img', tabindex: '0', 'aria-label': spec.title, onkeydown: (e) => this.move(e), onblur: () => this.point(null) });
		const readings = spec.lines.map(() => h('strong'));
		const times = h('span.chart-time');
		const node = h('figure.chart', h('figcaption', h('span.chart-title', spec.title), times,
			spec.lines.map((l, i) => h('span.chart-key', { class: `chart-key-${i + 1}` }, spec.lines.length > 1 ? `${l.label} ` : '', readings[i]))),
		h('div.chart-box', canvas));
		this.parts.push({ spec, canvas, readings, times, node });
		return node;
	}

	async start() {
		const Chart = await load();
		Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
		Chart.defaults.font.size = 11;
		for (const p of this.parts) {
			p.chart = new Chart(p.canvas, config(p.spec, this));
			this.charts.push(p.chart);
		}
		this.tell = () => this.read();
		this.scheme = matchMedia('(prefers-color-scheme: dark)');
		this.onScheme = () => this.recolor();
		this.scheme.addEventListener('change', this.onScheme);
		if (this.last)
			this.update(...this.last);
	}

	recolor() {
		for (const p of this.parts) {
			const { data, options } = config(p.spec, this);
			data.datasets.forEach((d, i) => Object.assign(p.chart.data.datasets[i], { ...d, data: p.chart.data.datasets[i].data }));
			p.chart.options = options;
		}
		if (this.last)
			this.update(...this.last);
	}

	update(points, step, from, to) {
		this.last = [points, step, from, to];
		this.long = to - from > 20 * 3600 * 1000;
		for (const p of this.parts) {
			if (!p.chart)
				continue;
			p.spec.lines.forEach((l, i) => {
				p.chart.data.datasets[i].data = series(points, l.name, step);
			});
			Object.assign(p.chart.options.scales.x, { min: from, max: to });
			p.chart.update('none');
		}
		this.read();
	}

	/* The crosshair of all charts to a time; null: away. */
	point(at) {
		this.at = at;
		this.charts.forEach((c) => c.draw());
		this.read();
	}

	/* By keyboard, a fiftieth of the width at a time. */
	move(e) {
		const way = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
		if (e.key === 'Escape')
			this.point(null);
		if (!way || !this.last)
			return;
		e.preventDefault();
		const [, , from, to] = this.last;
		this.point(Math.min(to, Math.max(from, (this.at ?? to) + way * (to - from) / 50)));
	}

	/* The value under the crosshair, else the newest. */
	read() {
		for (const p of this.parts) {
			p.spec.lines.forEach((l, i) => {
				const data = p.chart?.data.datasets[i].data ?? [];
				const point = this.at ? nearest(data, this.at) : nearest(data, Infinity) && data.at(-1);
				p.readings[i].textContent = point && point.y !== null ? p.spec.unit(point.y) : '–';
				p.times.textContent = this.at && point ? fmt.clock(point.x, this.long) : '';
			});
			p.canvas.setAttribute('aria-label', [p.spec.title, ...p.spec.lines.map((l, i) => `${l.label} ${p.readings[i].textContent}`), p.times.textContent].filter(Boolean).join(', '));
		}
	}

	stop() {
		this.scheme?.removeEventListener('change', this.onScheme);
		this.charts.forEach((c) => c.destroy());
	}
}
