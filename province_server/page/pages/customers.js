// Customers: find one by number, page through all; one of them in full.
import { el } from '../dom.js';
import { dateTime } from '../format.js';
import { listing, short } from '../parts/listing.js';
import { branches } from '../parts/names.js';
import { say } from '../parts/notice.js';
import { recordFields, register } from '../parts/record.js';
import { address, go } from '../router.js';
import { t } from '../strings.js';
import { showCustomer } from './customer.js';

export default async function show(root, { path }) {
  const names = await branches();
  if (path.length) {
    await showCustomer(root, path[0], names);
    return;
  }
  const field = el('input', { class: 'input', type: 'search', name: 'customer_id', 'aria-label': t('customers.search'), placeholder: t('customers.search'), testid: 'search', autocomplete: 'off', spellcheck: 'false', 'aria-keyshortcuts': 'Alt+S' });
  const find = (event) => {
    event.preventDefault();
    if (field.value.trim()) go('customers', field.value.trim());
  };
  listing(root, {
    title: t('page.customers'), lead: t('customers.lead'), path: 'customers', empty: t('customers.empty'),
    tools: el('form', { class: 'search', role: 'search', onsubmit: find }, field, el('button', { type: 'submit', class: 'button' }, t('customers.open'))),
    columns: [
      { label: t('customer.id'), cell: (one) => el('a', { href: address('customers', one.customer_id), testid: `customer-${one.customer_id}` }, short(one.customer_id)) },
      { label: t('customer.home_branch'), cell: (one) => names.name(one.home_branch_id) },
      { label: t('customer.since'), kind: 'time', cell: (one) => dateTime(one.created_at_ms) },
    ],
    add: {
      needs: 'add_customer', label: t('customers.add'), fields: recordFields(names),
      send: async (values) => {
        go('customers', await register(values));
        say(t('customers.added'));
      },
    },
  });
}
