// The page of two to four systems side by side: puts samples, panels, clock and address together.
"use strict";

(() => {
  const { run } = Samples;
  const MOST = 4;
  const SHORT = 24; // longer facts are on the clip's own page
  const at = (id) => document.getElementById(id);
  if (!run.clips.key.length) {
    at("player-status").textContent = "The run holds no clips.";
    return;
  }
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const status = at("player-status");
  const baseline = Number(at("stage").dataset.baseline);
  const given = PlayerState.read(window.location.hash);
  const state = { ...given, systems: given.systems ?? Samples.usualPair(baseline), heard: Math.max(0, given.heard ?? 0) };
  let chosen = [];
  let page = 0;
  let panels = [];
  let lastPoint = 0;
  let turn = 0;

  const say = (text) => { status.textContent = text; };
  const seconds = (time) => time.toFixed(2);
  const labelOf = (position) => run.systems[state.systems[position]]?.label ?? "";

  const clock = Clock.create({ changed, ticked });

  function remember() {
    const time = clock.time;
    const address = PlayerState.write({ ...state, time: clock.playing ? state.time : time });
    if (address !== window.location.hash) window.history.replaceState(null, "", address);
  }

  function changed(kind) {
    if (!panels.length) return;
    state.heard = clock.heard;
    state.rate = clock.rate;
    if (kind !== "rate") state.time = clock.playing ? state.time : clock.time;
    const where = `${seconds(clock.time)} s, frame ${clock.frame}`;
    if (kind === "play") say(`Playing at ${clock.rate}×, ${clock.heard >= 0 ? `${labelOf(clock.heard)} is heard` : "no sound"}`);
    if (kind === "pause") say(`Paused at ${where}`);
    if (kind === "seek" && !clock.playing) say(where);
    if (kind === "rate") say(`Speed ${clock.rate}×`);
    if (kind === "heard") say(clock.heard >= 0 ? `${labelOf(clock.heard)} is heard` : "No sound");
    if (kind === "refused") say("The browser wants a click before it plays sound: press play once more.");
    at("play").setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    at("play").dataset.state = clock.playing ? "playing" : "paused";
    panels.forEach((panel, i) => panel.hear.setAttribute("aria-pressed", `${i === clock.heard}`));
    at("rate").value = `${clock.rate}`;
    ticked();
    remember();
  }

  function ticked() {
    // A reader who asked for less motion gets a cursor that moves in steps.
    const now = performance.now();
    if (clock.playing && calm.matches && now - lastPoint < 250) return;
    lastPoint = now;
    const slider = at("seek");
    slider.max = `${clock.end}`;
    slider.step = `${1 / clock.fps}`;
    if (!slider.matches(":active")) slider.value = `${clock.time}`;
    slider.setAttribute("aria-valuetext", `${seconds(clock.time)} of ${seconds(clock.end)} seconds, frame ${clock.frame}`);
    at("time").textContent = `${seconds(clock.time)} / ${seconds(clock.end)} s`;
    at("frame").textContent = `frame ${clock.frame}`;
    for (const panel of panels) panel.point(clock.time);
  }

  const actions = {
    toggle: () => (clock.playing ? clock.pause() : clock.play()),
    hear: (position) => { if (position < 0 || panels[position]?.video) clock.hear(position); },
    seek: (time) => clock.seek(time),
  };

  /** Shows the sample and systems of the state, at its time. */
  async function show() {
    turn += 1;
    const mine = turn;
    const { sample, systems, repeat, heard, time } = state;
    at("systems").querySelectorAll("input").forEach((box) => {
      box.checked = systems.includes(Number(box.value));
      box.disabled = !box.checked && systems.length >= MOST;
    });
    if (sample === null) {
      panels = [];
      at("panels").replaceChildren();
      at("sample-name").textContent = "No sample";
      await clock.take([], 0);
      say("No sample has clips of two of these systems that fit the filters.");
      return;
    }
    let file;
    try {
      file = await Shards.ofSample(sample);
    } catch (error) {
      say(error.message);
      return;
    }
    if (mine !== turn) return;
    const known = file.samples[sample];
    const clips = systems.map((system) => Samples.clipOf(sample, system, repeat));
    const data = clips.map((clip) => (clip === null ? undefined : file.clips[clip]));
    const shapes = data.map((item) => (item?.shape ? item.shape[0] / item.shape[1] : 1.6));
    const view = { end: Math.max(0, ...data.map((item) => item?.duration ?? 0)), shape: Math.min(...shapes) };
    at("sample-name").textContent = run.samples.id[sample];
    at("sample-text").textContent = known.speech;
    at("sample-text").hidden = !known.speech;
    at("sample-facts").textContent = known.facts.filter(([, value]) => value.length <= SHORT).map(([name, value]) => `${Report.words(name)}: ${value}`).join(" · ");
    panels = systems.map((system, i) => Panels.panel(i, system, clips[i], data[i], view, actions));
    at("panels").replaceChildren(...panels.map((panel) => panel.article));
    at("panels").dataset.count = `${panels.length}`;
    Panels.scores(at("sample-scores"), systems, clips);
    list();
    say(`${run.samples.id[sample]}, ${at("sample-place").textContent}`);
    if (clock.heard !== heard) clock.hear(heard);
    await clock.take(panels.map(({ video, fps }) => ({ video, fps })), time);
  }

  function list() {
    const where = chosen.findIndex(({ sample }) => sample === state.sample);
    at("sample-place").textContent = where < 0 ? "not among the chosen samples" : `${where + 1} of ${chosen.length} samples`;
    at("sample-back").disabled = where <= 0;
    at("sample-on").disabled = where < 0 ? !chosen.length : where >= chosen.length - 1;
    const { shown, last } = Samples.list(at("sample-list"), chosen, state.sample, page, state.sort, go);
    page = shown;
    at("list-count").textContent = `${Report.number(chosen.length, 0)} of ${Report.number(run.samples.id.length, 0)} samples`;
    at("list-pages").hidden = last === 0;
    at("list-number").textContent = `${shown + 1} of ${last + 1}`;
    at("list-back").disabled = shown === 0;
    at("list-on").disabled = shown === last;
  }

  function go(sample) {
    state.sample = sample;
    state.time = 0;
    page = Samples.pageOf(chosen, sample);
    show();
  }

  function turnSample(step) {
    const where = chosen.findIndex(({ sample }) => sample === state.sample);
    const next = chosen[where < 0 ? 0 : where + step];
    if (next) go(next.sample);
  }

  /** Chooses the samples anew; keeps the current one where it still fits, or where an address asked for it. */
  function filter(keep) {
    chosen = Samples.choose({ words: state.words, facts: state.facts, sort: state.sort }, state.systems, state.repeat);
    if (!keep || state.sample === null) {
      const fits = chosen.some(({ sample }) => sample === state.sample);
      if (!fits) Object.assign(state, { sample: chosen[0]?.sample ?? null, time: 0 });
    }
    page = Samples.pageOf(chosen, state.sample);
    list();
  }

  PlayerForm.fill(state, {
    systems(systems) {
      state.systems = systems;
      state.heard = Math.min(Math.max(state.heard, 0), systems.length - 1);
      filter(true);
      show();
    },
    filter() {
      const before = state.sample;
      filter(false);
      if (state.sample !== before) show();
      else remember();
    },
    repeat(repeat) {
      state.repeat = repeat;
      filter(false);
      show();
    },
    sorted() {
      filter(true);
      if (chosen.length) go(chosen[0].sample);
    },
  });

  at("play").addEventListener("click", actions.toggle);
  at("frame-back").addEventListener("click", () => clock.step(-1));
  at("frame-on").addEventListener("click", () => clock.step(1));
  at("seek").addEventListener("input", (event) => clock.seek(Number(event.target.value)));
  at("rate").addEventListener("change", (event) => clock.setRate(Number(event.target.value)));
  at("loop").addEventListener("click", () => {
    clock.setLoop(!clock.loop);
    at("loop").setAttribute("aria-pressed", `${clock.loop}`);
    say(clock.loop ? "Plays again and again" : "Plays once");
  });
  at("mute").addEventListener("click", () => actions.hear(-1));
  at("sample-back").addEventListener("click", () => turnSample(-1));
  at("sample-on").addEventListener("click", () => turnSample(1));
  at("to-choosing").addEventListener("click", () => {
    at("choosing").scrollIntoView({ behavior: calm.matches ? "instant" : "smooth" });
    at("choosing-title").focus({ preventScroll: true });
  });
  at("list-back").addEventListener("click", () => { page -= 1; list(); });
  at("list-on").addEventListener("click", () => { page += 1; list(); });

  PlayerKeys.listen({
    toggle: actions.toggle,
    step: (frames) => clock.step(frames),
    jump: (by) => clock.seek(clock.time + by),
    to: (share) => clock.seek(share * clock.end),
    hear: actions.hear,
    sample: turnSample,
    loop: () => at("loop").click(),
    rate(step) {
      const next = PlayerState.RATES[PlayerState.RATES.indexOf(clock.rate) + step];
      if (next) clock.setRate(next);
    },
  });

  window.addEventListener("hashchange", () => {
    if (window.location.hash === PlayerState.write({ ...state, time: clock.time })) return;
    const asked = PlayerState.read(window.location.hash);
    panels = [];
    Object.assign(state, asked, { systems: asked.systems ?? state.systems, heard: Math.max(0, asked.heard ?? 0) });
    PlayerForm.set(state);
    begin();
  });

  /** Takes the state's voice and speed over to the clock, and shows its sample. */
  function begin() {
    const { heard, rate } = state; // the clock tells of each change, and the state follows it
    clock.hear(heard);
    clock.setRate(rate);
    filter(true);
    show();
  }

  begin();
})();
