// One entry of a draft in a form: its faults are said at the fields while somebody types, and nothing wrong is kept.
import { call, post, put, remove } from '../api.js';
import { el } from '../dom.js';
import { confirm, panel } from '../parts/dialog.js';
import { say } from '../parts/notice.js';
import { t, word } from '../strings.js';

const NEW = '+'; // no entry is called so: what is added never takes the place of another

// table: product or rule; entry: as it is, or null for a new one; toEntry(values): what the fields say.
export function editEntry({ version, table, key, entry, title, fields, toEntry, refresh }) {
  const path = `catalogues/${version.catalogue_id}/entries/${table}/${encodeURIComponent(entry?.[key] ?? NEW)}`;
  const whole = (values) => tidy(toEntry(values), entry ?? {});
  const watch = async (values) => {
    const sent = whole(values);
    const faults = await post(`${path}/try`, { entry: sent }, { quiet: true });
    return new Map(faults.map((fault) => [fault.field || key, told(fault, sent)]));
  };
  return panel({
    title, fields, label: t('catalogue.keep'), watch,
    send: async (values, form) => {
      if (form.blame(await watch(values))) {
        form.querySelector('[aria-invalid=true]')?.focus();
        return false;
      }
      const now = await put(path, { revision: version.revision, entry: whole(values) });
      say(t('catalogue.kept'));
      await refresh(now);
      return undefined;
    },
  });
}

export const removeEntry = ({ version, table, name, refresh }) => confirm({
  title: t('catalogue.remove_title', { name }), text: t('catalogue.remove_text'), label: t('catalogue.remove'), danger: true,
  run: async () => { await refresh(await call('DELETE', `catalogues/${version.catalogue_id}/entries/${table}/${encodeURIComponent(name)}`, { query: { revision: version.revision } })); },
});

// A fault at its field; of a condition also the place, shown in what was typed.
function told(fault, entry) {
  const text = entry[fault.field];
  const placed = fault.position !== null && typeof text === 'string';
  return el('span', {}, `${word('fault', fault.kind)}: `, el('span', { lang: 'en' }, fault.message),
    placed && el('code', { class: 'fault-place' }, text.slice(0, fault.position), el('mark', {}, text.slice(fault.position, fault.position + 1) || '⎵'), text.slice(fault.position + 1)));
}

// Leaves out what says nothing: a field the entry does not have and whose value is what it means without it.
const MEANS_NOTHING = [false, 0, '', undefined, null];
const DEFAULTS = { lever: 1, suitability: 'none' };

function tidy(values, before) {
  const empty = (name, value) => MEANS_NOTHING.includes(value) || (Array.isArray(value) && value.length === 0) || DEFAULTS[name] === value;
  return Object.fromEntries(Object.entries({ ...before, ...values }).filter(([name, value]) => {
    if (value === undefined || value === null || value === '') return false;
    return name in before || !empty(name, value);
  }));
}
