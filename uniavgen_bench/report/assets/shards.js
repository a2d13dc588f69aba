// Data files beside the page. A page that is opened from disk may not fetch a file, but it may load a script.
"use strict";

const Shards = (() => {
  const texts = new Map();
  const values = new Map();
  const loading = new Map();
  const MOST_KEPT = 24;

  /** Called by each data file with its name and its JSON. */
  function receive(name, text) {
    texts.set(name, text);
  }

  /** The value of a data file that was loaded, parsed at its first use; null when it was not loaded. */
  function get(name) {
    if (texts.has(name)) {
      values.set(name, JSON.parse(texts.get(name)));
      texts.delete(name);
    }
    return values.get(name) ?? null;
  }

  /** Loads `data/NAME.js` once; the oldest of many files are forgotten, so that a long visit does not fill the memory. */
  function load(name) {
    const known = get(name);
    if (known) return Promise.resolve(known);
    if (!loading.has(name)) {
      loading.set(name, new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = `data/${name}.js`;
        const end = () => {
          script.remove();
          loading.delete(name);
        };
        script.onload = () => {
          end();
          forget();
          const value = get(name);
          if (value) done(value);
          else failed(new Error(`data/${name}.js holds no data`));
        };
        script.onerror = () => {
          end();
          failed(new Error(`data/${name}.js cannot be read`));
        };
        document.head.append(script);
      }));
    }
    return loading.get(name);
  }

  function forget() {
    const old = [...values.keys()].filter((name) => name !== "run");
    for (const name of old.slice(0, Math.max(0, old.length - MOST_KEPT))) values.delete(name);
  }

  /** Loads what is known of all clips of a sample: `{samples, clips}` by their numbers. */
  function ofSample(sample) {
    return load(`samples-${Math.floor(sample / get("run").shard)}`);
  }

  return { receive, get, load, ofSample };
})();
