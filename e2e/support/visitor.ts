/** The engines the stories can be told in. */
export type EngineName = 'chromium' | 'firefox' | 'webkitgtk';

/** A tab. What an engine can do beyond this is in its own visitor. */
export interface Tab {
  /** Goes there as if it had been typed, and waits for the page's `load`. */
  goto(url: string): Promise<void>;
  /**
   * Runs a function in the page and waits for its promise. It must not use anything outside of itself but `arg`, and both
   * `arg` and the result must survive JSON.
   */
  evaluate<R>(run: () => R | Promise<R>): Promise<R>;
  evaluate<A, R>(run: (arg: A) => R | Promise<R>, arg: A): Promise<R>;
  /** Clicks with a pointer. */
  click(selector: string): Promise<void>;
  /** Back in history; done when the page before is shown again. */
  back(): Promise<void>;
  /** Closes the tab as its user would, unload handlers and all. */
  close(): Promise<void>;
}

/** Somebody with a browser and a profile of their own. */
export interface Visitor {
  readonly engine: EngineName;
  /** Opens a tab and goes there. */
  open(url: string): Promise<Tab>;
  /** Kills the browser, every process of it, with SIGKILL. */
  crash(): Promise<void>;
  /** Starts the browser again on the same profile, without the tabs it had. */
  comeBack(): Promise<void>;
  /** What the pages complained about: uncaught errors, unhandled rejections, errors in the console. */
  readonly complaints: string[];
  /** Closes the browser and deletes the profile. */
  leave(): Promise<void>;
}
