// Keeps the page of a crawl up to date while it runs. Without this script the page reloads itself.
"use strict";
(() => {
  const live = document.getElementById("live");
  const silent = document.getElementById("silent");
  if (!live.dataset.stream || !window.EventSource) return;

  // Parts that say the same stay as they are, so that nobody loses what they are reading or about to press.
  const same = (mine, theirs) => (theirs.dataset.key ? mine.dataset.key === theirs.dataset.key : mine.innerHTML === theirs.innerHTML);

  const show = (text) => {
    const next = document.createElement("template");
    next.innerHTML = text;
    const wanted = [...next.content.children];
    for (const part of [...live.children]) if (!wanted.some((item) => item.id === part.id)) part.remove();
    let before = null;
    for (const part of wanted) {
      const mine = part.id ? document.getElementById(part.id) : null;
      if (!mine) before ? before.after(part) : live.prepend(part);
      else if (!same(mine, part)) {
        const focused = mine.contains(document.activeElement) ? document.activeElement : null;
        const key = focused && (focused.getAttribute("href") || focused.textContent);
        mine.replaceWith(part);
        if (key) [...part.querySelectorAll("a, button")].find((item) => (item.getAttribute("href") || item.textContent) === key)?.focus();
      }
      before = mine && mine.isConnected ? mine : part;
    }
  };

  const source = new EventSource(live.dataset.stream);
  source.addEventListener("message", (event) => {
    silent.hidden = true;
    show(event.data);
  });
  source.addEventListener("over", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) silent.hidden = false; // such as after the session's end
  });
})();
