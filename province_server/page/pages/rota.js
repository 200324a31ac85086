// The duty rota: planned shifts, which turn duty on and off by themselves.
import { post, remove } from '../api.js';
import { dateTime, instant } from '../format.js';
import { confirm } from '../parts/dialog.js';
import { listing } from '../parts/listing.js';
import { branches, staff } from '../parts/names.js';
import { tag } from '../parts/notice.js';
import { t } from '../strings.js';

export default async function show(root) {
  const [places, people] = await Promise.all([branches(), staff()]);
  const atBranches = people.items.filter((one) => one.branch_id && one.active).map((one) => [one.staff_id, `${one.display_name} · ${one.staff_id}`]);
  const since = Date.now();
  listing(root, {
    title: t('page.rota'), lead: t('rota.lead'), path: 'shifts', empty: t('rota.empty'), query: () => ({ from_ms: since }),
    columns: [
      { label: t('rota.who'), cell: (one) => people.name(one.staff_id) },
      { label: t('boxes.branch'), cell: (one) => places.name(one.branch_id) },
      { label: t('rota.from'), kind: 'time', cell: (one) => dateTime(one.from_ms) },
      { label: t('rota.until'), kind: 'time', cell: (one) => (one.until_ms ? dateTime(one.until_ms) : t('rota.open_end')) },
      { label: t('table.state'), cell: (one) => (one.from_ms <= Date.now() ? tag(t('rota.running'), 'good') : tag(t('rota.planned'))) },
    ],
    add: {
      needs: 'add_shift', label: t('rota.add'), said: t('rota.added'),
      fields: [
        { name: 'staff_id', label: t('rota.who'), kind: 'select', required: true, options: atBranches },
        { name: 'branch_id', label: t('boxes.branch'), kind: 'select', required: true, options: places.options },
        { name: 'from', label: t('rota.from'), kind: 'datetime', required: true },
        { name: 'until', label: t('rota.until'), kind: 'datetime', hint: t('rota.until_hint') },
      ],
      send: async ({ from, until, ...values }) => { await post('shifts', { ...values, from_ms: instant(from), ...(until ? { until_ms: instant(until) } : {}) }); },
    },
    actions: [{
      needs: 'cancel_shift', label: t('rota.cancel'), danger: true,
      run: (one) => confirm({ title: t('rota.cancel_title'), text: t('rota.cancel_text'), label: t('rota.cancel'), danger: true, run: () => remove(`shifts/${one.shift_id}`) }),
    }],
  });
}
