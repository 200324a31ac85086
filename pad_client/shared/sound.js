// Drawn bell tones, no audio file. Browsers keep sound off until the first touch.

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

// Bells as [seconds from now, hertz].
function play(bells, vibration) {
  if (ready()) for (const [after, hertz] of bells) bell(context.currentTime + after, hertz, 0.28);
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(vibration);
}

// Somebody has come: G5, C6.
export const ring = () => play([[0.01, 783.99], [0.22, 1046.5]], [160, 90, 160]);

// Somebody must look, now: C6, F5 three times.
export const alarm = () => play(
  [0, 1, 2].flatMap((n) => [[0.01 + n * 0.5, 1046.5], [0.26 + n * 0.5, 698.46]]),
  [300, 120, 300, 120, 300],
);
