"use strict";

const POLL_MS = 2000;
const get = (id) => document.getElementById(id);
let csrf = null;
let opened = new Set(); // decisions whose details stand open, kept over redraws
let timer = null;

// ---- asking the gateway -------------------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, body) {
    super(body.error || `the gateway answered ${status}`);
    this.status = status;
    this.todo = body.what_to_do || "";
  }
}

async function ask(method, path, body, headers = {}) {
  const options = { method, headers: { ...headers }, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["content-type"] = "application/json";
    if (csrf) options.headers["x-csrf-token"] = csrf;
  }
  const answer = await fetch(path, options);
  const said = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

// A command is tried again under the same id: it cannot be written twice.
async function command(method, path, body) {
  const id = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  for (let tries = 1; ; tries++) {
    try {
      return await ask(method, path, body, { "idempotency-key": id });
    } catch (error) {
      const lost = !(error instanceof Refused) || error.status === 503;
      if (!lost || tries === 3) throw error;
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

// ---- showing ------------------------------------------------------------------------------------------------------

function el(tag, text, kind) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  if (kind) node.className = kind;
  return node;
}

const money = (x, digits = 0) =>
  x === null || x === undefined ? "–" : (x < 0 ? "−" : "") + "$" +
  Math.abs(x).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const number = (x, digits = 1) =>
  x === null || x === undefined ? "–" : (x < 0 ? "−" : "") +
  Math.abs(x).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const value = (x) => (typeof x === "number" ? number(x, Number.isInteger(x) ? 0 : Math.abs(x) < 1 ? 4 : 2) : x === null ? "–" : String(x));
const sign = (x) => (x === null || x === undefined || x === 0 ? "" : x > 0 ? "good" : "bad");
const words = (x) => x.replaceAll("_", " ");
const when = (ns, full) => {
  if (!ns) return "–";
  const text = new Date(ns / 1e6).toISOString();
  return full ? text.slice(0, 16).replace("T", " ") + " UTC" : text.slice(5, 16).replace("T", " ");
};

function table(id, heads, rows, empty) {
  const node = get(id);
  node.replaceChildren();
  if (!rows.length) {
    node.append(el("caption", empty, "empty"));
    return;
  }
  const head = el("tr");
  for (const [name, kind] of heads) head.append(el("th", name, kind));
  node.append(head);
  for (const cells of rows) {
    const row = el("tr");
    cells.forEach((cell, i) => {
      const td = el("td", undefined, heads[i][1]);
      td.append(cell instanceof Node ? cell : document.createTextNode(cell));
      row.append(td);
    });
    node.append(row);
  }
}

function coloured(text, kind) { return el("span", text, kind); }

function two(text, below) {
  const node = el("span", text);
  node.append(el("span", below, "quiet"));
  return node;
}

function showBook(book) {
  const m = book.marks;
  const tile = (name, text, kind) => {
    const node = el("div", undefined, "tile");
    node.append(el("b", text, kind), el("span", name));
    return node;
  };
  const gain = m && book.initial_cash_usd !== null ? m.equity_usd - book.initial_cash_usd : null;
  get("tiles").replaceChildren(
    tile("equity", money(m ? m.equity_usd : book.cash_usd)),
    tile("since start", money(gain), sign(gain)),
    tile("cash", money(book.cash_usd)),
    tile("drawdown", m ? number(100 * m.drawdown_fraction, 2) + " %" : "–"),
    tile("at risk", money(m && m.max_loss_usd)),
    tile("delta, SPY shares", number(m && m.delta_spy_shares, 0)),
    tile("gamma per SPY $", number(m && m.gamma_spy_shares, 1)),
    tile("vega per point", money(m && m.vega_usd_per_point)),
    tile("theta per day", money(m && m.theta_usd_per_day)),
  );
  const state = get("state");
  const feedsOff = book.feeds.filter((f) => f.state !== "live");
  if (book.halted) {
    state.textContent = "halted: " + book.halts.map((h) => words(h.reason)).join(", ");
    state.className = "badge bad";
  } else if (book.trading_started_ts_ns === null) {
    state.textContent = "warming up";
    state.className = "badge warn";
  } else if (feedsOff.length) {
    state.textContent = feedsOff.map((f) => `${f.underlying} feed ${f.state}`).join(", ");
    state.className = "badge warn";
  } else {
    state.textContent = "trading";
    state.className = "badge good";
  }
  get("as-of").textContent = `${when(book.as_of_ts_ns, true)} · message ${book.as_of_seq.toLocaleString("en-US")}`;
  showCurve(book.curve);
}

function showCurve(points) {
  const svg = get("curve");
  svg.replaceChildren();
  if (points.length < 2) {
    get("curve-span").textContent = "no equity curve yet";
    return;
  }
  const xs = points.map((p) => p.ts_ns), ys = points.map((p) => p.equity_usd);
  const [x0, x1] = [xs[0], xs[xs.length - 1]];
  const [y0, y1] = [Math.min(...ys), Math.max(...ys)];
  const x = (v) => (600 * (v - x0)) / (x1 - x0 || 1);
  const y = (v) => 85 - (80 * (v - y0)) / (y1 - y0 || 1);
  const make = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, v] of Object.entries(attributes)) node.setAttribute(name, v);
    return node;
  };
  svg.append(make("line", { x1: 0, x2: 600, y1: y(ys[0]), y2: y(ys[0]) }));
  svg.append(make("path", { d: points.map((p, i) => `${i ? "L" : "M"}${x(p.ts_ns).toFixed(1)} ${y(p.equity_usd).toFixed(1)}`).join("") }));
  get("curve-span").textContent =
    `equity ${when(x0, true).slice(0, 10)} to ${when(x1, true).slice(0, 10)}, ${money(y0)} to ${money(y1)}`;
}

// Options as expiry, signed lots, right and strike; anything else by its own name.
function legsOf(p) {
  const node = el("span"), expiries = new Set();
  const parts = p.legs.map((l) => {
    const option = /^(.+?)(\d{6})([CP])(\d{8})$/.exec(l.instrument);
    if (option) expiries.add(`${option[1]} 20${option[2].slice(0, 2)}-${option[2].slice(2, 4)}-${option[2].slice(4)}`);
    const name = option ? `${option[3]}${Number(option[4]) / 1000}` : l.instrument;
    return `${l.lots > 0 ? "+" : l.lots < 0 ? "−" : ""}${Math.abs(l.lots)} ${name}`;
  });
  node.append(parts.join("   "), el("span", [...expiries].join(", "), "quiet"));
  return node;
}

function showPositions(rows) {
  get("positions-count").textContent = rows.length || "";
  table("positions", [["position"], ["legs", "wrap"], ["units", "n"], ["entry", "n"], ["P&L", "n"], ["at risk", "n"], ["delta", "n"], ["days left", "n"], ["exit"], [""]],
    rows.map((p) => {
      const close = el("button", "Close", "small");
      close.addEventListener("click", () => closePosition(p.position_id));
      const note = p.marks.absent ? p.marks.absent : "at mid " + money(p.pnl_mid_usd);
      const pnl = two(money(p.pnl_achievable_usd), note);
      pnl.className = sign(p.pnl_achievable_usd);
      return [
        two(words(p.kind) + " " + p.underlying, when(p.opened_ns) + " · " + words(p.regime_at_entry.toLowerCase())),
        legsOf(p), String(p.units), money(p.entry_net_usd), pnl, money(p.max_loss_usd),
        number(p.greeks && p.greeks.delta_spy_shares, 0), p.dte_days === null ? "–" : String(p.dte_days),
        p.exit ? coloured(words(p.exit.reason), "warn") : "–", close,
      ];
    }), "no open position");
}

function showOrders(rows) {
  const kinds = { FILLED: "good", REJECTED: "bad", UNKNOWN: "bad", WORKING: "warn", PARTIAL: "warn", SUBMITTED: "warn", CANCELLING: "warn" };
  table("orders", [["submitted"], ["order"], ["filled", "n"], ["limit", "n"], ["state"]],
    rows.map((o) => [
      when(o.submitted_ts_ns), two(o.purpose + " " + o.underlying, o.order_id), `${o.filled}/${o.quantity}`,
      o.limit_ticks === null ? "market" : number((o.limit_ticks * o.tick_micros) / 1e6, 2), coloured(o.state.toLowerCase(), kinds[o.state]),
    ]), "no order yet");
}

function showTrades(said) {
  const t = said.totals;
  get("trades-count").textContent = t.count ? `${t.count}, ${number(100 * t.win_rate, 0)} % won, ${money(t.pnl_usd)}` : "";
  table("trades", [["closed"], ["trade"], ["P&L", "n"], ["fees", "n"], ["exit"]],
    said.trades.map((x) => [
      when(x.closed_ns), two(words(x.strategy) + " " + x.underlying, `${x.quantity} units from ${when(x.opened_ns)}`),
      coloured(money(x.pnl_usd), sign(x.pnl_usd)), money(x.fees_usd, 2), words(x.exit_reason),
    ]), "no closed trade yet");
}

function modelWords(m) {
  if (m.absent) return coloured(m.absent.reason, "warn");
  const earned = Object.entries(m.weights).filter(([, w]) => w > 0).map(([t, w]) => `${t} counts ${number(w, 2)}`);
  const d = m.direction, told = d ? `up ${number(100 * d.bull, 0)} %, down ${number(100 * d.bear, 0)} %` : "variance";
  return `${told}; ${earned.join(", ") || "recorded, decides nothing"}`;
}

function showMarket(book, said, models) {
  const rows = book.prices.map((p) => [p.symbol, number(p.price, 2), when(p.ts_ns)]);
  for (const f of book.feeds) rows.push([`${f.underlying} feed`, coloured(f.state, f.state === "live" ? "good" : "bad"), when(f.since_ts_ns)]);
  for (const r of said.regimes) rows.push([`${r.symbol} regime`, r.label === null ? r.abstain : words(r.label.toLowerCase()), when(r.since_ts_ns)]);
  for (const f of said.forecasts) {
    const row = f.variance_quantiles[f.variance_quantiles.length - 1];
    const vol = row ? Math.sqrt(row[Math.floor(row.length / 2)]) : null;
    const days = f.horizons_sessions[f.horizons_sessions.length - 1];
    rows.push([`${f.symbol} forecast`, vol === null ? f.absent.reason : `${number(100 * vol, 1)} % median over ${days} sessions`, when(f.ts_ns)]);
  }
  for (const m of models.models) rows.push([`${m.symbol} ${words(m.model)}`, modelWords(m), when(m.ts_ns)]);
  for (const d of models.drift.slice(-5)) rows.push([`${d.symbol} drift`, `${words(d.model)}: ${words(d.name)}, ${d.test} ${number(d.value, 2)} (limit ${number(d.limit, 2)})`, when(d.ts_ns)]);
  table("market", [["what"], ["is", "wrap"], ["since or at"]], rows, "nothing yet");
}

function showServices(said) {
  table("services", [["service"], ["state"], ["why", "wrap"]],
    said.services.map((s) => [s.name, coloured(s.ready ? "ready" : "not ready", s.ready ? "good" : "bad"), s.reason || ""]), "none known");
}

function showDecisions(said) {
  const list = get("decisions"), at = list.scrollTop;
  get("decisions-count").textContent = said.decisions.length ? "newest first" : "";
  const kinds = { refused: "quiet", approved: "good", closed: "good", halted: "bad", order_unknown: "bad", exit_requested: "warn" };
  list.replaceChildren(...said.decisions.map((d) => {
    const key = `${d.seq}.${d.index}`, node = el("details"), head = el("summary");
    const about = d.details.position_id || d.details.order_id || d.details.proposal_id || d.details.feature ||
      [d.details.strategy, d.details.underlying].filter(Boolean).map(words).join(" ");
    head.append(el("span", when(d.ts_ns), "when"), el("span", words(d.kind), "kind " + (kinds[d.kind] || "")),
      el("span", [about, d.reasons.map(words).join(", ")].filter(Boolean).join(" — "), "what"));
    node.append(head);
    const fill = () => { if (node.childElementCount === 1) node.append(inside(d)); };
    node.open = opened.has(key);
    if (node.open) fill();
    node.addEventListener("toggle", () => { if (node.open) { opened.add(key); fill(); } else opened.delete(key); });
    return node;
  }));
  if (!said.decisions.length) list.append(el("p", "no decision yet", "empty"));
  list.scrollTop = at;
}

function inside(d) {
  const node = el("div", undefined, "inside");
  const part = (title, entries, show) => {
    if (!entries.length) return;
    node.append(el("h3", title));
    for (const [name, v] of entries) {
      const row = el("div");
      row.append(el("span", words(name)), show(v));
      node.append(row);
    }
  };
  const flat = Object.entries(d.details).filter(([, v]) => v === null || typeof v !== "object" || Array.isArray(v));
  part("Gates", Object.entries(d.gates), (ok) => coloured(ok ? "passed" : "refused", ok ? "good" : "bad"));
  part("Numbers", Object.entries(d.why), (v) => el("span", value(v)));
  for (const [name, v] of Object.entries(d.details)) {
    if (v && typeof v === "object" && !Array.isArray(v)) part(words(name), Object.entries(v), (x) => el("span", value(x)));
  }
  part(`Fact (message ${d.seq}, by ${d.by})`, flat, (v) => el("span", Array.isArray(v) ? v.join(", ") : value(v)));
  return node;
}

// ---- commands -----------------------------------------------------------------------------------------------------

function say(text, kind) {
  const node = get("notice");
  node.textContent = text;
  node.className = "notice " + (kind || "");
  node.hidden = !text;
}

function confirmed({ title, text, yes, sure, danger }) {
  const dialog = get("ask"), box = get("ask-sure-box");
  get("ask-title").textContent = title;
  get("ask-text").textContent = text;
  get("ask-reason").value = "";
  get("ask-sure").hidden = !sure;
  get("ask-sure-text").textContent = sure || "";
  box.checked = false;
  box.required = Boolean(sure);
  get("ask-yes").textContent = yes;
  get("ask-yes").className = danger ? "danger" : "primary";
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes" ? get("ask-reason").value : null), { once: true });
  });
}

async function order(question, method, path, body = {}) {
  const reason = await confirmed(question);
  if (reason === null) return;
  try {
    const receipt = await command(method, path, { ...body, reason });
    say(`${words(receipt.kind)}: written as message ${receipt.seq.toLocaleString("en-US")}`);
  } catch (error) {
    say([error.message, error.todo].filter(Boolean).join(" — "), "bad");
    if (error.status === 401) showLogin();
  }
  poll();
}

const closePosition = (id) => order(
  { title: "Close this position?", text: id, yes: "Close it" }, "POST", `/v1/positions/${encodeURIComponent(id)}/close`);

get("halt").addEventListener("click", () => order(
  { title: "Halt trading?", text: "Nothing new is opened until somebody resumes. Exits go on.", yes: "Halt" }, "POST", "/v1/halt"));
get("resume").addEventListener("click", () => order(
  { title: "Resume trading?", text: "New positions may be opened again. A drawdown halt ends by itself with the next session.", yes: "Resume" }, "POST", "/v1/resume"));
get("flatten").addEventListener("click", () => order(
  { title: "Close everything?", text: "Every open position is closed, at the market if need be. This does not halt trading.", yes: "Flatten", sure: "Yes, close every position", danger: true },
  "POST", "/v1/flatten", { confirm: true }));
get("logout").addEventListener("click", async () => { await ask("POST", "/v1/logout", {}).catch(() => {}); showLogin(); });

// ---- session and polling ------------------------------------------------------------------------------------------

function showLogin() {
  csrf = null;
  clearTimeout(timer);
  get("main").hidden = true;
  get("login").hidden = false;
  get("token").focus();
}

get("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    csrf = (await ask("POST", "/login", { token: get("token").value })).csrf_token;
    get("token").value = "";
    get("login-error").textContent = "";
    showMain();
  } catch (error) {
    get("login-error").textContent = error.message;
  }
});

function showMain() {
  get("login").hidden = true;
  get("main").hidden = false;
  poll();
}

async function poll() {
  clearTimeout(timer);
  try {
    const [book, positions, orders, decisions, trades, regimes, models, health] = await Promise.all([
      "/v1/book?points=400", "/v1/positions", "/v1/orders?limit=12", "/v1/decisions?limit=60", "/v1/trades?limit=12", "/v1/regimes", "/v1/models", "/v1/health",
    ].map((path) => ask("GET", path)));
    showBook(book);
    showPositions(positions.positions);
    showOrders(orders.orders);
    showDecisions(decisions);
    showTrades(trades);
    showMarket(book, regimes, models);
    showServices(health);
    if (get("notice").dataset.lost) { say(""); delete get("notice").dataset.lost; }
  } catch (error) {
    if (error.status === 401) return showLogin();
    say("the gateway does not answer: " + error.message, "bad");
    get("notice").dataset.lost = "1";
  }
  if (!get("main").hidden) timer = setTimeout(poll, POLL_MS);
}

ask("GET", "/v1/session").then((said) => { csrf = said.csrf_token; showMain(); }, showLogin);
