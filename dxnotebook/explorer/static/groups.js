// @ts-check
// Groups of jobs: how each fares, by periods too, and two of them side by side.

import { POLL } from "./channel.js";
import { bdi, button, duration, h, note, number, Part, percent, plural, refill, s, time } from "./dom.js";
import { areSame, canonical } from "./views.js";
/** @import { Change, Comparison, Group, GroupColumn, Groups, Trend } from "./types" */

/** @type {[name: GroupColumn, title: string][]} */
const COLUMNS = [
  ["label", "Group"], ["n", "Finished"], ["failed", "Failed"], ["rate", "Failure rate (95\u00a0%)"],
  ["undone", "Undone"], ["median", "Median"], ["p95", "95th percentile"], ["last", "Last success"],
];

export class GroupTable extends Part {
  /** @type {Groups} */ #groups = { names: [], rows: [], more: 0 };
  /** @type {Trend | null} */ #trend = null;
  /** @type {Map<string, Group>} */ #compared = new Map();
  #asking = 0; // for a comparison that is under way
  #comparedIn = ""; // the filters under which they are compared
  #by = h("select", {
    "aria-label": "Group by",
    onchange: () => {
      this.#compared.clear();
      this.on.set({ group: this.#by.value || null });
    },
  }, h("option", { value: "" }, "nothing"),
    ...this.state.about.groups.map(([value, title]) => h("option", { value }, title)));
  #isGrid = h("input", { type: "checkbox", onchange: () => this.#draw() });
  #gridLabel = h("label", {}, this.#isGrid, " as a grid of periods");
  #table = h("div", { class: "dxn-groups", tabindex: 0, role: "group", "aria-label": "Groups" });
  #sides = h("div", {
    class: "dxn-sides", tabindex: 0, role: "group", "aria-label": "Comparison", "aria-live": "polite",
  });
  node = h("section", { class: "dxn-grouped", "aria-label": "Groups of jobs" },
    h("div", { class: "dxn-bar" }, h("label", {}, "Group by ", this.#by), this.#gridLabel),
    this.#table, this.#sides);

  /** @param {Groups | undefined} groups @param {Trend} trend */
  draw(groups, trend) {
    this.#groups = groups ?? { names: [], rows: [], more: 0 };
    this.#trend = trend;
    if (this.#comparedIn !== canonical(this.state.filters)) this.#compared.clear();
    this.#by.value = this.state.group ?? "";
    this.#draw();
  }

  #draw() {
    const { rows, more } = this.#groups, isGrid = this.#isGrid.checked;
    const isOn = this.state.group != null;
    this.#gridLabel.hidden = this.#table.hidden = !isOn;
    if (!isOn || this.#compared.size < 2) this.#sides.replaceChildren();
    this.#table.classList.toggle("dxn-as-grid", isGrid);
    const most = Math.max(...rows.map(({ high, n }) => (n ? high ?? 0 : 0)), 0.01);
    const head = COLUMNS.map(([name, title]) => this.#heading(name, title));
    const both = h("span", { class: "dxn-hidden" }, "Compare");
    refill(this.#table, h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, both), ...head, this.#axis())),
      h("tbody", {}, ...rows.map((row) => this.#row(row, most)))),
    ...(more ? [note(`${number(more)} more ${plural(more, "group")}: sort, or filter`)] : []));
  }

  /** @param {GroupColumn} name @param {string} title */
  #heading(name, title) {
    const [sort, isDescending] = this.state.group_sort, isSorted = sort === name;
    const order = isDescending ? "descending" : "ascending";
    const down = isSorted ? !isDescending : name !== "label";
    const onclick = () => this.on.set({ group_sort: [name, down] });
    const label = `${title}${isSorted ? (isDescending ? " ▼" : " ▲") : ""}`;
    return h("th", { scope: "col", "aria-sort": isSorted ? order : "none", class: `dxn-of-${name}` },
      button({ onclick, "data-value": `sort ${name}` }, label));
  }

  /** From when to when the periods are. */
  #axis() {
    const { zone } = this.state, { starts = [], end = 0 } = this.#trend ?? {};
    const ends = starts.length ? [starts[0], end - 1].map((at) => time(at, zone, null)) : [];
    return h("th", { scope: "col", class: "dxn-of-strip" },
      "Periods ", h("span", { class: "dxn-note" }, ends.join(" – ")));
  }

  /** @param {Group} row @param {number} most  the highest bound of a rate */
  #row(row, most) {
    const key = JSON.stringify(row.values), filters = this.#filtersOf(row);
    const isChosen = Object.entries(filters).every(([name, value]) =>
      areSame(value, this.state.filters[/** @type {keyof Change} */ (name)]));
    const none = Object.fromEntries(Object.keys(filters).map((name) => [name, null]));
    const onclick = () => this.on.filter(isChosen ? none : filters);
    const box = h("input", {
      type: "checkbox", "aria-label": `Compare ${row.label}`, "data-value": `compare ${key}`,
      onchange: () => this.#compare(key, row, box.checked),
    });
    box.checked = this.#compared.has(key);
    const pressed = { "aria-pressed": `${isChosen}`, "data-value": key, title: row.label };
    const share = (/** @type {number | null} */ of) => `${(100 * (of ?? 0)) / most}%`;
    const range = row.rate == null ? "" : ` ${percent(row.low)} – ${percent(row.high)}`;
    const style = `--low: ${share(row.low)}; --rate: ${share(row.rate)}; --high: ${share(row.high)}`;
    const cells = {
      label: button({ class: "dxn-link", ...pressed, onclick }, bdi(row.label)),
      n: number(row.n), failed: number(row.failed),
      rate: h("span", { class: "dxn-interval", style }, percent(row.rate),
        h("span", { class: "dxn-note" }, range)),
      undone: number(row.undone), median: duration(row.median), p95: duration(row.p95),
      last: time(row.last, this.state.zone, "short"),
    };
    return h("tr", {}, h("td", {}, box),
      ...COLUMNS.map(([name]) => h("td", { class: `dxn-of-${name}` }, cells[name])),
      h("td", { class: "dxn-of-strip" }, this.#strip(row, key)));
  }

  /** Which of the periods' jobs failed, and a slider over them. @param {Group} row @param {string} key */
  #strip(row, key) {
    const { starts = [], end = 0 } = this.#trend ?? {}, { zone } = this.state, n = starts.length;
    const say = () => {
      const [done, failed] = row.strip[+slider.value] ?? [0, 0];
      const at = time(starts[+slider.value], zone, "short");
      const text = `${at}: ${number(done + failed)} finished, ${number(failed)} failed`;
      slider.setAttribute("aria-valuetext", text);
      slider.title = text;
    };
    const choose = () => {
      const i = +slider.value, ends = [starts[i], starts[i + 1] ?? end].map((at) => toText(at));
      this.on.filter({ ...this.#filtersOf(row), since: ends[0], until: ends[1] });
    };
    const slider = h("input", {
      type: "range", min: 0, max: Math.max(n - 1, 0), value: Math.max(n - 1, 0),
      "aria-label": `Periods of ${row.label}`, "data-value": `strip ${key}`,
      onfocus: say, oninput: say, onclick: choose,
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && choose(),
    });
    const part = (/** @type {boolean} */ isBad) => row.strip.map(([done, failed], i) => {
      const share = failed / (done + failed), from = isBad ? 1 : 1 - share;
      const height = isBad ? share : 1 - share;
      return height > 0 ? `M${i} ${from}v${-height}h.9v${height}z` : "";
    }).join("");
    const box = { viewBox: `0 0 ${Math.max(n, 1)} 1`, preserveAspectRatio: "none", "aria-hidden": "true" };
    return h("div", { class: "dxn-strip" }, s("svg", box,
      s("path", { d: part(false), class: "dxn-ok-fill" }),
      s("path", { d: part(true), class: "dxn-bad-fill" })), slider);
  }

  /** The filters that leave a group's jobs. @param {Group} row @returns {Record<string, any>} */
  #filtersOf({ values }) {
    const { names } = this.#groups, [day] = values;
    if (names[0] !== "day") return Object.fromEntries(names.map((name, i) => [name, [values[i]]]));
    const [since, until] = (day ?? "/").split("/").map((at) => at && toText(Date.parse(at)));
    return { since, until };
  }

  /** @param {string} key @param {Group} row @param {boolean} isOn */
  #compare(key, row, isOn) {
    this.#comparedIn = canonical(this.state.filters);
    if (isOn) this.#compared.set(key, row);
    else this.#compared.delete(key);
    if (this.#compared.size > 2) this.#compared.delete([...this.#compared.keys()][0]);
    const two = [...this.#compared.values()];
    this.#draw();
    if (two.length < 2) return;
    this.#sides.replaceChildren(note("Comparing …"));
    this.#askForSides();
  }

  #askForSides() {
    clearTimeout(this.#asking);
    const sides = [...this.#compared.values()].map((one) => this.#filtersOf(one));
    if (sides.length === 2) this.on.compare(sides);
  }

  dispose() { clearTimeout(this.#asking); }

  /** @param {Comparison} comparison  none of it while it is made */
  showSides({ rows }) {
    const two = [...this.#compared.values()];
    if (two.length < 2) return;
    if (!rows) return void (this.#asking = setTimeout(() => this.#askForSides(), POLL));
    const labels = two.map(({ label }) => label);
    const titles = ["Of these", ...labels, "Difference", "95 % interval", "Change"];
    const head = h("tr", {}, ...titles.map((title) => h("th", { scope: "col" }, bdi(title))));
    const body = rows.map(([measure, cause, one, other, difference, low, high, change]) => {
      const text = wordsFor(measure);
      const range = low == null || high == null ? "–" : `${signed(low, text)} to ${signed(high, text)}`;
      const cells = [text(one), text(other), difference == null ? "–" : signed(difference, text), range];
      return h("tr", {}, h("th", { scope: "row" }, MEASURES[measure] ?? bdi(cause ?? "(no message)")),
        ...cells.map((value) => h("td", {}, value)), h("td", {}, change ?? ""));
    });
    this.#sides.replaceChildren(h("table", {}, h("thead", {}, head), h("tbody", {}, ...body)));
  }
}

/** @type {Record<string, string>} */
const MEASURES = {
  jobs: "Jobs", failure_rate: "Failure rate", left_undone: "Left undone", median_s: "Median duration",
  p95_s: "95th percentile",
};

/** How a measure is written. @param {string} measure @returns {(value: number | null) => string} */
const wordsFor = (measure) => measure === "jobs" ? (value) => number(value ?? 0)
  : measure.endsWith("_s") ? duration : percent;

/** @param {number} value @param {(value: number) => string} text */
const signed = (value, text) => `${value < 0 ? "−" : "+"}${text(Math.abs(value))}`;

/** A time as the kernel has it in filters. @param {number} at */
const toText = (at) => new Date(at).toISOString().replace(".000Z", "+00:00");
