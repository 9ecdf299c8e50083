// The part of JobExplorer that is in the page. It holds no jobs but those on screen: it sends what it wants to see and
// draws the answer. One question is under way at a time; what is asked meanwhile is asked once, in its last form, when
// the answer is there. All that comes from the tables is text to the page, never markup.

const ROW = 28, LINES = 13, SPARE = 12, TALLEST = 6_000_000, PATIENCE = 15_000, TYPING = 120;
const MARKS = { COMPLETED: "✓", ERROR: "✕", TIMED_OUT: "◔", CANCELLED: "–", IN_PROGRESS: "▷", WAITING: "○" };
const SVG = "http://www.w3.org/2000/svg";

const h = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
};
const s = (tag, attributes = {}, text = "") => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
};
const bdi = (text) => h("bdi", {}, text ?? "");  // no text turns the direction of those beside it
const canonical = (filters) => JSON.stringify(Object.entries(filters).sort(([a], [b]) => (a < b ? -1 : 1)));
const number = (n) => n.toLocaleString("en-US");
const percent = (share) => (share == null ? "–" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`);

const iso = (at) => new Date(at).toISOString().replace("Z", "+00:00");

export function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds < 60) return `${+seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const [unit, size, next, part] = whole < 3600 ? ["min", 60, "s", 1] : whole < 86400 ? ["h", 3600, "min", 60] : ["d", 86400, "h", 3600];
  const rest = Math.floor((whole % size) / part);
  return `${Math.floor(whole / size)} ${unit}${rest ? ` ${rest} ${next}` : ""}`;
}

export function time(milliseconds, zone, style = "medium") {
  if (milliseconds == null) return "–";
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", ...(style && { timeStyle: style }) }).format(milliseconds);
}

class Explorer {
  constructor(model, el) {
    this.model = model;
    this.about = model.get("_about");
    this.me = Math.random().toString(36).slice(2);
    this.asked = 0;
    this.waiting = null;  // the number of the question under way
    this.filters = model.get("filters");
    this.sort = ["created_at", true];
    this.columns = this.about.shown;
    this.zone = "UTC";
    this.total = 0;
    this.active = 0;
    this.rows = new Map();
    this.build(el);
    this.listen("msg:custom", (message, buffers) => this.receive(message, buffers));
    this.listen("change:filters", () => this.adopt());
    this.listen("comm_live_update", () => model.comm_live === false && this.say("The kernel has gone. Run the cell again.", true));
    this.look({ onlyRows: true });
    this.look({});
  }

  listen(event, handler) {
    this.model.on(event, handler);
    (this.listeners ??= []).push([event, handler]);
  }

  // --- questions and answers ---

  look({ onlyRows = false } = {}) {
    if (!onlyRows) this.wanted = "all";
    else this.wanted ??= "rows";
    this.flush();
  }

  flush() {
    if (this.waiting != null || !this.wanted) return;
    const only = this.wanted === "rows";
    this.wanted = null;
    this.sent = this.dirty;
    this.dirty = false;
    const first = Math.max(this.firstRow() - SPARE, 0);
    this.question = this.key();
    this.waiting = this.ask("view", { filters: this.sent ? this.filters : null, sort: this.sort, columns: this.columns, first, count: LINES + 2 * SPARE, only_rows: only });
  }

  key() {
    return JSON.stringify([canonical(this.filters), this.sort, this.columns]);
  }

  ask(kind, content) {
    const id = `${this.me}-${++this.asked}`;
    this.root.classList.add("dxn-busy");
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.say("No answer from the kernel. It may be busy; if it was restarted, run the cell again.", true), PATIENCE);
    try {
      this.model.send({ kind, id, ...content });
    } catch {
      this.say("The kernel has gone. Run the cell again.", true);
    }
    return id;
  }

  receive(message, buffers) {
    if (message.kind === "changed") return this.look();
    if (message.kind === "error" && message.id == null) return this.say(message.text, true);
    if (!String(message.id).startsWith(this.me)) return;
    const late = message.id !== this.waiting;
    if (message.id === this.waiting) this.waiting = null;
    if (this.waiting == null) {
      clearTimeout(this.patience);
      this.root.classList.remove("dxn-busy");
    }
    const answers = {
      view: () => late || this.showView(message),
      prepare: () => { if (message.causes && !this.causesKnown) this.look(); this.prepare(message.more); },
      tick: () => { this.say(`${number(message.ticked)} jobs ticked.`); this.showTicked(message.ticked); },
      detail: () => message.row === this.chosen && this.showDetail(message),
      export: () => { this.say(message.text); if (message.name) this.download(message.name, buffers[0]); },
      error: () => this.say(message.text, true),
    };
    answers[message.kind]?.();
    this.flush();
  }

  prepare(more) {
    if (!more) return;
    clearTimeout(this.idle);  // what later answers need is made ready between questions, a piece at a time
    this.idle = setTimeout(() => (this.waiting == null && !this.wanted ? this.ask("prepare", {}) : this.prepare(true)), 30);
  }

  adopt() {
    const given = this.model.get("filters");
    if (this.unsettled() || canonical(given) === canonical(this.filters)) return;
    this.filters = given;
    this.restart();
  }

  unsettled() {  // whether the user changed the filters, and the kernel has not answered yet
    return this.dirty || (this.sent && this.waiting != null);
  }

  latest() {  // the filters for a question that is no view, if the kernel may not have them yet
    if (this.typing) this.typed();
    return this.unsettled() ? this.filters : null;
  }

  typed() {
    clearTimeout(this.typing);
    this.typing = null;
    this.filter({ text: this.search.value });
  }

  filter(change) {
    const filters = { ...this.filters, ...change };
    for (const [name, value] of Object.entries(filters)) {
      if (value == null || value.length === 0) delete filters[name];
    }
    this.filters = filters;
    this.dirty = true;
    this.say("");
    this.drawChips();
    this.restart();
  }

  restart() {
    this.active = 0;
    this.view.scrollTop = 0;
    this.reload();
  }

  reload() {
    this.rows.clear();
    this.look();
  }

  say(text, failed = false) {
    this.message.textContent = text;
    this.message.classList.toggle("dxn-failed", failed);
    this.message.setAttribute("role", failed ? "alert" : "status");
  }

  // --- what is there once ---

  build(el) {
    const { about } = this;
    this.counts = h("div", { class: "dxn-counts", role: "status", "aria-label": "Jobs shown" });
    this.message = h("p", { class: "dxn-message", role: "status" });
    this.search = h("input", { type: "search", placeholder: "id, name, key, message", "aria-label": "Search", oninput: () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.typed(), TYPING);
    } });
    this.since = this.moment("since", "From");
    this.until = this.moment("until", "To");
    this.facets = about.facets.map(([name, title]) => this.facet(name, title));
    const zones = [...new Set(["UTC", Intl.DateTimeFormat().resolvedOptions().timeZone])];
    const zone = h("select", { onchange: () => { this.zone = zone.value; this.redraw(); } }, ...zones.map((name) => h("option", {}, name)));
    this.chips = h("div", { class: "dxn-chips", role: "group", "aria-label": "Filters" });
    this.causes = h("section", { class: "dxn-causes", "aria-label": "Causes of errors" });
    this.detail = h("section", { class: "dxn-detail", "aria-label": "Job", tabindex: -1, hidden: true });
    const bar = h("div", { class: "dxn-bar" }, h("label", {}, "Search ", this.search), ...this.facets.map((facet) => facet.node), h("label", {}, "From ", this.since), h("label", {}, "To ", this.until), zones.length > 1 ? h("label", {}, "Times in ", zone) : null);
    this.root = h("div", { class: "dxn", role: "region", "aria-label": "Job explorer" },
      this.counts, bar, this.chips, h("div", { class: "dxn-upper" }, this.buildChart(), this.causes), this.buildTools(), this.buildTable(), this.message, this.detail);
    this.root.addEventListener("focusin", (event) => {  // JupyterLab's one-letter shortcuts heed the focused element only
      event.target.setAttribute("data-lm-suppress-shortcuts", "true");
      this.closeMenus(event.target);
    });
    this.root.addEventListener("pointerdown", (event) => this.closeMenus(event.target));
    this.root.addEventListener("toggle", (event) => event.target.open && this.fitMenu(event.target.lastChild), true);
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.closeMenus(null));
    el.append(this.root);
    this.drawChips();
    this.sizes = new ResizeObserver(() => requestAnimationFrame(() => {  // also when it has got its place in the page
      this.hidePreview(el);
      this.fitView();
      if (this.trend) this.drawChart();
    }));
    this.sizes.observe(this.chart);
  }

  closeMenus(target) {
    for (const menu of this.root.querySelectorAll("details[open].dxn-menu")) {
      if (menu.contains(target)) continue;
      if (!target && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  }

  fitView() {  // its rows, its head, and whatever a border and a scroll bar take
    this.view.style.height = `${ROW * (LINES + 1) + this.view.offsetHeight - this.view.clientHeight}px`;
  }

  fitMenu(list) {
    list.style.left = "0";
    const over = list.getBoundingClientRect().right - this.root.getBoundingClientRect().right;
    if (over > 0) list.style.left = `${-over}px`;
  }

  hidePreview(el) {
    for (let node = el; node && !node.matches(".jp-OutputArea"); node = node.parentElement) {
      const before = node.previousElementSibling;
      const preview = before?.matches(".dxn-preview") ? before : before?.querySelector(".dxn-preview");
      if (preview) return void (preview.hidden = true);
    }
  }

  moment(name, label) {
    const input = h("input", { type: "datetime-local", "aria-label": label, onchange: () => {
      const at = this.zone === "UTC" ? new Date(`${input.value}Z`) : new Date(input.value);
      this.filter({ [name]: input.value && !isNaN(at) ? at.toISOString().replace("Z", "+00:00") : null });
    } });
    return input;
  }

  facet(name, title) {
    const list = h("div", { class: "dxn-list", role: "group", "aria-label": title });
    const summary = h("summary", {}, title);
    return { name, title, list, summary, node: h("details", { class: "dxn-menu" }, summary, list) };
  }

  buildTools() {
    const picks = this.about.columns.map(([name, title]) => {
      const box = h("input", { type: "checkbox", checked: this.columns.includes(name), onchange: () => {
        this.columns = this.about.columns.map(([other]) => other).filter((other) => (other === name ? box.checked : this.columns.includes(other)));
        this.drawHead();
        this.reload();
      } });
      return h("label", {}, box, ` ${title}`);
    });
    const format = h("select", { "aria-label": "Format" }, ...this.about.formats.map((name) => h("option", {}, name)));
    const save = (label, download) => h("button", { type: "button", onclick: () => {
      this.say("Exporting …");
      this.ask("export", { format: format.value, download, ticked: this.ticked > 0 && only.checked, filters: this.latest() });
    } }, label);
    const only = h("input", { type: "checkbox" });
    this.onlyTicked = h("label", { hidden: true }, only, " ticked jobs only");
    const all = (label, on) => h("button", { type: "button", onclick: () => this.ask("tick", { row: null, on, filters: this.latest() }) }, label);
    const exporting = h("details", { class: "dxn-menu" }, h("summary", {}, "Export"), h("div", { class: "dxn-list" }, h("label", {}, "Format ", format), this.onlyTicked, save("Save beside the notebook", false), save("Download", true)));
    const columns = h("details", { class: "dxn-menu" }, h("summary", {}, "Columns"), h("div", { class: "dxn-list", role: "group", "aria-label": "Columns" }, ...picks));
    this.tickedCount = h("span", { class: "dxn-note" });
    return h("div", { class: "dxn-bar" }, columns, exporting, all("Tick all shown", true), all("Untick all shown", false), this.tickedCount);
  }

  // --- the answer to a view ---

  showView(answer) {
    if (this.question !== this.answered || answer.summary) this.rows.clear();
    if (this.question === this.key() && !this.dirty) {  // the kernel has one form of what filters say, and the last word
      if (canonical(answer.filters) !== canonical(this.filters) && !answer.summary) this.look();
      this.filters = answer.filters;
      this.question = this.key();
    }
    this.answered = this.question;
    this.total = answer.total;
    answer.rows.forEach((row, i) => this.rows.set(answer.first + i, row));
    if (this.active >= this.total) this.active = Math.max(this.total - 1, 0);
    if (answer.summary) {
      this.trend = answer.trend;
      this.causesKnown = "cause" in answer.counts;
      this.drawCounts(answer.summary);
      this.facets.forEach((facet) => this.drawFacet(facet, answer.counts[facet.name]));
      this.names = Object.fromEntries((answer.counts.data_set_id?.values ?? []).map(([value, label]) => [value, label]));
      this.drawCauses(answer.counts.cause);
      this.drawChart();
      this.drawChips();
      this.showTicked(answer.ticked);
      this.prepare(answer.more);
    }
    this.drawRows();
    if (this.opening && this.rows.has(this.active)) this.open(this.rows.get(this.active)[0], true);
    if (!this.wanted) this.adopt();
  }

  redraw() {
    this.drawHead();
    this.drawChips();
    if (this.trend) this.drawChart();
    this.drawRows();
    if (this.shown) this.showDetail(this.shown);
  }

  drawCounts(summary) {
    const { jobs, all, failed, finished, rate, low, high, median, open } = summary;
    const fact = (value, label) => h("span", { class: "dxn-fact" }, h("strong", {}, value), ` ${label}`);
    this.counts.replaceChildren(
      fact(number(jobs), jobs === all ? "jobs" : `of ${number(all)} jobs`),
      fact(number(failed), "failed"),
      fact(percent(rate), rate == null ? "failure rate" : `failure rate of ${number(finished)} finished (95 %: ${percent(low)} – ${percent(high)})`),
      fact(duration(median), "median duration"),
      fact(number(open), "open"),
    );
  }

  showTicked(ticked) {
    this.ticked = ticked;
    this.tickedCount.textContent = ticked ? `${number(ticked)} ticked` : "";
    this.onlyTicked.hidden = !ticked;
  }

  drawFacet(facet, counts) {
    const chosen = this.filters[facet.name] ?? [];
    facet.summary.textContent = chosen.length ? `${facet.title} (${chosen.length})` : facet.title;
    if (!counts) return facet.list.replaceChildren("…");
    const focused = facet.list.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    const boxes = counts.values.map(([value, label, count]) => {
      const box = h("input", { type: "checkbox", "data-value": JSON.stringify(value), onchange: () => {
        const now = this.filters[facet.name] ?? [];
        this.filter({ [facet.name]: box.checked ? [...now, value] : now.filter((other) => other !== value) });
      } });
      box.checked = chosen.includes(value);
      return h("label", {}, box, " ", bdi(label), h("span", { class: "dxn-note" }, ` ${number(count)}`));
    });
    facet.list.replaceChildren(...boxes, counts.more ? h("p", { class: "dxn-note" }, `${number(counts.more)} more: search for their name`) : "");
    if (focused) [...facet.list.querySelectorAll("input")].find((box) => box.dataset.value === focused)?.focus();
  }

  drawChips() {
    const chip = (text, change) => h("button", { type: "button", class: "dxn-chip", "aria-label": `Clear ${text}`, onclick: () => this.filter(change) }, bdi(text), " ✕");
    const titles = Object.fromEntries([...this.about.facets, ["cause", "Cause"]]);
    const chips = [];
    for (const [name, value] of Object.entries(this.filters)) {
      if (name === "text") chips.push(chip(`text: ${value}`, { text: null }));
      else if (name === "since" || name === "until") chips.push(chip(`${name === "since" ? "from" : "to"} ${time(Date.parse(value), this.zone, "short")}`, { [name]: null }));
      else for (const one of value) {
        const label = (name === "data_set_id" && this.names?.[one]) || one || "none";
        chips.push(chip(`${titles[name] ?? name}: ${label.length > 60 ? `${label.slice(0, 60)}…` : label}`, { [name]: value.filter((other) => other !== one) }));
      }
    }
    const focused = [...this.chips.children].indexOf(document.activeElement);
    if (chips.length) chips.push(h("button", { type: "button", onclick: () => this.clear() }, "Clear all"));
    this.chips.replaceChildren(...chips);
    if (focused >= 0) (chips[Math.min(focused, chips.length - 1)] ?? this.search).focus();
    if (!this.typing) this.search.value = this.filters.text ?? "";
    for (const [name, input] of [["since", this.since], ["until", this.until]]) {
      if (document.activeElement !== input) input.value = this.filters[name] ? time(Date.parse(this.filters[name]), this.zone).replace(" ", "T").slice(0, 16) : "";
    }
  }

  clear() {
    this.search.value = "";
    this.filters = {};
    this.dirty = true;
    this.drawChips();
    this.restart();
  }

  drawCauses(counts) {
    const chosen = this.filters.cause ?? [];
    const most = Math.max(...(counts?.values ?? []).map(([, , count]) => count), 1);
    const rows = (counts?.values ?? []).map(([value, label, count]) => h("button", {
      type: "button", class: "dxn-cause", "data-value": JSON.stringify(value), "aria-pressed": String(chosen.includes(value)), style: `--share: ${(100 * count) / most}%`,
      onclick: () => this.filter({ cause: chosen.includes(value) ? chosen.filter((other) => other !== value) : [...chosen, value] }),
    }, h("strong", {}, number(count)), " ", bdi(value == null ? "(no message)" : label)));
    const focused = this.causes.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    const note = !counts ? "Looking for causes …" : !rows.length ? "No errors" : counts.more ? `${number(counts.more)} more causes` : "";
    this.causes.replaceChildren(h("h3", {}, "Causes, by jobs"), ...rows, h("p", { class: "dxn-note" }, note));
    if (focused) rows.find((row) => row.dataset.value === focused)?.focus();
  }

  // --- the chart ---

  buildChart() {
    this.chart = s("svg", { class: "dxn-chart", role: "img" });
    this.readout = h("p", { class: "dxn-note", "aria-live": "off" });
    const handle = (label, side) => h("input", { type: "range", min: 0, "aria-label": label, class: "dxn-handle", oninput: () => this.slide(side) });
    this.handles = [handle("First period", 0), handle("Last period", 1)];
    const bin = (event) => {
      const box = this.chart.getBoundingClientRect();
      return Math.max(0, Math.min(this.trend.starts.length - 1, Math.floor(((event.clientX - box.left) / box.width) * this.trend.starts.length)));
    };
    this.chart.addEventListener("pointerdown", (event) => {
      if (!this.trend?.starts.length || event.button) return;
      this.brush = [bin(event), bin(event)];
      this.chart.setPointerCapture(event.pointerId);
      this.drawBrush(this.brush);
    });
    this.chart.addEventListener("pointermove", (event) => {
      if (!this.trend?.starts.length) return;
      if (this.brush) this.drawBrush(this.brush = [this.brush[0], bin(event)]);
      this.tell(bin(event));
    });
    this.chart.addEventListener("pointerup", () => {
      if (this.brush) this.cut(...this.brush.sort((a, b) => a - b));
      this.brush = null;
    });
    this.chart.addEventListener("pointercancel", () => (this.brush = null));
    const legend = h("p", { class: "dxn-legend" }, h("span", { class: "dxn-ok" }, "▇ succeeded"), h("span", { class: "dxn-bad" }, "▨ failed"), h("span", { class: "dxn-line" }, "●─ failure rate"), h("span", { class: "dxn-note" }, "drag to select a time"));
    return h("figure", { class: "dxn-figure" }, h("figcaption", {}, legend), this.chart, h("div", { class: "dxn-handles" }, ...this.handles), this.readout);
  }

  slide(side) {
    if (!this.trend?.starts.length) return;
    let [first, last] = this.handles.map((handle) => +handle.value);
    if (first > last) [first, last] = side ? [last, last] : [first, first];
    this.drawBrush([first, last]);
    this.tell(side ? last : first);
    clearTimeout(this.sliding);
    this.sliding = setTimeout(() => {
      this.sliding = null;
      const { starts, step } = this.trend, at = side ? starts[last] + step : starts[first];
      const isEnd = side ? last === starts.length - 1 : first === 0;
      this.filter({ [side ? "until" : "since"]: isEnd ? null : iso(at) });
    }, TYPING);
  }

  cut(first, last) {
    const { starts, step } = this.trend;
    const all = first === 0 && last === starts.length - 1;
    this.filter({ since: all ? null : iso(starts[first]), until: all ? null : iso(starts[last] + step) });
  }

  tell(i) {
    const { starts, step, succeeded, failed } = this.trend;
    const finished = succeeded[i] + failed[i];
    this.readout.textContent = `${time(starts[i], "UTC", step < 86_400_000 && "short")} UTC: ${number(finished)} finished, ${number(failed[i])} failed (${percent(finished ? failed[i] / finished : null)})`;
  }

  drawChart() {
    const { starts, step, succeeded, failed } = this.trend;
    const width = this.chart.clientWidth || 600, height = this.chart.clientHeight || 150, base = height - 18;
    if (!starts.length) return this.chart.replaceChildren(s("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "no jobs"));
    const most = Math.max(...starts.map((_, i) => succeeded[i] + failed[i]), 1), bar = width / starts.length;
    const pattern = s("pattern", { id: `dxn-hatch-${this.me}`, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(s("rect", { width: 4, height: 4, class: "dxn-bad-fill" }), s("rect", { width: 1, height: 4, class: "dxn-hatch" }));
    const parts = [pattern];
    const top = (n) => 14 + (base - 14) * (1 - n / most), rate = (share) => 14 + (base - 14) * (1 - share);
    const line = [];
    starts.forEach((_, i) => {
      const ok = succeeded[i], bad = failed[i], x = i * bar, inner = Math.max(bar - 1, 0.5);
      if (bad) parts.push(s("rect", { x, y: top(bad), width: inner, height: base - top(bad), fill: `url(#dxn-hatch-${this.me})` }));
      if (ok) parts.push(s("rect", { x, y: top(ok + bad), width: inner, height: top(bad) - top(ok + bad), class: "dxn-ok-fill" }));
      if (ok + bad) line.push([x + bar / 2, rate(bad / (ok + bad))]);
    });
    parts.push(s("polyline", { points: line.map((point) => point.join(",")).join(" "), class: "dxn-rate" }));
    if (bar > 6) line.forEach(([cx, cy]) => parts.push(s("circle", { cx, cy, r: 2, class: "dxn-dot" })));
    parts.push(s("line", { x1: 0, x2: width, y1: base, y2: base, class: "dxn-axis" }));
    parts.push(s("text", { x: 2, y: 10 }, `${number(most)} jobs`), s("text", { x: width - 2, y: 10, "text-anchor": "end" }, "100 % failed"));
    const marks = Math.max(Math.floor(width / 130), 1);
    for (let mark = 0; mark < marks; mark++) {
      const i = Math.floor((mark * starts.length) / marks);
      parts.push(s("text", { x: i * bar, y: height - 4 }, time(starts[i], "UTC", step < 86_400_000 && "short")));
    }
    parts.push((this.shade = s("rect", { y: 0, height: base, class: "dxn-brush" })));
    this.chart.replaceChildren(...parts);
    this.chart.setAttribute("aria-label", `Finished jobs of ${starts.length} periods, from ${time(starts[0], "UTC", "short")} UTC; the two sliders below select a time`);
    const at = (name, otherwise) => (this.filters[name] ? Date.parse(this.filters[name]) : otherwise);
    const end = starts.at(-1) + step, since = at("since", starts[0]), until = at("until", end);
    const place = (moment) => Math.max(0, Math.min(starts.length - 1, Math.floor((moment - starts[0]) / step)));
    if (!this.brush && !this.sliding) this.drawBrush([place(since), place(until - 1)]);
  }

  drawBrush(pair) {
    const [first, last] = [...pair].sort((a, b) => a - b), n = this.trend.starts.length;
    const bar = (this.chart.clientWidth || 600) / n, all = first === 0 && last === n - 1;
    this.shade.setAttribute("x", first * bar);
    this.shade.setAttribute("width", all ? 0 : (last - first + 1) * bar);
    [first, last].forEach((value, side) => {
      const handle = this.handles[side];
      handle.max = n - 1;
      handle.value = value;
      const at = this.trend.starts[value] + (side ? this.trend.step : 0);
      handle.setAttribute("aria-valuetext", `${side ? "until" : "from"} ${time(at, "UTC", "short")} UTC`);
    });
  }

  // --- the table ---

  buildTable() {
    this.head = h("tr", { role: "row", "aria-rowindex": 1 });
    this.body = h("tbody", { role: "rowgroup" });
    this.cols = h("colgroup");
    this.table = h("table", { role: "grid", tabindex: 0, "aria-label": "Jobs: arrows move, Enter opens, Space ticks", onkeydown: (event) => this.press(event) }, this.cols, h("thead", { role: "rowgroup" }, this.head), this.body);
    this.spacer = h("div", { class: "dxn-spacer" }, this.table);
    this.view = h("div", { class: "dxn-view", style: `height: ${ROW * (LINES + 1)}px`, onscroll: () => this.scrolled() }, this.spacer);
    this.drawHead();
    return this.view;
  }

  drawHead() {
    const kinds = Object.fromEntries(this.about.columns.map(([name, title, kind]) => [name, { title, kind }]));
    this.kinds = this.columns.map((name) => kinds[name].kind);
    const widths = { time: 165, duration: 95 }, named = { state: 125, type: 235, data_set_id: 235, data_set_name: 235, job_id: 245, code: 225 };
    const all = this.columns.map((name) => named[name] ?? widths[kinds[name].kind] ?? 180);
    this.cols.replaceChildren(h("col", { style: "width: 30px" }), ...all.map((width) => h("col", { style: `width: ${width}px` })));
    this.table.style.minWidth = `${30 + all.reduce((sum, width) => sum + width, 0)}px`;
    this.table.setAttribute("aria-colcount", this.columns.length + 1);
    const cells = this.columns.map((name) => {
      const mine = this.sort[0] === name, arrow = mine ? (this.sort[1] ? " ▼" : " ▲") : "";
      const { title, kind } = kinds[name], label = kind === "time" && this.zone !== "UTC" ? `${title} (local)` : kind === "time" ? `${title} (UTC)` : title;
      const button = h("button", { type: "button", onclick: () => {
        this.sort = [name, mine ? !this.sort[1] : kind !== "text"];
        this.drawHead();
        this.restart();
      } }, label + arrow);
      return h("th", { scope: "col", role: "columnheader", "aria-sort": mine ? (this.sort[1] ? "descending" : "ascending") : "none" }, name === "code" ? label : button);
    });
    const focused = [...this.head.querySelectorAll("button")].indexOf(document.activeElement);
    this.head.replaceChildren(h("th", { scope: "col", role: "columnheader" }, h("span", { class: "dxn-hidden" }, "Ticked")), ...cells);
    if (focused >= 0) this.head.querySelectorAll("button")[focused]?.focus();
    this.fitView();
  }

  heights() {
    const full = this.total * ROW, seen = ROW * LINES, tall = Math.min(full, TALLEST);
    return { full, seen, tall, scale: full > tall ? (tall - seen) / (full - seen) : 1 };
  }

  firstRow() {
    return Math.max(0, Math.min(Math.floor(this.view.scrollTop / this.heights().scale / ROW), this.total - LINES));
  }

  scrolled() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      this.drawRows();
      const first = this.firstRow();
      for (let i = first; i < Math.min(first + LINES + 1, this.total); i++) if (!this.rows.has(i)) return this.look({ onlyRows: true });
    });
  }

  drawRows() {
    const { tall, scale } = this.heights(), first = this.firstRow(), from = Math.max(first - 2, 0), to = Math.min(first + LINES + 2, this.total);
    this.spacer.style.height = `${tall + ROW}px`;
    const above = this.view.scrollTop - Math.min(this.view.scrollTop / scale, Math.max(this.total - LINES, 0) * ROW) + from * ROW;
    this.table.style.top = `${above}px`;
    this.table.setAttribute("aria-rowcount", this.total + 1);
    this.table.setAttribute("aria-busy", String(this.question !== this.answered));
    if (this.rows.size > 5000) this.rows = new Map([...this.rows].filter(([i]) => Math.abs(i - first) < 1000));
    const rows = [];
    for (let i = from; i < to; i++) rows.push(this.row(i));
    const none = h("tr", { role: "row" }, h("td", { role: "gridcell", colspan: this.columns.length + 1, class: "dxn-note" }, this.answered == null ? "…" : this.about.facets && !Object.keys(this.filters).length ? "There are no jobs." : "No jobs match the filters."));
    this.body.replaceChildren(...(rows.length ? rows : [none]));
    if (rows.length) this.table.setAttribute("aria-activedescendant", `${this.me}-${this.active}`);
    else this.table.removeAttribute("aria-activedescendant");
  }

  row(i) {
    const data = this.rows.get(i);
    const row = h("tr", { role: "row", id: `${this.me}-${i}`, "aria-rowindex": i + 2, class: i === this.active ? "dxn-active" : null, "aria-selected": String(data != null && data[0] === this.chosen) });
    if (!data) {
      row.append(h("td", { role: "gridcell", colspan: this.columns.length + 1, class: "dxn-note" }, "…"));
      return row;
    }
    const box = h("input", { type: "checkbox", tabindex: -1, "aria-label": "Tick this job", onclick: (event) => { event.stopPropagation(); this.table.focus({ preventScroll: true }); this.tick(i); } });
    box.checked = data[1];
    row.append(h("td", { role: "gridcell" }, box), ...data.slice(2).map((cell, c) => this.cell(cell, this.kinds[c], this.columns[c])));
    row.addEventListener("click", () => { this.active = i; this.open(data[0]); });
    return row;
  }

  cell(value, kind, name) {
    if (kind === "time") return h("td", { role: "gridcell", class: "dxn-number" }, time(value, this.zone));
    if (kind === "duration") return h("td", { role: "gridcell", class: "dxn-number" }, duration(value));
    const mark = name === "state" && value ? h("span", { class: `dxn-mark dxn-${MARKS[value] ? value : "other"}`, "aria-hidden": "true" }, MARKS[value] ?? "◇") : null;
    return h("td", { role: "gridcell", title: value ?? "" }, mark, mark ? " " : null, bdi(value ?? "–"));
  }

  press(event) {
    if (event.target.closest("button, input")) return;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: LINES, PageUp: -LINES, Home: -this.total, End: this.total };
    const data = this.rows.get(this.active);
    if (event.key in moves) this.move(Math.max(0, Math.min(this.total - 1, this.active + moves[event.key])));
    else if (event.key === "Enter" && data) this.open(data[0], true);
    else if (event.key === "Enter") this.opening = true;  // as soon as the row is there
    else if (event.key === " " && data) this.tick(this.active);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  move(to) {
    this.active = to;
    const { scale } = this.heights(), at = this.view.scrollTop / scale;
    if (to * ROW < at) this.view.scrollTop = Math.floor(to * ROW * scale);
    else if ((to + 1) * ROW > at + LINES * ROW) this.view.scrollTop = Math.ceil((to - LINES + 1) * ROW * scale);
    this.scrolled();
  }

  tick(i) {
    const data = this.rows.get(i);
    data[1] = !data[1];
    this.drawRows();
    this.ask("tick", { row: data[0], on: data[1] });
  }

  // --- a job ---

  open(row, focus = false) {
    this.chosen = row;
    this.opening = false;
    this.focusDetail = focus;
    this.shown = null;
    this.say("");
    this.drawRows();
    this.detail.hidden = false;
    this.detail.replaceChildren(h("p", { class: "dxn-note" }, "…"));
    this.ask("detail", { row });
  }

  showDetail(job) {
    this.shown = job;
    const of = Object.fromEntries(job.job);
    const copy = (label, text) => h("div", { class: "dxn-copy" }, h("label", {}, `${label} `, h("input", { readonly: true, value: text, onfocus: (event) => event.target.select() })),
      h("button", { type: "button", "aria-label": `Copy ${label}`, onclick: (event) => this.copy(text, event.target) }, "Copy"));
    const close = h("button", { type: "button", onclick: () => { this.chosen = null; this.shown = null; this.detail.hidden = true; this.drawRows(); this.table.focus(); } }, "Close");
    const runs = job.runs.map(([row, , state, created, took, code]) => h("li", {}, h("button", { type: "button", disabled: row === job.row, onclick: () => this.open(row, true) },
      `${MARKS[state] ?? "◇"} ${state ?? "–"}, ${time(created, this.zone)}, ${duration(took)}${code ? `, ${code}` : ""}${row === job.row ? " (this one)" : ""}`)));
    const heading = h("h3", {}, `${MARKS[of.state] ?? "◇"} `, bdi(of.state), " · ", bdi(of.type), " · ", bdi(of.data_set_name ?? of.data_set_id));
    const fields = { columns: ["Field", "Value"], rows: job.job, in_all: job.job.length };
    this.detail.replaceChildren(
      h("div", { class: "dxn-bar" }, heading, close), ...this.grid("Errors", job.errors), ...this.grid("Details", job.details),
      h("h4", {}, `Runs of the same work: ${number(job.runs_in_all)}${job.runs_in_all > runs.length ? `, ${runs.length} of them` : ""}`), h("ul", { class: "dxn-runs" }, ...runs),
      copy("ARN", job.arn), copy("Command", job.command), ...this.grid("All fields", fields),
    );
    if (this.focusDetail) this.detail.focus();
    (this.detail.querySelector(".dxn-grid") ?? this.detail).scrollIntoView({ block: "nearest" });
  }

  grid(title, { columns, rows, in_all: all }) {
    if (!rows.length) return [];
    const more = all > rows.length ? h("p", { class: "dxn-note" }, `${number(all - rows.length)} more rows: explorer.selection has all`) : "";
    const head = h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)));
    const body = rows.map((row) => h("tr", {}, ...row.map((value) => h("td", {}, bdi(value)))));
    return [h("h4", {}, title), h("div", { class: "dxn-grid", tabindex: 0, role: "group", "aria-label": title }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...body))), more];
  }

  async copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.previousElementSibling.querySelector("input").focus();  // selected, for the keyboard to copy
      button.textContent = "Press Ctrl+C";
    }
  }

  download(name, bytes) {
    const url = URL.createObjectURL(new Blob([bytes]));
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  dispose() {
    [this.patience, this.idle, this.typing, this.sliding].forEach(clearTimeout);
    this.sizes.disconnect();
    for (const [event, handler] of this.listeners) this.model.off(event, handler);
  }
}

export default {
  render({ model, el }) {
    const explorer = new Explorer(model, el);
    return () => explorer.dispose();
  },
};
