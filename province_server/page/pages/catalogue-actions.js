// What can be done with a version as a whole: check, release or roll back, copy, discard; and what a check found.
import { post, remove } from '../api.js';
import { el } from '../dom.js';
import { instant, yuan } from '../format.js';
import { confirm, panel } from '../parts/dialog.js';
import { say, tag } from '../parts/notice.js';
import { address, go } from '../router.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';

const isDraft = (version) => ['draft', 'checked'].includes(version.state);
export const editable = (version) => isDraft(version) && may('put_catalogue_entry');

export function actions(version, { refresh, check }) {
  const path = `catalogues/${version.catalogue_id}`;
  const button = (name, run, kind = '') => el('button', { type: 'button', class: `button ${kind}`, testid: name, onclick: run }, t(`catalogue_do.${name}`));
  const look = async () => {
    const result = await post(`${path}/check`);
    await refresh();
    check(result);
  };
  const copy = async () => {
    const made = await post('catalogues', { based_on: version.catalogue_id });
    say(t('catalogue.begun', { n: made.number }));
    go('catalogue', made.catalogue_id, 'products');
  };
  const discard = () => confirm({ title: t('catalogue.discard_title', { n: version.number }), text: t('catalogue.discard_text'), label: t('catalogue_do.discard'), danger: true, run: async () => { await remove(path); go('catalogue'); } });
  return [
    isDraft(version) && may('check_catalogue') && button('check', look),
    may('add_catalogue_draft') && !isDraft(version) && button('copy', copy),
    isDraft(version) && may('discard_catalogue') && button('discard', discard, 'button-quiet-danger'),
    version.needs_you && button('release', () => release(version, refresh), 'button-primary'),
    version.state === 'released' && !version.in_force && may('release_catalogue') && button('again', () => release(version, refresh)),
  ];
}

async function release(version, refresh) {
  const again = version.state === 'released';
  const later = ({ when }) => when === 'later';
  const sent = await panel({
    title: t(again ? 'catalogue.again_title' : 'catalogue.release_title', { n: version.number }),
    text: t(again ? 'catalogue.again_text' : 'catalogue.release_text'),
    label: t(again ? 'catalogue_do.again' : 'catalogue_do.release'),
    fields: [
      { name: 'reason', label: t('catalogue.reason'), required: true, max: 120 },
      { name: 'when', label: t('catalogue.when'), kind: 'select', required: true, value: 'now', options: [['now', t('catalogue.now')], ['later', t('catalogue.later')]] },
      { name: 'from', label: t('catalogue.from'), kind: 'datetime', required: true, shown: later, hint: t('catalogue.from_hint') },
    ],
    send: async ({ reason, from }) => { await post(`catalogues/${version.catalogue_id}/releases`, { reason, from_ms: from ? instant(from) : null }); },
  });
  if (!sent) return;
  say(t('catalogue.released'));
  await refresh();
  go('catalogue');
}

// A check in words: each mistake with its line and a way there, and what a person should look at.
export function findings(version, { faults, notices }) {
  if (faults.length) {
    return el('div', { class: 'problem', role: 'alert', testid: 'faults' }, el('div', { class: 'problem-text' },
      el('p', {}, t('catalogue.faults', { n: faults.length })),
      el('ul', { class: 'fault-list' }, faults.map((one) => el('li', {}, faultLine(version, one))))));
  }
  return el('div', { class: notices.length ? 'hint-box' : 'good-box', testid: 'checked' }, el('div', { class: 'stack stack-tight' },
    el('p', {}, t(version.needs_you ? 'catalogue.no_faults_release' : 'catalogue.no_faults')),
    notices.length > 0 && el('ul', { class: 'fault-list' }, notices.map((one) => el('li', {}, noticeLine(one))))));
}

export function faultLine(version, fault) {
  return [
    el('a', { href: `${address('catalogue', version.catalogue_id, 'text')}?line=${fault.line}` }, t('catalogue.line', { n: fault.line })), ' ',
    tag(word('fault', fault.kind), 'bad'), ' ', el('b', {}, [fault.name, fault.field].filter(Boolean).join(' · ')), ' ', el('span', { lang: 'en' }, fault.message),
  ];
}

function noticeLine({ kind, product, before, after }) {
  const shown = (value) => (kind === 'margin_changed' ? yuan(Number(value)) : kind === 'suitability_changed' ? word('regime', value) : value);
  return t(`notice.${kind}`, { product, before: shown(before), after: shown(after) });
}
