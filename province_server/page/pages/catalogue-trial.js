// A version tried on enrolled customers before its release: offers of each product now and then.
import { get } from '../api.js';
import { el, place, svg } from '../dom.js';
import { number, percent } from '../format.js';
import { problemBox, tag } from '../parts/notice.js';
import { may } from '../session.js';
import { pick, t, word } from '../strings.js';

const [WIDTH, ROW, LEFT, RIGHT] = [760, 40, 190, 60];

export default async function draw(box, { version }) {
  if (!may('try_catalogue')) {
    place(box, el('p', { class: 'hint-box' }, t('problem.not_allowed')));
    return;
  }
  const result = el('div', { class: 'stack', 'aria-live': 'polite' });
  const run = async () => {
    button.disabled = true;
    try {
      const found = await get(`catalogues/${version.catalogue_id}/trial`, { of: of.value });
      result.replaceChildren(...drawn(found, version));
    } catch (problem) {
      result.replaceChildren(problemBox(problem));
    }
    button.disabled = false;
  };
  const of = el('select', { class: 'input', id: 'tried-on', testid: 'tried-on' }, ['enrolled', 'visits'].map((value) => el('option', { value }, word('tried_on', value))));
  const button = el('button', { type: 'button', class: 'button button-primary', testid: 'run-trial', onclick: run }, t('catalogue.try'));
  place(box, el('p', { class: 'lead' }, t('catalogue.try_lead')),
    el('div', { class: 'bar filters' }, el('div', { class: 'field' }, el('label', { class: 'field-label', for: 'tried-on' }, t('catalogue.tried_with')), of), button), result);
}

function drawn(found, version) {
  const names = new Map((version.content?.product ?? []).map((one) => [one.code, pick(one, 'name')]));
  const moved = found.products.filter((one) => one.gained || one.lost);
  const products = [...found.products].sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || b.after - a.after);
  const tile = (label, value) => el('div', { class: 'tile' }, el('dt', {}, label), el('dd', {}, value));
  return [
    el('dl', { class: 'tiles-row', testid: 'trial' },
      tile(word('tried_on', found.tried_on), number(found.customers)),
      tile(t('catalogue.get_other'), `${number(found.changed)} (${percent(found.changed / found.customers)})`),
      tile(t('catalogue.get_none'), `${number(found.without_offer_before)} → ${number(found.without_offer_after)}`),
      tile(t('catalogue.unsuitable'), [number(found.unsuitable), ' ', tag(t(found.unsuitable ? 'catalogue.unsuitable_bad' : 'catalogue.unsuitable_good'), found.unsuitable ? 'bad' : 'good')])),
    figure(products, names, found),
    el('p', { class: 'quiet' }, t('catalogue.reordered', { n: number(found.reordered), moved: number(moved.length) })),
  ];
}

// Two bars a product: as it is, and as it would be.
function figure(products, names, { customers }) {
  const title = t('catalogue.offers_by_product');
  const most = Math.max(1, ...products.flatMap((one) => [one.before, one.after]));
  const width = (value) => (WIDTH - LEFT - RIGHT) * value / most;
  const rows = products.map((one, at) => [
    svg('text', { class: 'plot-text', x: LEFT - 8, y: at * ROW + 24, 'text-anchor': 'end' }, cut(names.get(one.product) ?? one.product)),
    ...[['before', 2, 8], ['after', 0, 21]].map(([when, series, y]) => [
      svg('rect', { class: `series series-${series}`, x: LEFT, y: at * ROW + y, height: 11, width: width(one[when]) }),
      svg('text', { class: 'plot-text', x: LEFT + width(one[when]) + 6, y: at * ROW + y + 10 }, number(one[when])),
    ]).flat(),
  ]);
  const key = (series, label) => el('li', {}, svg('svg', { viewBox: '0 0 10 10', class: 'plot-swatch', 'aria-hidden': 'true' }, svg('rect', { class: `series series-${series}`, width: 10, height: 10, rx: 2 })), label);
  const columns = ['before', 'after', 'gained', 'lost'];
  return el('figure', { class: 'card plot' },
    el('figcaption', { class: 'card-head' }, el('h2', {}, title), el('ul', { class: 'plot-key' }, key(2, t('trial.before')), key(0, t('trial.after')))),
    svg('svg', { viewBox: `0 0 ${WIDTH} ${products.length * ROW + 8}`, role: 'img', 'aria-label': t('catalogue.offers_of', { n: number(customers) }) }, rows.flat()),
    el('details', {}, el('summary', {}, t('plot.table')), el('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': title }, el('table', { class: 'table' },
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, t('catalogue.product')), columns.map((name) => el('th', { scope: 'col', class: 'cell-number' }, t(`trial.${name}`))))),
      el('tbody', {}, products.map((one) => el('tr', {}, el('th', { scope: 'row' }, names.get(one.product) ?? one.product), columns.map((name) => el('td', { class: 'cell-number' }, number(one[name]))))))))));
}

const cut = (name) => (name.length > 22 ? `${name.slice(0, 21)}…` : name);
