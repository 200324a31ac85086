// Galleries: what they need, how full they are; who is in one, and moving between them.
import { get, put } from '../api.js';
import { el, part, place } from '../dom.js';
import { number, percent } from '../format.js';
import { confirm } from '../parts/dialog.js';
import { heading, id, listing, short } from '../parts/listing.js';
import { branches } from '../parts/names.js';
import { say, tag } from '../parts/notice.js';
import { tierTag } from '../parts/record.js';
import { address } from '../router.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';
import '../parts/table.js';

export default async function show(root, { path }) {
  const { items } = await get('galleries');
  if (path.length) {
    await members(root, path[0], items.map((one) => one.gallery));
    return;
  }
  const all = items.reduce((sum, one) => sum + one.templates, 0);
  const fit = items[0].fit_for_templates;
  place(root,
    heading({ title: t('page.galleries'), lead: t('galleries.lead') }),
    all > fit && el('p', { class: 'hint-box' }, t('galleries.outgrown', { n: number(all), fit: number(fit) })),
    part('yb-table', {
      caption: t('page.galleries'), empty: '', load: async () => ({ items, next: null }),
      columns: [
        { label: t('customer.gallery'), cell: (one) => (may('list_members') ? el('a', { href: address('galleries', one.gallery) }, word('gallery', one.gallery)) : word('gallery', one.gallery)) },
        { label: t('galleries.needed'), cell: (one) => el('span', { class: 'tags' }, one.needed.map((purpose) => tag(word('purpose', purpose)))) },
        { label: t('customer.templates'), kind: 'number', cell: (one) => number(one.templates) },
        { label: t('galleries.share'), kind: 'number', cell: (one) => percent(one.templates / fit) },
      ],
    }));
  place(root, el('p', { class: 'quiet' }, t('galleries.fit', { fit: number(fit) })));
}

async function members(root, gallery, galleries) {
  const names = await branches();
  place(root, el('nav', { class: 'crumbs', 'aria-label': t('page.galleries') }, el('a', { href: address('galleries') }, t('page.galleries'))));
  listing(root, {
    title: word('gallery', gallery), path: `galleries/${gallery}/members`, empty: t('galleries.nobody'),
    columns: [
      { label: t('customer.id'), cell: (one) => (may('get_customer') ? el('a', { href: address('customers', one.customer_id) }, short(one.customer_id)) : id(one.customer_id)) },
      { label: t('customer.home_branch'), cell: (one) => names.name(one.home_branch_id) },
      { label: t('customer.tier'), cell: (one) => tierTag(one.tier) },
      { label: t('customer.templates'), kind: 'number', cell: (one) => number(one.templates) },
    ],
    actions: galleries.filter((other) => other !== gallery).map((other) => ({
      needs: 'move_customer', label: t('galleries.move', { gallery: word('gallery', other) }),
      run: async (one) => {
        const done = await confirm({
          title: t('galleries.move_title', { id: one.customer_id, gallery: word('gallery', other) }), text: t('galleries.move_text'), label: t('galleries.move_do'),
          run: () => put(`customers/${encodeURIComponent(one.customer_id)}/gallery`, { gallery: other }),
        });
        if (done) say(t('galleries.moved'));
        return done;
      },
    })),
  });
}
