// Elements are made here and nowhere else: children that are strings become text, so that no name can be markup.

export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// Text from reports, kept from turning the direction of what stands around it.
export const bdi = (text) => el("bdi", {}, text);

export function link(address, text, attributes = {}) {
  return el("a", { href: address, rel: "noreferrer noopener", target: "_blank", ...attributes }, text);
}

export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // a page from file:// may not be trusted with the clipboard: the old way
    const box = el("textarea", { readonly: true });
    box.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  announce(`Copied the ${what}.`);
}
