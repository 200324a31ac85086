// Customers in arrears whom their account manager wants to speak to; he alone is told.
import { id } from '../parts/listing.js';
import { staff } from '../parts/names.js';
import { watchPage } from '../parts/watch.js';
import { t } from '../strings.js';

export default async function show(root) {
  const people = await staff();
  const managers = people.items.filter((one) => one.role === 'account_manager' && one.active).map((one) => [one.staff_id, `${one.display_name} · ${one.staff_id}`]);
  watchPage(root, 'overdue', {
    who: { label: t('customer.id'), cell: (one) => (one.customer_id ? id(one.customer_id) : '—') },
    fields: [
      { name: 'customer_id', label: t('customer.id'), required: true, max: 64 },
      { name: 'told_staff_id', label: t('overdue.told'), kind: 'select', required: true, options: managers, hint: t('overdue.told_hint') },
    ],
  });
}
