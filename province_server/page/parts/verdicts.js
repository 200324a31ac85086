// How good a photo is: one labelled meter a criterion, pass or fail in words, and what to do about it.
import { el, glyph, svg } from '../dom.js';
import { number } from '../format.js';
import { t } from '../strings.js';

const WIDTH = 200;
const SCALES = { // ends of each meter, in the unit of the criterion; size by its logarithm, as what matters is the ratio
  size: { from: 20, to: 400, unit: 'px', log: true },
  pose: { from: 0, to: 90, unit: '°' },
  sharpness: { from: 0, to: 1, unit: '%', shown: 100 },
  light: { from: 0, to: 255, unit: '' },
};
const ORDER = ['one_face', 'size', 'pose', 'sharpness', 'light'];

function at(scale, value) {
  const place = (one) => (scale.log ? Math.log(Math.max(one, 1)) : one);
  const share = (place(value) - place(scale.from)) / (place(scale.to) - place(scale.from));
  return Math.min(1, Math.max(0, share)) * WIDTH;
}

function gauge({ criterion, value, lowest, highest, passed }) {
  const scale = SCALES[criterion];
  const [left, right] = [lowest === null ? 0 : at(scale, lowest), highest === null ? WIDTH : at(scale, highest)];
  const said = `${number(value * (scale.shown ?? 1))} ${scale.unit}`.trim();
  return el('div', { class: 'gauge', role: 'meter', 'aria-label': t(`criterion.${criterion}`), 'aria-valuemin': scale.from, 'aria-valuemax': scale.to, 'aria-valuenow': Math.min(scale.to, Math.max(scale.from, value)), 'aria-valuetext': said },
    svg('svg', { viewBox: `0 0 ${WIDTH} 14`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      svg('rect', { class: 'gauge-all', x: 0, y: 4, width: WIDTH, height: 6 }),
      svg('rect', { class: 'gauge-good', x: left, y: 4, width: right - left, height: 6 }),
      svg('rect', { class: passed ? 'gauge-now' : 'gauge-now gauge-out', x: Math.min(WIDTH - 4, Math.max(0, at(scale, value) - 2)), y: 0, width: 4, height: 14 })),
    el('span', { class: 'gauge-value' }, said));
}

function line(criterion, verdict) {
  const state = verdict ? (verdict.passed ? 'good' : 'bad') : 'open';
  return el('li', { class: `verdict verdict-${state}`, 'data-criterion': criterion, 'data-state': state },
    el('div', { class: 'verdict-head' },
      el('b', {}, t(`criterion.${criterion}`)),
      el('span', { class: 'verdict-mark' }, verdict && glyph(verdict.passed ? 'check' : 'cross'), t(`verdict.${state}`))),
    verdict && criterion !== 'one_face' && gauge(verdict),
    verdict?.reason && el('p', { class: 'verdict-hint' }, t(`reason.${verdict.reason}`)));
}

// checked: the answer of the API, or null before there is one.
export function verdictList(checked) {
  const by = new Map((checked?.verdicts ?? []).map((verdict) => [verdict.criterion, verdict]));
  return el('ul', { class: 'verdicts', testid: 'verdicts', 'aria-label': t('photo.quality') }, ORDER.map((criterion) => line(criterion, by.get(criterion))));
}
