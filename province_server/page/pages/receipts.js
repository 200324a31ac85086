// Receipts of withdrawal and erasure: what went where, and which city has yet to confirm; the filing counter (C7).
import { call, get, put, saveAs } from '../api.js';
import { el, part, place } from '../dom.js';
import { dateTime, number } from '../format.js';
import { panel } from '../parts/dialog.js';
import { heading, id, listing, short } from '../parts/listing.js';
import { say, tag } from '../parts/notice.js';
import { facts } from '../parts/record.js';
import { address } from '../router.js';
import { may } from '../session.js';
import { current, t, word } from '../strings.js';
import '../parts/table.js';

const FILING_TONES = { below: 'good', filed: 'good', alert: 'warn', due: 'warn', overdue: 'bad' };
const scope = (one) => (one.everything ? t('receipts.everything') : one.purposes.map((purpose) => word('purpose', purpose)).join(t('list.and')));
const state = (one) => (one.complete ? tag(t('receipts.complete'), 'good') : tag(t('receipts.pending', { n: one.cities.filter((city) => city.confirmed_at_ms === null).length }), 'warn'));

export default async function show(root, { path }) {
  if (path.length) {
    await one(root, path[0]);
    return;
  }
  listing(root, {
    title: t('page.receipts'), lead: t('receipts.lead'), path: 'receipts', empty: t('receipts.empty'),
    columns: [
      { label: t('receipts.id'), cell: (each) => el('a', { href: address('receipts', each.receipt_id) }, short(each.receipt_id)) },
      { label: t('receipts.when'), kind: 'time', cell: (each) => dateTime(each.made_at_ms) },
      { label: t('receipts.scope'), cell: scope },
      { label: t('table.state'), cell: state },
    ],
  });
  if (may('get_filing')) place(root, await filing(() => { root.replaceChildren(); return show(root, { path }); }));
}

async function one(root, receiptId) {
  const receipt = await get(`receipts/${receiptId}`);
  const print = async () => saveAs(await (await call('GET', `receipts/${receiptId}/text`, { query: { language: current() }, raw: true })).blob(), `receipt-${receiptId}.txt`);
  place(root,
    el('nav', { class: 'crumbs', 'aria-label': t('page.receipts') }, el('a', { href: address('receipts') }, t('page.receipts'))),
    heading({ title: t('receipts.title'), lead: scope(receipt) }, el('button', { type: 'button', class: 'button', testid: 'print', onclick: print }, t('receipts.print'))),
    el('div', { class: 'columns' },
      el('section', { class: 'card' }, el('h2', {}, t('receipts.deleted')), facts([
        [t('receipts.when'), dateTime(receipt.made_at_ms)], [t('receipts.ref'), id(receipt.customer_ref)],
        ...receipt.deleted.map((each) => [`${word('deleted', each.what)} · ${word('where', each.where)}`, each.count === null ? t('receipts.all') : number(each.count)])])),
      el('section', { class: 'card' }, el('div', { class: 'card-head' }, el('h2', {}, t('receipts.cities')), state(receipt)), part('yb-table', {
        caption: t('receipts.cities'), empty: t('receipts.no_city'), load: async () => ({ items: receipt.cities, next: null }),
        columns: [
          { label: t('branches.city'), cell: (city) => city.name },
          { label: t('receipts.confirmed'), cell: (city) => (city.confirmed_at_ms === null ? tag(t('receipts.waiting'), 'warn') : dateTime(city.confirmed_at_ms)) },
          { label: t('receipts.boxes'), cell: (city) => (city.boxes_forget_by_ms === null ? '—' : dateTime(city.boxes_forget_by_ms)) },
        ],
      }))));
}

async function filing(changed) {
  const standing = await get('filing');
  const record = async () => {
    const done = await panel({
      title: t('filing.record'), label: t('action.save'), fields: [{ name: 'filing_number', label: t('filing.number'), required: true, max: 120 }],
      send: async (values) => { await put('filing', values); },
    });
    if (!done) return;
    await changed();
    say(t('filing.recorded'));
  };
  return el('section', { class: 'card stack', testid: 'filing' },
    el('div', { class: 'card-head' }, el('h2', {}, t('filing.title')), tag(word('filing_state', standing.state), FILING_TONES[standing.state])),
    el('p', { class: 'quiet' }, t('filing.text')),
    facts([
      [t('filing.entity'), standing.legal_entity],
      [t('filing.people'), t('filing.of', { n: number(standing.people), limit: number(standing.duty_from_people) })],
      standing.due_on && [t('filing.due'), `${standing.due_on}${standing.working_days_left === null ? '' : ` · ${t('filing.left', { n: standing.working_days_left })}`}`],
      standing.filing_number && [t('filing.number'), standing.filing_number],
    ]),
    may('record_filing') && standing.crossed_at_ms !== null && el('button', { type: 'button', class: 'button', onclick: record }, t('filing.record')));
}
