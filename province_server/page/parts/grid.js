// A small table that needs no paging: [label, number?] columns, rows of cells, the first one the row's name.
import { el } from '../dom.js';
import { t } from '../strings.js';

export function grid(title, columns, rows, { note, testid } = {}) {
  const cell = (content, at) => (at ? el('td', { class: columns[at][1] ? 'cell-number' : '' }, content) : el('th', { scope: 'row' }, content));
  const head = columns.map(([label, numeric]) => el('th', { scope: 'col', class: numeric ? 'cell-number' : '' }, label));
  return el('section', { class: 'card', testid }, el('div', { class: 'card-head' }, el('h2', {}, title), note && el('span', { class: 'plot-note' }, note)),
    rows.length ? el('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': title },
      el('table', { class: 'table' }, el('thead', {}, el('tr', {}, head)), el('tbody', {}, rows.map((row) => el('tr', {}, row.map(cell))))))
      : el('p', { class: 'empty' }, t('plot.empty')));
}
