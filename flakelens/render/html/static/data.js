// The document that the page carries: the same as report.json, deflated. Everything in it is data, never markup.

export async function readIsland(id) {
  const island = JSON.parse(document.getElementById(id).textContent);
  const bytes = Uint8Array.from(atob(island.data), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

// "P12F" -> twelve P and an F, as an array of character codes with one entry per run.
export function unpack(history, length) {
  const codes = new Uint8Array(length).fill(46);
  let place = 0;
  for (const [, letter, count] of history.matchAll(/([PKFS.])(\d*)/g)) {
    const next = place + (count ? Number(count) : 1);
    codes.fill(letter.charCodeAt(0), place, next);
    place = next;
  }
  return codes;
}

// What the list, the grid and the pages of tests look at. `rank` keeps the report's order: most urgent first.
export function makeModel(report) {
  const runs = report.runs.map((run, column) => ({ ...run, column, url: webAddress(run.url) }));
  const runOf = new Map(runs.map((run) => [run.run, run]));
  const causes = new Map(report.causes.map((cause) => [cause.id, cause]));
  const tests = report.tests.map((test, rank) => ({
    ...test,
    rank,
    label: test.shown ?? test.name,
    wanted: `${test.name} ${test.file} ${test.variant} ${test.key}`.toLowerCase(),
    failing: /[FK]/.test(test.history),
    codes: null,
  }));
  const byKey = new Map(tests.map((test) => [test.key, test]));
  return { report, runs, runOf, causes, tests, byKey };
}

export function codesOf(model, test) {
  test.codes ??= unpack(test.history, model.runs.length);
  return test.codes;
}

// Addresses come from reports: only the web is linked to.
export function webAddress(text) {
  return /^https?:\/\//i.test(text ?? "") ? text : "";
}
