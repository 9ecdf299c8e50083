// @ts-check
// The part of JobExplorer that is in the page. It holds no jobs but those on screen: it sends what
// it wants to see and draws the answer. What is shown is one state, which only this file changes;
// the parts read it, and call back when a user wants something else.

import { Channel } from "./channel.js";
import { Chart } from "./chart.js";
import { Detail } from "./detail.js";
import { button, counted, duration, h, number, percent, plural, refill } from "./dom.js";
import { Causes } from "./facets.js";
import { FilterBar } from "./filters.js";
import { GroupTable } from "./groups.js";
import { placeMenus, watchMenus } from "./menus.js";
import { hidePreview, keepKeys } from "./notebook.js";
import { Live } from "./live.js";
import { Table } from "./table.js";
import { download, Tools } from "./tools.js";
import {
  areSame, canonical, changed, keepView, PARTS, sideOf, viewBefore, viewOf,
} from "./views.js";
/** @import { Actions, Answer, Model, Page, State, Summary, View } from "./types" */

/** The parts of the view that other rows come with. @type {(keyof View)[]} */
const REDRAWN = ["filters", "sort", "columns"];
/** Those that controls come with. @type {(keyof View)[]} */
const DRAWN_WHOLE = [...REDRAWN, "group", "group_sort", "zoom", "zone"];
const FAILED = ["ERROR", "TIMED_OUT"], OPEN = ["WAITING", "IN_PROGRESS"];

class Explorer {
  #state; #model; #filters; #chart; #causes; #groups; #tools; #table; #detail; #channel; #sizes; #live;
  /** @type {object | null} */ #before; // a view to ask for first
  #touched = ""; #touches = 0;
  #counts = h("div", { class: "dxn-counts", role: "status", "aria-label": "Jobs shown" });
  #message = h("p", { class: "dxn-message", role: "status" });
  #root = h("div", { class: "dxn", role: "region", "aria-label": "Job explorer" });
  #hasCauses = false;

  /**
   * @param {Model} model @param {HTMLElement} el
   * @param {object | null} before  a view to begin with @param {number} scroll
   */
  constructor(model, el, before, scroll = 0) {
    const about = model.get("_about"), me = Math.random().toString(36).slice(2);
    /** @type {State} */
    const state = {
      me, about, ...model.get("view"), active: 0, opening: false, asked: null, answered: null,
      names: {}, unknown: [], sought: {},
    };
    this.#state = state;
    this.#model = model;
    this.#filters = new FilterBar(state, this.#actions);
    this.#chart = new Chart(state, this.#actions);
    this.#causes = new Causes(state, this.#actions);
    this.#groups = new GroupTable(state, this.#actions);
    this.#tools = new Tools(state, this.#actions);
    this.#table = new Table(state, this.#actions);
    this.#detail = new Detail(state, this.#actions);
    this.#live = new Live(state, this.#actions);
    this.#channel = new Channel(model, me, this.#page);
    this.#sizes = new ResizeObserver(() => requestAnimationFrame(() => {
      hidePreview(el); // which may only now have a place in the page
      this.#table.fit();
      this.#chart.redraw();
      placeMenus(this.#root);
    }));
    this.#root.append(
      this.#counts, this.#live.node, this.#filters.node, this.#filters.chips,
      h("div", { class: "dxn-upper" }, this.#chart.node, this.#causes.node),
      this.#groups.node, this.#tools.node, this.#table.node, this.#message, this.#detail.node,
    );
    keepKeys(this.#root);
    watchMenus(this.#root);
    this.#root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || state.job == null) return;
      event.stopPropagation();
      this.#actions.close();
    });
    el.append(this.#root);
    this.#filters.draw();
    this.#table.drawHead();
    this.#sizes.observe(this.#chart.node);
    this.#before = before;
    this.#channel.isChanged = before != null;
    this.#table.scrollWhenFilled(scroll);
    this.#channel.look({ onlyRows: true });
    this.#channel.look();
    if (state.job != null) this.#showJob();
    this.#live.begin();
  }

  /** @type {Actions} */
  #actions = {
    set: (change) => this.#set(change),
    filter: (change, isOut = false) => {
      this.#say("");
      this.#set({ filters: changed(this.#state.filters, change, isOut) });
    },
    toggle: (name, value, isOn, isOut = false) => {
      const before = sideOf(this.#state.filters, isOut)[name] ?? [];
      const others = before.filter((other) => other !== value);
      this.#actions.filter({ [name]: isOn ? [...others, value] : others }, isOut);
    },
    look: () => this.#channel.look({ onlyRows: true }),
    refresh: (start) => this.#channel.ask("refresh", { start }),
    see: (jobs) => this.#channel.ask("seen", { jobs }),
    open: (job, hasFocus) => {
      this.#say("");
      this.#set({ job, opening: false });
      this.#showJob(hasFocus);
    },
    close: () => {
      this.#set({ job: null });
      this.#showJob();
      this.#table.focus();
    },
    tick: (job, on) =>
      this.#channel.ask("tick", { job, on, view: job == null ? this.#latest() : null }),
    compare: (sides) => this.#channel.ask("compare", { sides, view: this.#latest() }),
    save: (how) => {
      this.#say("Exporting …");
      this.#channel.ask("export", { ...how, view: this.#latest() });
    },
  };

  /** @type {Page} */
  #page = {
    question: () => {
      this.#state.asked = keyOf(this.#state);
      const view = /** @type {any} */ (this.#before) ?? viewOf(this.#state);
      this.#before = null;
      return { view, sought: this.#state.sought, ...this.#table.slice };
    },
    adopt: () => {
      if (!this.#channel.isUnsettled) this.#take(this.#model.get("view"));
    },
    wait: (isBusy) => this.#root.classList.toggle("dxn-busy", isBusy),
    say: (text, hasFailed) => this.#say(text, hasFailed),
    answers: {
      view: (view) => this.#show(view),
      prepare: ({ more, causes }) => {
        if ((causes && !this.#hasCauses) || !more) this.#channel.look();
        this.#channel.prepare(more);
      },
      tick: ({ ticked }) => {
        this.#say(`${counted(ticked, "job")} ticked.`);
        this.#tools.drawTicked(ticked);
        this.#touch();
      },
      detail: (job) => job.job_id === this.#state.job && this.#detail.show(job),
      compare: (comparison) => this.#groups.showSides(comparison),
      export: ({ text, name }, [bytes]) => {
        this.#say(text);
        if (name) download(name, bytes);
      },
      refresh: (news) => {
        this.#live.take(news);
        if (news.new || news.changed) this.#touch();
      },
      seen: ({ jobs }) => this.#table.see(jobs),
      error: ({ text }) => {
        this.#say(text, true);
        if (this.#detail.isWaiting) this.#set({ job: null });
        this.#detail.draw();
      },
    },
  };

  #say(text = "", hasFailed = false) {
    this.#message.textContent = text;
    this.#message.classList.toggle("dxn-failed", hasFailed);
    this.#message.setAttribute("role", hasFailed ? "alert" : "status");
  }

  /** Change what is shown, draw what that touches, ask for rows. @param {Partial<State>} change */
  #set(change, isUsers = true) {
    const state = /** @type {Record<string, any>} */ (this.#state);
    const others = Object.entries(change).filter(([name, one]) => !areSame(one, state[name]));
    const has = (/** @type {string[]} */ ...names) => others.some(([name]) => names.includes(name));
    Object.assign(state, change, has("filters", "sort") && { active: 0 });
    if (has(...PARTS) && isUsers) this.#channel.isChanged = true;
    if (has("filters", "zone")) this.#filters.draw();
    if (has("columns", "sort", "zone", "widths")) this.#table.drawHead();
    if (has("zone", "job")) this.#table.draw();
    if (has("zone")) this.#detail.draw();
    if (has("filters", "sort")) this.#table.scrollToTop();
    if (has(...REDRAWN)) this.#table.clear();
    const isWhole = has(...DRAWN_WHOLE, "sought");
    if (has(...PARTS) || isWhole) this.#channel.look({ onlyRows: !isWhole });
  }

  /** In marimo, have the cells that use the explorer run again: it heeds what a page sets only. */
  #touch() {
    if (!(this.#root.getRootNode() instanceof ShadowRoot)) return;
    this.#model.set("_touched", ++this.#touches);
    this.#model.save_changes();
  }

  /** Show what the kernel has. @param {View} view */
  #take(view) {
    const { job } = this.#state;
    this.#set(view, false);
    if (view.job !== job) this.#showJob();
  }

  /** Show the job that is open, if one is. */
  #showJob(hasFocus = false) {
    const { job } = this.#state;
    this.#detail.wait(hasFocus);
    if (job != null) this.#channel.ask("detail", { job });
  }

  /** The view for a question of another kind, if the kernel may not have it yet. */
  #latest() {
    this.#filters.settle();
    return this.#channel.isUnsettled ? viewOf(this.#state) : null;
  }

  /** @param {Answer} answer */
  #show(answer) {
    const state = this.#state, channel = this.#channel, { view } = answer;
    if (state.asked !== state.answered || answer.summary) this.#table.clear();
    if (state.asked === keyOf(state) && !channel.isChanged) {
      this.#take(view); // the kernel has one form of it, and the last word
      state.asked = keyOf(state);
    }
    state.answered = state.asked;
    this.#table.take(answer);
    if (answer.summary) this.#drawControls(answer);
    this.#table.draw();
    if (state.opening && this.#table.active) this.#actions.open(this.#table.active[0], true);
    this.#tools.drawShare(answer.python, answer.brief);
    keepView(state.about.key, answer.brief);
    if (canonical(view) !== this.#touched && this.#touched) this.#touch();
    this.#touched = canonical(view);
    if (!channel.isWanting) this.#page.adopt();
  }

  /** @param {Extract<Answer, { summary: Summary }>} view */
  #drawControls({ summary, trend, groups, counts, ticked, more, unknown, now }) {
    const sets = counts.data_set_id?.values ?? [];
    this.#state.names = Object.fromEntries(sets.map(([value, label]) => [value, label]));
    this.#state.unknown = unknown.map((pair) => JSON.stringify(pair));
    this.#hasCauses = "cause" in counts;
    this.#drawCounts(summary);
    this.#filters.facets.draw(counts);
    this.#causes.draw(counts.cause);
    this.#chart.draw(trend, now);
    this.#groups.draw(groups, trend);
    this.#filters.draw();
    this.#tools.drawTicked(ticked);
    this.#channel.prepare(more);
  }

  /** Numbers, of which those of some jobs filter by these. @param {Summary} summary */
  #drawCounts({ jobs, all, failed, finished, rate, low, high, median, open, undone, stuck }) {
    const range = `95 %: ${percent(low)} – ${percent(high)}`;
    const base = rate == null ? "" : ` of ${number(finished)} finished (${range})`;
    const { filter, set } = this.#actions, isAll = jobs === all;
    /** @type {[value: string, label: string, show?: (() => void) | false][]} */
    const facts = [
      [number(jobs), isAll ? plural(jobs, "job") : `of ${counted(all, "job")}`,
        !isAll && (() => set({ filters: {} }))],
      [number(failed), "failed", () => filter({ state: FAILED })],
      [percent(rate), `failure rate${base}`], [duration(median), "median duration"],
      [number(open), "open", () => filter({ state: OPEN })],
    ];
    if (undone != null) facts.push([number(undone), "undone", () => filter({ outcome: ["undone"] })]);
    if (stuck != null) facts.push([number(stuck), "stuck", () => filter({ outcome: ["stuck"] })]);
    refill(this.#counts, ...facts.map(([value, label, onclick], i) => {
      const given = { class: "dxn-fact", ...(onclick && { onclick, "data-value": `${i}` }) };
      return (onclick ? button : h.bind(null, "span"))(given, h("strong", {}, value), ` ${label}`);
    }));
  }

  /** How far the table is scrolled. */
  get scroll() { return this.#table.node.scrollTop; }

  dispose() {
    this.#root.remove();
    this.#sizes.disconnect();
    const parts = [this.#channel, this.#filters, this.#chart, this.#live, this.#groups, this.#table];
    parts.forEach((part) => part.dispose());
  }
}

/** What the rows of the table depend on. @param {State} state */
const keyOf = (state) => canonical(REDRAWN.map((name) => state[name]));

export default {
  /** @param {{ model: Model, el: HTMLElement }} view */
  render({ model, el }) {
    let explorer = new Explorer(model, el, viewBefore(model.get("_about").key));
    const renew = () => { // other tables may have other columns and facets
      const { scroll } = explorer;
      explorer.dispose();
      explorer = new Explorer(model, el, null, scroll);
    };
    model.on("change:_about", renew);
    return () => {
      model.off("change:_about", renew);
      explorer.dispose();
    };
  },
};
