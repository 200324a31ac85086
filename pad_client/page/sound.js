// The chime: two drawn bell tones, no audio file. Browsers keep sound off until the first touch.

let context = null;

export const ready = () => context?.state === 'running';

export async function unlock() {
  context ??= new AudioContext();
  if (context.state !== 'running') await context.resume();
}

function bell(at, hertz, volume) {
  for (const [partial, level, seconds] of [[1, 1, 1.1], [2.01, 0.35, 0.7], [3.98, 0.12, 0.35]]) {
    const tone = new OscillatorNode(context, { frequency: hertz * partial });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(volume * level, at + 0.008);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + seconds);
  }
}

export function ring() {
  if (ready()) {
    bell(context.currentTime + 0.01, 783.99, 0.28); // G5
    bell(context.currentTime + 0.22, 1046.5, 0.28); // C6
  }
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([160, 90, 160]);
}
