// @ts-check
// The table of jobs: the rows in sight, whichever of however many.

import { bdi, button, clamp, duration, h, mark, MARKS, Part, refill, time } from "./dom.js";
/** @import { Answer, Row } from "./types" */

const ROW = 28, LINES = 13, SPARE = 12; // pixels; rows in sight, and more to have on either side
const TALLEST = 6_000_000, MOST = 5000, NEAR = 1000, BOX_WIDTH = 30, SEEN = 3000;
/** @type {Record<string, number>} */
const WIDTHS = {
  state: 108, type: 207, data_set_id: 205, data_set_name: 205, job_id: 62, code: 250, message: 420,
  time: 148, duration: 84, text: 180,
};
const NARROW = 480, LINE_HEIGHT = 20, STEP = 16; // below that width, rows are cards

export class Table extends Part {
  #columns = new Map(this.state.about.columns.map(([name, ...about]) => [name, about]));
  #head = h("tr", { role: "row", "aria-rowindex": 1 });
  #body = h("tbody", { role: "rowgroup" });
  #widths = h("colgroup", {});
  #table = h("table", {
    role: "grid", tabindex: 0, "aria-label": "Jobs: arrows move, Enter opens, Space ticks",
    onkeydown: (/** @type {KeyboardEvent} */ event) => this.#press(event),
  }, this.#widths, h("thead", { role: "rowgroup" }, this.#head), this.#body);
  #spacer = h("div", { class: "dxn-spacer" }, this.#table);
  /** @type {Map<number, Row>} */ #rows = new Map(); // those at hand
  /** @type {Set<string>} */ #unseen = new Set();
  #total = 0; #frame = 0; #seeing = 0; #scroll = 0;
  #row = ROW; #lines = LINES; // those of cards, where there is room for no more

  node = h("div", {
    class: "dxn-view", style: `height: ${ROW * (LINES + 1)}px`, onscroll: () => this.#scrolled(),
  }, this.#spacer);

  /** As high as its rows, its head, and whatever a border and a scroll bar take. */
  fit() {
    const frame = this.node.offsetHeight - this.node.clientHeight, before = this.#row;
    const areCards = this.node.clientWidth > 0 && this.node.clientWidth < NARROW;
    this.node.classList.toggle("dxn-cards", areCards);
    this.#row = areCards ? LINE_HEIGHT * (this.state.columns.length + 1) : ROW;
    this.#lines = Math.max(Math.floor((ROW * LINES) / this.#row), 1);
    this.node.style.height = `${this.#row * this.#lines + ROW + frame}px`;
    this.node.style.setProperty("--row", `${this.#row}px`);
    if (this.#row !== before) this.draw();
  }

  /** The rows to ask for. */
  get slice() {
    return { first: Math.max(this.#first - SPARE, 0), count: this.#lines + 2 * SPARE };
  }
  /** The row that keys act on, if it is there. */
  get active() { return this.#rows.get(this.state.active); }
  focus() { this.#table.focus(); }
  /** @param {number} scroll */
  scrollWhenFilled(scroll) { this.#scroll = scroll; }
  scrollToTop() { this.node.scrollTop = 0; }
  clear() { this.#rows.clear(); }

  /** @param {Answer} answer */
  take({ total, first, rows, unseen }) {
    this.#total = total;
    rows.forEach(([id]) => this.#unseen.delete(id));
    unseen.forEach((id) => this.#unseen.add(id));
    this.#look();
    rows.forEach((row, i) => this.#rows.set(first + i, row));
    if (this.state.active >= total) this.on.set({ active: Math.max(total - 1, 0) });
  }

  drawHead() {
    const { columns } = this.state, widths = columns.map((name) => this.#widthOf(name));
    const cols = [BOX_WIDTH, ...widths].map((width) => h("col", { style: `width: ${width}px` }));
    this.#widths.replaceChildren(...cols);
    this.#table.style.minWidth = `${widths.reduce((sum, width) => sum + width, BOX_WIDTH)}px`;
    this.#table.setAttribute("aria-colcount", `${columns.length + 1}`);
    const ticked = h("span", { class: "dxn-hidden" }, "Ticked");
    const corner = h("th", { scope: "col", role: "columnheader" }, ticked);
    refill(this.#head, corner, ...columns.map((name) => this.#heading(name)));
    this.fit();
  }

  /** @param {string} name */
  #widthOf(name) { return this.state.widths[name] ?? WIDTHS[name] ?? WIDTHS[this.#kind(name)]; }

  /** What changes a column's width: a drag, a double click, Shift with an arrow. @param {string} name */
  #grip(name) {
    const set = (/** @type {number | null} */ width) => {
      const { [name]: _, ...others } = this.state.widths;
      this.on.set({ widths: width == null ? others : { ...others, [name]: Math.max(width, 40) } });
    };
    let start = 0, before = 0;
    const grip = h("span", {
      class: "dxn-grip", "aria-hidden": "true", ondblclick: () => set(null),
      onpointerdown: (/** @type {PointerEvent} */ event) => {
        [start, before] = [event.clientX, grip.parentElement?.offsetWidth ?? 0];
        grip.setPointerCapture(event.pointerId);
        event.preventDefault();
      },
      onlostpointercapture: (/** @type {PointerEvent} */ event) =>
        event.clientX !== start && set(Math.round(before + event.clientX - start)),
    });
    const onkeydown = (/** @type {KeyboardEvent} */ event) => {
      const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
      if (!step || !event.shiftKey) return;
      event.stopPropagation();
      set(this.#widthOf(name) + step);
    };
    return { grip, onkeydown };
  }

  /** @param {string} name */
  #kind(name) { return this.#columns.get(name)?.[1] ?? "text"; }

  /** @param {string} name */
  #heading(name) {
    const { sort, zone } = this.state, kind = this.#kind(name), isSorted = sort[0] === name;
    const zoned = kind === "time" ? ` (${zone === "UTC" ? "UTC" : "local"})` : "";
    const [arrow, order] = sort[1] ? [" ▼", "descending"] : [" ▲", "ascending"];
    const label = `${this.#columns.get(name)?.[0]}${zoned}${isSorted ? arrow : ""}`;
    const onclick = () => this.on.set({ sort: [name, isSorted ? !sort[1] : kind !== "text"] });
    const { grip, onkeydown } = this.#grip(name), isSortable = !["code", "message"].includes(name);
    const sorted = isSortable && { "aria-sort": isSorted ? order : "none" };
    const title = `${label}; Shift and an arrow change the width`;
    const head = isSortable ? button({ onclick, title, "data-value": name }, label) : label;
    return h("th", { scope: "col", role: "columnheader", onkeydown, ...sorted }, head, grip);
  }

  /** How tall the rows are in the page, and that by what they would be: there is a limit. */
  get #heights() {
    const full = this.#total * this.#row, seen = this.#row * this.#lines;
    const tall = Math.min(full, TALLEST);
    return { tall, scale: full > tall ? (tall - seen) / (full - seen) : 1 };
  }

  /** The first line in sight. */
  get #first() {
    const line = Math.floor(this.node.scrollTop / this.#heights.scale / this.#row);
    return clamp(line, this.#total - this.#lines);
  }

  #scrolled() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      this.draw();
      const first = this.#first, end = Math.min(first + this.#lines + 1, this.#total);
      for (let i = first; i < end; i++) if (!this.#rows.has(i)) return this.on.look();
    });
  }

  draw() {
    const { active, answered, asked, filters, me, unknown } = this.state, table = this.#table;
    const { tall, scale } = this.#heights;
    this.#spacer.style.height = `${tall + ROW}px`;
    if (this.#scroll && this.#total) this.node.scrollTop = this.#scroll;
    if (this.#total) this.#scroll = 0;
    const { scrollTop } = this.node, first = this.#first;
    const from = Math.max(first - 2, 0), to = Math.min(first + this.#lines + 2, this.#total);
    const hidden = Math.min(scrollTop / scale, Math.max(this.#total - this.#lines, 0) * this.#row);
    table.style.top = `${scrollTop - hidden + from * this.#row}px`;
    table.setAttribute("aria-rowcount", `${this.#total + 1}`);
    table.setAttribute("aria-busy", `${asked !== answered}`);
    if (this.#rows.size > MOST) {
      this.#rows = new Map([...this.#rows].filter(([i]) => Math.abs(i - first) < NEAR));
    }
    const rows = Array.from({ length: Math.max(to - from, 0) }, (_, i) => this.#lineOf(from + i));
    const pairs = unknown.map((pair) => JSON.parse(pair));
    const gone = pairs.map(([name, value]) => `${name}: ${value ?? "none"}`);
    const reason = gone.length ? `; no job has ${gone.join(", ")}` : "";
    const isFiltered = Object.keys(filters).length;
    const none = isFiltered ? `No jobs match the filters${reason}.` : "There are no jobs.";
    const empty = h("tr", { role: "row" }, this.#wide(answered == null ? "…" : none));
    this.#body.replaceChildren(...(rows.length ? rows : [empty]));
    if (rows.length) table.setAttribute("aria-activedescendant", `${me}-${active}`);
    else table.removeAttribute("aria-activedescendant");
  }

  /** Take note of the news that are in sight for a while. */
  #look() {
    clearTimeout(this.#seeing);
    if (this.#unseen.size) this.#seeing = setTimeout(() => {
      const { top, bottom } = this.node.getBoundingClientRect(), from = this.#first;
      const isInSight = !document.hidden && bottom > 0 && top < innerHeight;
      const lines = Array.from({ length: this.#lines }, (_, i) => this.#rows.get(from + i));
      const ids = lines.map((row) => row?.[0] ?? "");
      const seen = isInSight ? ids.filter((id) => this.#unseen.has(id)) : [];
      if (seen.length) this.on.see(seen);
      else this.#look();
    }, SEEN);
  }

  /** @param {string[]} jobs */
  see(jobs) {
    jobs.forEach((id) => this.#unseen.delete(id));
    this.draw();
    this.#look();
  }

  dispose() { clearTimeout(this.#seeing); }

  /** @param {string} text */
  #wide(text) { return cell({ colspan: this.state.columns.length + 1, class: "dxn-note" }, text); }

  /** @param {number} i */
  #lineOf(i) {
    const { active, job, columns, me } = this.state, row = this.#rows.get(i);
    const given = {
      role: "row", id: `${me}-${i}`, "aria-rowindex": i + 2, class: i === active && "dxn-active",
      "aria-selected": `${row != null && row[0] === job}`,
    };
    if (!row) return h("tr", given, this.#wide("…"));
    const onclick = () => {
      this.on.set({ active: i });
      this.on.open(row[0], false);
    };
    const cells = row.slice(2).map((value, c) => this.#cell(value, columns[c]));
    const isNew = this.#unseen.has(row[0]);
    const news = isNew ? [h("span", { class: "dxn-hidden" }, "new ")] : [];
    const box = cell({ class: isNew && "dxn-new" }, ...news, this.#box(row));
    return h("tr", { ...given, onclick }, box, ...cells);
  }

  /** @param {Row} row */
  #box(row) {
    const onclick = (/** @type {MouseEvent} */ event) => {
      event.stopPropagation();
      this.#table.focus({ preventScroll: true });
      this.#tick(row);
    };
    const given = { type: "checkbox", tabindex: -1, "aria-label": "Tick this job", onclick };
    return Object.assign(h("input", given), { checked: row[1] });
  }

  /** @param {any} value @param {string} name */
  #cell(value, name) {
    const kind = this.#kind(name), label = this.#columns.get(name)?.[0];
    const given = { class: "dxn-number", "data-label": label };
    if (kind === "time") return cell(given, time(value, this.state.zone));
    if (kind === "duration") return cell(given, duration(value));
    const text = bdi(value ?? "–"), title = value ?? "", plain = { title, "data-label": label };
    if (name !== "state" || !value) return cell(plain, text);
    const known = MARKS[value] ? value : "other";
    const sign = h("span", { class: `dxn-mark dxn-${known}`, "aria-hidden": "true" }, mark(value));
    return cell(plain, sign, " ", text);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (/** @type {Element} */ (event.target).closest("button, input")) return;
    const row = this.active, pages = { PageDown: this.#lines, PageUp: -this.#lines };
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: 1, ArrowUp: -1, ...pages, Home: -this.#total, End: this.#total };
    if (event.key in moves) this.#move(this.state.active + moves[event.key]);
    else if (event.key === "Enter" && row) this.on.open(row[0], true);
    else if (event.key === "Enter") this.on.set({ opening: true });
    else if (event.key === " " && row) this.#tick(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} line */
  #move(line) {
    const to = clamp(line, this.#total - 1), { scale } = this.#heights;
    const at = this.node.scrollTop / scale, end = at + this.#lines * this.#row;
    this.on.set({ active: to });
    const top = to * this.#row, bottom = top + this.#row;
    if (top < at) this.node.scrollTop = Math.floor(top * scale);
    else if (bottom > end) this.node.scrollTop = Math.ceil((bottom - end + at) * scale);
    this.#scrolled();
  }

  /** @param {Row} row */
  #tick(row) {
    row[1] = !row[1];
    this.draw();
    this.on.tick(row[0], row[1]);
  }
}

/** @param {Record<string, any>} given @param {...(Node | string)} children */
const cell = (given, ...children) => h("td", { role: "gridcell", ...given }, ...children);
