// The camera of this computer or tablet, a frame at a time. Nothing is kept but the frame being looked at.

const EVERY_MS = 450;
const WIDEST = 1280;

export class Webcam {
  #stream = null;
  #running = false;

  constructor(video) {
    this.video = video;
  }

  // Raises NotAllowedError or NotFoundError as the browser does.
  async start() {
    if (!navigator.mediaDevices) throw new DOMException('', 'SecurityError'); // plain http beyond this machine
    this.#stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDEST }, facingMode: 'environment' }, audio: false });
    this.video.srcObject = this.#stream;
    await this.video.play();
    this.#running = true;
  }

  stop() {
    this.#running = false;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
    this.#stream = null;
  }

  frame() {
    const shrink = Math.min(1, WIDEST / this.video.videoWidth);
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(this.video.videoWidth * shrink);
    canvas.height = Math.round(this.video.videoHeight * shrink);
    canvas.getContext('2d').drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.92));
  }

  // Calls look(frame) for one frame after the other until stopped; never two at a time.
  async watch(look) {
    while (this.#running) {
      const begun = performance.now();
      if (this.video.videoWidth) await look(await this.frame());
      await new Promise((done) => setTimeout(done, Math.max(60, EVERY_MS - (performance.now() - begun))));
    }
  }
}
