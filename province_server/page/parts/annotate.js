// Draws what was found onto a canvas that lies over the picture: a box round each face, landmarks of the one meant.

export function annotate(canvas, checked) {
  const { width, height, faces, usable } = checked;
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  const unit = Math.max(width, height) / 320;
  for (const { box: [left, top, right, bottom], landmarks, main } of faces) {
    pen.lineWidth = (main ? 2 : 1) * unit;
    pen.strokeStyle = main ? (usable ? '#3fd6a6' : '#ffb454') : '#ffffff';
    pen.setLineDash(main ? [] : [4 * unit, 3 * unit]);
    pen.strokeRect(left, top, right - left, bottom - top);
    if (!main) continue;
    pen.setLineDash([]);
    pen.fillStyle = pen.strokeStyle;
    for (const [x, y] of landmarks) {
      pen.beginPath();
      pen.arc(x, y, Math.max(unit, (right - left) / 60), 0, 2 * Math.PI);
      pen.fill();
    }
  }
}

export function clear(canvas) {
  canvas.width = canvas.width;
}
