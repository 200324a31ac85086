// Plots as inline SVG: lines over days, stacked bars. Colours come from classes; every plot can be read as a table too.
import { el, svg } from './dom.js';
import { number } from './format.js';
import { t } from './strings.js';

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 240, 52, 12, 14, 30];
const INNER = { width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };

// Round steps of 1, 2 or 5 times a power of ten, about four of them, from `least` (0 or below) up.
function ticks(most, least) {
  const rough = Math.max(most - least, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].find((factor) => factor * power >= rough) * power);
  const from = Math.floor(least / step);
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) - from + 1 }, (_, at) => (from + at) * step);
}

function frame(most, labels, least = 0) {
  const marks = ticks(most, least);
  const [bottom, top] = [marks[0], marks[marks.length - 1]];
  const y = (value) => TOP + INNER.height * (1 - (value - bottom) / (top - bottom));
  const every = Math.ceil(labels.length / 6);
  const grid = marks.map((mark) => [
    svg('line', { class: 'plot-grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y(mark), y2: y(mark) }),
    svg('text', { class: 'plot-text', x: LEFT - 8, y: y(mark) + 4, 'text-anchor': 'end' }, number(mark)),
  ]);
  const slot = INNER.width / Math.max(labels.length, 1);
  const names = labels.map((label, at) => at % every === 0 && svg('text', { class: 'plot-text', x: LEFT + slot * (at + 0.5), y: HEIGHT - 8, 'text-anchor': 'middle' }, label));
  return { y, slot, middle: (at) => LEFT + slot * (at + 0.5), parts: [...grid.flat(), ...names] };
}

function figure(title, series, labels, drawn, note) {
  const table = el('table', { class: 'table' }, el('caption', { class: 'unseen' }, title),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, ''), series.map(({ name }) => el('th', { scope: 'col', class: 'cell-number' }, name)))),
    el('tbody', {}, labels.map((label, at) => el('tr', {}, el('th', { scope: 'row' }, label), series.map(({ values }) => el('td', { class: 'cell-number' }, values[at] === null ? '—' : number(values[at])))))));
  return el('figure', { class: 'card plot' },
    el('figcaption', { class: 'card-head' }, el('h2', {}, title), note && el('span', { class: 'plot-note' }, note)),
    labels.length ? svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': title }, drawn()) : el('p', { class: 'empty' }, t('plot.empty')),
    series.length > 1 && el('ul', { class: 'plot-key' }, series.map(({ name }, at) => el('li', {}, svg('svg', { viewBox: '0 0 10 10', class: 'plot-swatch', 'aria-hidden': 'true' }, svg('rect', { class: `series series-${at}`, width: 10, height: 10, rx: 2 })), name))),
    labels.length > 0 && el('details', {}, el('summary', {}, t('plot.table')), el('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': title }, table)));
}

// series: [{name, values}], a value for each label or null where there is none.
export function lines({ title, labels, series, note }) {
  return figure(title, series, labels, () => {
    const { y, middle, parts } = frame(Math.max(0, ...series.flatMap(({ values }) => values)), labels);
    const drawn = series.map(({ values }, at) => {
      const points = values.map((value, day) => value !== null && [middle(day), y(value)]).filter(Boolean);
      return points.length === 1
        ? svg('circle', { class: `series series-${at}`, cx: points[0][0], cy: points[0][1], r: 4 })
        : svg('polyline', { class: `line line-${at}`, points: points.map((point) => point.join(',')).join(' ') });
    });
    return [...parts, ...drawn];
  }, note);
}

// points: [{value, low, high}], one for each label, also below 0; drawn as a dot on its interval.
export function intervals({ title, labels, points, name, note }) {
  return figure(title, [{ name, values: points.map(({ value }) => value) }], labels, () => {
    const { y, middle, parts } = frame(Math.max(0, ...points.map(({ high }) => high)), labels, Math.min(0, ...points.map(({ low }) => low)));
    const drawn = points.flatMap(({ value, low, high }, at) => [
      svg('polyline', { class: 'line line-0', points: `${middle(at)},${y(low)} ${middle(at)},${y(high)}` }),
      svg('circle', { class: 'series series-0', cx: middle(at), cy: y(value), r: 4 }, svg('title', {}, `${labels[at]}: ${number(value, 1)} (${number(low, 1)}–${number(high, 1)})`)),
    ]);
    return [...parts, ...drawn];
  }, note);
}

export function bars({ title, labels, series, note }) {
  return figure(title, series, labels, () => {
    const sums = labels.map((_, at) => series.reduce((sum, { values }) => sum + values[at], 0));
    const { y, slot, middle, parts } = frame(Math.max(0, ...sums), labels);
    const width = Math.min(36, slot * 0.7);
    const drawn = labels.flatMap((label, day) => {
      let base = 0;
      return series.map(({ name, values }, at) => {
        const from = y(base);
        base += values[day];
        return svg('rect', { class: `series series-${at}`, x: middle(day) - width / 2, width, y: y(base), height: Math.max(0, from - y(base)) }, svg('title', {}, `${label} ${name}: ${number(values[day])}`));
      });
    });
    return [...parts, ...drawn];
  }, note);
}
