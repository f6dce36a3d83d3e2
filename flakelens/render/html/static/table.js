// The list: a table whose headings sort it, a hundred rows at a time.

import { codesOf } from "./data.js";
import { bdi, el } from "./dom.js";
import { drawStrip } from "./strip.js";
import { percent, span, stateOf, told } from "./words.js";

const FIRST = 25;
const STEP = 100;
const STRIP = 60;

const COLUMNS = [
  ["urgency", "State", ""],
  ["name", "Test", ""],
  ["area", "Area", "optional"],
  ["rate", "Pass rate", "num"],
  ["first", "First attempts", "num optional"],
  ["flakes", "Flaky runs", "num optional"],
];

export function makeTable(model, { onSort, onOpen }) {
  const place = document.getElementById("list");
  let tests = [];
  let shown = FIRST;

  function render(found, state) {
    tests = found;
    shown = FIRST;
    draw(state);
  }

  function draw(state) {
    if (!tests.length) {
      place.replaceChildren(el("p.empty", {}, "No test matches. Clear a filter to see more."));
      return;
    }
    const rows = tests.slice(0, shown).map(row);
    const body = el("tbody", { role: "rowgroup" }, rows);
    const table = el("table.tests", { role: "table", "aria-label": "Tests" }, head(state), body);
    const more = tests.length > shown ? el("div.show-more", {}, ...buttons(state)) : null;
    place.replaceChildren(...[table, more].filter(Boolean));
    strips();
  }

  function buttons(state) {
    const grow = (to) => () => {
      const focus = shown;
      shown = to;
      draw(state);
      place.querySelectorAll("tbody a.name")[focus]?.focus();
    };
    const left = tests.length - shown;
    return [
      el("button.quiet", { type: "button", onclick: grow(shown + STEP) }, `Show ${Math.min(STEP, left)} more`),
      el("button.quiet", { type: "button", onclick: grow(tests.length) }, `Show all ${tests.length.toLocaleString("en")}`),
    ];
  }

  function head(state) {
    const cells = COLUMNS.map(([order, label, kind]) => {
      const sorted = state.sort === order;
      const turned = state.dir === "turned";
      const rising = (order === "name" || order === "area" || order === "rate" || order === "first" || order === "urgency") !== turned;
      return el("th", {
        scope: "col", role: "columnheader", class: kind || null,
        "aria-sort": sorted ? (rising ? "ascending" : "descending") : null,
      }, el("button", { type: "button", onclick: () => onSort(order) }, label));
    });
    const newest = el("th", { scope: "col", role: "columnheader" }, `Newest ${Math.min(STRIP, model.runs.length)} runs`);
    return el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, cells, newest));
  }

  function row(test) {
    const word = stateOf(test);
    const rate = (value) => (value ? [el("span", {}, percent(value.passed / value.executed)), el("span.span", {}, span(value))] : [el("span.none", {}, "–")]);
    const title = el("a.name", {
      href: `#test=${test.key}`,
      onclick: (event) => { event.preventDefault(); onOpen(test.key); },
    }, bdi(test.label || "(no title)"));
    const since = test.since ? `since ${test.since.commit ? test.since.commit.slice(0, 7) : `run ${test.since.run}`}` : "";
    const codes = codesOf(model, test);
    const canvas = el("canvas.strip", { role: "img", "aria-label": `newest runs: ${told(codes.slice(-STRIP))}` });
    canvas.test = test;
    return el("tr", { role: "row" },
      el("td", { role: "cell" }, el(`span.state.state-${word}`, {}, word),
        test.quarantined ? el("span.variant", {}, " quarantined") : "", since ? el("span.span", {}, since) : ""),
      el("th", { scope: "row", role: "rowheader" }, title,
        test.variant ? el("span.variant", {}, bdi(`[${test.variant.slice(0, 60)}] `)) : "",
        test.file ? el("span.file", { title: test.file.slice(0, 400) }, bdi(test.file.slice(0, 400))) : ""),
      el("td.optional.where", { role: "cell" }, test.area),
      el("td.num", { role: "cell" }, ...rate(test.pass_rate)),
      el("td.num.optional", { role: "cell" }, ...(test.first_attempt_pass_rate || !test.runs ? rate(test.first_attempt_pass_rate) : [el("span.none", {}, "hidden")])),
      el("td.num.optional", { role: "cell" }, test.flaky_runs ? String(test.flaky_runs) : "0"),
      el("td.history", { role: "cell" }, canvas));
  }

  function strips() {
    for (const canvas of place.querySelectorAll("canvas.strip")) {
      drawStrip(canvas, codesOf(model, canvas.test), model.runs, STRIP);
    }
  }

  return { render, redraw: strips, element: place };
}
