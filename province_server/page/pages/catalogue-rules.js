// Rules of a version: when a product is raised, how likely it suits, and the reason that the tablet gives.
import { el, part, place } from '../dom.js';
import { percent } from '../format.js';
import { pick, t, word } from '../strings.js';
import { editable } from './catalogue-actions.js';
import { editEntry, removeEntry } from './catalogue-entry.js';
import { vocabulary } from './catalogue-versions.js';
import '../parts/table.js';

export default async function draw(box, { version, refresh }) {
  if (!version.content) {
    place(box, el('p', { class: 'hint-box' }, t('catalogue.only_text')));
    return;
  }
  const words = await vocabulary();
  const rules = version.content.rule ?? [];
  const products = new Map((version.content.product ?? []).map((one) => [one.code, one]));
  const named = (code) => (products.has(code) ? pick(products.get(code), 'name') : code);
  const search = el('input', { class: 'input', id: 'filter-text', testid: 'filter-text', type: 'search', oninput: () => table.refresh() });
  const wanted = (one) => [one.id, one.product, one.when, one.reason_zh, one.reason_en, named(one.product)].some((text) => String(text ?? '').toLowerCase().includes(search.value.trim().toLowerCase()));
  const edit = (one) => editEntry({
    version, table: 'rule', key: 'id', entry: one, refresh, toEntry: (values) => ({ when: null, reason_zh: null, reason_en: null, propensity: null, ...values }),
    title: one ? t('catalogue.edit_rule', { name: one.id }) : t('catalogue.new_rule'),
    fields: fieldsOf(one ?? {}, words, [...products.keys()].map((code) => [code, named(code)]), Object.keys(version.content.sources ?? {})),
  });
  const may = editable(version);
  const table = part('yb-table', {
    caption: t('catalogue_tab.rules'), empty: t('catalogue.nothing_found'), load: async () => ({ items: rules.filter(wanted), next: null }),
    columns: [
      { label: t('catalogue.rule'), kind: 'code', cell: (one) => el('span', {}, named(one.product), el('small', { class: 'quiet code-line' }, one.id)) },
      { label: word('rule_field', 'when'), kind: 'code', cell: (one) => el('code', { class: 'expression' }, one.when) },
      { label: word('rule_field', 'propensity'), kind: 'number', cell: (one) => percent(one.propensity) },
      { label: t('catalogue.said'), cell: (one) => pick(one, 'reason') },
      ...(may ? [{ label: '', kind: 'actions', cell: (one) => el('div', { class: 'row-actions' },
        el('button', { type: 'button', class: 'button button-small', testid: `edit-${one.id}`, onclick: () => edit(one) }, t('action.change')),
        el('button', { type: 'button', class: 'button button-small button-quiet-danger', testid: `remove-${one.id}`, onclick: () => removeEntry({ version, table: 'rule', name: one.id, refresh }) }, t('catalogue.remove'))) }] : []),
    ],
  });
  place(box,
    el('div', { class: 'bar filters' },
      el('div', { class: 'field' }, el('label', { class: 'field-label', for: 'filter-text' }, t('catalogue.find')), search),
      may && el('button', { type: 'button', class: 'button', testid: 'add-rule', onclick: () => edit(null) }, t('catalogue.new_rule'))),
    table);
}

function fieldsOf(one, words, products, sources) {
  const text = (name, more = {}) => ({ name, label: word('rule_field', name), value: one[name], ...more });
  const places = t('catalogue.places_hint', { places: words.placeholders.map((name) => `{${name}}`).join(' ') });
  return [
    text('id', { required: true, max: 40, pattern: '[a-z][a-z0-9_]{1,39}', hint: t('catalogue.code_hint') }),
    text('product', { kind: 'select', required: true, options: products, value: one.product ?? products[0]?.[0] }),
    text('when', { kind: 'textarea', required: true, rows: 4, max: 1000, hint: t('catalogue.condition_hint'), more: { label: t('catalogue.facts'), text: Object.keys(words.facts).join(', ') } }),
    text('propensity', { kind: 'number', required: true, min: 0.01, max: 1, step: 'any' }),
    text('source', { kind: 'select', required: true, options: sources.map((name) => [name, name]), value: one.source ?? sources[0] }),
    text('reason_zh', { kind: 'textarea', required: true, max: 200, hint: places }),
    text('reason_en', { kind: 'textarea', required: true, max: 400 }),
  ];
}
