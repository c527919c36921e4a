// One box that ticks all of a list's page.
"use strict";
(() => {
  const head = document.querySelector("#urls th.tick");
  if (!head) return;
  const boxes = [...document.querySelectorAll("#urls td.tick input")];
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Choose all on this page");
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  head.replaceChildren(all);
})();
