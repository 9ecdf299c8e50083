// @ts-check
// The part of JobExplorer that is in the page. It holds no jobs but those on screen: it sends what
// it wants to see and draws the answer. What is shown is one state, which only this file changes;
// the parts read it, and call back when a user wants something else.

import { Channel } from "./channel.js";
import { Chart } from "./chart.js";
import { Detail } from "./detail.js";
import { counted, duration, h, number, percent, plural } from "./dom.js";
import { Causes } from "./facets.js";
import { FilterBar } from "./filters.js";
import { watchMenus } from "./menus.js";
import { hidePreview, keepKeys } from "./notebook.js";
import { Table } from "./table.js";
import { download, Tools } from "./tools.js";
/** @import { Actions, Filters, Model, Page, State, Summary, View } from "./types" */

class Explorer {
  #state; #model; #filters; #chart; #causes; #tools; #table; #detail; #channel; #sizes;
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
      zone: "UTC", active: 0, opening: false, chosen: null, asked: null, answered: null, names: {},
    };
    this.#state = state;
    this.#model = model;
    this.#filters = new FilterBar(state, this.#actions);
    this.#chart = new Chart(state, this.#actions);
    this.#causes = new Causes(state, this.#actions);
    this.#tools = new Tools(state, this.#actions);
    this.#table = new Table(state, this.#actions);
    this.#detail = new Detail(state, this.#actions);
    this.#channel = new Channel(model, me, this.#page);
    this.#sizes = new ResizeObserver(() => requestAnimationFrame(() => {
      hidePreview(el); // which may only now have a place in the page
      this.#table.fit();
      this.#chart.redraw();
    }));
    this.#root.append(
      this.#counts, this.#filters.node, this.#filters.chips,
      h("div", { class: "dxn-upper" }, this.#chart.node, this.#causes.node),
      this.#tools.node, this.#table.node, this.#message, this.#detail.node,
    );
    keepKeys(this.#root);
    watchMenus(this.#root);
    el.append(this.#root);
    this.#filters.draw();
    this.#table.drawHead();
    this.#sizes.observe(this.#chart.node);
    this.#channel.look({ onlyRows: true });
    this.#channel.look();
  }

  /** @type {Actions} */
  #actions = {
    set: (change) => this.#set(change),
    filter: (change) => {
      const filters = Object.entries({ ...this.#state.filters, ...change });
      this.#say("");
      this.#set({ filters: Object.fromEntries(filters.filter(([, value]) => value?.length)) });
    },
    toggle: (name, value, isOn) => {
      const others = (this.#state.filters[name] ?? []).filter((other) => other !== value);
      this.#actions.filter({ [name]: isOn ? [...others, value] : others });
    },
    look: () => this.#channel.look({ onlyRows: true }),
    open: (row, hasFocus) => {
      this.#say("");
      this.#set({ chosen: row, opening: false });
      this.#detail.wait(hasFocus);
      this.#channel.ask("detail", { row });
    },
    close: () => {
      this.#set({ chosen: null });
      this.#detail.draw();
      this.#table.focus();
    },
    tick: (row, on) =>
      this.#channel.ask("tick", { row, on, filters: row == null ? this.#latest() : null }),
    save: (how) => {
      this.#say("Exporting …");
      this.#channel.ask("export", { ...how, filters: this.#latest() });
    },
  };

  /** @type {Page} */
  #page = {
    question: () => {
      const { filters, sort, columns } = this.#state;
      this.#state.asked = keyOf(this.#state);
      return { filters, sort, columns, ...this.#table.slice };
    },
    adopt: () => {
      const filters = this.#model.get("filters"), isSame = areSame(filters, this.#state.filters);
      if (!isSame && !this.#channel.isUnsettled) this.#set({ filters }, false);
    },
    wait: (isBusy) => this.#root.classList.toggle("dxn-busy", isBusy),
    say: (text, hasFailed) => this.#say(text, hasFailed),
    answers: {
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
    },
  };

  #say(text = "", hasFailed = false) {
    this.#message.textContent = text;
    this.#message.classList.toggle("dxn-failed", hasFailed);
    this.#message.setAttribute("role", hasFailed ? "alert" : "status");
  }

  /** Change what is shown, draw what that touches, ask for rows. @param {Partial<State>} change */
  #set(change, isUsers = true) {
    const has = (/** @type {(keyof State)[]} */ ...names) => names.some((name) => name in change);
    Object.assign(this.#state, change, has("filters", "sort") && { active: 0 });
    if (has("filters") && isUsers) this.#channel.isChanged = true;
    if (has("filters", "zone")) this.#filters.draw();
    if (has("columns", "sort", "zone")) this.#table.drawHead();
    if (has("zone", "chosen")) this.#table.draw();
    if (has("zone")) this.#detail.draw();
    if (has("filters", "sort")) this.#table.scrollToTop();
    if (!has("filters", "sort", "columns")) return;
    this.#table.clear();
    this.#channel.look();
  }

  /** The filters for a question that is no view, if the kernel may not have them yet. */
  #latest() {
    this.#filters.settle();
    return this.#channel.isUnsettled ? this.#state.filters : null;
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
    if (view.summary) this.#drawControls(view);
    this.#table.draw();
    if (state.opening && this.#table.active) this.#actions.open(this.#table.active[0], true);
    if (!channel.isWanting) this.#page.adopt();
  }

  /** @param {Extract<View, { summary: Summary }>} view */
  #drawControls({ summary, trend, counts, ticked, more }) {
    const sets = counts.data_set_id?.values ?? [];
    this.#state.names = Object.fromEntries(sets.map(([value, label]) => [value, label]));
    this.#hasCauses = "cause" in counts;
    this.#drawCounts(summary);
    this.#filters.facets.draw(counts);
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

  dispose() {
    this.#sizes.disconnect();
    for (const part of [this.#channel, this.#filters, this.#chart]) part.dispose();
  }
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
