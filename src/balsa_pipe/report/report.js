"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const systemDark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  const show = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", dark ? "Use light colours" : "Use dark colours");
  };
  show(systemDark);
  button.hidden = false;
  button.addEventListener("click", () => show(root.dataset.theme !== "dark"));

  // Two sounds at once can't be told apart.
  document.addEventListener("play", (event) => {
    for (const audio of document.querySelectorAll("audio")) {
      if (audio !== event.target) audio.pause();
    }
  }, true);

  for (const bar of document.querySelectorAll(".filters")) {
    const cards = [...document.getElementById(bar.dataset.for).children];
    const kinds = [...new Set(cards.map((card) => card.dataset.kind))].sort();
    if (kinds.length < 2) continue;
    const buttons = ["all", ...kinds].map((kind) => {
      const one = document.createElement("button");
      one.type = "button";
      one.textContent = kind.replaceAll("_", " ");
      one.setAttribute("aria-pressed", String(kind === "all"));
      one.addEventListener("click", () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === one));
        for (const card of cards) card.hidden = kind !== "all" && card.dataset.kind !== kind;
      });
      return one;
    });
    bar.append(...buttons);
    bar.hidden = false;
  }
})();
