// Cities and their branches.
import { patch, post } from '../api.js';
import { el, place } from '../dom.js';
import { dateTime } from '../format.js';
import { panel } from '../parts/dialog.js';
import { id, listing } from '../parts/listing.js';
import { cities } from '../parts/names.js';
import { t } from '../strings.js';

const branchNames = (branch = {}) => [
  { name: 'name_zh', label: t('branches.name_zh'), required: true, max: 120, value: branch.name_zh },
  { name: 'name_en', label: t('branches.name_en'), required: true, max: 120, value: branch.name_en },
];

export default async function show(root) {
  const names = await cities();
  const branchesOf = listing(root, {
    title: t('page.branches'), lead: t('branches.lead'), path: 'branches', empty: t('branches.empty'),
    columns: [
      { label: t('branches.name_zh'), cell: (one) => one.name_zh },
      { label: t('branches.name_en'), cell: (one) => one.name_en },
      { label: t('branches.city'), cell: (one) => names.name(one.city_id) },
      { label: t('table.id'), cell: (one) => id(one.branch_id) },
    ],
    add: {
      needs: 'add_branch', label: t('branches.add'), said: t('branches.added'),
      fields: async () => [{ name: 'city_id', label: t('branches.city'), kind: 'select', required: true, options: (await cities()).options }, ...branchNames()],
      send: async (values) => { await post('branches', values); },
    },
    actions: [{
      needs: 'change_branch', label: t('action.rename'), testid: 'rename',
      run: (one) => panel({ title: t('action.rename'), label: t('action.save'), fields: branchNames(one), send: async (values) => { await patch(`branches/${one.branch_id}`, values); } }),
    }],
  });
  const below = el('div', { class: 'stack' });
  place(root, below);
  const cityName = (value) => ({ name: 'name', label: t('cities.name'), required: true, max: 120, value });
  listing(below, {
    title: t('cities.title'), lead: t('cities.lead'), level: 2, path: 'cities', empty: t('cities.empty'),
    columns: [
      { label: t('cities.name'), cell: (one) => one.name },
      { label: t('cities.asked'), kind: 'time', cell: (one) => (one.asked_at_ms ? dateTime(one.asked_at_ms) : t('cities.never_asked')) },
      { label: t('table.id'), cell: (one) => id(one.city_id) },
    ],
    add: {
      needs: 'add_city', label: t('cities.add'), said: t('cities.added'), text: t('cities.key_hint'),
      fields: [cityName(), { name: 'public_key_base64', label: t('device.key'), required: true, min: 44, max: 44 }],
      send: async (values) => { await post('cities', values); },
    },
    actions: [{
      needs: 'change_city', label: t('action.rename'),
      run: async (one) => {
        const done = await panel({ title: t('action.rename'), label: t('action.save'), fields: [cityName(one.name)], send: async (values) => { await patch(`cities/${one.city_id}`, values); } });
        if (done) branchesOf.refresh();
        return done;
      },
    }],
  });
}
