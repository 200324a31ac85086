// Chooses the photo to enrol: a file, dropped or picked, or a frame of the camera; judged live by the province.
import { call } from '../api.js';
import { el, freshId, glyph } from '../dom.js';
import { t } from '../strings.js';
import { annotate, clear } from './annotate.js';
import { problemBox } from './notice.js';
import { verdictList } from './verdicts.js';
import { Webcam } from './webcam.js';

export function photoForm(blob, more = {}) {
  const form = new FormData();
  form.append('photo', blob, 'photo.jpg');
  for (const [name, value] of Object.entries(more)) form.append(name, value);
  return form;
}

const check = (blob, quiet) => call('POST', 'enrolment/check', { form: photoForm(blob), quiet });

class PhotoPicker extends HTMLElement {
  chosen = () => {}; // (blob or null): a usable photo was chosen, or there is none now

  connectedCallback() {
    if (this.stage) return;
    this.picture = el('img', { alt: '', hidden: true });
    this.video = el('video', { playsinline: true, hidden: true, 'aria-label': t('photo.live') });
    this.video.muted = true;
    this.canvas = el('canvas', { class: 'stage-marks', 'aria-hidden': 'true' });
    this.webcam = new Webcam(this.video);
    const fileId = freshId();
    this.file = el('input', { id: fileId, type: 'file', accept: 'image/jpeg,image/png,image/webp,image/bmp', class: 'drop-input', testid: 'file', onchange: () => this.file.files[0] && this.take(this.file.files[0]) });
    this.drop = el('label', { class: 'drop', for: fileId }, glyph('upload'), el('b', {}, t('photo.drop')), el('span', {}, t('photo.drop_hint')), this.file);
    this.said = el('p', { class: 'unseen', role: 'status' });
    this.stage = el('div', { class: 'stage', testid: 'stage' }, this.drop, this.picture, this.video, this.canvas);
    this.camera = el('button', { type: 'button', class: 'button', testid: 'camera', onclick: () => this.live() }, glyph('camera'), t('photo.camera'));
    this.shoot = el('button', { type: 'button', class: 'button button-primary', testid: 'shoot', hidden: true, disabled: true, onclick: () => this.take(this.best.blob, this.best.checked) }, t('photo.shoot'));
    this.again = el('button', { type: 'button', class: 'button', testid: 'again', hidden: true, onclick: () => this.reset() }, t('photo.again'));
    this.failed = el('div');
    this.meters = el('div');
    this.append(
      el('div', { class: 'photo-left' }, this.stage, el('div', { class: 'bar' }, this.camera, this.shoot, this.again), this.failed, el('p', { class: 'quiet' }, t('photo.kept'))),
      el('div', { class: 'photo-right' }, el('h3', {}, t('photo.quality')), this.meters, this.said));
    for (const name of ['dragover', 'drop']) this.stage.addEventListener(name, (event) => this.dropped(event));
    this.reset();
  }

  disconnectedCallback() {
    this.webcam.stop();
    if (this.picture.src) URL.revokeObjectURL(this.picture.src);
  }

  dropped(event) {
    event.preventDefault();
    const file = event.type === 'drop' && event.dataTransfer.files[0];
    if (file) this.take(file);
  }

  reset() {
    this.webcam.stop();
    this.best = null;
    this.file.value = '';
    this.show({ drop: true, camera: true });
    clear(this.canvas);
    this.judge(null);
    this.failed.replaceChildren();
    this.chosen(null);
  }

  show({ drop = false, picture = false, video = false, camera = false, shoot = false, again = false }) {
    Object.entries({ drop, picture, video, camera, shoot, again }).forEach(([name, shown]) => { this[name].hidden = !shown; });
  }

  judge(checked) {
    this.meters.replaceChildren(verdictList(checked));
    const text = checked ? t(checked.usable ? 'photo.usable' : 'photo.not_usable') : '';
    if (this.said.textContent !== text) this.said.textContent = text; // spoken once, not twice a second
  }

  // A photo that stays: shown with what was found in it.
  async take(blob, checked = null) {
    this.webcam.stop();
    this.failed.replaceChildren();
    clear(this.canvas);
    if (this.picture.src) URL.revokeObjectURL(this.picture.src);
    this.picture.src = URL.createObjectURL(blob);
    this.picture.alt = t('photo.alt');
    this.show({ picture: true, again: true });
    this.chosen(null);
    try {
      const result = checked ?? await check(blob, false);
      annotate(this.canvas, result);
      this.judge(result);
      if (result.usable) this.chosen(blob);
    } catch (problem) {
      this.reset();
      this.failed.replaceChildren(problemBox(problem));
    }
  }

  async live() {
    this.failed.replaceChildren();
    try {
      await this.webcam.start();
    } catch (error) {
      this.failed.replaceChildren(el('p', { class: 'hint-box', role: 'alert', testid: 'no-camera' }, t(error.name === 'NotAllowedError' ? 'photo.camera_refused' : 'photo.camera_missing')));
      return;
    }
    this.show({ video: true, shoot: true, again: true });
    this.shoot.focus();
    this.webcam.watch((frame) => this.look(frame));
  }

  async look(blob) {
    try {
      const checked = await check(blob, true);
      if (this.video.hidden) return; // stopped meanwhile
      annotate(this.canvas, checked);
      this.judge(checked);
      this.best = checked.usable ? { blob, checked } : null;
      this.shoot.disabled = !checked.usable;
    } catch (problem) {
      if (problem.status !== 429) this.failed.replaceChildren(problemBox(problem)); // too fast: the next frame will do
    }
  }
}

customElements.define('yb-photo', PhotoPicker);
