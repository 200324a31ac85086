// All versions and all releases; how far the newest release has come.
import { all, get, post, remove } from '../api.js';
import { el, part, place } from '../dom.js';
import { dateTime, number, percent } from '../format.js';
import { confirm } from '../parts/dialog.js';
import { heading } from '../parts/listing.js';
import { say, tag } from '../parts/notice.js';
import { address, go } from '../router.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';
import '../parts/table.js';

const AGAIN_MS = 2000;
export const TONES = { draft: 'plain', checked: 'warn', released: 'good', discarded: 'plain' };
const RELEASE_TONES = { in_force: 'good', scheduled: 'warn' };
const none = { items: [], next: null };

export async function showVersions(root) {
  const redraw = async () => {
    root.replaceChildren();
    await showVersions(root);
  };
  const [versions, releases] = await Promise.all([all('catalogues'), all('catalogue-releases')]);
  const now = releases.find((one) => one.state === 'in_force');
  const progress = el('div', {});
  const begin = async () => {
    const made = await post('catalogues', {});
    say(t('catalogue.begun', { n: made.number }));
    go('catalogue', made.catalogue_id, 'products');
  };
  place(root,
    heading({ title: t('page.catalogue'), lead: t('catalogue.lead') }, may('add_catalogue_draft') && el('button', { type: 'button', class: 'button button-primary', testid: 'begin', onclick: begin }, t('catalogue.begin'))),
    progress,
    el('h2', { class: 'section-title' }, t('catalogue.versions')),
    versionTable(versions),
    el('h2', { class: 'section-title' }, t('catalogue.releases')),
    releaseTable(releases, redraw));
  watch(root, progress, now);
}

function versionTable(versions) {
  return part('yb-table', {
    caption: t('catalogue.versions'), empty: '', load: async () => ({ ...none, items: [...versions].reverse() }),
    columns: [
      { label: t('catalogue.number'), cell: (one) => el('a', { href: address('catalogue', one.catalogue_id, 'products') }, t('catalogue.version', { n: one.number })) },
      { label: t('catalogue.name'), cell: (one) => one.label || '—' },
      { label: t('table.state'), cell: (one) => el('span', { class: 'tags' }, tag(word('catalogue_state', one.state), TONES[one.state]), one.in_force && tag(t('catalogue.in_force'), 'gold'), one.needs_you && tag(t('catalogue.needs_you'), 'bad')) },
      { label: t('catalogue.authors'), cell: (one) => one.authors.join(t('list.and')) },
      { label: t('catalogue.changed'), kind: 'time', cell: (one) => dateTime(one.changed_at_ms) },
    ],
  });
}

function releaseTable(releases, redraw) {
  const cancel = async (one) => {
    const run = () => remove(`catalogue-releases/${one.release_id}`);
    if (await confirm({ title: t('catalogue.cancel_title', { n: one.catalogue_number }), text: t('catalogue.cancel_text'), label: t('catalogue.cancel'), danger: true, run })) await redraw();
  };
  return part('yb-table', {
    caption: t('catalogue.releases'), empty: '', load: async () => ({ ...none, items: [...releases].reverse() }),
    columns: [
      { label: t('catalogue.number'), cell: (one) => el('a', { href: address('catalogue', one.catalogue_id, 'products') }, t('catalogue.version', { n: one.catalogue_number })) },
      { label: t('table.state'), cell: (one) => tag(word('release_state', one.state), RELEASE_TONES[one.state]) },
      { label: t('catalogue.from'), kind: 'time', cell: (one) => dateTime(one.in_force_at_ms ?? one.from_ms) },
      { label: t('catalogue.until'), kind: 'time', cell: (one) => dateTime(one.ended_at_ms) },
      { label: t('catalogue.reason'), cell: (one) => one.reason },
      { label: t('catalogue.released_by'), cell: (one) => one.released_by },
      { label: '', kind: 'actions', cell: (one) => one.state === 'scheduled' && may('cancel_catalogue_release') && el('button', { type: 'button', class: 'button button-small button-quiet-danger', testid: 'cancel-release', onclick: () => cancel(one) }, t('catalogue.cancel')) },
    ],
  });
}

// The card views that go out again, asked for until they have, or the page is left.
function watch(root, box, release) {
  if (!release) return;
  const done = release.republished_at_ms !== null;
  const share = release.total ? release.done / release.total : 1;
  box.replaceChildren(el('div', { class: done ? 'good-box' : 'hint-box', testid: 'republishing' }, el('div', { class: 'stack stack-tight' },
    el('p', {}, t(done ? 'catalogue.republished' : 'catalogue.republishing', { n: release.catalogue_number, done: number(release.done), total: number(release.total), share: percent(Math.min(1, share)) })),
    !done && el('progress', { class: 'progress', max: Math.max(1, release.total), value: release.done, 'aria-label': t('catalogue.progress') }))));
  if (done) return;
  setTimeout(async () => {
    if (!root.isConnected) return;
    const releases = await all('catalogue-releases');
    watch(root, box, releases.find((one) => one.state === 'in_force'));
  }, AGAIN_MS);
}

export const vocabulary = () => get('catalogue-vocabulary');
