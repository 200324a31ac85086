// Tags by group, a tile each; a tap says what it means, where it comes from and of which day it is.
import { el } from '../../shared/dom.js';
import { pick, t } from '../../shared/strings.js';

export function tagBlock(groups) {
  return groups.length > 0 && el('div', { class: 'groups', testid: 'tags' }, ...groups.map(group));
}

function group(one) {
  const about = el('p', { class: 'tile-about', role: 'status', testid: 'tag-about', hidden: true });
  let open = null;
  const tiles = one.tags.map((tag) => {
    const tile = el('button', { type: 'button', class: 'tile', testid: 'tag', 'data-tag': tag.tag, 'aria-expanded': 'false', onclick: () => toggle(tile, tag) },
      el('span', { class: 'tile-name' }, pick(tag, 'name')), el('b', {}, pick({ said_zh: tag.zh, said_en: tag.en }, 'said')));
    return tile;
  });
  function toggle(tile, tag) {
    if (open) open.setAttribute('aria-expanded', 'false');
    open = open === tile ? null : tile;
    about.hidden = open === null;
    if (!open) return;
    open.setAttribute('aria-expanded', 'true');
    about.replaceChildren(el('strong', {}, pick(tag, 'name')), ` ${pick(tag, 'about')} `,
      el('span', { class: 'source' }, t('money.source', { source: pick(tag, 'source'), as_of: tag.as_of })));
  }
  return el('section', { class: 'block group', 'data-group': one.group }, el('h2', {}, pick(one, 'name')), el('div', { class: 'tiles' }, ...tiles), about);
}
