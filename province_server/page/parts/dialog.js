// Dialogs: a question before something that cannot be undone, and a side panel that holds a form.
import { el, freshId, part } from '../dom.js';
import { t } from '../strings.js';
import { problemBox } from './notice.js';
import './form.js';

function open(className, title, content, { onclose } = {}) {
  const id = freshId();
  const dialog = el('dialog', { class: `dialog ${className}`, 'aria-labelledby': id, testid: 'dialog' },
    el('h2', { id, class: 'dialog-title' }, title), content);
  dialog.addEventListener('close', () => {
    dialog.remove();
    onclose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// Resolves to whether `run` was confirmed and went through. `typed`: a text that must be typed first.
export function confirm({ title, text, label, danger = false, typed = null, extra = null, run }) {
  return new Promise((done) => {
    const failed = el('div');
    const field = typed && el('input', { class: 'input', autocomplete: 'off', spellcheck: 'false', testid: 'typed', oninput: () => { yes.disabled = field.value.trim() !== typed; } });
    let through = false;
    const yes = el('button', { type: 'submit', class: danger ? 'button button-danger' : 'button button-primary', testid: 'confirm', disabled: Boolean(typed) }, label);
    const go = async (event) => {
      event.preventDefault();
      yes.disabled = true;
      try {
        await run();
        through = true;
        dialog.close();
      } catch (problem) {
        yes.disabled = false;
        failed.replaceChildren(problemBox(problem));
      }
    };
    const dialog = open('dialog-question', title, el('form', { onsubmit: go },
      el('p', { class: 'dialog-text' }, text), extra,
      typed && el('label', { class: 'field' }, el('span', { class: 'field-label' }, t('dialog.type', { text: typed })), field),
      failed,
      el('div', { class: 'dialog-actions' },
        el('button', { type: 'button', class: 'button', testid: 'cancel', onclick: () => dialog.close() }, t('dialog.cancel')), yes)),
    { onclose: () => done(through) });
    if (field) field.focus();
  });
}

// A form in a panel at the side. `send(values)` may return content to show instead of closing.
export function panel({ title, text = null, fields, label, send, watch = null }) {
  return new Promise((done) => {
    let sent = false;
    const form = part('yb-form', {
      fields, label, watch, cancel: () => dialog.close(),
      send: async (values) => {
        const left = await send(values, form);
        if (left === false) return;
        sent = true;
        if (left instanceof Node) form.replaceWith(el('div', { class: 'stack' }, left, el('div', { class: 'dialog-actions' }, el('button', { type: 'button', class: 'button button-primary', testid: 'close', onclick: () => dialog.close() }, t('dialog.close')))));
        else dialog.close();
      },
    });
    const dialog = open('dialog-panel', title, el('div', { class: 'stack' }, text && el('p', { class: 'dialog-text' }, text), form), { onclose: () => done(sent) });
  });
}

// Something to read.
export function inform(title, content) {
  const dialog = open('dialog-question', title, el('div', { class: 'stack' }, content,
    el('div', { class: 'dialog-actions' }, el('button', { type: 'button', class: 'button button-primary', testid: 'close', onclick: () => dialog.close() }, t('dialog.close')))));
}
