// Camera boxes: register one, whose bundle is handed out once; refuse one that was lost.
import { post, saveAs } from '../api.js';
import { el } from '../dom.js';
import { dateTime } from '../format.js';
import { confirm } from '../parts/dialog.js';
import { id, listing } from '../parts/listing.js';
import { branches } from '../parts/names.js';
import { tag } from '../parts/notice.js';
import { t } from '../strings.js';

const save = (bundle) => saveAs(new Blob([JSON.stringify(bundle, null, 2)], { type: 'application/json' }), `bundle-${bundle.box_id}.json`);

const handOut = (bundle) => el('div', { class: 'stack' },
  el('p', { class: 'hint-box' }, t('boxes.bundle_once')),
  el('p', {}, t('boxes.bundle_for'), ' ', id(bundle.box_id)),
  el('button', { type: 'button', class: 'button button-primary', testid: 'download', onclick: () => save(bundle) }, t('boxes.download')));

export default async function show(root) {
  const names = await branches();
  listing(root, {
    title: t('page.boxes'), lead: t('boxes.lead'), path: 'boxes', empty: t('boxes.empty'),
    columns: [
      { label: t('boxes.id'), cell: (one) => id(one.box_id) },
      { label: t('boxes.branch'), cell: (one) => names.name(one.branch_id) },
      { label: t('boxes.seen'), kind: 'time', cell: (one) => (one.last_seen_at_ms ? dateTime(one.last_seen_at_ms) : t('boxes.never')) },
      { label: t('table.state'), cell: (one) => (one.revoked ? tag(t('boxes.revoked'), 'bad') : tag(t('boxes.registered'), 'good')) },
    ],
    add: {
      needs: 'add_box', label: t('boxes.add'), text: t('boxes.key_hint'),
      fields: [
        { name: 'branch_id', label: t('boxes.branch'), kind: 'select', required: true, options: names.options },
        { name: 'public_key_base64', label: t('device.key'), required: true, min: 44, max: 44 },
      ],
      send: async (values) => handOut(await post('boxes', values)),
    },
    actions: [{
      needs: 'revoke_box', label: t('boxes.revoke'), danger: true, testid: 'revoke', when: (one) => !one.revoked,
      run: (one) => confirm({ title: t('boxes.revoke_title'), text: t('boxes.revoke_text', { id: one.box_id }), label: t('boxes.revoke'), danger: true, run: () => post(`boxes/${one.box_id}/revoke`) }),
    }],
  });
}
