// One customer: record, consents, templates; change, enrol, export, erase.
import { call, get, put, saveAs } from '../api.js';
import { el, glyph, place } from '../dom.js';
import { consentCard } from '../parts/consent.js';
import { confirm, panel } from '../parts/dialog.js';
import { heading } from '../parts/listing.js';
import { emptyBox, say } from '../parts/notice.js';
import { asRecord, figures, identity, recordFields } from '../parts/record.js';
import { address, go } from '../router.js';
import { may } from '../session.js';
import { current, t, word } from '../strings.js';

const pathOf = (customerId) => `customers/${encodeURIComponent(customerId)}`;

// Sends a deletion; the answer names its receipt.
async function ended(path) {
  const reply = await call('DELETE', path, { raw: true });
  return (reply.headers.get('location') ?? '').split('/').pop();
}

export async function showCustomer(root, customerId, branches, receiptId = null) {
  let customer;
  try {
    customer = await get(pathOf(customerId));
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    place(root, heading({ title: t('page.customers') }), emptyBox(t('customer.none', { id: customerId }), el('a', { class: 'button', href: address('customers') }, t('customer.back'))));
    return;
  }
  const { record } = customer;
  const again = async (said, receipt = null) => {
    say(said);
    root.replaceChildren();
    await showCustomer(root, customerId, branches, receipt);
  };
  const button = (needs, testid, label, run, tone = '') => may(needs) && el('button', { type: 'button', class: `button ${tone}`, testid, onclick: run }, label);
  place(root,
    el('nav', { class: 'crumbs', 'aria-label': t('customer.back') }, el('a', { href: address('customers') }, t('page.customers')), el('span', { 'aria-hidden': 'true' }, ' / '), el('span', {}, customerId)),
    heading({ title: record.full_name },
      may('enrol_photo') && el('a', { class: 'button button-primary', href: address('enrol', customerId), testid: 'enrol' }, t('customer.enrol')),
      button('update_customer', 'change', t('action.change'), () => change(customer, branches, again)),
      button('print_export', 'export', t('customer.export'), () => download(customerId)),
      button('erase_customer', 'erase', t('customer.erase'), () => erase(customerId), 'button-quiet-danger')),
    receiptId && receiptBox(receiptId),
    el('div', { class: 'columns' },
      el('section', { class: 'card' }, el('h2', {}, t('customer.record')), identity(customer, branches)),
      el('section', { class: 'card stack' }, el('h2', {}, t('customer.more')), templates(customer), figures(record))),
    consentCard(customer, ended, again));
}

const templates = ({ templates: count, gallery }) => el('p', { testid: 'templates', class: count ? 'good-box' : 'hint-box' }, count ? t('customer.templates_text', { n: count, gallery: word('gallery', gallery) }) : t('customer.templates_none'));

const receiptBox = (receiptId) => el('div', { class: 'good-box', testid: 'receipt' }, glyph('receipt'), el('p', {}, t('customer.receipt'), ' ', el('a', { href: address('receipts', receiptId) }, t('customer.receipt_open'))));

async function change({ record }, branches, again) {
  const done = await panel({
    title: t('customer.change'), label: t('action.save'), fields: recordFields(branches, record),
    send: async (values) => { await put(pathOf(record.customer_id), asRecord(values, record)); },
  });
  if (done) await again(t('customer.changed'));
}

async function download(customerId) {
  const reply = await call('GET', `${pathOf(customerId)}/export/text`, { query: { language: current() }, raw: true });
  saveAs(await reply.blob(), `${customerId}.txt`);
}

async function erase(customerId) {
  let receiptId = '';
  const done = await confirm({
    title: t('customer.erase_title'), text: t('customer.erase_text'), label: t('customer.erase'), danger: true, typed: customerId,
    run: async () => { receiptId = await ended(pathOf(customerId)); },
  });
  if (!done) return;
  if (receiptId && may('get_receipt')) go('receipts', receiptId);
  else go('customers');
  say(t('customer.erased', { id: customerId }));
}
