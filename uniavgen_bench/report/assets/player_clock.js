// One clock for several videos. The heard one leads and is never bent; the others follow by small changes of speed.
"use strict";

const Clock = (() => {
  const JUMP = 0.5; // seconds: beyond this a follower is put in its place at once
  const WORTH = 0.012; // seconds: within this a follower is left alone, for each change of speed costs it a moment
  const CALM = 0.003; // seconds: a follower on its way is led on until it is this near
  const STEP = 0.03; // of the speed: bends are whole steps, so that they change seldom
  const GAIN = 3; // how fast a follower makes up its distance, per second
  const MOST = 0.3; // and by which share of the speed at most: followers are not heard
  const WAIT = 3000; // milliseconds for a video that does not answer

  /** Resolves at the event, or when the wait is over: one broken clip must not hold up the others. */
  function once(video, event) {
    return new Promise((done) => {
      const timer = setTimeout(end, WAIT);
      function end() {
        clearTimeout(timer);
        video.removeEventListener(event, end);
        video.removeEventListener("error", end);
        done();
      }
      video.addEventListener(event, end);
      video.addEventListener("error", end);
    });
  }

  /** A clock; `changed(kind)` is called on `play`, `pause`, `seek`, `rate`, `heard` and `refused`, `ticked()` with each frame. */
  function create({ changed, ticked }) {
    let tracks = [];
    let heard = 0;
    let at = 0;
    let rate = 1;
    let loop = false;
    let playing = false;
    let asked = null; // where a seek that is under way should end
    let moving = null;
    let turn = 0;

    const usable = () => tracks.filter(({ video }) => video && !video.error && video.readyState >= 1);
    const lengthOf = (track) => (Number.isFinite(track.video.duration) ? track.video.duration : 0);
    const end = () => Math.max(0, ...usable().map(lengthOf));
    const lastFrame = (track) => Math.max(0, lengthOf(track) - 0.5 / track.fps);

    /** The track that others follow: the heard one while it runs, else the longest. */
    function lead() {
      const running = usable().filter((track) => !track.video.ended && at < lengthOf(track));
      const chosen = tracks[heard];
      if (running.includes(chosen)) return chosen;
      return running.sort((a, b) => lengthOf(b) - lengthOf(a))[0] ?? null;
    }

    const fps = () => (tracks[heard]?.fps || tracks.find((track) => track.fps)?.fps || 25);

    async function place(track, time) {
      const { video } = track;
      if (video.readyState < 1) await once(video, "loadedmetadata");
      if (video.error) return;
      const goal = Math.min(time, lastFrame(track));
      if (Math.abs(video.currentTime - goal) < 1e-4 && video.readyState >= 2) return;
      const found = once(video, "seeked");
      video.currentTime = goal;
      await found;
    }

    function halt() {
      playing = false;
      for (const { video } of usable()) video.pause();
    }

    function start() {
      playing = true;
      for (const track of usable()) {
        track.video.playbackRate = rate;
        if (at < lastFrame(track)) track.video.play().catch(refused);
      }
      requestAnimationFrame(tick);
    }

    function refused(error) {
      if (error.name !== "NotAllowedError" || !playing) return;
      halt();
      changed("refused");
    }

    /** Goes to a time; while one move is under way only the latest wish is kept. */
    function move(time) {
      asked = Math.min(Math.max(time, 0), end() || time);
      moving ??= (async () => {
        const was = playing;
        const mine = turn;
        halt();
        while (asked !== null) {
          const goal = asked;
          asked = null;
          at = goal;
          await Promise.all(usable().map((track) => place(track, goal)));
        }
        moving = null;
        ticked();
        changed("seek");
        if (was && mine === turn) start();
      })();
      return moving;
    }

    /** The middle of the frame that shows a time, so that rounding never shows its neighbour. */
    const centre = (time) => (Math.floor(time * fps() + 1e-3) + 0.5) / fps();

    function steer(track, time) {
      const { video } = track;
      if (time >= lastFrame(track) || video.seeking) return;
      const drift = video.currentTime - time;
      if (video.paused) video.play().catch(refused);
      if (Math.abs(drift) > JUMP) {
        video.currentTime = time + 0.05 * rate;
        return;
      }
      const near = Math.abs(drift) < (track.bend ? CALM : WORTH) || drift * track.bend > 0;
      const wish = near ? 0 : Math.max(-MOST, Math.min(MOST, -GAIN * drift));
      const bend = Math.sign(wish) * STEP * Math.ceil(Math.abs(wish) / STEP);
      track.bend = bend;
      const goal = rate * (1 + bend);
      if (Math.abs(video.playbackRate - goal) > 0.002) video.playbackRate = goal;
    }

    function tick() {
      if (!playing) return;
      const leader = lead();
      if (!leader) {
        at = end();
        if (loop) move(0);
        else {
          halt();
          changed("pause");
        }
        ticked();
        return;
      }
      at = leader.video.currentTime;
      if (leader.video.playbackRate !== rate) leader.video.playbackRate = rate;
      if (leader.video.paused && !leader.video.seeking) leader.video.play().catch(refused);
      for (const track of usable()) if (track !== leader) steer(track, at);
      ticked();
      requestAnimationFrame(tick);
    }

    return {
      get time() { return at; },
      get end() { return end(); },
      get playing() { return playing; },
      get rate() { return rate; },
      get loop() { return loop; },
      get heard() { return heard; },
      get fps() { return fps(); },
      get frame() { return Math.floor(at * fps() + 1e-3); },

      /** Takes new tracks `{video, fps}` (`video` null where there is no clip) and goes to a time. */
      async take(next, time) {
        turn += 1;
        halt();
        asked = null;
        tracks = next.map((track) => ({ ...track, bend: 0 }));
        if (heard >= 0 && !tracks[heard]?.video) heard = Math.max(0, tracks.findIndex((track) => track.video));
        this.hear(heard);
        await Promise.all(tracks.filter(({ video }) => video && video.readyState < 1).map(({ video }) => once(video, "loadedmetadata")));
        await move(time ? centre(time) : 0);
      },

      async play() {
        if (playing || !usable().length) return;
        turn += 1;
        const mine = turn;
        if (at >= end() - 1 / fps()) await move(0);
        else await move(at);
        if (mine !== turn) return;
        start();
        changed("play");
      },

      pause() {
        if (!playing) return;
        turn += 1;
        halt();
        move(centre(at));
        changed("pause");
      },

      seek(time) { return move(centre(Math.min(Math.max(time, 0), end()))); },

      /** Goes some frames of the heard clip forth or back, standing still. */
      step(frames) {
        turn += 1;
        halt();
        const last = Math.max(0, Math.round(end() * fps()) - 1);
        return move((Math.min(Math.max(Math.floor(at * fps() + 1e-3) + frames, 0), last) + 0.5) / fps());
      },

      /** Which track is heard; -1 for none. */
      hear(number) {
        heard = number;
        tracks.forEach(({ video }, i) => { if (video) video.muted = i !== number; });
        changed("heard");
      },

      setRate(value) {
        rate = value;
        for (const { video } of usable()) video.playbackRate = value;
        changed("rate");
      },

      setLoop(value) { loop = value; },
    };
  }

  return { create };
})();
