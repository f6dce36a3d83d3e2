// Before the first paint: the theme that this reader chose last time, if any.
try {
  const chosen = localStorage.getItem("flakelens-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* a browser that keeps nothing for local files: the system's theme holds */ }
