// What a version changes, side by side with what is in force: entry by entry, the changed words marked.
import { get } from '../api.js';
import { el, place } from '../dom.js';
import { yuan } from '../format.js';
import { emptyBox, problemBox, tag } from '../parts/notice.js';
import { t, word } from '../strings.js';

const TONES = { added: 'good', removed: 'bad', changed: 'warn' };

export default async function draw(box, { version }) {
  let found;
  try {
    found = await get(`catalogues/${version.catalogue_id}/diff`);
  } catch (problem) {
    place(box, problemBox(problem));
    return;
  }
  if (!found.changes.length) {
    place(box, emptyBox(t('catalogue.no_changes', { n: found.against })));
    return;
  }
  const entries = new Map();
  for (const change of found.changes) {
    const id = `${change.table} ${change.name}`;
    entries.set(id, [...(entries.get(id) ?? []), change]);
  }
  place(box, el('p', { class: 'lead' }, t('catalogue.compared', { n: entries.size, against: found.against })),
    [...entries.values()].map((changes) => card(changes, found.against, version.number)));
}

function card(changes, against, number) {
  const { op, table, name } = changes[0];
  const title = name ? `${word('catalogue_table', table)} ${name}` : t('catalogue.general');
  const rows = op === 'changed' ? changes.map((one) => [one.field, one.before, one.after])
    : Object.entries(changes[0].after ?? changes[0].before).map(([field, value]) => (op === 'added' ? [field, null, value] : [field, value, null]));
  return el('section', { class: 'card', testid: `diff-${name || 'general'}` },
    el('div', { class: 'card-head' }, el('h2', {}, title), tag(word('change', op), TONES[op])),
    el('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': title }, el('table', { class: 'table diff' },
      el('thead', {}, el('tr', {}, [t('catalogue.field'), t('catalogue.before', { n: against }), t('catalogue.after', { n: number })].map((label) => el('th', { scope: 'col' }, label)))),
      el('tbody', {}, rows.map((row) => line(table, row))))));
}

function line(table, [field, before, after]) {
  const money = table === 'product' && field.endsWith('_fen');
  const [was, now] = marked(shown(before, money), shown(after, money));
  const label = table === 'product' ? word('product_field', field) : table === 'rule' ? word('rule_field', field) : field;
  return el('tr', {}, el('th', { scope: 'row' }, label), el('td', { class: before === null ? '' : 'diff-was' }, was), el('td', { class: after === null ? '' : 'diff-now' }, now));
}

function shown(value, money) {
  if (value === null) return '';
  if (money) return yuan(value);
  return Array.isArray(value) ? value.join(', ') : String(value);
}

// Both texts, with what differs between their common beginning and end marked.
function marked(was, now) {
  if (!was || !now) return [was || '—', now || '—'];
  const [a, b] = [[...was], [...now]];
  const least = Math.min(a.length, b.length);
  let head = 0;
  while (head < least && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < least - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const parts = (letters, kind) => [letters.slice(0, head).join(''), el(kind, {}, letters.slice(head, letters.length - tail).join('')), letters.slice(letters.length - tail).join('')];
  return [parts(a, 'del'), parts(b, 'ins')];
}
