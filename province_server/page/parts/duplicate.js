// A face that is enrolled already: both records side by side, and the decision that only a person can make.
import { get, post, remove } from '../api.js';
import { el, freshId } from '../dom.js';
import { t } from '../strings.js';
import { confirm, panel } from './dialog.js';
import { identity } from './record.js';

const path = (customerId) => `customers/${encodeURIComponent(customerId)}`;

// mine: the customer being enrolled; same(other) and different() go on once the decision is recorded.
export async function duplicate({ photo, mine, otherId, branches, same, different }) {
  const other = await get(path(otherId));
  const mineId = mine.record.customer_id;
  const picture = el('img', { src: URL.createObjectURL(photo), alt: t('photo.alt'), class: 'pair-photo', onload: () => URL.revokeObjectURL(picture.src) });

  const merge = async () => {
    const done = await confirm({
      title: t('duplicate.same_title'), text: t('duplicate.same_text', { mine: mineId, other: otherId }), label: t('duplicate.same', { other: otherId }),
      danger: true, typed: mineId, run: () => remove(path(mineId)),
    });
    if (done) await same(other);
  };
  const separate = async () => {
    const done = await panel({
      title: t('duplicate.different_title'), text: t('duplicate.different_text'), label: t('duplicate.different'),
      fields: [{ name: 'reason', label: t('duplicate.reason'), required: true, max: 120, hint: t('duplicate.reason_hint') }],
      send: async ({ reason }) => { await post(`${path(mineId)}/distinctions`, { other_id: otherId, reason }); },
    });
    if (done) await different();
  };

  const titleId = freshId();
  return el('section', { class: 'card stack duplicate', 'aria-labelledby': titleId, testid: 'duplicate', tabindex: '-1' },
    el('h2', { id: titleId }, t('duplicate.title')), el('p', {}, t('duplicate.text')),
    el('div', { class: 'pair' },
      el('article', { class: 'pair-side', testid: 'duplicate-mine' }, el('h3', {}, t('duplicate.mine')), picture, identity(mine, branches)),
      el('article', { class: 'pair-side', testid: 'duplicate-other' }, el('h3', {}, t('duplicate.other')), el('div', { class: 'pair-photo pair-none' }, t('duplicate.no_photo')), identity(other, branches))),
    el('div', { class: 'bar pair-actions' },
      el('button', { type: 'button', class: 'button button-quiet-danger', testid: 'same', onclick: merge }, t('duplicate.same', { other: otherId })),
      el('button', { type: 'button', class: 'button button-primary', testid: 'different', onclick: separate }, t('duplicate.different'))));
}
