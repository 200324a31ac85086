// A dense table over a cursor-paged list. Columns: {label, cell(item) -> node or text, kind: 'number' | 'time' | 'code' | 'actions'}.
import { el } from '../dom.js';
import { t } from '../strings.js';
import { emptyBox, problemBox } from './notice.js';

const PAGE = 50;

class Table extends HTMLElement {
  caption = '';
  columns = [];
  empty = '';
  load = async () => ({ items: [], next: null }); // ({after, limit}) -> page

  connectedCallback() {
    if (this.body) return;
    this.body = el('tbody');
    this.foot = el('div', { class: 'table-foot' });
    this.frame = el('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': this.caption },
      el('table', { class: 'table', testid: 'table' },
        el('caption', { class: 'unseen' }, this.caption),
        el('thead', {}, el('tr', {}, this.columns.map((column) => el('th', { scope: 'col', class: column.kind && `cell-${column.kind}` }, column.label)))),
        this.body));
    this.append(this.frame, this.foot);
    this.refresh();
  }

  async refresh() {
    this.shown = 0;
    this.body.replaceChildren(...Array.from({ length: 3 }, () => el('tr', { class: 'waiting', 'aria-hidden': 'true' }, this.columns.map(() => el('td', {}, el('span', { class: 'bone' }))))));
    this.frame.setAttribute('aria-busy', 'true');
    await this.more('', true);
    this.frame.removeAttribute('aria-busy');
  }

  async more(after, first = false) {
    let page;
    try {
      page = await this.load({ after, limit: PAGE });
    } catch (problem) {
      if (first) this.body.replaceChildren();
      this.foot.replaceChildren(problemBox(problem, () => (first ? this.refresh() : this.more(after))));
      return;
    }
    const rows = page.items.map((item) => this.row(item));
    if (first) this.body.replaceChildren(...rows);
    else this.body.append(...rows);
    this.shown += rows.length;
    this.frame.hidden = this.shown === 0;
    if (this.shown === 0) this.foot.replaceChildren(emptyBox(this.empty));
    else this.foot.replaceChildren(el('span', { class: 'table-count' }, t('table.count', { n: this.shown })), page.next ? this.next(page.next) : el('span'));
  }

  next(after) {
    const button = el('button', { type: 'button', class: 'button button-small', testid: 'more', onclick: () => { button.disabled = true; this.more(after); } }, t('table.more'));
    return button;
  }

  row(item) {
    return el('tr', {}, this.columns.map((column, at) => {
      const content = column.cell(item);
      return el(at === 0 ? 'th' : 'td', { scope: at === 0 && 'row', class: column.kind && `cell-${column.kind}`, 'data-label': column.label }, content ?? '—');
    }));
  }
}

customElements.define('yb-table', Table);
