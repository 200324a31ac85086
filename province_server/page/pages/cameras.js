// Cameras: role, mode and the impact assessment without which they are not used (C3).
import { all, patch, post, remove } from '../api.js';
import { confirm, panel } from '../parts/dialog.js';
import { id, listing } from '../parts/listing.js';
import { branches } from '../parts/names.js';
import { tag } from '../parts/notice.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';
import { standing } from './assessments.js';

const ROLES = ['entrance', 'ticket_machine', 'self_service', 'ad_screen'];
const MODES = ['feature', 'picture', 'video'];

export default async function show(root) {
  const [names, assessments, boxes] = await Promise.all([
    branches(), may('list_assessments') ? all('assessments') : [], may('list_boxes') ? all('boxes') : [],
  ]);
  const byId = new Map(assessments.map((one) => [one.assessment_id, one]));
  const covering = assessments.filter((one) => standing(one).holds).map((one) => [one.assessment_id, `${one.assessment_id.slice(-8)} · ${standing(one).text}`]);
  const boxOptions = boxes.filter((one) => !one.revoked).map((one) => [one.box_id, `${names.name(one.branch_id)} · ${one.box_id.slice(-8)}`]);

  const settings = (camera = {}) => [
    { name: 'mode', label: t('cameras.mode'), kind: 'select', required: true, value: camera.mode ?? 'feature', options: MODES.map((mode) => [mode, word('mode', mode)]) },
    { name: 'assessment_id', label: t('cameras.assessment'), kind: 'select', none: t('cameras.no_assessment'), value: camera.assessment_id ?? '', options: covering, hint: t('cameras.assessment_hint') },
    { name: 'local_recognition', label: t('cameras.local'), kind: 'checkbox', value: camera.local_recognition, hint: t('cameras.local_hint') },
    { name: 'min_face_px', label: t('cameras.min_face'), kind: 'number', min: 20, max: 400, value: camera.min_face_px, hint: t('cameras.min_face_hint') },
  ];

  listing(root, {
    title: t('page.cameras'), lead: t('cameras.lead'), path: 'cameras', empty: t('cameras.empty'),
    columns: [
      { label: t('cameras.id'), cell: (one) => id(one.camera_id) },
      { label: t('boxes.branch'), cell: (one) => names.name(one.branch_id) },
      { label: t('cameras.role'), cell: (one) => word('camera_role', one.role) },
      { label: t('cameras.mode'), cell: (one) => word('mode', one.mode) + (one.local_recognition ? ` · ${t('cameras.local_short')}` : '') },
      { label: t('cameras.min_face'), kind: 'number', cell: (one) => `${one.min_face_px} px` },
      { label: t('cameras.assessment'), cell: (one) => assessmentTag(one, byId) },
    ],
    add: {
      needs: 'add_camera', label: t('cameras.add'), said: t('cameras.added'),
      fields: [
        { name: 'box_id', label: t('cameras.box'), kind: 'select', required: true, options: boxOptions },
        { name: 'role', label: t('cameras.role'), kind: 'select', required: true, options: ROLES.map((role) => [role, word('camera_role', role)]) },
        ...settings(),
      ],
      send: async (values) => { await post('cameras', { ...values, branch_id: boxes.find((box) => box.box_id === values.box_id).branch_id }); },
    },
    actions: [
      {
        needs: 'change_camera', label: t('action.change'), when: (one) => !one.retired_at_ms,
        run: (one) => panel({ title: t('cameras.change'), label: t('action.save'), fields: settings(one), send: async (values) => { await patch(`cameras/${one.camera_id}`, { ...values, assessment_id: values.assessment_id ?? null }); } }),
      },
      {
        needs: 'retire_camera', label: t('cameras.retire'), danger: true, when: (one) => !one.retired_at_ms,
        run: (one) => confirm({ title: t('cameras.retire_title'), text: t('cameras.retire_text'), label: t('cameras.retire'), danger: true, run: () => remove(`cameras/${one.camera_id}`) }),
      },
    ],
  });
}

function assessmentTag(camera, byId) {
  if (camera.retired_at_ms) return tag(t('cameras.retired'));
  if (!camera.assessment_id) return tag(t('cameras.no_assessment'), 'bad');
  const assessment = byId.get(camera.assessment_id);
  if (!assessment) return id(camera.assessment_id);
  const { text, tone } = standing(assessment);
  return tag(text, tone);
}
