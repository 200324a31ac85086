// Staff: who they are, whether on duty, new secrets, who has left.
import { patch, post, put } from '../api.js';
import { dateTime } from '../format.js';
import { confirm, panel } from '../parts/dialog.js';
import { listing } from '../parts/listing.js';
import { branches } from '../parts/names.js';
import { say, tag } from '../parts/notice.js';
import { t, word } from '../strings.js';

const AT_TABLET = ['rm', 'lobby', 'branch_manager', 'account_manager', 'security', 'robot', 'screen'];
const AT_PROVINCE = ['enroller', 'gallery_admin', 'product_manager', 'auditor', 'security_officer', 'branch_it', 'analyst'];
const atTablet = ({ role }) => AT_TABLET.includes(role);
const atProvince = ({ role }) => AT_PROVINCE.includes(role);

const secret = (shown = {}) => [
  { name: 'pin', label: t('staff.pin'), kind: 'password', required: true, min: 6, max: 64, hint: t('staff.pin_hint'), shown: shown.pin },
  { name: 'password', label: t('staff.password'), kind: 'password', required: true, min: 12, max: 256, hint: t('staff.password_hint'), shown: shown.password },
];

export default async function show(root) {
  const names = await branches();
  const roles = [...AT_TABLET, ...AT_PROVINCE].map((role) => [role, word('role', role)]);
  listing(root, {
    title: t('page.staff'), lead: t('staff.lead'), path: 'staff', empty: t('staff.empty'),
    columns: [
      { label: t('staff.id'), cell: (one) => one.staff_id },
      { label: t('staff.name'), cell: (one) => one.display_name },
      { label: t('staff.role'), cell: (one) => word('role', one.role) },
      { label: t('boxes.branch'), cell: (one) => (one.branch_id ? names.name(one.branch_id) : t('staff.province')) },
      { label: t('table.state'), cell: (one) => state(one, names) },
    ],
    add: {
      needs: 'add_staff', label: t('staff.add'), said: t('staff.added'),
      fields: [
        { name: 'staff_id', label: t('staff.id'), required: true, max: 64 },
        { name: 'display_name', label: t('staff.name'), required: true, max: 120 },
        { name: 'role', label: t('staff.role'), kind: 'select', required: true, options: roles },
        { name: 'branch_id', label: t('boxes.branch'), kind: 'select', required: true, options: names.options, shown: atTablet },
        ...secret({ pin: atTablet, password: atProvince }),
      ],
      send: async (values) => { await post('staff', values); },
    },
    actions: [
      {
        needs: 'set_duty', testid: 'duty', label: (one) => t(one.on_duty ? 'staff.end_duty' : 'staff.begin_duty'), when: (one) => one.active && atTablet(one),
        run: async (one) => {
          await patch(`staff/${encodeURIComponent(one.staff_id)}/duty`, { on_duty: !one.on_duty });
          say(t(one.on_duty ? 'staff.now_off' : 'staff.now_on', { name: one.display_name }));
          return true;
        },
      },
      {
        needs: 'reset_secret', label: t('staff.reset'), when: (one) => one.active,
        run: (one) => panel({ title: t('staff.reset_title', { name: one.display_name }), text: t('staff.reset_text'), label: t('action.save'), fields: secret({ pin: () => atTablet(one), password: () => atProvince(one) }), send: async (values) => { await put(`staff/${encodeURIComponent(one.staff_id)}/secret`, values); } }),
      },
      {
        needs: 'change_staff', label: t('staff.leave'), danger: true, when: (one) => one.active,
        run: (one) => confirm({ title: t('staff.leave_title', { name: one.display_name }), text: t('staff.leave_text'), label: t('staff.leave'), danger: true, run: () => patch(`staff/${encodeURIComponent(one.staff_id)}`, { active: false }) }),
      },
    ],
  });
}

function state(one, names) {
  if (!one.active) return tag(t('staff.left'));
  if (one.locked_until_ms > Date.now()) return tag(t('staff.locked', { until: dateTime(one.locked_until_ms) }), 'bad');
  if (one.on_duty) return tag(one.duty_branch_id && one.duty_branch_id !== one.branch_id ? t('staff.on_duty_at', { branch: names.name(one.duty_branch_id) }) : t('staff.on_duty'), 'good');
  return tag(t(atTablet(one) ? 'staff.off_duty' : 'staff.active'));
}
