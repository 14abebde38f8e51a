"use strict";

const byId = (id) => document.getElementById(id);

// Every value becomes text, never markup.
function element(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

let shown = null;
let receivedAt = 0;

const sandboxNow = () => shown.now + (performance.now() - receivedAt) / 1000;

function age(at) {
  const seconds = Math.max(0, Math.floor(sandboxNow() - at));
  if (seconds < 2) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
}

function kind(status) {
  if (status === null || status >= 500) return "bad";
  if (status === 429) return "limit";
  return status < 400 ? "good" : "warn";
}

const RETRY_AFTER_FAULT = "429";
const faultName = (fault) =>
  document.querySelector(`[data-fault="${CSS.escape(fault)}"] b`).textContent;

function showAccess({ tokens, examples }) {
  if (byId("examples").children.length) return;
  for (const { token, gets } of tokens) {
    byId("access").append(
      element("div", {}, element("dt", { text: gets }), element("dd", {}, element("code", { text: token }))),
    );
  }
  for (const example of examples) {
    const button = element("button", { type: "button", text: example.title });
    button.addEventListener("click", () => sendExample(example, tokens[0].token));
    byId("examples").append(button);
  }
}

function showBudget() {
  const { limit, remaining, resets_at: resetsAt } = shown.budget;
  const seconds = resetsAt === null ? 0 : Math.ceil(resetsAt - sandboxNow());
  const left = seconds > 0 ? remaining : limit;
  byId("remaining").textContent = left;
  byId("limit").textContent = limit;
  byId("meter").max = limit;
  byId("meter").value = left;
  byId("arc").setAttribute("stroke-dasharray", `${(100 * left) / limit} 100`);
  document.querySelector(".budget").dataset.level = left === 0 ? "out" : left <= limit / 5 ? "low" : "fine";
  byId("window").textContent =
    seconds > 0 ? `Full again in ${seconds} s` : "The minute begins with the next call.";
}

function showPending(pending) {
  const chips = pending.map(({ fault, count, retry_after: retryAfter }) =>
    element("span", {
      class: "chip",
      text: `${faultName(fault)}${retryAfter === undefined ? "" : `, retry after ${retryAfter} s`}${count > 1 ? ` × ${count}` : ""}`,
    }),
  );
  byId("pending").replaceChildren(...(chips.length ? ["Next: ", ...chips] : ["The next calls are answered as usual."]));
  byId("clear").hidden = !chips.length;
}

function showRequests(requests, newestBefore) {
  byId("no-requests").hidden = requests.length > 0;
  byId("journal-scroll").hidden = !requests.length;
  byId("journal").replaceChildren(
    ...requests.map(({ number, received_at: at, method, path, token, status, why }) => {
      const cut = path.lastIndexOf("/", path.lastIndexOf("/") - 1) + 1;
      return element(
        "li",
        { class: number > newestBefore ? "fresh" : "", "data-number": number },
        element("span", { class: "status", "data-kind": kind(status), text: status ?? "no answer" }),
        element(
          "span",
          { class: "path", title: path },
          element("span", { class: "stem", text: `${method} ${path.slice(0, cut)}` }),
          element("span", { class: "tail", text: path.slice(cut) }),
        ),
        element("span", { class: "age", "data-at": at, text: age(at) }),
        element("bdi", { class: "why", text: why }),
        ...(token === shown.budget.token ? [] : [element("span", { class: "token", text: token })]),
      );
    }),
  );
  const newest = requests[0];
  if (newest?.number > newestBefore) {
    byId("announcement").textContent = `${newest.status ?? "No answer"}: ${newest.why}`;
  }
}

function cell(name, value) {
  const label = { "data-name": name.replaceAll("_", " ") };
  if (value === undefined) return element("td", { ...label, "data-type": "absent", text: "–", title: "left out" });
  return element("td", { ...label, "data-type": value.type }, element("bdi", { text: value.text }));
}

// The id opens the record; so does a click anywhere in its row, but not one that selects text.
function row(collection, title, columns, record, isFresh) {
  const id = record.id.text;
  const opener = element("button", { type: "button", class: "opener", text: id, "aria-label": `${title} ${id}, all of it` });
  const made = element(
    "tr",
    { class: isFresh ? "fresh" : "" },
    element("td", { "data-name": "id" }, opener),
    ...columns.slice(1).map((column) => cell(column, record[column])),
  );
  made.addEventListener("click", () => {
    if (getSelection().isCollapsed) openRecord(collection, title, id);
  });
  return made;
}

async function openRecord(collection, title, id) {
  const answer = await fetch(`/_sandbox/records/${encodeURIComponent(collection)}/${id}`);
  if (!answer.ok) return refresh();
  byId("record-title").textContent = `${title} #${id}`;
  byId("values").replaceChildren(
    ...Object.entries(await answer.json()).map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
      const type = value === null ? "null" : typeof value === "object" ? "json" : typeof value;
      const label = element("dt", { text: name.replaceAll("_", " ") });
      return element("div", {}, label, element("dd", { "data-type": type }, element("bdi", { text })));
    }),
  );
  byId("record").showModal();
}

function showCollections(collections, before) {
  byId("collections").replaceChildren(
    ...collections.map(({ name, count, columns, records }) => {
      const known = before?.find((other) => other.name === name)?.records.map((record) => JSON.stringify(record));
      const titleId = `collection-${name}`;
      const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      const rows = records.map((record) =>
        row(name, title, columns, record, known && !known.includes(JSON.stringify(record))),
      );
      const head = columns.map((column) => element("th", { scope: "col", text: column.replaceAll("_", " ") }));
      const table = element("table", { class: columns.length > 3 ? "many" : "few" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
      const many = count > records.length ? `the newest ${records.length} of ${count}` : `${count}`;
      return element(
        "section",
        { class: "panel", "aria-labelledby": titleId, "data-collection": name },
        element("header", {}, element("h3", { id: titleId, text: title }), element("span", { class: "quiet", text: many })),
        records.length
          ? element("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": titleId }, table)
          : element("p", { class: "empty", text: "Nothing is stored yet." }),
      );
    }),
  );
}

function showConnection({ tokens, shared_by: sharedBy }) {
  const env = { WEMASY_BASE_URL: `${location.origin}/api`, WEMASY_API_TOKEN: tokens[0].token };
  byId("as-api").textContent = JSON.stringify(env).replaceAll('":"', '": "').replaceAll('","', '", "');
  byId("sharing-note").textContent = sharedBy
    ? "Or share only the records, which works without this process. The command of the entry:"
    : "Or share only the records: restart this sandbox with a file, and the command of the entry is shown here.";
  byId("sharing").textContent = sharedBy ?? "wemasy-mcp sandbox --sandbox-db sandbox.db";
}

// Nothing is drawn again while nothing changes, so that a selection or the focus stays where it is.
function show(state) {
  const before = shown;
  const isNews = !before || JSON.stringify({ ...before, now: 0 }) !== JSON.stringify({ ...state, now: 0 });
  shown = state;
  receivedAt = performance.now();
  if (!isNews) return;
  showAccess(state);
  showConnection(state);
  showBudget();
  showPending(state.pending);
  showRequests(state.requests, before?.requests[0]?.number ?? (before ? 0 : Infinity));
  showCollections(state.collections, before?.collections);
}

function tick() {
  if (!shown) return;
  showBudget();
  for (const made of document.querySelectorAll(".age")) made.textContent = age(Number(made.dataset.at));
}

function showLink(state, text) {
  byId("link").dataset.state = state;
  byId("link").textContent = text;
}

let timer = 0;

async function refresh() {
  clearTimeout(timer);
  try {
    const answer = await fetch("/_sandbox/state", { signal: AbortSignal.timeout(5000) });
    show(await answer.json());
    showLink("live", "Live");
  } catch {
    showLink("waiting", "Not connected, trying again");
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, 1000);
}

async function sendExample({ path, body }, token) {
  const headers = { Authorization: `Bearer ${token}`, Accept: "application/json", "Content-Type": "application/json" };
  try {
    await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(5000) });
  } catch {
    // A call that was made to fail; the list of requests says how.
  }
  await refresh();
}

async function order(method, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch("/_sandbox/faults", { method, headers, body: body && JSON.stringify(body) });
  if (answer.ok) return refresh();
  const { message, errors } = await answer.json();
  byId("pending").textContent = Object.values(errors ?? { message: [message] }).flat().join(" ");
}

for (const button of document.querySelectorAll("[data-fault]")) {
  button.addEventListener("click", () => {
    const { fault } = button.dataset;
    const retryAfter = fault === RETRY_AFTER_FAULT ? { retry_after: byId("retry-after").valueAsNumber } : {};
    order("POST", { fault, count: byId("count").valueAsNumber, ...retryAfter });
  });
}
byId("clear").addEventListener("click", () => order("DELETE"));
byId("base-url").textContent = `${location.origin}/api`;

byId("empty").addEventListener("click", async () => {
  if (!confirm("Delete all records? The samples that a new sandbox has are restored.")) return;
  await fetch("/_sandbox/records", { method: "DELETE" });
  await refresh();
});

byId("close").addEventListener("click", () => byId("record").close());
byId("record").addEventListener("click", ({ target }) => target === byId("record") && byId("record").close());

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

document.addEventListener("visibilitychange", refresh);
setInterval(tick, 1000);
refresh();
