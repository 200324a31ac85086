// Products of a version: found by text, category, risk and whether they are on sale; each edited in a form.
import { el, part, place } from '../dom.js';
import { number, yuan } from '../format.js';
import { tag } from '../parts/notice.js';
import { pick, t, word } from '../strings.js';
import { editable } from './catalogue-actions.js';
import { editEntry, removeEntry } from './catalogue-entry.js';
import { vocabulary } from './catalogue-versions.js';
import '../parts/table.js';

const RISKS = [0, 1, 2, 3, 4, 5];
const risk = (level) => (level ? `R${level}` : t('catalogue.no_risk'));
const today = () => new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10); // China's day
const onSale = (one) => !(one.valid_until && one.valid_until < today()) && !(one.valid_from && one.valid_from > today());
const fen = (yuanText) => (yuanText === undefined ? 0 : Math.round(yuanText * 100));

export default async function draw(box, { version, refresh }) {
  if (!version.content) {
    place(box, el('p', { class: 'hint-box' }, t('catalogue.only_text')));
    return;
  }
  const words = await vocabulary();
  const products = version.content.product ?? [];
  const rules = version.content.rule ?? [];
  const select = (name, label, options) => {
    const input = el('select', { class: 'input', id: `filter-${name}`, testid: `filter-${name}`, onchange: () => table.refresh() }, el('option', { value: '' }, t('catalogue.any')), options.map(([value, shown]) => el('option', { value }, shown)));
    return { input, field: el('div', { class: 'field' }, el('label', { class: 'field-label', for: `filter-${name}` }, label), input) };
  };
  const search = el('input', { class: 'input', id: 'filter-text', testid: 'filter-text', type: 'search', oninput: () => table.refresh() });
  const category = select('category', t('catalogue.category'), words.categories.map((one) => [one, word('category', one)]));
  const level = select('risk', t('catalogue.risk'), RISKS.map((one) => [String(one), risk(one)]));
  const sale = select('sale', t('catalogue.sale'), [['yes', t('catalogue.on_sale')], ['no', t('catalogue.not_on_sale')]]);
  const wanted = (one) => [one.code, one.name_zh, one.name_en].some((text) => String(text ?? '').toLowerCase().includes(search.value.trim().toLowerCase()))
    && (!category.input.value || one.category === category.input.value)
    && (!level.input.value || String(one.risk_level ?? 0) === level.input.value)
    && (!sale.input.value || onSale(one) === (sale.input.value === 'yes'));
  const edit = (one) => editEntry({
    version, table: 'product', key: 'code', entry: one, refresh, toEntry,
    title: one ? t('catalogue.edit_product', { name: pick(one, 'name') }) : t('catalogue.new_product'), fields: fieldsOf(one ?? {}, words, !one),
  });
  const may = editable(version);
  const table = part('yb-table', {
    caption: t('catalogue_tab.products'), empty: t('catalogue.nothing_found'), load: async () => ({ items: products.filter(wanted), next: null }),
    columns: [
      { label: t('catalogue.product'), cell: (one) => el('span', {}, pick(one, 'name'), el('small', { class: 'quiet code-line' }, one.code)) },
      { label: t('catalogue.category'), cell: (one) => word('category', one.category) },
      { label: t('catalogue.risk'), cell: (one) => (one.risk_level ? tag(risk(one.risk_level), one.risk_level > 3 ? 'warn' : 'plain') : '—') },
      { label: t('catalogue.margin'), kind: 'number', cell: (one) => yuan(one.margin_fen ?? 0) },
      { label: t('catalogue.value'), kind: 'number', cell: (one) => number(one.value, 2) },
      { label: t('catalogue.rules_of'), kind: 'number', cell: (one) => number(rules.filter((rule) => rule.product === one.code).length) },
      { label: t('catalogue.sale'), cell: (one) => (onSale(one) ? tag(t('catalogue.on_sale'), 'good') : tag(t('catalogue.not_on_sale'))) },
      ...(may ? [{ label: '', kind: 'actions', cell: (one) => el('div', { class: 'row-actions' },
        el('button', { type: 'button', class: 'button button-small', testid: `edit-${one.code}`, onclick: () => edit(one) }, t('action.change')),
        el('button', { type: 'button', class: 'button button-small button-quiet-danger', testid: `remove-${one.code}`, onclick: () => removeEntry({ version, table: 'product', name: one.code, refresh }) }, t('catalogue.remove'))) }] : []),
    ],
  });
  place(box,
    el('div', { class: 'bar filters' },
      el('div', { class: 'field' }, el('label', { class: 'field-label', for: 'filter-text' }, t('catalogue.find')), search), category.field, level.field, sale.field,
      may && el('button', { type: 'button', class: 'button', testid: 'add-product', onclick: () => edit(null) }, t('catalogue.new_product'))),
    table);
}

function fieldsOf(one, words, fresh) {
  const text = (name, more = {}) => ({ name, label: word('product_field', name), value: one[name], ...more });
  const money = (name) => text(name, { kind: 'number', min: 0, step: 0.01, value: one[name] === undefined ? undefined : one[name] / 100 });
  return [
    text('code', { required: true, max: 40, pattern: '[a-z][a-z0-9_]{1,39}', hint: fresh ? t('catalogue.code_hint') : t('catalogue.code_kept') }),
    text('name_zh', { required: true, max: 200 }), text('name_en', { required: true, max: 400 }),
    text('category', { kind: 'select', required: true, value: one.category ?? words.categories[0], options: words.categories.map((value) => [value, word('category', value)]) }),
    text('suitability', { kind: 'select', required: true, value: one.suitability ?? 'none', options: words.regimes.map((value) => [value, word('regime', value)]) }),
    text('risk_level', { kind: 'select', required: true, value: String(one.risk_level ?? 0), options: RISKS.map((value) => [String(value), risk(value)]) }),
    text('investment', { kind: 'checkbox' }), text('credit', { kind: 'checkbox' }), text('fx', { kind: 'checkbox' }),
    text('talking_point_zh', { kind: 'textarea', required: true, max: 200 }), text('talking_point_en', { kind: 'textarea', required: true, max: 400 }),
    text('eligible', { kind: 'textarea', max: 1000, hint: t('catalogue.condition_hint'), more: { label: t('catalogue.facts'), text: Object.keys(words.facts).join(', ') } }),
    text('value', { kind: 'number', required: true, min: 0.01, max: 1, step: 'any', hint: t('catalogue.value_hint') }),
    money('margin_fen'), money('min_amount_fen'),
    text('lever', { kind: 'number', min: 0.5, max: 2, step: 'any', value: one.lever ?? 1 }),
    text('term_days', { kind: 'number', min: 0, max: 36500 }),
    text('valid_from', { kind: 'date' }), text('valid_until', { kind: 'date' }),
    text('holding', { kind: 'select', none: t('catalogue.no_holding'), options: words.holdings.map((value) => [value, word('holding', value)]) }),
    text('excludes', { value: (one.excludes ?? []).join(', '), hint: t('catalogue.excludes_hint') }),
  ];
}

// What a field does not say is taken out, so every name is here.
function toEntry(values) {
  const missing = Object.fromEntries(['name_zh', 'name_en', 'eligible', 'holding', 'valid_from', 'valid_until', 'talking_point_zh', 'talking_point_en', 'value'].map((name) => [name, null]));
  return {
    ...missing, lever: 1, term_days: 0, ...values,
    risk_level: Number(values.risk_level), margin_fen: fen(values.margin_fen), min_amount_fen: fen(values.min_amount_fen),
    excludes: (values.excludes ?? '').split(/[\s,，、]+/).filter(Boolean),
  };
}
