// What personal offers bring beyond the list for everybody: against the holdout, by arm of a test, and what the log taught.
import { el } from '../dom.js';
import { number, percent, yuan } from '../format.js';
import { grid } from '../parts/grid.js';
import { intervals } from '../plots.js';
import { t } from '../strings.js';

const between = (said, format) => (said ? t('effect.between', { rate: format(said.value), low: format(said.low), high: format(said.high) }) : t('effect.unknown'));
const times = (value) => number(value, 2);
const points = (said) => ({ value: 100 * said.value, low: 100 * said.low, high: 100 * said.high });

export function brings({ uplift, arms, learned, learned_version: version, refusals, k }) {
  return [
    el('p', { class: uplift.state === 'measured' ? 'lead' : 'card', testid: 'uplift-state', role: 'status' },
      t(`effect.state_${uplift.state}`, { k, treated: number(uplift.treated_customers), held_out: number(uplift.held_out_customers) })),
    el('div', { class: 'columns' }, uplift.accepted && plot(uplift), figures(uplift)),
    arms.length > 0 && grid(t('effect.arms'), [[t('effect.arm')], [t('effect.customers'), true], [t('effect.visits'), true], [t('effect.rate_visit'), true]],
      arms.map((one) => [`${one.experiment} · ${one.arm}`, number(one.customers), number(one.visits), between(one.accepted, percent)])),
    el('div', { class: 'columns' },
      intervals({ title: t('effect.learned'), labels: learned.map((one) => one.product), name: t('effect.rate_percent'),
        note: version ? t('effect.learned_note', { version }) : t('effect.learned_none'),
        points: learned.map((one) => points({ value: one.learned, low: one.low, high: one.high })) }),
      grid(t('effect.refusals'), [[t('effect.products')], [t('effect.reason')], [t('effect.times'), true]],
        refusals.map((one) => [one.product, t(`effect.reason_${one.reason || 'none'}`), number(one.times)]))),
  ].filter(Boolean);
}

function plot({ treated, held_out: heldOut, accepted }) {
  return intervals({ title: t('effect.uplift'), note: t('effect.uplift_note'), name: t('effect.rate_percent'),
    labels: [t('effect.treated'), t('effect.held_out'), t('effect.difference')], points: [treated, heldOut, accepted].map(points) });
}

function figures(uplift) {
  return grid(t('effect.brings'), [[''], [t('effect.value'), true]], [
    [t('effect.treated'), between(uplift.treated, percent)],
    [t('effect.held_out'), between(uplift.held_out, percent)],
    [t('effect.difference'), between(uplift.accepted, percent)],
    [t('effect.margin'), between(uplift.margin_fen, yuan)],
    [t('effect.roi', { cost: yuan(uplift.contact_cost_fen) }), between(uplift.roi, times)],
    [t('effect.incremental_roi'), between(uplift.incremental_roi, times)],
  ], { testid: 'uplift' });
}
