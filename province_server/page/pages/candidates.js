// Candidates: people a model or an import proposes; only their own consent makes them members of a gallery.
import { post, remove } from '../api.js';
import { el } from '../dom.js';
import { date, endOfDay } from '../format.js';
import { confirm } from '../parts/dialog.js';
import { id, listing, short } from '../parts/listing.js';
import { tag } from '../parts/notice.js';
import { address } from '../router.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';

const TONES = { candidate: 'plain', consented: 'warn', enrolled: 'good' };

export default async function show(root) {
  listing(root, {
    title: t('page.candidates'), lead: t('candidates.lead'), path: 'candidates', empty: t('candidates.empty'),
    columns: [
      { label: t('customer.id'), cell: (one) => (may('get_customer') ? el('a', { href: address('customers', one.customer_id) }, short(one.customer_id)) : id(one.customer_id)) },
      { label: t('table.state'), cell: (one) => tag(word('candidate_state', one.state), TONES[one.state]) },
      { label: t('candidates.missing'), cell: (one) => one.consents_missing.map((purpose) => word('purpose', purpose)).join(t('list.and')) || '—' },
      { label: t('candidates.reason'), cell: (one) => one.reason },
      { label: t('candidates.source'), cell: (one) => one.source },
      { label: t('candidates.expires'), kind: 'time', cell: (one) => date(one.expires_at_ms) },
    ],
    add: {
      needs: 'add_candidates', label: t('candidates.add'), said: t('candidates.added'), text: t('candidates.add_text'),
      fields: [
        { name: 'customer_ids', label: t('candidates.ids'), kind: 'textarea', required: true, hint: t('candidates.ids_hint') },
        { name: 'reason', label: t('candidates.reason'), required: true, max: 120 },
        { name: 'source', label: t('candidates.source'), required: true, max: 120, hint: t('candidates.source_hint') },
        { name: 'expires', label: t('candidates.expires'), kind: 'date', required: true },
      ],
      send: async ({ customer_ids: ids, expires, ...why }) => {
        await post('candidates', { items: ids.split(/[\s,，、]+/).filter(Boolean).map((customerId) => ({ customer_id: customerId, ...why, expires_at_ms: endOfDay(expires) })) });
      },
    },
    actions: [{
      needs: 'remove_candidate', label: t('candidates.remove'), danger: true,
      run: (one) => confirm({ title: t('candidates.remove_title', { id: one.customer_id }), text: t('candidates.remove_text'), label: t('candidates.remove'), danger: true, run: () => remove(`candidates/${one.candidate_id}`) }),
    }],
  });
}
