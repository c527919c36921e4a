// Adds to the list of what came while a page is saved. Without this script the page reloads itself.
"use strict";
(() => {
  const save = document.getElementById("save");
  const list = document.getElementById("resources");
  const watch = async () => {
    try {
      const answer = await fetch(save.dataset.live, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      if (told.status !== "pending") return location.reload();
      for (const url of told.resources.slice(list.children.length)) {
        const line = document.createElement("li");
        line.dir = "ltr";
        line.textContent = url;
        list.append(line);
      }
      document.getElementById("count").textContent = told.resources.length;
      document.getElementById("bar").max = told.progress.known;
      document.getElementById("bar").value = told.progress.finished;
      setTimeout(watch, 700);
    } catch {
      setTimeout(watch, 3000);
    }
  };
  if (save.dataset.pending === "true") watch();
})();
