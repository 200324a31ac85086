// Whom the offers pass by: regulars who were never shown anything, and groups that are offered less. Asked for by hand:
// the records of all who came are opened for it.
import { get } from '../api.js';
import { el } from '../dom.js';
import { dateTime, number, percent } from '../format.js';
import { grid } from '../parts/grid.js';
import { short } from '../parts/listing.js';
import { problemBox } from '../parts/notice.js';
import { intervals } from '../plots.js';
import { may } from '../session.js';
import { t } from '../strings.js';

const TAGS = { met: 'tag tag-good', below: 'tag tag-bad', not_shown: 'tag', too_few: 'tag' };
const ORDER = ['below', 'not_shown', 'met', 'too_few'];
const PLOTTED = 12;

export function groups(days, names) {
  const shown = el('div', { class: 'stack' });
  const look = async () => {
    shown.setAttribute('aria-busy', 'true');
    try {
      const [compared, without] = await Promise.all([get('effect/groups', days), get('effect/underserved', days)]);
      const listed = may('list_underserved') && without.customers > 0 ? await get('effect/underserved/customers', days) : [];
      shown.replaceChildren(...underserved(without, listed, names), ...bias(compared.figures, names));
    } catch (problem) {
      shown.replaceChildren(problemBox(problem, look));
    } finally {
      shown.removeAttribute('aria-busy');
    }
  };
  return [
    el('div', { class: 'page-head' },
      el('div', {}, el('h2', {}, t('effect.groups')), el('p', { class: 'lead' }, t('effect.groups_lead'))),
      el('div', { class: 'page-actions' }, el('button', { type: 'button', class: 'button', testid: 'compare', onclick: look }, t('effect.compare')))),
    shown,
  ];
}

function underserved(without, listed, names) {
  const rows = without.branches.map((one) => [names.name(one.branch_id), number(one.customers)]);
  if (without.elsewhere) rows.push([t('effect.elsewhere', { k: without.k }), number(without.elsewhere)]);
  return [
    grid(t('effect.underserved'), [[t('effect.branches')], [t('effect.customers'), true]], rows,
      { note: t('effect.underserved_note', { n: number(without.customers), visits: without.least_visits }), testid: 'underserved' }),
    listed.length > 0 && grid(t('effect.underserved_list'), [[t('customer.id')], [t('effect.visits'), true], [t('effect.branches')], [t('effect.last_visit')]],
      listed.map((one) => [short(one.customer_id), number(one.visits), names.name(one.branch_id), dateTime(one.last_at_ms)])),
  ].filter(Boolean);
}

function bias(figures, names) {
  const name = (one) => (one.attribute === 'branch' ? names.name(one.group) : t(`effect.group_${one.group.replaceAll(' ', '_').replaceAll('-', '_')}`));
  const compared = figures.filter((one) => one.ratio).sort((one, other) => one.ratio.value - other.ratio.value);
  const lowest = compared.filter((one) => one.ratio.value < 1).slice(0, PLOTTED);
  const sorted = [...figures].sort((one, other) => ORDER.indexOf(one.verdict) - ORDER.indexOf(other.verdict));
  const between = (said) => (said ? t('effect.between', { rate: percent(said.value), low: percent(said.low), high: percent(said.high) }) : '—');
  return [
    intervals({ title: t('effect.ratio'), note: t('effect.ratio_note'), name: t('effect.rate_percent'),
      labels: lowest.map((one) => `${name(one)} · ${one.product}`),
      points: lowest.map(({ ratio }) => ({ value: 100 * ratio.value, low: 100 * ratio.low, high: 100 * ratio.high })) }),
    grid(t('effect.bias'), [[t('effect.group')], [t('effect.products')], [t('effect.measure')], [t('effect.customers'), true], [t('effect.rate_of'), true], [t('effect.ratio'), true], [t('effect.verdict')]],
      sorted.map((one) => [name(one), one.product, t(`effect.measure_${one.measure}`), number(one.customers), between(one.rate), between(one.ratio),
        el('span', { class: TAGS[one.verdict] }, t(`effect.verdict_${one.verdict}`))]), { testid: 'bias' }),
  ];
}
