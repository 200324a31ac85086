// The catalogue: its versions and releases, and one version with its products, rules, text, changes and trial.
import { get } from '../api.js';
import { el, place } from '../dom.js';
import { heading } from '../parts/listing.js';
import { tag } from '../parts/notice.js';
import { address } from '../router.js';
import { t, word } from '../strings.js';
import { actions, findings } from './catalogue-actions.js';
import { showVersions, TONES } from './catalogue-versions.js';

const TABS = {
  products: () => import('./catalogue-products.js'),
  rules: () => import('./catalogue-rules.js'),
  text: () => import('./catalogue-text.js'),
  diff: () => import('./catalogue-diff.js'),
  trial: () => import('./catalogue-trial.js'),
};

export default async function show(root, { path, query }) {
  if (!path.length) {
    await showVersions(root);
    return;
  }
  const [id, asked] = path;
  const tab = asked in TABS ? asked : 'products';
  const { default: draw } = await TABS[tab]();
  const head = el('div', {});
  const found = el('div', { class: 'stack', 'aria-live': 'polite' });
  const body = el('div', { class: 'stack' });

  // Shows the version again, as it was read or as a change left it.
  async function refresh(version) {
    const now = version ?? await get(`catalogues/${id}`);
    head.replaceChildren(top(now, refresh, found));
    const fresh = el('div', { class: 'stack' });
    await draw(fresh, { version: now, refresh, query });
    body.replaceChildren(fresh);
    if (version) found.replaceChildren();
  }

  place(root,
    el('nav', { class: 'crumbs', 'aria-label': t('page.catalogue') }, el('a', { href: address('catalogue') }, t('page.catalogue'))),
    head, found,
    el('nav', { class: 'tabs', 'aria-label': t('catalogue.views') }, Object.keys(TABS).map((name) => el('a', {
      href: address('catalogue', id, name), 'aria-current': name === tab && 'page', testid: `tab-${name}`,
    }, word('catalogue_tab', name)))),
    body);
  await refresh();
}

function top(version, refresh, found) {
  const check = (result) => found.replaceChildren(findings(version, result));
  const title = heading({ title: t('catalogue.version', { n: version.number }), lead: lead(version) }, ...actions(version, { refresh, check }));
  title.querySelector('h1').append(' ', tag(word('catalogue_state', version.state), TONES[version.state]), version.in_force ? tag(t('catalogue.in_force'), 'gold') : '');
  return title;
}

function lead(version) {
  const parts = [
    version.label && t('catalogue.label', { label: version.label }),
    version.based_on && t('catalogue.based_on', { n: version.based_on }),
    t('catalogue.written_by', { who: version.authors.join(t('list.and')) }),
    ['draft', 'checked'].includes(version.state) && t('catalogue.revision', { n: version.revision }),
  ];
  return parts.filter(Boolean).join(' · ');
}
