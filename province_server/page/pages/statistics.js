// How the branches do: enrolled people, visits, how often the face was right, how soon somebody came. Counts only.
import { get } from '../api.js';
import { el, part, place } from '../dom.js';
import { number, percent } from '../format.js';
import { heading } from '../parts/listing.js';
import { branches } from '../parts/names.js';
import { problemBox } from '../parts/notice.js';
import { bars, lines } from '../plots.js';
import '../parts/table.js';
import { t, word } from '../strings.js';

const DAY_MS = 86_400_000;
const PERIODS = [30, 90, 365];
const day = (back) => new Date(Date.now() + DAY_MS / 3 - back * DAY_MS).toISOString().slice(0, 10); // China's days
const short = (date) => date.slice(5).replace('-', '/');
const sum = (days, name) => days.reduce((total, one) => total + one[name], 0);

export default async function show(root) {
  const names = await branches();
  const period = el('select', { class: 'input', id: 'period', testid: 'period', onchange: () => draw() }, PERIODS.map((days) => el('option', { value: days, selected: days === 90 }, t('statistics.days', { n: days }))));
  const branch = el('select', { class: 'input', id: 'branch', onchange: () => draw() }, el('option', { value: '' }, t('statistics.all')), names.options.map(([value, label]) => el('option', { value }, label)));
  const plots = el('div', { class: 'columns' });
  const tiles = el('div', { class: 'tiles' });
  const watch = el('div', { testid: 'watch-responses' });

  async function draw() {
    try {
      const told = await get('statistics', { first: day(Number(period.value) - 1), last: day(0), branch_id: branch.value });
      tiles.replaceChildren(...figures(told));
      plots.replaceChildren(...pictures(told));
      watch.replaceChildren(...responses(told, names));
    } catch (problem) {
      tiles.replaceChildren();
      plots.replaceChildren(problemBox(problem, draw));
      watch.replaceChildren();
    }
  }

  place(root,
    heading({ title: t('page.statistics'), lead: t('statistics.lead') }),
    el('div', { class: 'bar filters' },
      el('div', { class: 'field' }, el('label', { class: 'field-label', for: 'period' }, t('statistics.period')), period),
      names.options.length > 0 && el('div', { class: 'field' }, el('label', { class: 'field-label', for: 'branch' }, t('boxes.branch')), branch)),
    tiles, plots, watch);
  await draw();
}

const tile = (name, value) => el('div', { class: 'tile' }, el('dt', {}, name), el('dd', {}, value));

function figures({ days, enrolled }) {
  const [confirmed, wrong] = [sum(days, 'confirmed'), sum(days, 'wrong_person')];
  const last = enrolled.length ? enrolled[enrolled.length - 1].day : null;
  const people = enrolled.filter((one) => one.day === last).reduce((total, one) => total + one.customers, 0);
  return [el('dl', { class: 'tiles-row' },
    tile(t('statistics.people'), number(people)), tile(t('statistics.visits'), number(sum(days, 'visits'))),
    tile(t('statistics.right'), confirmed + wrong ? percent(confirmed / (confirmed + wrong)) : '—'), tile(t('statistics.wrong'), number(wrong)))];
}

// Of the watch lists that this person manages, or an auditor's: how soon somebody acknowledged an alert.
function responses({ watch }, names) {
  if (!watch.length) return [];
  return [heading({ title: t('statistics.watch'), lead: t('statistics.watch_note'), level: 2 }), part('yb-table', {
    caption: t('statistics.watch'), empty: '', load: async () => ({ items: watch, next: null }),
    columns: [
      { label: t('statistics.watch_list'), cell: (one) => t(`page.${one.watch_list}`) },
      { label: t('boxes.branch'), cell: (one) => names.name(one.branch_id) },
      { label: t('statistics.watch_count'), kind: 'number', cell: (one) => number(one.acknowledged) },
      { label: t('statistics.median_s'), kind: 'number', cell: (one) => number(one.median_s) },
      { label: t('statistics.p90_s'), kind: 'number', cell: (one) => number(one.p90_s) },
    ],
  })];
}

function pictures({ days, enrolled, response_limits_s: limits }) {
  const enrolledOn = [...new Set(enrolled.map((one) => one.day))];
  const galleries = [...new Set(enrolled.map((one) => one.gallery))];
  const held = (gallery, on) => enrolled.find((one) => one.gallery === gallery && one.day === on)?.customers ?? null;
  const labels = days.map((one) => short(one.day));
  const each = (name) => days.map((one) => one[name]);
  const classes = [...limits.map((limit) => t('statistics.within', { n: limit })), t('statistics.later', { n: limits[limits.length - 1] })];
  const answered = classes.map((_, at) => days.reduce((total, one) => total + one.answered[at], 0));
  const known = answered.some(Boolean);
  return [
    lines({ title: t('statistics.enrolled'), labels: enrolledOn.map(short), series: galleries.map((gallery) => ({ name: word('gallery', gallery), values: enrolledOn.map((on) => held(gallery, on)) })) }),
    bars({ title: t('statistics.visits'), labels, series: [{ name: t('statistics.visits'), values: each('visits') }] }),
    bars({ title: t('statistics.quality'), labels, note: t('statistics.quality_note'), series: [{ name: t('statistics.confirmed'), values: each('confirmed') }, { name: t('statistics.wrong'), values: each('wrong_person') }] }),
    bars({ title: t('statistics.response'), labels: known ? classes : [], note: t('statistics.response_note'), series: [{ name: t('statistics.cards'), values: answered }] }),
  ];
}
