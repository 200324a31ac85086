// Every tap leaves a component as one event, `yb-tap`, whose detail is an event of the store.

export function tap(from, detail) {
  from.dispatchEvent(new CustomEvent('yb-tap', { bubbles: true, detail }));
}
