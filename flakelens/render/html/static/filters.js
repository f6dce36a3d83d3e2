// Which tests are shown, and in which order.

import { stateOf } from "./words.js";

const rateOf = (test) => (test.pass_rate ? test.pass_rate.passed / test.pass_rate.executed : 2); // no data: last
const firstOf = (test) => (test.first_attempt_pass_rate ? test.first_attempt_pass_rate.passed / test.first_attempt_pass_rate.executed : 2);
const byName = (one, other) => (one.label < other.label ? -1 : one.label > other.label ? 1 : one.rank - other.rank);

// The direction in which each order begins; pressing its heading again turns it.
export const ORDERS = {
  urgency: { label: "most urgent", compare: (one, other) => one.rank - other.rank },
  name: { label: "title", compare: byName },
  area: { label: "area", compare: (one, other) => (one.area < other.area ? -1 : one.area > other.area ? 1 : one.rank - other.rank) },
  rate: { label: "pass rate", compare: (one, other) => rateOf(one) - rateOf(other) || one.rank - other.rank },
  first: { label: "first attempts", compare: (one, other) => firstOf(one) - firstOf(other) || one.rank - other.rank },
  flakes: { label: "flaky runs", compare: (one, other) => other.flaky_runs - one.flaky_runs || one.rank - other.rank },
  failures: { label: "failures", compare: (one, other) => other.failures - one.failures || one.rank - other.rank },
  slow: { label: "duration", compare: (one, other) => (other.duration?.seconds ?? -1) - (one.duration?.seconds ?? -1) || one.rank - other.rank },
};

export function matching(model, state) {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const members = state.cause ? new Set(membersOf(model, state.cause)) : null;
  const found = model.tests.filter((test) =>
    (!state.area || test.area === state.area)
    && (!state.focus || test.focus.includes(state.focus))
    && (!state.state || stateOf(test) === state.state)
    && (!state.owner || ownersOf(test).includes(state.owner))
    && (!members || members.has(test.key))
    && (!state.failing || test.failing)
    && words.every((word) => test.wanted.includes(word)));
  const order = ORDERS[state.sort] ?? ORDERS.urgency;
  found.sort(order.compare);
  if (state.dir === "turned") found.reverse();
  return found;
}

export const ownersOf = (test) => (test.owner ? test.owner.split(/,\s*|\s+/).filter(Boolean) : []);

function membersOf(model, cause) {
  const named = new Set((model.causes.get(cause)?.tests ?? []).map((test) => JSON.stringify([test.file, test.name, test.variant])));
  return model.tests
    .filter((test) => test.cause === cause || named.has(JSON.stringify([test.file, test.name, test.variant])))
    .map((test) => test.key);
}

// What each filter offers: the values that occur, with how many tests have them.
export function choices(model) {
  const tally = (values) => {
    const counts = new Map();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    return [...counts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([value, number]) => [value, `${value} (${number})`]);
  };
  const title = (cause) => {
    const first = cause.tests[0];
    const more = cause.tests.length > 1 ? ` +${cause.tests.length - 1}` : "";
    const label = model.tests.find((test) => test.name === first.name)?.label ?? first.name;
    return [cause.id, `${label.slice(0, 60)}${label.length > 60 ? "…" : ""}${more}`];
  };
  const states = ["broken", "flaky", "healing", "unsure", "stable", "branch-only", "gone"];
  const counted = new Map(tally(model.tests.map(stateOf)));
  return {
    area: tally(model.tests.map((test) => test.area)),
    focus: tally(model.tests.flatMap((test) => test.focus)),
    state: states.filter((state) => counted.has(state)).map((state) => [state, counted.get(state)]),
    owner: tally(model.tests.flatMap(ownersOf)),
    cause: model.report.causes.map(title),
    sort: Object.entries(ORDERS).map(([value, order]) => [value, order.label]),
  };
}
