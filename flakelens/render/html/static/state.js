// What is looked for, kept in the address behind "#", so that a link shows another person the same.

export const DEFAULTS = {
  q: "", area: "", focus: "", state: "", owner: "", cause: "", failing: "", sort: "urgency", dir: "", view: "list", test: "",
};

// "#tests?area=E2E&q=pay", or "#test=t12" for the page of a test alone; any other hash is a place on the page.
export function fromHash(hash) {
  const text = hash.startsWith("#") ? hash.slice(1) : hash;
  const query = text.startsWith("tests?") ? text.slice(6) : text.startsWith("test=") ? text : "";
  const asked = new URLSearchParams(query);
  const state = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) if (asked.has(key)) state[key] = asked.get(key);
  if (text === "grid") state.view = "grid";
  return state;
}

export function toHash(state) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(DEFAULTS)) if (state[key] !== value) query.set(key, state[key]);
  const text = query.toString();
  return text ? `#tests?${text}` : "#tests";
}

export const isOurs = (hash) => /^#(tests(\?|$)|test=|grid$)/.test(hash);
