// A page that is one list: heading, what can be added, the table, what can be done to a row.
import { get } from '../api.js';
import { el, part, place } from '../dom.js';
import { may } from '../session.js';
import { t } from '../strings.js';
import { panel } from './dialog.js';
import { say } from './notice.js';
import './table.js';

// add: {needs, label, fields (or async () => fields), send(values) -> content to show or nothing, said}
// actions: [{needs, label (or (item) => label), danger, when(item), run(item) -> whether something changed}]
export function listing(root, { title, lead, level = 1, path, query = () => ({}), columns, empty, add, actions = [], tools = null }) {
  const usable = actions.filter((action) => may(action.needs));
  const table = part('yb-table', {
    caption: title, empty,
    columns: usable.length ? [...columns, { label: '', kind: 'actions', cell: (item) => buttons(item) }] : columns,
    load: (page) => get(path, { ...query(), ...page }),
  });

  const buttons = (item) => el('div', { class: 'row-actions' }, usable.filter((action) => action.when?.(item) ?? true).map((action) => el('button', {
    type: 'button', class: action.danger ? 'button button-small button-quiet-danger' : 'button button-small', testid: action.testid,
    onclick: async () => { if (await action.run(item)) table.refresh(); },
  }, typeof action.label === 'function' ? action.label(item) : action.label)));

  const create = async () => {
    const fields = typeof add.fields === 'function' ? await add.fields() : add.fields;
    if (await panel({ title: add.label, text: add.text, fields, label: add.label, send: add.send })) {
      if (add.said) say(add.said);
      table.refresh();
    }
  };

  place(root,
    heading({ title, lead, level }, add && may(add.needs) && el('button', { type: 'button', class: 'button button-primary', testid: 'add', onclick: create }, add.label)),
    tools, table);
  return table;
}

export const heading = ({ title, lead, level = 1 }, ...actions) => el('div', { class: 'page-head' },
  el('div', {}, el(`h${level}`, {}, title), lead && el('p', { class: 'lead' }, lead)),
  el('div', { class: 'page-actions' }, actions));

// A long id: its end is what differs, so that is shown; the whole is in the title.
const LONG = /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/;
export const short = (value) => el('span', { class: 'id', title: value }, LONG.test(value) ? `…${value.slice(-12)}` : value);

// The same, and a click copies the whole.
export function id(value) {
  if (!value) return '—';
  if (!LONG.test(value)) return short(value);
  const copy = async () => {
    await navigator.clipboard?.writeText(value);
    say(t('id.copied', { id: value }));
  };
  return el('button', { type: 'button', class: 'id id-copy', title: value, 'aria-label': t('id.copy', { id: value }), onclick: copy }, `…${value.slice(-12)}`);
}
