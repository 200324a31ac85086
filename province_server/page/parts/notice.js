// What went well or wrong: a spoken line at the foot, and panels with the request id where something failed.
import { el, glyph } from '../dom.js';
import { t, word } from '../strings.js';

const line = el('div', { class: 'said', role: 'status', 'aria-live': 'polite', testid: 'said' });
let timer = 0;

export const spoken = () => line;

export function say(text) {
  line.textContent = text;
  line.classList.add('said-shown');
  clearTimeout(timer);
  timer = setTimeout(() => line.classList.remove('said-shown'), 6000);
}

// Our words for a refusal we know, else the server's sentence.
function sentence(problem) {
  if (problem.status === 0) return t('problem.unreachable');
  const ours = word('problem', problem.code);
  return ours === problem.code ? problem.message || t('problem.unknown') : ours;
}

export function problemBox(problem, retry = null) {
  const known = sentence(problem);
  const detail = problem.message && problem.message !== known ? el('p', { class: 'problem-detail', lang: 'en' }, problem.message) : null;
  return el('div', { class: 'problem', role: 'alert', testid: 'problem' },
    glyph('warning'),
    el('div', { class: 'problem-text' },
      el('p', {}, known),
      detail,
      problem.requestId && el('p', { class: 'problem-id' }, t('problem.request', { id: problem.requestId })),
      retry && el('button', { type: 'button', class: 'button button-small', onclick: retry }, t('problem.retry'))));
}

// A refusal that no form or list is there to show: over the page until it is closed.
export function complain(problem) {
  document.querySelector('.complaint')?.remove();
  const box = el('div', { class: 'complaint', testid: 'complaint' }, problemBox(problem),
    el('button', { type: 'button', class: 'icon-button', 'aria-label': t('dialog.close'), onclick: () => box.remove() }, glyph('cross')));
  (document.querySelector('dialog[open]') ?? document.body).append(box);
}

export const emptyBox = (text, ...more) => el('div', { class: 'empty', testid: 'empty' }, glyph('empty'), el('p', {}, text), ...more);

export const tag = (text, tone = 'plain') => el('span', { class: `tag tag-${tone}` }, text);
