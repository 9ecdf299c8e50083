// @ts-check
// The part of JobExplorer that is in the page. It holds no jobs but those on screen: it sends what
// it wants to see and draws the answer. What is shown is one state, which only this file changes;
// the parts read it, and call back when a user wants something else.

import { Channel } from "./channel.js";
import { Chart } from "./chart.js";
import { Detail } from "./detail.js";
import { counted, duration, h, number, percent, plural } from "./dom.js";
import { Causes, Facets } from "./facets.js";
import { FilterBar } from "./filters.js";
import { watchMenus } from "./menus.js";
import { hidePreview, keepKeys } from "./notebook.js";
import { Table } from "./table.js";
import { download, Tools } from "./tools.js";

/** @import { Actions, Filters, Handlers, Model, State, Summary, View, Whole } from "./types" */

/** @implements {Actions} */
class Explorer {
  #model; #el; #state; #filters; #facets; #chart; #causes; #tools; #table; #detail; #channel;
  #counts = h("div", { class: "dxn-counts", role: "status", "aria-label": "Jobs shown" });
  #message = h("p", { class: "dxn-message", role: "status" });
  #root = h("div", { class: "dxn", role: "region", "aria-label": "Job explorer" });
  #hasCauses = false;

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    const about = model.get("_about"), me = Math.random().toString(36).slice(2);
    /** @type {State} */
    const state = {
      me, about, filters: model.get("filters"), columns: about.shown, sort: ["created_at", true],
      zone: "UTC", active: 0, chosen: null, asked: null, answered: null, names: {},
    };
    this.#model = model;
    this.#el = el;
    this.#state = state;
    this.#filters = new FilterBar(state, this);
    this.#facets = new Facets(state, this);
    this.#chart = new Chart(state, this);
    this.#causes = new Causes(state, this);
    this.#tools = new Tools(state, this);
    this.#table = new Table(state, this);
    this.#detail = new Detail(state, this);
    this.#build();
    this.#channel = new Channel(model, me, {
      question: () => this.#question(),
      adopt: () => this.#adopt(),
      wait: (isBusy) => void this.#root.classList.toggle("dxn-busy", isBusy),
      say: (text, hasFailed) => this.#say(text, hasFailed),
      answers: this.#answers(),
    });
    this.#channel.look({ onlyRows: true });
    this.#channel.look();
  }

  #build() {
    const { search, times, zone, chips } = this.#filters, controls = [...this.#facets.nodes, ...times];
    const bar = h("div", { class: "dxn-bar" }, search, ...controls, zone);
    const upper = h("div", { class: "dxn-upper" }, this.#chart.node, this.#causes.node);
    const lower = [this.#tools.node, this.#table.node, this.#message, this.#detail.node];
    this.#root.append(this.#counts, bar, chips, upper, ...lower);
    keepKeys(this.#root);
    watchMenus(this.#root);
    this.#el.append(this.#root);
    this.#filters.draw();
    this.#table.drawHead();
  }

  /** @param {string} text @param {boolean} hasFailed */
  #say(text, hasFailed = false) {
    this.#message.textContent = text;
    this.#message.classList.toggle("dxn-failed", hasFailed);
    this.#message.setAttribute("role", hasFailed ? "alert" : "status");
  }

  // --- what a user wants ---

  /** @type {Actions["set"]} */
  set(change) {
    /** @param {...keyof State} names */
    const has = (...names) => names.some((name) => name in change);
    Object.assign(this.#state, change);
    if (has("filters")) this.#channel.isChanged = true;
    if (has("filters", "zone")) this.#filters.draw();
    if (has("columns", "sort", "zone")) this.#table.drawHead();
    if (has("zone")) this.#table.draw();
    if (has("zone")) this.#detail.draw();
    if (has("filters", "sort")) this.#table.restart();
    if (has("filters", "sort", "columns")) this.#reload();
  }

  #reload() {
    this.#table.clear();
    this.#channel.look();
  }

  /** @type {Actions["filter"]} */
  filter(change) {
    const filters = Object.entries({ ...this.#state.filters, ...change });
    this.#say("");
    this.set({ filters: Object.fromEntries(filters.filter(([, value]) => value?.length)) });
  }

  /** @type {Actions["toggle"]} */
  toggle(name, value, isOn) {
    const others = (this.#state.filters[name] ?? []).filter((other) => other !== value);
    this.filter({ [name]: isOn ? [...others, value] : others });
  }

  look() { this.#channel.look({ onlyRows: true }); }

  /** @type {Actions["open"]} */
  open(row, hasFocus) {
    this.#state.chosen = row;
    this.#say("");
    this.#table.drawOpened();
    this.#detail.wait(hasFocus);
    this.#channel.ask("detail", { row });
  }

  close() {
    this.#state.chosen = null;
    this.#table.draw();
    this.#table.focus();
  }

  /** @type {Actions["tick"]} */
  tick(row, on) {
    this.#channel.ask("tick", { row, on, filters: row == null ? this.#latest() : null });
  }

  /** @type {Actions["save"]} */
  save(how) {
    this.#say("Exporting …");
    this.#channel.ask("export", { ...how, filters: this.#latest() });
  }

  resize() {
    hidePreview(this.#el); // also when it has got its place in the page
    this.#table.fit();
  }

  // --- questions and answers ---

  /** The filters for a question that is no view, if the kernel may not have them yet. */
  #latest() {
    this.#filters.settle();
    return this.#channel.isUnsettled ? this.#state.filters : null;
  }

  #question() {
    const { filters, sort, columns } = this.#state;
    this.#state.asked = keyOf(this.#state);
    return { filters, sort, columns, ...this.#table.slice };
  }

  /** Take the filters that were set in Python, unless a user has changed them since. */
  #adopt() {
    const filters = this.#model.get("filters");
    if (this.#channel.isUnsettled || areSame(filters, this.#state.filters)) return;
    this.#state.filters = filters;
    this.#table.restart();
    this.#reload();
  }

  /** @returns {Handlers} */
  #answers() {
    return {
      view: (view) => this.#show(view),
      prepare: ({ more, causes }) => {
        if (causes && !this.#hasCauses) this.#channel.look();
        this.#channel.prepare(more);
      },
      tick: ({ ticked }) => {
        this.#say(`${counted(ticked, "job")} ticked.`);
        this.#tools.drawTicked(ticked);
      },
      detail: (job) => job.row === this.#state.chosen && this.#detail.show(job),
      export: ({ text, name }, [bytes]) => {
        this.#say(text);
        if (name) download(name, bytes);
      },
      error: ({ text }) => this.#say(text, true),
    };
  }

  /** @param {View} view */
  #show(view) {
    const state = this.#state, channel = this.#channel;
    if (state.asked !== state.answered || view.summary) this.#table.clear();
    if (state.asked === keyOf(state) && !channel.isChanged) {
      // the kernel has one form of what filters say, and the last word
      if (!areSame(view.filters, state.filters) && !view.summary) channel.look();
      state.filters = view.filters;
      state.asked = keyOf(state);
    }
    state.answered = state.asked;
    this.#table.take(view);
    if (view.summary) this.#showWhole(view);
    this.#table.draw();
    this.#table.openIfWanted();
    if (!channel.isWanting) this.#adopt();
  }

  /** @param {Whole} view */
  #showWhole({ summary, trend, counts, ticked, more }) {
    const sets = counts.data_set_id?.values ?? [];
    this.#state.names = Object.fromEntries(sets.map(([value, label]) => [value, label]));
    this.#hasCauses = "cause" in counts;
    this.#drawCounts(summary);
    this.#facets.draw(counts);
    this.#causes.draw(counts.cause);
    this.#chart.draw(trend);
    this.#filters.draw();
    this.#tools.drawTicked(ticked);
    this.#channel.prepare(more);
  }

  /** @param {Summary} summary */
  #drawCounts({ jobs, all, failed, finished, rate, low, high, median, open }) {
    const range = `95 %: ${percent(low)} – ${percent(high)}`;
    const base = rate == null ? "" : ` of ${number(finished)} finished (${range})`;
    const facts = [
      [number(jobs), jobs === all ? plural(jobs, "job") : `of ${counted(all, "job")}`],
      [number(failed), "failed"], [percent(rate), `failure rate${base}`],
      [duration(median), "median duration"], [number(open), "open"],
    ];
    this.#counts.replaceChildren(...facts.map(([value, label]) =>
      h("span", { class: "dxn-fact" }, h("strong", {}, value), ` ${label}`)));
  }

  dispose() { [this.#channel, this.#filters, this.#chart].forEach((part) => part.dispose()); }
}

/** @param {Filters} filters */
const canonical = (filters) =>
  JSON.stringify(Object.entries(filters).sort(([a], [b]) => (a < b ? -1 : 1)));

/** @param {Filters} one @param {Filters} other */
const areSame = (one, other) => canonical(one) === canonical(other);

/** What the rows of the table depend on. @param {State} state */
const keyOf = ({ filters, sort, columns }) => JSON.stringify([canonical(filters), sort, columns]);

export default {
  /** @param {{ model: Model, el: HTMLElement }} view */
  render({ model, el }) {
    const explorer = new Explorer(model, el);
    return () => explorer.dispose();
  },
};
