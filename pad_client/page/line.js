// The socket to the city: connects, notices silence, reconnects with jittered back-off. Knows nothing about cards.
import { reconnectDelay, SILENCE_MS } from '../shared/reconnect.js';

export class Line {
  #address;
  #hooks;
  #socket = null;
  #failures = 0;
  #timer = 0;
  #heardAt = 0;
  #wanted = false;

  // hooks: opened(), message(object), lost()
  constructor(address, hooks) {
    this.#address = address;
    this.#hooks = hooks;
    setInterval(() => this.#watch(), 1000);
    window.addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.#hurry());
  }

  start() {
    this.#wanted = true;
    this.#failures = 0;
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#drop();
  }

  restart() {
    this.stop();
    this.start();
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#drop();
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.addEventListener('open', () => socket === this.#socket && this.#hooks.opened());
    socket.addEventListener('message', ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heardAt = Date.now();
      const message = JSON.parse(data);
      if (message.type === 'welcome') this.#failures = 0;
      this.#hooks.message(message);
    });
    socket.addEventListener('close', () => socket === this.#socket && this.#lost());
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #lost() {
    this.#drop();
    this.#hooks.lost();
    if (!this.#wanted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), reconnectDelay(this.#failures, Math.random()));
    this.#failures += 1;
  }

  #watch() {
    if (this.#socket && Date.now() - this.#heardAt > SILENCE_MS) this.#lost();
  }

  #hurry() {
    if (this.#wanted && !this.#socket) this.#connect();
  }
}
