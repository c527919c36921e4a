// Runs once for each page, as the first script in its head.

const mark = document.currentScript;
if (mark) {
  const {prefix, timestamp, url} = mark.dataset;
  mark.remove();
  const config = {reader: window.location.origin, prefix, timestamp, url, modifier: ""};
  if ("__muniment" in window) window.__muniment.adopt(config);
  else boot(window, config);
}
