// Customers as analysts may see them: pseudonyms, bands and buckets; no group of fewer than ten.
import { listing, short } from '../parts/listing.js';
import { tierTag } from '../parts/record.js';
import { t, word } from '../strings.js';

export default async function show(root) {
  listing(root, {
    title: t('page.analytics'), lead: t('analytics.lead'), path: 'analytics/customers', empty: t('analytics.empty'),
    columns: [
      { label: t('analytics.pseudonym'), cell: (one) => short(one.pseudonym) },
      { label: t('analytics.age'), cell: (one) => one.age_band },
      { label: t('customer.tier'), cell: (one) => tierTag(one.tier) },
      { label: t('branches.city'), cell: (one) => one.city },
      { label: t('analytics.deposits'), cell: (one) => one.deposits },
      { label: t('analytics.investments'), cell: (one) => one.investments },
      { label: t('analytics.loans'), cell: (one) => one.loans },
      { label: t('customer.holdings'), cell: (one) => one.holdings.map((holding) => word('holding', holding)).join(t('list.and')) || '—' },
    ],
  });
}
