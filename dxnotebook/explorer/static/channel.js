// @ts-check
// Questions to the kernel, and its answers. One view is asked for at a time; what is wanted
// meanwhile is asked for once, in its last form, when the answer is there.
//
// What is shown is one view, `View` in types.d.ts, and its parts are members of the state. A part
// of the page reads `this.state.sort`, and writes `this.on.set({ sort })`: the page is drawn anew, and
// the next question has the view for the kernel, whose trait `view` it becomes. The kernel has the
// last word on its form (views.py has a line for each part): the answer has the whole view, and so
// has "change:view" when it was set in Python. A new part needs a line in START of views.py, in
// PARTS of views.js and in types.d.ts; in REDRAWN of explorer.js if other rows come with it.

/** @import { Message, Model, Page, Questions } from "./types" */

const PATIENCE = 15_000, PAUSE = 30;
/** After so many milliseconds it is asked again for what takes long. */
export const POLL = 100;
const GONE = "The kernel has gone. Run the cell again.";
const MUTE = "No answer from the kernel. It may be busy; if it was restarted, run the cell again.";

export class Channel {
  #model; #me; #page;
  #count = 0; #patience = 0; #idle = 0;
  /** @type {string | null} */ #waiting = null; // the id of the view that is under way
  /** @type {"all" | "rows" | null} */ #wanted = null; // the view to ask for next
  #isSent = false; // whether the question under way has a user's view
  isChanged = false; // whether a user changed the view since it was asked for
  /** @type {Record<string, (...given: any[]) => void>} */
  #listeners = {
    "msg:custom": (message, bytes) => this.#receive(message, bytes),
    "change:view": () => this.#page.adopt(),
    comm_live_update: () => this.#model.comm_live === false && this.#page.say(GONE, true),
  };

  /** @param {Model} model @param {string} me  what its ids begin with @param {Page} page */
  constructor(model, me, page) {
    this.#model = model;
    this.#me = me;
    this.#page = page;
    Object.entries(this.#listeners).forEach((pair) => model.on(...pair));
  }

  /** Whether a user changed the view, and the kernel has not answered since. */
  get isUnsettled() { return this.isChanged || (this.#isSent && this.#waiting != null); }
  get isWanting() { return this.#wanted != null; }

  /** Ask for a view as soon as none is under way. */
  look({ onlyRows = false } = {}) {
    this.#wanted = onlyRows ? (this.#wanted ?? "rows") : "all";
    this.#flush();
  }

  #flush() {
    if (this.#waiting != null || !this.#wanted) return;
    const only_rows = this.#wanted === "rows", question = this.#page.question();
    this.#wanted = null;
    this.#isSent = this.isChanged;
    this.isChanged = false;
    const view = this.#isSent ? question.view : null;
    this.#waiting = this.ask("view", { ...question, view, only_rows });
  }

  /**
   * Ask for anything, at once.
   * @template {keyof Questions} Kind @param {Kind} kind @param {Questions[Kind]} content
   */
  ask(kind, content) {
    const id = `${this.#me}-${++this.#count}`;
    if (kind !== "refresh" && kind !== "compare") this.#page.wait(true);
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#page.say(MUTE, true), PATIENCE);
    try {
      this.#model.send({ kind, id, ...content });
    } catch {
      this.#page.say(GONE, true);
    }
    return id;
  }

  /** @param {Message} message @param {BlobPart[]} bytes */
  #receive(message, bytes) {
    if (message.kind === "changed") return this.look();
    if (message.kind === "error" && message.id == null) return this.#page.say(message.text, true);
    if (!String(message.id).startsWith(this.#me)) return;
    const isLate = message.id !== this.#waiting;
    if (!isLate) this.#waiting = null;
    if (!isLate && message.kind === "error" && this.#isSent) this.look(); // at what held before
    if (this.#waiting == null) {
      clearTimeout(this.#patience);
      this.#page.wait(false);
    }
    /** @type {Record<string, (answer: any, bytes: BlobPart[]) => void>} */
    const answers = this.#page.answers;
    if (message.kind !== "view" || !isLate) answers[message.kind]?.(message, bytes);
    this.#flush();
  }

  /** Have what later answers need made between questions, in pieces. @param {boolean} more */
  prepare(more) {
    if (!more) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#waiting == null && !this.#wanted) this.ask("prepare", {});
      else this.prepare(true);
    }, PAUSE);
  }

  dispose() {
    [this.#patience, this.#idle].forEach(clearTimeout);
    Object.entries(this.#listeners).forEach((pair) => this.#model.off(...pair));
  }
}
