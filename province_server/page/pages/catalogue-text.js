// The whole text (TOML) of a version, for experts: with line numbers, and what is wrong at its line.
import { put, saveAs } from '../api.js';
import { el, place } from '../dom.js';
import { problemBox, say } from '../parts/notice.js';
import { t } from '../strings.js';
import { editable, faultLine } from './catalogue-actions.js';

export default async function draw(box, { version, refresh, query }) {
  const failed = el('div', {});
  const may = editable(version);
  const numbers = el('pre', { class: 'text-lines', 'aria-hidden': 'true' });
  const text = el('textarea', { class: 'input text-area', id: 'catalogue-text', testid: 'text', spellcheck: 'false', wrap: 'off', readonly: !may, oninput: () => count(), onscroll: () => { numbers.scrollTop = text.scrollTop; } });
  text.value = version.text;
  const count = () => { numbers.textContent = text.value.split('\n').map((_, at) => at + 1).join('\n'); };
  const keep = async () => {
    failed.replaceChildren();
    try {
      const now = await put(`catalogues/${version.catalogue_id}/text`, { revision: version.revision, text: text.value });
      say(t('catalogue.kept'));
      await refresh(now);
    } catch (problem) {
      failed.replaceChildren(problemBox(problem)); // what was typed stays
    }
  };
  count();
  place(box,
    version.faults.length > 0 && el('ul', { class: 'problem fault-list', testid: 'text-faults' }, version.faults.map((one) => el('li', {}, faultLine(version, one)))),
    el('label', { class: 'field-label', for: 'catalogue-text' }, t('catalogue.text_label')),
    el('div', { class: 'text-frame' }, numbers, text),
    failed,
    el('div', { class: 'dialog-actions' },
      el('button', { type: 'button', class: 'button', testid: 'download', onclick: () => saveAs(new Blob([version.text], { type: 'application/toml' }), `catalogue-${version.number}.toml`) }, t('catalogue.download')),
      may && el('button', { type: 'button', class: 'button button-primary', testid: 'keep', onclick: keep }, t('catalogue.keep'))));
  if (query.line) requestAnimationFrame(() => jump(text, Number(query.line)));
}

function jump(text, line) {
  const lines = text.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line - 1] ?? '').length);
  text.scrollTop = Math.max(0, (line - 4) * (text.scrollHeight / lines.length));
}
