// The page of one test, in a dialog: why it has its state, its history, what its failures said, how to run it.

import { codesOf } from "./data.js";
import { bdi, copy, el, link } from "./dom.js";
import { drawStrip } from "./strip.js";
import { OUTCOMES, count, moment, percent, seconds, span, stateOf, told } from "./words.js";

const MOST_TROUBLES = 60;

export function makeDetail(model, { onClose, neighbours, onOpen }) {
  const dialog = document.getElementById("test");
  let strip = null;
  let shown = null;

  function open(key) {
    const test = model.byKey.get(key);
    dialog.replaceChildren(...(test ? page(test) : missing(key)));
    shown = test ?? null;
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    dialog.querySelector("h3").focus();
    redraw();
  }

  function close() {
    if (dialog.open) dialog.close();
  }

  function redraw() {
    if (strip && shown && dialog.open) drawStrip(strip, codesOf(model, shown), model.runs);
  }

  function missing(key) {
    strip = null;
    return [el("div.detail-head", {}, tools(null), el("h3", { id: "test-title", tabindex: "-1" }, "This report has no such test")),
      el("div.detail-body", {}, el("p", {}, `A link led here with the short name ${key.slice(0, 40)}. The test may be gone, or the link from another project.`))];
  }

  function page(test) {
    const title = test.label || "(no title)";
    const where = [test.file && el("span.file", {}, bdi(test.file)), test.variant && bdi(`[${test.variant}]`), test.area, ...test.focus];
    return [
      el("div.detail-head", {}, tools(test),
        el("h3", { id: "test-title", tabindex: "-1" }, bdi(title)),
        el("p.variant", {}, ...where.filter(Boolean).flatMap((part, place) => (place ? [" · ", part] : [part])))),
      el("div.detail-body", {}, stated(test), because(test), rates(test), history(test), happened(test), said(test), cause(test), price(test)),
    ];
  }

  function tools(test) {
    const button = (label, action, attributes = {}) => el("button.quiet", { type: "button", onclick: action, ...attributes }, label);
    const [before, after] = test ? neighbours(test.key) : [null, null];
    return el("div.detail-tools", {},
      test && button("Copy test name", () => copy(fullName(test), "test name"), { "data-copy": "name" }),
      test?.command && button("Copy command to run it", () => copy(test.command, "command"), { "data-copy": "command" }),
      test && button("Copy link", () => copy(linkTo(test.key), "link"), { "data-copy": "link" }),
      before && button("Previous", () => onOpen(before), { "data-go": "previous" }),
      after && button("Next", () => onOpen(after), { "data-go": "next" }),
      el("button.quiet.close", { type: "button", onclick: close }, "Close"));
  }

  function stated(test) {
    const word = stateOf(test);
    const since = test.since ? ` since ${runName(test.since.run)}${test.since.commit ? ` (${test.since.commit.slice(0, 7)})` : ""}` : "";
    const chances = [["broken", test.p_broken], ["flaky", test.p_flaky], ["stable", test.p_stable]]
      .filter(([, chance]) => chance !== null && chance !== undefined).map(([name, chance]) => `P(${name}) ${percent(chance)}`);
    return el("p", {}, el(`span.state.state-${word}`, {}, word), since, test.quarantined ? ", in quarantine" : "",
      chances.length ? el("span.variant", {}, ` ${chances.join(" · ")}`) : "",
      test.owner ? el("span.variant", {}, ` owner ${test.owner}`) : "");
  }

  function because(test) {
    if (!test.because.length) return el("p.empty", {}, `${count(test.runs, "run")} without a failure.`);
    return el("section", {}, el("h4", {}, "Because"), el("ul.plain", {}, test.because.map((sentence) => el("li", {}, bdi(sentence)))));
  }

  function rates(test) {
    const figure = (rate, none) => (rate
      ? [el("span.figure-mid", {}, percent(rate.passed / rate.executed)), el("span.span", {}, span(rate))]
      : [el("span.none", {}, none)]);
    const entry = (name, parts) => el("div", {}, el("dt", {}, name), el("dd", {}, ...parts));
    const duration = test.duration;
    const slower = duration && duration.before !== null
      ? el("span.span", {}, `${seconds(duration.before)} before ${runName(duration.since?.run ?? "")}`) : "";
    return el("dl.rates", {},
      entry("Pass rate", figure(test.pass_rate, "no results")),
      entry("First attempts", figure(test.first_attempt_pass_rate, test.runs ? "hidden by the reporter" : "no results")),
      entry("Flaky runs", [el("span.figure-mid", {}, String(test.flaky_runs)), el("span.span", {}, `of ${count(test.runs, "run")}`)]),
      duration ? entry("Takes", [el("span.figure-mid", {}, seconds(duration.seconds)), slower]) : "");
  }

  function history(test) {
    const codes = codesOf(model, test);
    strip = el("canvas.strip", { role: "img", "aria-label": `all runs, oldest first: ${told(codes)}` });
    const troubles = [];
    for (let column = codes.length - 1; column >= 0; column -= 1) {
      const letter = String.fromCharCode(codes[column]);
      if (letter === "F" || letter === "K") troubles.push([letter, model.runs[column]]);
    }
    const list = troubles.slice(0, MOST_TROUBLES).map(([letter, run]) => el("li", {},
      el(`span.cell.cell-${letter}`, { "aria-hidden": "true" }), `${OUTCOMES[letter]} in `, runLink(run),
      el("span.variant", {}, ` ${run.commit ? run.commit.slice(0, 7) : ""} ${moment(run.started_at)}${run.outage ? " outage" : ""}`)));
    return el("section", {}, el("h4", {}, `History, ${count(model.runs.length, "run")}, newest right`), strip,
      troubles.length ? el("details", { open: troubles.length <= 12 }, el("summary", {}, count(troubles.length, "run with trouble").replace("troubles", "trouble").replace("run with", troubles.length === 1 ? "run with" : "runs with")), el("ul.troubles", {}, list),
        troubles.length > MOST_TROUBLES ? el("p.empty", {}, `and ${troubles.length - MOST_TROUBLES} older`) : "") : "");
  }

  function happened(test) {
    if (!test.events.length) return "";
    return el("section", {}, el("h4", {}, "What happened"), el("ul.plain", {}, test.events.slice(-20).reverse().map((event) => el("li", {},
      el(`span.state.state-${event.kind}`, {}, event.kind), " run ", runOrName(event.run),
      event.details.length ? el("span.variant", {}, ` ${event.details.join("; ")}`) : ""))));
  }

  function said(test) {
    if (!test.failures_said.length) return "";
    return el("section", {}, el("h4", {}, "What its failures said"), test.failures_said.map((entry) => el("div.message", {},
      el("p", {}, el("b", {}, `${entry.count} × `), `${entry.category}? `, el("span.variant", {}, "run "), runOrName(entry.first_run),
        entry.first_run === entry.last_run ? "" : [el("span.variant", {}, " to "), runOrName(entry.last_run)]),
      el("pre", { tabindex: "0", "aria-label": "Message" }, bdi(entry.message)))));
  }

  function cause(test) {
    const found = model.causes.get(test.cause);
    if (!found) return "";
    const others = found.tests.length - 1;
    return el("section", {}, el("h4", {}, "Cause"),
      el("p", {}, el("a", { href: `#${found.id}`, onclick: close }, others ? `fails together with ${count(others, "other test")}` : "fails by itself"),
        found.signature ? [": ", bdi(found.signature.example.slice(0, 300))] : ""),
      found.factors.length ? el("ul.plain", {}, found.factors.map((factor) => el("li", {},
        `strikes more with ${factor.factor} `, el("b", {}, bdi(factor.level)),
        `: ${factor.failed} of ${factor.ran} against ${factor.failed_elsewhere} of ${factor.ran_elsewhere} elsewhere`,
        factor.not_separable_from.length ? `; not separable from ${factor.not_separable_from.join(", ")}` : ""))) : "");
  }

  function price(test) {
    const cost = test.price;
    if (!cost?.failed) return "";
    const parts = [`${cost.failed} of ${count(cost.runs, "run")} failed with it`];
    if (cost.reruns) parts.push(count(cost.reruns, "re-run"));
    if (cost.minutes !== null) parts.push(`${cost.minutes.toFixed(1)} test minutes lost`);
    if (cost.pull_requests) parts.push(`${count(cost.pull_requests, "pull request")} blocked`);
    return el("section", {}, el("h4", {}, `Its price in ${cost.days} days`), el("p", {}, parts.join(", ")));
  }

  const runName = (run) => `run ${run.slice(0, 60)}`;
  const runLink = (run) => (run.url ? link(run.url, bdi(run.run.slice(0, 60)), { class: "run" }) : el("span.run", {}, bdi(run.run.slice(0, 60))));
  const runOrName = (name) => { const run = model.runOf.get(name); return run ? runLink(run) : el("span.run", {}, bdi(name)); };

  dialog.addEventListener("close", onClose);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
  return { open, close, redraw, isOpen: () => dialog.open };
}

export const fullName = (test) => `${test.file ? `${test.file} > ` : ""}${test.name}${test.variant ? ` [${test.variant}]` : ""}`;

export const linkTo = (key) => `${location.href.split("#")[0]}#test=${key}`;
