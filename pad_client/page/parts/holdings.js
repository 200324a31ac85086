// What he holds and owes: two bars on one scale, and every product in words beneath. Drawn, no library.
import { el } from '../../shared/dom.js';
import { yuan } from '../../shared/format.js';
import { pick, t } from '../../shared/strings.js';

const SVG = 'http://www.w3.org/2000/svg';
const COLOURS = 6; // the sixth is for all that is smaller
const WIDTH = 1000;

export function holdingsBlock(holdings) {
  if (holdings.length === 0) return null;
  const sides = ['asset', 'debt'].map((kind) => side(holdings.filter((one) => one.kind === kind && one.amount_fen > 0), kind));
  const widest = Math.max(...sides.map((one) => one.total), 1);
  const empty = holdings.filter((one) => one.amount_fen === 0);
  return el('section', { class: 'block', testid: 'holdings' }, el('h2', {}, t('portrait.holdings')),
    ...sides.filter((one) => one.rows.length > 0).flatMap((one) => drawn(one, widest)),
    empty.length > 0 && el('p', { class: 'quiet' }, t('portrait.empty_accounts', { names: empty.map((one) => pick(one, 'name')).join('、') })));
}

function side(rows, kind) {
  return { kind, rows, total: rows.reduce((sum, one) => sum + one.amount_fen, 0) };
}

function drawn({ kind, rows, total }, widest) {
  const label = t(kind === 'asset' ? 'portrait.assets' : 'portrait.debts');
  return [
    el('p', { class: 'bar-title' }, el('span', {}, label), el('b', {}, yuan(total, 0))),
    bar(rows, kind, widest, `${label} ${yuan(total, 0)}`),
    el('ul', { class: 'legend' }, ...rows.map((one, i) => el('li', {},
      el('span', { class: `legend-dot ${colour(kind, i)}`, 'aria-hidden': 'true' }),
      el('span', { class: 'legend-name' }, pick(one, 'name'), one.matures_on && el('small', {}, t('portrait.matures', { day: one.matures_on }))),
      el('b', {}, yuan(one.amount_fen, 0)), el('small', { class: 'legend-share' }, share(one.amount_fen, total))))),
    el('p', { class: 'source' }, t('money.source', { source: pick(rows[0], 'source'), as_of: rows[0].as_of })),
  ];
}

function bar(rows, kind, widest, label) {
  const svg = document.createElementNS(SVG, 'svg');
  const attributes = { class: 'bar', viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  let x = 0;
  rows.forEach((one, i) => {
    const width = (one.amount_fen / widest) * WIDTH;
    const rect = document.createElementNS(SVG, 'rect');
    for (const [name, value] of Object.entries({ x, y: 0, width: Math.max(width - 3, 1), height: 10, class: colour(kind, i) })) rect.setAttribute(name, value);
    svg.append(rect);
    x += width;
  });
  return svg;
}

const colour = (kind, i) => `${kind}-${Math.min(i + 1, COLOURS)}`;

const share = (part, whole) => `${Math.round((100 * part) / whole)}%`;
