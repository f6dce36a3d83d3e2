// The grid: tests x runs, newest right. Only what is in sight is drawn, so that thousands of tests cost nothing; the
// rows and the cell under the cursor are elements besides, for the keyboard and for screen readers.

import { codesOf } from "./data.js";
import { bdi, el } from "./dom.js";
import { colours, drawCell } from "./strip.js";
import { OUTCOMES, runWords, told } from "./words.js";

const ROW = 22;
const HEAD = 46;
const COLUMN = 11;

export function makeGrid(model, { onOpen }) {
  const place = document.getElementById("grid");
  const canvas = el("canvas", { "aria-hidden": "true" });
  const rows = el("div", { role: "presentation" });
  const header = el("div.grid-row", { role: "row", "aria-rowindex": "1" },
    el("span.grid-head", { role: "columnheader", "aria-colindex": "1" }, "Test"),
    el("span.sr", { role: "columnheader", "aria-colindex": "2" }, "Runs, newest last"));
  const layer = el("div.grid-layer", { role: "presentation" }, canvas, header, rows);
  const sizer = el("div", { role: "presentation" });
  const grid = el("div.grid", { role: "grid", tabindex: "0", "aria-label": "Tests by runs. Arrow keys move, Enter opens the test.", "aria-colcount": model.runs.length + 1 }, layer, sizer);
  const said = el("span.said", {});
  const foot = el("div.grid-foot", {}, said, legend());
  place.replaceChildren(grid, foot);

  let tests = [];
  let cursor = { row: 0, column: model.runs.length - 1 };
  let hover = null;
  let drawn = false;
  let waiting = false;

  const nameWidth = () => Math.round(Math.min(430, Math.max(120, grid.clientWidth * 0.34)));
  const visibleRows = () => Math.ceil((grid.clientHeight - HEAD) / ROW) + 1;

  function render(found) {
    tests = found;
    cursor.row = Math.min(cursor.row, Math.max(0, tests.length - 1));
    grid.setAttribute("aria-rowcount", tests.length + 1);
    measure();
  }

  function measure() {
    if (place.hidden || !grid.clientWidth) return;
    const width = nameWidth() + model.runs.length * COLUMN + 12;
    const height = HEAD + tests.length * ROW + 8;
    layer.style.width = `${grid.clientWidth}px`;
    layer.style.height = `${grid.clientHeight}px`;
    layer.style.marginBottom = `${-grid.clientHeight}px`;
    sizer.style.width = `${width}px`;
    sizer.style.height = `${Math.max(height, grid.clientHeight)}px`;
    if (!drawn) grid.scrollLeft = width;
    drawn = true;
    draw();
  }

  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  function draw() {
    if (place.hidden || !grid.clientWidth) return;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [grid.clientWidth, grid.clientHeight];
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const ink = colours();
    const left = nameWidth();
    const first = Math.max(0, Math.floor(grid.scrollTop / ROW));
    const last = Math.min(tests.length, first + visibleRows());
    const from = Math.max(0, Math.floor(grid.scrollLeft / COLUMN));
    const until = Math.min(model.runs.length, from + Math.ceil((width - left) / COLUMN) + 1);
    const xOf = (column) => left + column * COLUMN - grid.scrollLeft;
    const yOf = (row) => HEAD + row * ROW - grid.scrollTop;

    pen.save();
    pen.beginPath();
    pen.rect(left, 0, width - left, height);
    pen.clip();
    backdrop(pen, ink, from, until, xOf, height);
    for (let row = first; row < last; row += 1) {
      const codes = codesOf(model, tests[row]);
      const y = yOf(row);
      if (y + ROW <= HEAD) continue;
      for (let column = from; column < until; column += 1) {
        drawCell(pen, String.fromCharCode(codes[column]), xOf(column), y + 3, COLUMN - 1, ROW - 5, ink);
      }
    }
    const on = hover ?? (document.activeElement === grid ? cursor : null);
    if (on && tests.length) {
      pen.strokeStyle = ink.focus;
      pen.lineWidth = 2;
      pen.strokeRect(xOf(on.column) - 1, yOf(on.row) + 1, COLUMN + 1, ROW - 2);
    }
    pen.clearRect(left, 0, width - left, HEAD);
    heads(pen, ink, from, until, xOf, width);
    pen.restore();
    pen.fillStyle = ink.line;
    pen.fillRect(0, HEAD - 1, width, 1);
    pen.fillRect(left - 1, 0, 1, height);
    names(first, last, left, yOf, on);
  }

  // Outages as bands, commits as lines: what belongs to all tests of a run.
  function backdrop(pen, ink, from, until, xOf, height) {
    for (let column = from; column < until; column += 1) {
      const run = model.runs[column];
      if (run.outage) {
        pen.fillStyle = ink.O;
        pen.globalAlpha = run.outage === "confirmed" ? 1 : 0.5;
        pen.fillRect(xOf(column) - 0.5, HEAD, COLUMN, height - HEAD);
        pen.globalAlpha = 1;
      }
      if (column && run.commit !== model.runs[column - 1].commit) {
        pen.fillStyle = ink.line;
        pen.fillRect(Math.round(xOf(column)) - 1, HEAD, 1, height - HEAD);
      }
    }
  }

  // Days above, one bar per commit below, a triangle over an outage.
  function heads(pen, ink, from, until, xOf, width) {
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    let free = -Infinity;
    for (let column = from; column < until; column += 1) {
      const run = model.runs[column];
      const day = run.started_at.slice(0, 10);
      const x = xOf(column);
      if ((!column || model.runs[column - 1].started_at.slice(0, 10) !== day) && x >= free) {
        pen.fillStyle = ink.muted;
        const text = day.slice(5);
        pen.fillText(text, Math.min(x, width - pen.measureText(text).width - 4), 13);
        free = x + pen.measureText(text).width + 10;
      }
      pen.fillStyle = run.band ? ink.muted : ink.strong;
      pen.globalAlpha = run.band ? 0.55 : 0.3;
      pen.fillRect(x, 27, COLUMN - 1, 6);
      pen.globalAlpha = 1;
      if (run.outage) {
        pen.fillStyle = ink.text;
        pen.beginPath();
        pen.moveTo(x, 36);
        pen.lineTo(x + COLUMN - 1, 36);
        pen.lineTo(x + (COLUMN - 1) / 2, 43);
        pen.fill();
      }
    }
  }

  function names(first, last, left, yOf, on) {
    const made = [];
    for (let row = first; row < last; row += 1) {
      const y = yOf(row);
      if (y + ROW / 2 < HEAD) continue;
      const test = tests[row];
      const active = row === cursor.row;
      const line = el("div.grid-row", { role: "row", "aria-rowindex": row + 2, "data-on": on?.row === row },
        el("span.grid-name", { role: "rowheader", "aria-colindex": "1" }, bdi(test.label.slice(0, 300) || "(no title)"), test.variant ? ` [${test.variant.slice(0, 40)}]` : ""),
        el("span.sr", { role: "gridcell", id: active ? "cursor" : null, "aria-colindex": active ? cursor.column + 2 : 2 },
          active ? words(cursor) : told(codesOf(model, test))));
      line.style.top = `${y}px`;
      line.style.height = `${ROW}px`;
      line.style.width = `${left - 2}px`;
      made.push(line);
    }
    rows.replaceChildren(...made);
    if (tests.length) grid.setAttribute("aria-activedescendant", "cursor");
    else grid.removeAttribute("aria-activedescendant");
    said.textContent = on && tests.length ? `${tests[on.row].label.slice(0, 120)}: ${words(on)}` : "";
  }

  function words({ row, column }) {
    const run = model.runs[column];
    if (!run) return "no run";
    const letter = String.fromCharCode(codesOf(model, tests[row])[column]);
    return `${OUTCOMES[letter]} in ${runWords(run)}`;
  }

  function at(event) {
    const box = grid.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const row = Math.floor((y - HEAD + grid.scrollTop) / ROW);
    const column = Math.floor((x - nameWidth() + grid.scrollLeft) / COLUMN);
    if (y < HEAD || x > grid.clientWidth || row < 0 || row >= tests.length) return null;
    return { row, column: x < nameWidth() ? cursor.column : Math.max(0, Math.min(model.runs.length - 1, column)) };
  }

  function moveTo(row, column) {
    cursor = {
      row: Math.max(0, Math.min(tests.length - 1, row)),
      column: Math.max(0, Math.min(model.runs.length - 1, column)),
    };
    hover = null;
    const [top, x] = [cursor.row * ROW, cursor.column * COLUMN];
    const [room, wide] = [grid.clientHeight - HEAD - ROW, grid.clientWidth - nameWidth() - COLUMN * 2];
    grid.scrollTop = Math.min(Math.max(grid.scrollTop, top - room), top);
    grid.scrollLeft = Math.min(Math.max(grid.scrollLeft, x - wide), x);
    draw();
  }

  grid.addEventListener("scroll", soon, { passive: true });
  grid.addEventListener("focus", soon);
  grid.addEventListener("blur", soon);
  grid.addEventListener("pointermove", (event) => { hover = at(event); soon(); });
  grid.addEventListener("pointerleave", () => { hover = null; soon(); });
  grid.addEventListener("click", (event) => {
    const hit = at(event);
    if (hit) { cursor = hit; onOpen(tests[hit.row].key); }
  });
  grid.addEventListener("keydown", (event) => {
    if (!tests.length || event.altKey || event.metaKey) return;
    const page = Math.max(1, visibleRows() - 2);
    const to = {
      ArrowDown: [cursor.row + 1, cursor.column], ArrowUp: [cursor.row - 1, cursor.column],
      ArrowRight: [cursor.row, cursor.column + 1], ArrowLeft: [cursor.row, cursor.column - 1],
      PageDown: [cursor.row + page, cursor.column], PageUp: [cursor.row - page, cursor.column],
      Home: [event.ctrlKey ? 0 : cursor.row, 0], End: [event.ctrlKey ? tests.length - 1 : cursor.row, model.runs.length - 1],
    }[event.key];
    if (event.key === "Enter") onOpen(tests[cursor.row].key);
    else if (to) moveTo(...to);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(measure).observe(grid);
  let band = false;
  model.runs.forEach((run, column) => {
    if (column && run.commit !== model.runs[column - 1].commit) band = !band;
    run.band = band;
  });
  return { render, redraw: measure, element: place, focus: () => grid.focus() };
}

function legend() {
  const entry = (sign, text) => el("span", {}, el(`span.cell.cell-${sign}`, { "aria-hidden": "true" }), text);
  return el("span", {}, entry("P", "passed "), entry("K", "flaky "), entry("F", "failed "), entry("S", "skipped "), entry("O", "outage"));
}
