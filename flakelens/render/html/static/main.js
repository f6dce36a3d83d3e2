// What happens when: the page is loaded, a filter is set, a heading pressed, an address changed.

import { makeModel, readIsland } from "./data.js";
import { makeCharts } from "./charts.js";
import { announce, el } from "./dom.js";
import { makeDetail } from "./detail.js";
import { choices, matching, ORDERS } from "./filters.js";
import { makeGrid } from "./grid.js";
import { DEFAULTS, fromHash, isOurs, toHash } from "./state.js";
import { forgetColours } from "./strip.js";
import { makeTable } from "./table.js";

const THEMES = ["auto", "light", "dark"];

function start(model, charts) {
  const form = document.getElementById("filters");
  const fields = form.elements;
  let state = fromHash(location.hash);
  let found = [];

  const table = makeTable(model, { onSort: sortBy, onOpen: openTest });
  const grid = makeGrid(model, { onOpen: openTest });
  const detail = makeDetail(model, { onClose: closed, onOpen: openTest, neighbours });

  fill(fields, choices(model));
  document.getElementById("explorer").hidden = false;

  function apply({ say = false } = {}) {
    for (const name of ["q", "area", "focus", "state", "owner", "cause", "sort"]) fields[name].value = state[name];
    fields.failing.checked = Boolean(state.failing);
    fields.view.value = state.view;
    found = matching(model, state);
    const all = model.tests.length;
    const words = found.length === all ? `${all.toLocaleString("en")} tests` : `${found.length.toLocaleString("en")} of ${all.toLocaleString("en")} tests`;
    document.getElementById("matching").textContent = `${words}, over ${model.runs.length.toLocaleString("en")} runs.`;
    const asGrid = state.view === "grid";
    grid.element.hidden = !asGrid;
    table.element.hidden = asGrid;
    if (asGrid) grid.render(found);
    else table.render(found, state);
    if (say) announce(words);
  }

  function change(changes) {
    state = { ...state, ...changes };
    history.replaceState(null, "", toHash(state));
    apply();
  }

  function sortBy(order) {
    change(state.sort === order ? { dir: state.dir ? "" : "turned" } : { sort: order, dir: "" });
    const place = Object.keys(ORDERS).indexOf(order);
    const button = document.querySelector(`#list th[aria-sort] button`);
    if (place >= 0) button?.focus();
  }

  function openTest(key) {
    if (state.test === key) { detail.open(key); return; }
    const first = !state.test;
    state = { ...state, test: key };
    history[first ? "pushState" : "replaceState"](null, "", toHash(state));
    detail.open(key);
  }

  function closed() {
    if (!state.test) return;
    state = { ...state, test: "" };
    if (isOurs(location.hash)) history.replaceState(null, "", toHash(state));
  }

  function neighbours(key) {
    const place = found.findIndex((test) => test.key === key);
    return place < 0 ? [null, null] : [found[place - 1]?.key ?? null, found[place + 1]?.key ?? null];
  }

  function follow() {
    if (!isOurs(location.hash)) { state = { ...state, test: "" }; detail.close(); return; }
    const alone = location.hash.startsWith("#test=");
    const asked = fromHash(location.hash);
    state = alone ? { ...state, test: asked.test } : asked;
    if (!alone) apply();
    if (state.test) detail.open(state.test);
    else { detail.close(); document.getElementById("tests").scrollIntoView(); }
  }

  let typing = 0;
  fields.q.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => change({ q: fields.q.value }), 120);
  });
  form.addEventListener("change", (event) => {
    const field = event.target;
    if (field.name === "failing") change({ failing: field.checked ? "1" : "" });
    else if (field.name === "sort") change({ sort: field.value, dir: "" });
    else if (field.name !== "q") change({ [field.name]: field.value });
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => { event.preventDefault(); change({ ...DEFAULTS, view: state.view }); fields.q.focus(); });
  window.addEventListener("hashchange", follow);
  window.addEventListener("resize", () => { if (state.view === "list") table.redraw(); detail.redraw(); });

  const repaint = () => { forgetColours(); charts.redraw(); table.redraw(); grid.redraw(); detail.redraw(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  themes(repaint);
  apply();
  if (isOurs(location.hash)) follow();
  document.documentElement.dataset.ready = "true";
}

function fill(fields, offered) {
  for (const [name, options] of Object.entries(offered)) {
    const none = name === "sort" ? [] : [["", "all"]];
    fields[name].replaceChildren(...[...none, ...options].map(([value, label]) => el("option", { value }, label)));
    if (name !== "sort") fields[name].closest("label").hidden = options.length === 0;
  }
}

function themes(repaint) {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const show = () => { button.querySelector("span").textContent = root.dataset.theme ?? "auto"; };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "auto") + 1) % THEMES.length];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      localStorage.setItem("flakelens-theme", next);
    } catch { /* not kept: the page forgets it */ }
    show();
    repaint();
  });
}

Promise.all([readIsland("data"), readIsland("charts")]).then(([report, charts]) => start(makeModel(report), makeCharts(charts)), (error) => {
  document.getElementById("tests").append(el("p.card", {}, `The list of tests could not be read: ${error.message}`));
});
