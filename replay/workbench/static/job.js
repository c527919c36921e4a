// Keeps a capture's page up to date while it runs. Without this script the page reloads itself.
"use strict";
(() => {
  const job = document.getElementById("job");
  const byId = (id) => document.getElementById(id);
  const units = ["Bytes", "kB", "MB", "GB", "TB"];

  const size = (bytes) => {
    let unit = 0;
    while (bytes >= 1000 && unit < units.length - 1) {
      bytes /= 1000;
      unit += 1;
    }
    return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
  };

  const row = (failure) => {
    const line = document.createElement("tr");
    const address = line.insertCell();
    address.className = "url";
    address.dir = "ltr";
    address.textContent = failure.url;
    line.insertCell().textContent = failure.reason;
    return line;
  };

  const show = (state) => {
    if (byId("state").textContent !== state.state) {
      byId("state").textContent = state.state;
      byId("state").className = `state ${state.state}`;
    }
    byId("title").textContent = state.title || state.url;
    byId("bar").max = state.known;
    byId("bar").value = state.finished;
    byId("finished").textContent = state.finished;
    byId("known").textContent = state.known;
    byId("received").textContent = size(state.received);
    byId("host").textContent = state.host || "–";
    byId("problem").hidden = !state.problem;
    byId("problem").textContent = state.problem;
    byId("see").hidden = !state.see;
    if (state.see) byId("see").href = state.see;
    byId("stop").hidden = state.over;
    byId("missing").hidden = state.failures.length === 0;
    byId("failures").replaceChildren(...state.failures.map(row));
  };

  const watch = async () => {
    try {
      const answer = await fetch(job.dataset.live, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const state = await answer.json();
      show(state);
      if (!state.over) setTimeout(watch, 400);
    } catch {
      byId("problem").hidden = false;
      byId("problem").textContent = "The workbench does not answer. What was captured so far is kept.";
      setTimeout(watch, 3000);
    }
  };

  if (job.dataset.over === "false") watch();
})();
