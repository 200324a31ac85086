// Campaign lists with their own expiry; whoever withdraws marketing consent is off the list at once.
import { post, put, remove } from '../api.js';
import { el, place } from '../dom.js';
import { date, endOfDay, number } from '../format.js';
import { confirm } from '../parts/dialog.js';
import { id, listing } from '../parts/listing.js';
import { tag } from '../parts/notice.js';
import { address } from '../router.js';
import { t } from '../strings.js';

export default async function show(root, { path, query }) {
  if (path.length) {
    members(root, path[0], query.name ?? path[0]);
    return;
  }
  listing(root, {
    title: t('page.campaigns'), lead: t('campaigns.lead'), path: 'campaigns', empty: t('campaigns.empty'),
    columns: [
      { label: t('campaigns.name'), cell: (one) => el('a', { href: `${address('campaigns', one.campaign_id)}?name=${encodeURIComponent(one.name)}` }, one.name) },
      { label: t('campaigns.members'), kind: 'number', cell: (one) => number(one.members) },
      { label: t('candidates.expires'), kind: 'time', cell: (one) => date(one.expires_at_ms) },
      { label: t('table.state'), cell: (one) => (one.expires_at_ms > Date.now() ? tag(t('campaigns.running'), 'good') : tag(t('campaigns.ended'))) },
      { label: t('consent.by'), cell: (one) => one.created_by },
    ],
    add: {
      needs: 'add_campaign', label: t('campaigns.add'), said: t('campaigns.added'),
      fields: [{ name: 'name', label: t('campaigns.name'), required: true, max: 120 }, { name: 'expires', label: t('candidates.expires'), kind: 'date', required: true }],
      send: async ({ name, expires }) => { await post('campaigns', { name, expires_at_ms: endOfDay(expires) }); },
    },
    actions: [{
      needs: 'end_campaign', label: t('campaigns.end'), danger: true,
      run: (one) => confirm({ title: t('campaigns.end_title', { name: one.name }), text: t('campaigns.end_text'), label: t('campaigns.end'), danger: true, run: () => remove(`campaigns/${one.campaign_id}`) }),
    }],
  });
}

function members(root, campaignId, name) {
  place(root, el('nav', { class: 'crumbs', 'aria-label': t('page.campaigns') }, el('a', { href: address('campaigns') }, t('page.campaigns'))));
  listing(root, {
    title: name, lead: t('campaigns.members_lead'), path: `campaigns/${campaignId}/members`, empty: t('campaigns.nobody'),
    columns: [{ label: t('customer.id'), cell: (one) => id(one) }],
    add: {
      needs: 'add_campaign_members', label: t('campaigns.put'), said: t('campaigns.put_said'),
      fields: [{ name: 'customer_ids', label: t('candidates.ids'), kind: 'textarea', required: true, hint: t('candidates.ids_hint') }],
      send: async ({ customer_ids: ids }) => { await put(`campaigns/${campaignId}/members`, { customer_ids: ids.split(/[\s,，、]+/).filter(Boolean) }); },
    },
    actions: [{
      needs: 'remove_campaign_member', label: t('campaigns.take_off'), danger: true,
      run: async (one) => { await remove(`campaigns/${campaignId}/members/${encodeURIComponent(one)}`); return true; },
    }],
  });
}
