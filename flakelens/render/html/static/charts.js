// The charts: pictures that the page carries deflated, shown in the theme of the page. Light on paper.

import { el } from "./dom.js";

const DARK = "(prefers-color-scheme: dark)";

export const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia(DARK).matches ? "dark" : "light")) === "dark";

export function makeCharts(pictures) {
  const places = [...document.querySelectorAll("[data-chart]")].filter((place) => pictures[place.dataset.chart]);

  function show(dark) {
    for (const place of places) {
      const picture = pictures[place.dataset.chart];
      const address = `data:image/svg+xml,${encodeURIComponent(dark ? picture.dark : picture.light)}`;
      let image = place.querySelector("img");
      if (!image) {
        image = el("img", { alt: picture.said, decoding: "async" });
        place.replaceChildren(image);
      }
      image.src = address;
    }
  }

  window.addEventListener("beforeprint", () => show(false));
  window.addEventListener("afterprint", () => show(isDark()));
  show(isDark());
  return { redraw: () => show(isDark()) };
}
