// How figures are written, as everywhere in flakelens: never rounded up to 100 %, never down to 0 %.

export function percent(share, digits = 1) {
  const text = (share * 100).toFixed(digits);
  const least = 10 ** -digits;
  if (share < 1 && Number(text) >= 100) return `${(100 - least).toFixed(digits)} %`;
  if (share > 0 && Number(text) === 0) return `${least.toFixed(digits)} %`;
  return `${text} %`;
}

export function span(rate) {
  const counts = `${rate.passed.toLocaleString("en")}/${rate.executed.toLocaleString("en")}`;
  if (rate.low === null || rate.high === null) return counts;
  return `${percent(rate.low).slice(0, -2)}–${percent(rate.high).slice(0, -2)}, ${counts}`;
}

export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

export const moment = (iso) => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

export function seconds(value) {
  if (value < 0.9995) return `${(value * 1000).toFixed(0)} ms`;
  if (value < 99.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

export const OUTCOMES = { P: "passed", K: "failed, then passed", F: "failed", S: "skipped", ".": "no result" };

export const stateOf = (test) => (test.healing ? "healing" : test.state);

// One sentence for those who cannot see a strip.
export function told(codes) {
  const counts = { P: 0, K: 0, F: 0, S: 0 };
  for (const code of codes) {
    const letter = String.fromCharCode(code);
    if (letter in counts) counts[letter] += 1;
  }
  const parts = Object.entries(counts).filter(([, number]) => number).map(([letter, number]) => `${number} ${OUTCOMES[letter]}`);
  return parts.length ? parts.join(", ") : "no result";
}

export function runWords(run) {
  const commit = run.commit ? ` (${run.commit.slice(0, 7)})` : "";
  return `run ${run.run}${commit}, ${moment(run.started_at)}${run.outage ? `, ${run.outage} outage` : ""}`;
}
