// Impact assessments: what they cover, until when; extended after review, revoked for good.
import { patch, post } from '../api.js';
import { date, endOfDay } from '../format.js';
import { confirm, panel } from '../parts/dialog.js';
import { id, listing } from '../parts/listing.js';
import { tag } from '../parts/notice.js';
import { t, word } from '../strings.js';

const ROLES = ['entrance', 'ticket_machine', 'self_service', 'ad_screen'];
const MODES = ['feature', 'picture', 'video'];
const GALLERIES = ['vip', 'potential'];
const WARN_DAYS = 60; // an assessment takes weeks to renew
const DAY_MS = 86_400_000;

// Whether an assessment holds, in words, and in which colour.
export function standing({ expires_at_ms: expires, revoked_at_ms: revoked }) {
  const days = Math.ceil((expires - Date.now()) / DAY_MS);
  if (revoked) return { holds: false, tone: 'bad', text: t('assessments.revoked', { date: date(revoked) }) };
  if (days <= 0) return { holds: false, tone: 'bad', text: t('assessments.expired', { date: date(expires) }) };
  if (days <= WARN_DAYS) return { holds: true, tone: 'warn', text: t('assessments.ends_soon', { n: days }) };
  return { holds: true, tone: 'good', text: t('assessments.until', { date: date(expires) }) };
}

const words = (group, values) => values.map((value) => word(group, value)).join(t('list.and'));
const expiry = () => ({ name: 'expires', label: t('assessments.expires'), kind: 'date', required: true });
const several = (name, group, values, label) => ({ name, label, kind: 'choices', options: values.map((value) => [value, word(group, value)]) });

export default async function show(root) {
  listing(root, {
    title: t('page.assessments'), lead: t('assessments.lead'), path: 'assessments', empty: t('assessments.empty'),
    columns: [
      { label: t('assessments.id'), cell: (one) => id(one.assessment_id) },
      { label: t('table.state'), cell: (one) => { const { text, tone } = standing(one); return tag(text, tone); } },
      { label: t('assessments.roles'), cell: (one) => words('camera_role', one.roles) },
      { label: t('assessments.modes'), cell: (one) => words('mode', one.modes) + (one.local_recognition ? ` · ${t('cameras.local_short')}` : '') },
      { label: t('assessments.galleries'), cell: (one) => words('gallery', one.galleries) },
    ],
    add: {
      needs: 'add_assessment', label: t('assessments.add'), said: t('assessments.added'), text: t('assessments.add_text'),
      fields: [
        expiry(),
        several('roles', 'camera_role', ROLES, t('assessments.roles')),
        several('modes', 'mode', MODES, t('assessments.modes')),
        several('galleries', 'gallery', GALLERIES, t('assessments.galleries')),
        { name: 'local_recognition', label: t('cameras.local'), kind: 'checkbox', hint: t('cameras.local_hint') },
      ],
      send: async ({ expires, ...values }) => { await post('assessments', { ...values, expires_at_ms: endOfDay(expires) }); },
    },
    actions: [
      {
        needs: 'change_assessment', label: t('assessments.extend'), when: (one) => !one.revoked_at_ms,
        run: (one) => panel({ title: t('assessments.extend'), text: t('assessments.extend_text'), label: t('action.save'), fields: [expiry()], send: async ({ expires }) => { await patch(`assessments/${one.assessment_id}`, { expires_at_ms: endOfDay(expires) }); } }),
      },
      {
        needs: 'revoke_assessment', label: t('assessments.revoke'), danger: true, when: (one) => !one.revoked_at_ms,
        run: (one) => confirm({ title: t('assessments.revoke_title'), text: t('assessments.revoke_text'), label: t('assessments.revoke'), danger: true, run: () => post(`assessments/${one.assessment_id}/revoke`) }),
      },
    ],
  });
}
