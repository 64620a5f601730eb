"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const choices = ["task", "verdict"].map(at).filter(Boolean);
  const text = at("text");
  const cards = [...document.querySelectorAll("article.card")];
  const contents = cards.map((card) => card.textContent.toLowerCase());

  const fits = (card, index) =>
    choices.every((choice) => !choice.value || card.dataset[choice.id] === choice.value) &&
    text.value.toLowerCase().split(/\s+/).every((word) => contents[index].includes(word));

  const filter = () => {
    cards.forEach((card, index) => {
      card.hidden = !fits(card, index);
      if (card.hidden) for (const audio of card.querySelectorAll("audio")) audio.pause();
    });
    const shown = cards.filter((card) => !card.hidden).length;
    at("count").textContent = `${shown} of ${cards.length} rows`;
    at("none").hidden = shown > 0;
  };

  const showAll = () => {
    for (const field of [...choices, text]) field.value = "";
    filter();
  };

  const move = (step) => {
    const shown = cards.filter((card) => !card.hidden);
    const now = shown.findIndex((card) => card.contains(document.activeElement));
    const next = shown[now < 0 ? (step > 0 ? 0 : shown.length - 1) : now + step];
    if (next) next.focus();
  };

  for (const field of [...choices, text]) field.addEventListener("input", filter);
  at("all").addEventListener("click", showAll);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return showAll();
    if (event.target.matches("input, select, audio")) return;
    if (event.key === "/") {
      event.preventDefault();
      text.focus();
    } else if (event.key === "j" || event.key === "k") {
      move(event.key === "j" ? 1 : -1);
    }
  });
  at("search").hidden = false;
  filter();
})();
