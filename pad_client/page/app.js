// Wires the parts: socket -> store -> view -> components, and taps back the same way.
import '../shared/parts/top-bar.js';
import '../shared/parts/notices.js';
import './parts/visit-card.js';
import './parts/recent-list.js';
import '../shared/parts/sign-in.js';
import * as disk from './disk.js';
import * as sound from '../shared/sound.js';
import * as strings from '../shared/strings.js';
import { el, glyph, setText } from '../shared/dom.js';
import { t, word } from '../shared/strings.js';
import { uuid } from '../shared/format.js';
import { Line } from './line.js';
import { signIn, tokenFromAddress } from './session.js';
import { calledBy } from './parts/who.js';
import { apply, fresh } from './store.js';
import { view } from './view.js';

const state = fresh({ outbox: disk.outbox(), rung: disk.rung() });

const address = new URL('../v1/pad', import.meta.url);
address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
const line = new Line(address, {
  opened: () => happen({ type: 'opened', token: disk.token() }),
  message: (message) => happen({ type: 'message', message }),
  lost: () => happen({ type: 'lost' }),
});

const effects = {
  send: ({ message }) => line.send(message),
  ring: ({ cardId }) => announce(cardId),
  keep_outbox: () => disk.rememberOutbox(state.outbox),
  keep_rung: () => disk.rememberRung([...state.rung]),
  restart: () => line.restart(),
  sign_in: ({ expired }) => leave(expired),
};

function happen(event) {
  const now = Date.now();
  for (const effect of apply(state, { now, ...event })) effects[effect.do](effect);
  render();
}

const bar = el('yb-top-bar');
const notices = el('yb-notices');
const card = el('yb-card', { testid: 'card', hidden: true });
const waitTitle = el('h1');
const waitText = el('p');
const wait = el('section', { class: 'wait', testid: 'waiting' }, glyph('door', 'wait-mark'), waitTitle, waitText);
const recent = el('yb-recent');
const stage = el('main', { class: 'stage' }, card, wait);
const house = el('div', { class: 'house', hidden: true }, stage, recent);
const door = el('yb-sign-in', { hidden: true });
const spoken = el('div', { class: 'spoken', role: 'status', 'aria-live': 'assertive' });

function render() {
  const now = Date.now();
  const seen = view(state, now);
  document.documentElement.lang = strings.current() === 'zh' ? 'zh-CN' : 'en';
  document.title = t('app.title');
  bar.show(seen);
  notices.show(seen, { soundReady: sound.ready() });
  card.show(seen.featured, seen.serverNow);
  wait.hidden = seen.featured !== null;
  if (!state.cards.has(spoken.dataset.cardId)) setText(spoken, '');
  setText(waitTitle, t('wait.title'));
  setText(waitText, t('wait.text'));
  recent.show(seen);
  door.show();
}

function announce(cardId) {
  sound.ring();
  const arrived = state.cards.get(cardId).card;
  spoken.dataset.cardId = cardId;
  setText(spoken, t('card.arrived', {
    name: calledBy(arrived),
    place: word('role', arrived.last.camera_role),
  }));
}

function enter() {
  house.hidden = false;
  door.hidden = true;
  line.start();
  render();
}

function leave(expired) {
  disk.rememberToken(null);
  line.stop();
  happen({ type: 'signed_out' });
  house.hidden = true;
  door.hidden = false;
  door.open(expired);
}

document.addEventListener('yb-tap', ({ detail }) => {
  if (detail.type === 'language') {
    strings.choose(detail.language);
    disk.rememberLanguage(detail.language);
    render();
  } else if (detail.type === 'sign_out') {
    leave(false);
  } else {
    happen(['outcome', 'insight'].includes(detail.type) ? { ...detail, outcomeId: uuid() } : detail);
  }
});

door.submit = async (staffId, pin) => {
  const { problem } = await signIn(staffId, pin);
  if (!problem) enter();
  return problem;
};

// Not on pointerdown: the hint about sound goes, everything moves up, and the tap would end beside its button.
for (const touch of ['click', 'keydown']) {
  document.addEventListener(touch, () => sound.unlock().then(render), { passive: true });
}

strings.choose(disk.language());
await strings.load();
document.body.append(bar, notices, house, door, spoken);
tokenFromAddress();
window.addEventListener('hashchange', () => {
  if (!tokenFromAddress()) return;
  line.stop();
  enter();
});
if (disk.token()) enter();
else leave(false);
setInterval(() => happen({ type: 'tick' }), 500);
if ('serviceWorker' in navigator) navigator.serviceWorker.register(new URL('sw.js', import.meta.url)).catch(() => {});
