// Consent by purpose: what holds, under which notice, on what evidence; giving and withdrawing it.
import { get, put } from '../api.js';
import { el, part } from '../dom.js';
import { dateTime } from '../format.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';
import { confirm, panel } from './dialog.js';
import { tag } from './notice.js';
import './table.js';

export const PURPOSES = ['vip_service', 'central_storage', 'ticketing', 'teller_assist', 'marketing', 'whereabouts'];
export const NEEDED = ['vip_service', 'central_storage']; // for a template in any gallery: province_server.cards.needed_for
const NOTICE = 'yingbin.admin.notice';

export const noticeFields = (minor) => [
  { name: 'notice_version', label: t('consent.notice'), required: true, max: 64, value: sessionStorage.getItem(NOTICE) ?? undefined, hint: t('consent.notice_hint') },
  { name: 'evidence', label: t('consent.evidence'), required: true, max: 120, hint: t('consent.evidence_hint') },
  ...(minor ? [{ name: 'by_guardian', label: t('consent.by_guardian'), kind: 'checkbox', required: true }] : []),
];

export async function grant(customerId, purposes, given) {
  sessionStorage.setItem(NOTICE, given.notice_version);
  for (const purpose of purposes) await put(`customers/${encodeURIComponent(customerId)}/consents/${purpose}`, given);
}

// ended(path) deletes and returns the receipt's id; changed(said, receiptId) is called after whatever was done.
export function consentCard(customer, ended, changed) {
  const { customer_id: customerId, guardian } = customer.record;
  const path = `customers/${encodeURIComponent(customerId)}/consents`;
  const give = async (purpose) => {
    const done = await panel({
      title: t('consent.grant_title', { purpose: word('purpose', purpose) }), text: word('purpose_text', purpose),
      label: t('consent.grant'), fields: noticeFields(guardian !== null), send: async (given) => { await grant(customerId, [purpose], given); },
    });
    if (done) changed(t('consent.granted', { purpose: word('purpose', purpose) }));
  };
  const end = async (title, text, where, said) => {
    let receiptId = null;
    const done = await confirm({ title, text, label: t('consent.withdraw'), danger: true, run: async () => { receiptId = await ended(where); } });
    if (done) changed(said, receiptId);
  };
  const withdraw = (purpose) => end(t('consent.withdraw_title', { purpose: word('purpose', purpose) }), t(NEEDED.includes(purpose) ? 'consent.withdraw_ends' : 'consent.withdraw_text'), `${path}/${purpose}`, t('consent.withdrawn', { purpose: word('purpose', purpose) }));
  const withdrawAll = () => end(t('consent.all_title'), t('consent.withdraw_ends'), path, t('consent.all_withdrawn'));
  const action = ({ purpose, held }) => (held
    ? may('withdraw_consent') && el('button', { type: 'button', class: 'button button-small button-quiet-danger', testid: `withdraw-${purpose}`, onclick: () => withdraw(purpose) }, t('consent.withdraw'))
    : may('grant_consent') && el('button', { type: 'button', class: 'button button-small', testid: `grant-${purpose}`, onclick: () => give(purpose) }, t('consent.grant')));
  const table = part('yb-table', {
    caption: t('consent.title'), empty: t('consent.none'),
    load: async () => {
      const { items } = await get(path, { limit: 200 });
      const latest = (purpose) => items.filter((one) => one.purpose === purpose).sort((a, b) => b.granted_at_ms - a.granted_at_ms)[0];
      const rows = PURPOSES.map((purpose) => ({ purpose, last: latest(purpose) }));
      return { items: rows.map((row) => ({ ...row, held: row.last?.withdrawn_at_ms === null })), next: null };
    },
    columns: [
      { label: t('consent.purpose'), cell: ({ purpose }) => word('purpose', purpose) },
      { label: t('consent.state'), cell: ({ last, held }) => (held ? tag(t('consent.held'), 'good') : tag(t(last ? 'consent.was_withdrawn' : 'consent.never'))) },
      { label: t('consent.notice'), cell: ({ last }) => last?.notice_version },
      { label: t('consent.evidence'), cell: ({ last }) => last?.evidence },
      { label: t('consent.when'), cell: ({ last, held }) => last && el('span', {}, dateTime(held ? last.granted_at_ms : last.withdrawn_at_ms), el('small', { class: 'quiet' }, ` ${last.granted_by}`)) },
      { label: '', kind: 'actions', cell: action },
    ],
  });
  const all = customer.consents.length > 0 && may('withdraw_all') && el('button', { type: 'button', class: 'button button-small button-quiet-danger', testid: 'withdraw-all', onclick: withdrawAll }, t('consent.all'));
  return el('section', { class: 'card' }, el('div', { class: 'card-head' }, el('h2', {}, t('consent.title')), all), table);
}
