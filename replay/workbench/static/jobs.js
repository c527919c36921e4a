// The list of jobs, kept up to date while the page is open. Without scripts the page loads itself again.
"use strict";
(() => {
  const rows = document.getElementById("rows");
  if (!rows || rows.dataset.live !== "yes") return;
  const listen = () => {
    const source = new EventSource(rows.dataset.stream);
    source.onmessage = (event) => {
      if (rows.contains(document.activeElement)) return; // somebody is on a link of it
      rows.innerHTML = event.data;
    };
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return; // it asks again by itself
      setTimeout(listen, 5000);
    };
  };
  listen();
})();
