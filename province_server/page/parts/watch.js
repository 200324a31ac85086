// A watch list (C13): proposals and entries in force; a second person confirms, one is enough to end.
import { call, post } from '../api.js';
import { el } from '../dom.js';
import { date, dateTime, endOfDay } from '../format.js';
import { confirm, panel } from './dialog.js';
import { listing } from './listing.js';
import { photoForm } from './photo.js';
import { say, tag } from './notice.js';
import { t, word } from '../strings.js';

const TONES = { proposed: 'warn', in_force: 'bad' };

// who: column of whom the entry is about; fields: what a proposal needs beside the order and the photo.
export function watchPage(root, list, { who, fields }) {
  const path = `watch/${list}/entries`;
  const end = (one) => panel({
    title: t(one.state === 'proposed' ? 'watch.refuse' : 'watch.remove'), text: t('watch.end_text'), label: t(one.state === 'proposed' ? 'watch.refuse' : 'watch.remove'),
    fields: [{ name: 'reason', label: t('watch.reason'), required: true, max: 120 }],
    send: async (values) => { await post(`${path}/${one.entry_id}/end`, values); },
  });
  const settle = async (one) => {
    const done = await confirm({
      title: t('watch.confirm_title'), text: t('watch.confirm_text', { who: one.proposed_by }), label: t('watch.confirm'),
      extra: el('dl', { class: 'facts' }, [[t('watch.document'), one.document_number], [t('watch.issuer'), one.issuer], [who.label, who.cell(one)], [t('watch.until'), date(one.valid_until_ms)]].flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
      run: () => post(`${path}/${one.entry_id}/confirm`),
    });
    if (done) say(t('watch.confirmed'));
    return done;
  };
  listing(root, {
    title: t(`page.${list}`), lead: t(`${list}.lead`), path, empty: t('watch.empty'),
    columns: [
      { label: t('watch.document'), cell: (one) => one.document_number },
      { label: t('watch.issuer'), cell: (one) => one.issuer },
      who,
      { label: t('table.state'), cell: (one) => tag(word('watch_state', one.state), TONES[one.state]) },
      { label: t('watch.until'), kind: 'time', cell: (one) => date(one.valid_until_ms) },
      { label: t('watch.proposed'), cell: (one) => el('span', {}, one.proposed_by, el('small', { class: 'quiet' }, ` ${dateTime(one.proposed_at_ms)}`)) },
      { label: t('watch.confirmed_by'), cell: (one) => one.confirmed_by },
    ],
    add: {
      needs: `propose_${list}_entry`, label: t('watch.propose'), said: t('watch.proposed_said'), text: t('watch.propose_text'),
      fields: [
        { name: 'document_number', label: t('watch.document'), required: true, max: 120 },
        { name: 'issuer', label: t('watch.issuer'), required: true, max: 120 },
        { name: 'until', label: t('watch.until'), kind: 'date', required: true, hint: t('watch.until_hint') },
        ...fields,
        { name: 'photo', label: t('watch.photo'), kind: 'file', accept: 'image/*', required: true },
      ],
      send: async ({ photo, until, ...values }) => { await call('POST', path, { form: photoForm(photo, { ...values, valid_until_ms: endOfDay(until) }) }); },
    },
    actions: [
      { needs: `confirm_${list}_entry`, label: t('watch.confirm'), testid: 'confirm-entry', when: (one) => one.needs_you, run: settle },
      { needs: `end_${list}_entry`, label: t('watch.end'), danger: true, testid: 'end-entry', when: (one) => ['proposed', 'in_force'].includes(one.state), run: end },
    ],
  });
}
