// Asks the city for the list, again and again: an answer comes with news, or after a wait; silence is a lost line.
import * as city from './city.js';
import { reconnectDelay, SILENCE_MS } from '../shared/reconnect.js';

const WAIT_S = 6; // well below SILENCE_MS

export class Feed {
  #hooks;
  #stop = null;
  #hurry = () => {};

  // hooks: news(list), lost(), refused()
  constructor(hooks) {
    this.#hooks = hooks;
    window.addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.#hurry());
  }

  start() {
    this.stop();
    this.#stop = new AbortController();
    this.#follow(this.#stop.signal);
  }

  stop() {
    this.#stop?.abort();
    this.#hurry();
  }

  async #follow(stopped) {
    let known = '';
    let failures = 0;
    while (!stopped.aborted) {
      const { body, problem } = await this.#ask(known, stopped);
      if (stopped.aborted) return;
      if (body) {
        failures = 0;
        known = body.version;
        this.#hooks.news(body);
      } else if (problem.status === 401 || problem.status === 403) {
        this.#hooks.refused();
        return;
      } else {
        this.#hooks.lost();
        await this.#pause(reconnectDelay(failures, Math.random()));
        failures += 1;
        known = ''; // the first answer shows that the line is back
      }
    }
  }

  async #ask(known, stopped) {
    const silence = new AbortController();
    const end = () => silence.abort();
    const timer = setTimeout(end, SILENCE_MS);
    stopped.addEventListener('abort', end);
    const answer = await city.alerts(known, known ? WAIT_S : 0, silence.signal);
    clearTimeout(timer);
    stopped.removeEventListener('abort', end);
    return answer;
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
