// Histories as pictures: a low bar for a pass, a higher one for a flake, a full one for a failure. Readable without
// colour, because the height says it too.

export const HEIGHTS = { P: 0.42, K: 0.74, F: 1, S: 0.22 };

let known = null;

export function colours() {
  if (known) return known;
  const probe = document.createElement("span");
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  known = {
    P: read("pass-cell"), K: read("flaky-cell"), F: read("fail-cell"), S: read("skip-cell"), O: read("out-cell"),
    line: read("line"), text: read("text"), muted: read("muted"), card: read("card"), inset: read("inset"),
    focus: read("focus"), strong: read("strong-line"),
  };
  probe.remove();
  return known;
}

export const forgetColours = () => { known = null; };

// One cell of a history into the box x, y, width, height.
export function drawCell(pen, letter, x, y, width, height, ink) {
  if (letter === ".") return;
  const tall = Math.max(2, Math.round(height * HEIGHTS[letter]));
  const top = y + height - tall;
  if (letter === "S") {
    pen.strokeStyle = ink.S;
    pen.strokeRect(x + 0.5, top + 0.5, Math.max(width - 1, 1), Math.max(tall - 1, 1));
    return;
  }
  pen.fillStyle = ink[letter];
  pen.fillRect(x, top, width, tall);
}

// A whole strip on a canvas as wide as its place; the newest runs that fit, newest right.
export function drawStrip(canvas, codes, runs, most = codes.length) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width || !height) return;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const ink = colours();
  const shown = Math.min(most, codes.length, Math.max(1, Math.floor(width / 3)));
  const first = codes.length - shown;
  const step = Math.min(width / shown, 14);
  const begin = width - step * shown;
  const gap = step >= 4 ? 1 : 0;
  for (let place = 0; place < shown; place += 1) {
    const x = begin + place * step;
    if (runs[first + place]?.outage === "confirmed") {
      pen.fillStyle = ink.O;
      pen.fillRect(x, 0, step, height);
    }
    drawCell(pen, String.fromCharCode(codes[first + place]), x, 1, Math.max(step - gap, 1), height - 1, ink);
  }
}
