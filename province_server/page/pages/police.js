// The security page: whom a written order of the police names. Two officers; no customer data.
import { watchPage } from '../parts/watch.js';
import { t } from '../strings.js';

export default async function show(root) {
  watchPage(root, 'police', {
    who: { label: t('police.subject'), cell: (one) => one.subject || '—' },
    fields: [{ name: 'subject', label: t('police.subject'), required: true, max: 120, hint: t('police.subject_hint') }],
  });
}
