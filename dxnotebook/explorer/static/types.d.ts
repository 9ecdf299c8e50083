// What the page and the kernel say to each other (widget.py is the kernel's side), and what the
// parts of the page share.

/** The name of a filter that lists values. */
export type Facet = "state" | "type" | "data_set_id" | "account_id" | "region" | "code" | "cause";

/** A value of a facet; null is that of jobs without one. */
export type Value = string | null;

/** What is shown; times are texts in ISO format. */
export type Filters = { [name in Facet]?: Value[] } & {
  text?: string;
  since?: string;
  until?: string;
};

/** Filters to set; null or an empty list ends one. */
export type Change = { [name in keyof Filters]?: Filters[name] | null };

export type Kind = "text" | "time" | "duration";

/**
 * The number of a job in the tables, whether it is ticked, and its cells: times in milliseconds
 * since 1970, durations in seconds, texts, or null.
 */
export type Row = [row: number, isTicked: boolean, ...cells: any[]];

/** What the page has to know of the tables once. */
export interface About {
  columns: [name: string, title: string, kind: Kind][];
  shown: string[];
  facets: [name: Facet, title: string][];
  formats: string[];
  read_only: boolean;
}

/** Values with the number of their jobs, and how many more values there are. */
export interface Counts {
  values: [value: Value, label: string, count: number][];
  more: number;
}

export interface Summary {
  jobs: number;
  all: number;
  open: number;
  finished: number;
  failed: number;
  rate: number | null;
  low: number | null;
  high: number | null;
  median: number | null;
}

/** Jobs by periods; times in milliseconds since 1970. */
export interface Trend {
  starts: number[];
  step: number;
  succeeded: number[];
  failed: number[];
}

export interface Cells {
  columns: string[];
  rows: string[][];
  in_all: number;
}

/** How jobs are exported. */
export interface Export {
  format: string;
  download: boolean;
  ticked: boolean;
}

/** What the page asks for, by kind; filters are null unless a user changed them. */
export interface Questions {
  view: {
    filters: Filters | null;
    sort: State["sort"];
    columns: string[];
    first: number;
    count: number;
    only_rows: boolean;
  };
  prepare: {};
  tick: { row: number | null; on: boolean; filters: Filters | null };
  detail: { row: number };
  export: Export & { filters: Filters | null };
}

interface Rows {
  total: number;
  first: number;
  rows: Row[];
  filters: Filters;
}

/** Rows, and what all controls show. */
export interface Whole extends Rows {
  summary: Summary;
  trend: Trend;
  counts: { [name in Facet]?: Counts };
  ticked: number;
  more: boolean;
}

export type View = Whole | (Rows & { summary?: undefined });

export interface Job {
  row: number;
  job: [name: string, value: string][];
  errors: Cells;
  details: Cells;
  runs: [row: number, isTicked: boolean, state: Value, at: number, took: number, code: Value][];
  runs_in_all: number;
  arn: string;
  command: string;
}

/** What the kernel answers, by kind; "changed" answers nothing, and an error may. */
export interface Answers {
  view: View;
  prepare: { more: boolean; causes: boolean };
  tick: { ticked: number };
  detail: Job;
  export: { text: string; name?: string };
  error: { text: string };
  changed: {};
}

export type Message = {
  [kind in keyof Answers]: { kind: kind; id?: string | null } & Answers[kind];
}[keyof Answers];

export type Handlers = {
  [kind in Exclude<keyof Answers, "changed">]: (answer: Answers[kind], bytes: BlobPart[]) => void;
};

/** What a channel to the kernel needs of the page. */
export interface Page {
  answers: Handlers;
  /** The view to ask for. */
  question(): Omit<Questions["view"], "only_rows">;
  /** Take the filters that were set in Python, unless a user has changed them since. */
  adopt(): void;
  wait(isBusy: boolean): unknown;
  say(text: string, hasFailed?: boolean): void;
}

/** anywidget's model. */
export interface Model {
  comm_live?: boolean;
  get(name: "_about"): About;
  get(name: "filters"): Filters;
  on(event: string, listener: (...given: any[]) => void): void;
  off(event: string, listener: (...given: any[]) => void): void;
  send(content: object): void;
}

type Child = Node | string | null;
export type MakeElement = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, given: Record<string, any>, ...children: Child[]
) => HTMLElementTagNameMap[Tag];
export type MakeDrawing = <Tag extends keyof SVGElementTagNameMap>(
  tag: Tag, given: Record<string, any>, ...children: Child[]
) => SVGElementTagNameMap[Tag];

/** What the page shows. Only the entry changes it. */
export interface State {
  /** What ids of this view begin with: there may be others in the page. */
  readonly me: string;
  readonly about: About;
  filters: Filters;
  columns: string[];
  sort: [column: string, isDescending: boolean];
  zone: string;
  /** The line of the table that keys act on. */
  active: number;
  /** Whether it is to be opened as soon as its row is there. */
  opening: boolean;
  /** The job whose details are shown, by its number in the tables. */
  chosen: number | null;
  /** What the rows depend on, of the last question and of those at hand. */
  asked: string | null;
  answered: string | null;
  /** The names of data sets, by id. */
  names: Record<string, string>;
}

/** What a user can want, and the entry does. */
export interface Actions {
  set(change: Partial<State>): void;
  filter(change: Change): void;
  toggle(name: Facet, value: Value, isOn: boolean): void;
  /** Have the rows that are in sight. */
  look(): void;
  open(row: number, hasFocus: boolean): void;
  close(): void;
  /** Tick or untick a job, or all that are shown. */
  tick(row: number | null, isTicked: boolean): void;
  save(how: Export): void;
}
