// Keeps a page up to date: counts time, follows the events, and fetches the page again where rows move.

const root = document.body.dataset.root;
const live = document.getElementById("live");
const skew = Date.parse(document.body.dataset.now) - Date.now();
const now = () => Date.now() + skew;

// The same rule as web/pages/relative.py.
function length(seconds) {
  const pair = (large, unit, small, smallUnit) => small ? `${large} ${unit} ${small} ${smallUnit}` : `${large} ${unit}`;
  const whole = Math.trunc;
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 3600) return `${whole(seconds / 60)} min`;
  if (seconds < 86400) return pair(whole(seconds / 3600), "h", whole(seconds % 3600 / 60), "min");
  return pair(whole(seconds / 86400), "d", whole(seconds % 86400 / 3600), "h");
}

function relative(timestamp) {
  const seconds = Math.trunc((timestamp - now()) / 1000);
  return seconds > 0 ? `in ${length(seconds)}` : `${length(-seconds)} ago`;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const text = relative(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

function timeOf(moment) {
  const time = document.createElement("time");
  time.dateTime = moment;
  time.dataset.relative = "";
  time.title = moment.slice(0, 19).replace("T", " ") + " UTC";
  time.textContent = relative(Date.parse(moment));
  return time;
}

// The same rule as `next_moment` in web/pages/monitors.py.
function nextOf(monitor) {
  if (!monitor.deadline) return []; // a schedule that has no further time
  if (monitor.state === "up") return ["due ", timeOf(monitor.due)];
  if (monitor.state === "late" || monitor.state === "pending") return ["down ", timeOf(monitor.deadline)];
  if (monitor.state === "down" && monitor.reason !== "reported_down") return ["was due ", timeOf(monitor.due)];
  return [];
}

function show(row, monitor) {
  const cell = (name) => row.querySelector(`[data-cell="${name}"]`);
  const badge = cell("state").querySelector(".state");
  badge.className = `state ${monitor.state}`;
  badge.textContent = monitor.state;
  cell("reason").textContent = monitor.reason.replaceAll("_", " ");
  cell("since").replaceChildren(timeOf(monitor.since));
  cell("last").replaceChildren(monitor.lastPush ? timeOf(monitor.lastPush.receivedAt) : "never");
  cell("next").replaceChildren(...nextOf(monitor));
  const message = cell("message");
  if (message) message.querySelector("bdi").textContent = monitor.lastPush?.message ?? "";
  row.className = `is-${monitor.state}`;
  void row.offsetWidth; // begins the animation again
  row.classList.add("changed");
}

// Rows move, come or go: the server decides which, and renders them.
let fetching = null;
let fetched = 0;
function fetchSoon() {
  // Spread over a second, so that many browsers do not ask at once; and not all the time.
  const wait = Math.max(200, fetched + 3000 - Date.now());
  fetching ??= setTimeout(fetchAgain, wait + Math.random() * 1000);
}

async function fetchAgain() {
  fetching = null;
  fetched = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "Last-Event-ID": lastId } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["exporter", "list", "monitor"]) swap(document.getElementById(id), fresh.getElementById(id));
    document.title = fresh.title;
    tick();
  } catch {
    fetchSoon();
  }
}

function swap(old, fresh) {
  if (!old || !fresh) return;
  const typing = old.querySelector("form")?.contains(document.activeElement);
  const open = new Set([...old.querySelectorAll("details[open][id]")].map((one) => one.id));
  for (const one of fresh.querySelectorAll("details[id]")) one.open = open.has(one.id);
  if (typing) fresh.querySelector("form").replaceWith(old.querySelector("form"));
  const focused = document.activeElement?.getAttribute?.("href");
  const within = old.contains(document.activeElement);
  old.replaceWith(fresh);
  if (within && focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

function changed(event) {
  for (const monitor of event.monitors) {
    const row = document.querySelector(`[data-monitor="${CSS.escape(`${monitor.namespace}/${monitor.name}`)}"]`);
    if (row) show(row, monitor);
  }
  for (const [state, count] of Object.entries(event.counts)) {
    const shown = document.querySelector(`[data-count="${state}"]`);
    if (shown) shown.textContent = count;
  }
  if (event.moved || document.getElementById("monitor")) fetchSoon();
}

let stream = null;
let lastId = document.body.dataset.version;
function follow() {
  const address = document.body.dataset.events;
  if (!address || stream || document.hidden) return;
  stream = new EventSource(`${root}${address}${address.includes("?") ? "&" : "?"}since=${lastId}`);
  stream.onopen = () => { live.className = "live on"; live.textContent = "live"; };
  stream.onerror = () => {
    live.className = "live off";
    live.textContent = "connection lost, trying again";
    if (stream?.readyState === EventSource.CLOSED) { // refused, as with too many clients
      stream = null;
      setTimeout(follow, 5000);
    }
  };
  stream.addEventListener("changes", (event) => { lastId = event.lastEventId; changed(JSON.parse(event.data)); });
  stream.addEventListener("reset", (event) => {
    lastId = event.lastEventId;
    fetchSoon();
  });
  let first = true;
  stream.addEventListener("exporter", () => { if (!first) fetchSoon(); first = false; });
}

// A hidden page holds no stream. When it is shown again, it catches up.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    stream?.close();
    stream = null;
    live.textContent = "";
    live.className = "live";
  } else {
    fetchSoon();
    follow();
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});
if (navigator.clipboard) for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;

tick();
setInterval(tick, 1000);
follow();
