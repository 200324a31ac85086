// What the page knows, and what follows from an event. Pure: no clock, no network, no DOM; effects are returned.

const RING_EVERY_MS = 3000;
const SHOWN_MS = 60_000; // an opened alert does not stay on a screen nobody looks at

export function fresh() {
  return {
    line: 'connecting', heardAt: 0, offset: 0, reader: null, alerts: [], announced: new Set(), opened: null,
    touchedAt: 0, busy: new Set(), notices: [], rangAt: 0,
  };
}

export const rings = (state) => state.alerts.some((one) => one.rings);

// Returns effects, each {do, ...}.
export function apply(state, event) {
  const effects = events[event.type](state, event) ?? [];
  if (!rings(state)) state.rangAt = 0;
  else if (event.now - state.rangAt >= RING_EVERY_MS) {
    state.rangAt = event.now;
    effects.push({ do: 'ring' });
  }
  return effects;
}

const events = {
  news(state, { list, now }) {
    state.line = 'up';
    state.heardAt = now;
    state.offset = list.server_time_ms - now;
    state.reader = list.reader;
    state.alerts = list.items;
    const fromList = list.items.find((one) => one.alert_id === state.opened?.alert_id);
    if (state.opened) state.opened = fromList ? { ...state.opened, ...fromList } : null;
    const open = list.items.filter((one) => one.acknowledged_at_ms === null && !state.announced.has(one.alert_id));
    state.announced = new Set(list.items.map((one) => one.alert_id));
    return open.map((alert) => ({ do: 'announce', alert }));
  },

  lost(state) {
    state.line = 'down';
  },

  open(state, { alertId }) {
    if (state.busy.has(alertId)) return [];
    state.busy.add(alertId);
    return [{ do: 'open', alertId }];
  },

  opened(state, { detail, now }) {
    state.busy.delete(detail.alert_id);
    state.opened = detail;
    state.touchedAt = now;
    state.notices = [];
  },

  close(state) {
    state.opened = null;
  },

  acknowledge(state, { alertId }) {
    if (state.busy.has(alertId)) return [];
    state.busy.add(alertId);
    return [{ do: 'acknowledge', alertId }];
  },

  // The feed says so a moment later; until then it must not ring.
  acknowledged(state, { alertId, now }) {
    state.busy.delete(alertId);
    const taken = (one) => (one?.alert_id !== alertId || one.acknowledged_at_ms !== null ? one : {
      ...one, rings: false, acknowledged_at_ms: now + state.offset, acknowledged_by: state.reader.display_name,
    });
    state.alerts = state.alerts.map(taken);
    state.opened = taken(state.opened);
    state.notices = [];
  },

  failed(state, { alertId, notice }) {
    state.busy.delete(alertId);
    state.notices = [...state.notices.filter((one) => one.message !== notice.message), notice].slice(-3);
  },

  dismiss(state, { notice }) {
    state.notices = state.notices.filter((one) => one !== notice);
  },

  touch(state, { now }) {
    state.touchedAt = now;
  },

  tick(state, { now }) {
    if (state.opened && now - state.touchedAt >= SHOWN_MS) state.opened = null;
  },

  signed_out(state) {
    Object.assign(state, fresh());
  },
};
