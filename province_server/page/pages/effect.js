// What the offers do and bring, and whom they pass by. Counts only, no small groups.
import { get } from '../api.js';
import { el, place } from '../dom.js';
import { number, percent } from '../format.js';
import { heading } from '../parts/listing.js';
import { branches } from '../parts/names.js';
import { problemBox } from '../parts/notice.js';
import { bars, intervals } from '../plots.js';
import { t } from '../strings.js';
import { brings } from './effect-brings.js';
import { groups } from './effect-groups.js';

const DAY_MS = 86_400_000;
const PERIODS = [30, 90, 365];
const COLUMNS = ['customers', 'shown', 'taken', 'refused', 'sold'];
const day = (back) => new Date(Date.now() + DAY_MS / 3 - back * DAY_MS).toISOString().slice(0, 10); // China's days
const short = (date) => date.slice(5).replace('-', '/');

export default async function show(root) {
  const names = await branches();
  const period = el('select', { class: 'input', id: 'period', onchange: () => draw() }, PERIODS.map((days) => el('option', { value: days, selected: days === 90 }, t('statistics.days', { n: days }))));
  const plots = el('div', { class: 'columns' });
  const measured = el('div', { class: 'stack' });
  const tables = el('div', { class: 'stack' });
  const compared = el('div', { class: 'stack' });

  async function draw() {
    try {
      const days = { first: day(Number(period.value) - 1), last: day(0) };
      const told = await get('effect', days);
      measured.replaceChildren(...brings(told));
      compared.replaceChildren(...groups(days, names));
      plots.replaceChildren(...pictures(told));
      tables.replaceChildren(
        figures(t('effect.products'), told.products, (name) => name),
        figures(t('effect.branches'), told.branches, names.name),
        el('p', { class: 'lead' }, t('effect.left_out', { n: told.left_out, k: told.k })));
    } catch (problem) {
      for (const part of [measured, tables, compared]) part.replaceChildren();
      plots.replaceChildren(problemBox(problem, draw));
    }
  }

  place(root,
    heading({ title: t('page.effect'), lead: t('effect.lead') }),
    el('div', { class: 'bar filters' },
      el('div', { class: 'field' }, el('label', { class: 'field-label', for: 'period' }, t('statistics.period')), period)),
    measured, plots, tables, compared);
  await draw();
}

function pictures({ weeks, products }) {
  const labels = weeks.map((one) => short(one.name));
  const open = weeks.map((one) => Math.max(0, one.shown - one.taken - one.refused));
  return [
    bars({ title: t('effect.weeks'), labels, note: t('effect.weeks_note'), series: [
      { name: t('effect.taken'), values: weeks.map((one) => one.taken) },
      { name: t('effect.refused'), values: weeks.map((one) => one.refused) },
      { name: t('effect.open'), values: open }] }),
    intervals({ title: t('effect.rate'), labels: products.map((one) => one.name), note: t('effect.rate_note'), name: t('effect.rate_percent'),
      points: products.map((one) => ({ value: 100 * one.rate, low: 100 * one.rate_low, high: 100 * one.rate_high })) }),
  ];
}

function figures(title, rows, named) {
  const head = el('tr', {}, el('th', { scope: 'col' }, ''), COLUMNS.map((column) => el('th', { scope: 'col', class: 'cell-number' }, t(`effect.${column}`))), el('th', { scope: 'col', class: 'cell-number' }, t('effect.rate')));
  const body = rows.map((one) => el('tr', {}, el('th', { scope: 'row' }, named(one.name)),
    COLUMNS.map((column) => el('td', { class: 'cell-number' }, number(one[column]))),
    el('td', { class: 'cell-number' }, t('effect.between', { rate: percent(one.rate), low: percent(one.rate_low), high: percent(one.rate_high) }))));
  return el('section', { class: 'card' }, el('div', { class: 'card-head' }, el('h2', {}, title)),
    rows.length ? el('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': title }, el('table', { class: 'table' }, el('thead', {}, head), el('tbody', {}, body))) : el('p', { class: 'empty' }, t('plot.empty')));
}
