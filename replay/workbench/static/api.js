// Sends the operations of the API page, with this session, and shows what came.
"use strict";
document.getElementById("without-script").hidden = true;
const token = document.querySelector("#csrf [name=csrf_token]").value;

function asked(form) {
  const headers = { "X-CSRFToken": token };
  const query = new URLSearchParams();
  let path = form.dataset.path, body;
  for (const field of form.querySelectorAll("[data-in]")) {
    const value = field.value;
    switch (field.dataset.in) {
      case "path": path = path.replace(`{${field.name}}`, encodeURIComponent(value).replaceAll("%2F", "/")); break;
      case "query": if (value !== "") query.append(field.name, value); break;
      case "header": if (value !== "") headers[field.name] = value; break;
      case "file": body = field.files[0]; headers["Content-Type"] = "application/octet-stream"; break;
      case "body": body = value; headers["Content-Type"] = "application/json"; break;
    }
  }
  const search = query.toString();
  return [search ? `${path}?${search}` : path, { method: form.dataset.method, headers, body }];
}

function shown(response, text) {
  let said = text;
  try { said = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
  return `${head(response, ["Location", "ETag", "Link"])}\n\n${said}`;
}

function head(response, names) {
  const lines = [`${response.status} ${response.statusText}`.trim()];
  for (const name of names) {
    const value = response.headers.get(name);
    if (value) lines.push(`${name}: ${value}`);
  }
  return lines.join("\n");
}

// A file may be too large to be shown: what is told of it, and where it is kept from.
function offered(response, output) {
  response.body.cancel();
  const names = ["Content-Type", "Content-Length", "Content-Range", "Content-Disposition", "ETag", "Repr-Digest"];
  const link = document.createElement("a");
  link.href = response.url;
  link.textContent = "Download the file";
  output.replaceChildren(`${head(response, names)}\n\n`, link);
}

for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.querySelector("output");
    const button = form.querySelector("button");
    output.hidden = false;
    button.disabled = true;
    output.textContent = "…";
    try {
      const response = await fetch(...asked(form));
      if (response.headers.has("Content-Disposition")) offered(response, output);
      else output.textContent = shown(response, await response.text());
      output.classList.toggle("wrong", !response.ok);
    } catch (error) {
      output.textContent = `Nothing came: ${error.message}`;
      output.classList.add("wrong");
    }
    button.disabled = false;
  });
}
