// Microphone, loudspeaker, tones and level meters.

const RAW = "hailpoint.raw_microphone"; // key in the browser's storage

/** What a missing microphone is, in words for people. */
export function explain(err) {
  switch (err?.name) {
    case "InsecureError":
      return err.message;
    case "NotAllowedError":
      return "The browser did not give the microphone to this page. Allow it beside the address bar, then try again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No microphone was found. Plug one in, then try again.";
    case "NotReadableError":
      return "The microphone is in use by another program, or the system does not give it to the browser.";
  }
  return `The microphone cannot be used: ${err?.message ?? err}`;
}

class InsecureError extends Error {
  name = "InsecureError";
}

/** Throws where browsers give no microphone at all. */
export function checkContext() {
  if (globalThis.isSecureContext && navigator.mediaDevices?.getUserMedia) return;
  throw new InsecureError(
    `Browsers give the microphone only to pages on localhost or https, and this one is at ${location.origin}. ` +
    "Open it on the machine itself as http://localhost, or start the service with --cert and --key.");
}

/** The sound of the page. Events: "ready" when a tone or a level can be made. */
export class Sound extends EventTarget {
  #context;
  #output = new Audio();
  #remote; // meter
  #local; // meter
  #tone;

  /** Whether the measurements' plain microphone is wanted, without the browser's processing. */
  get raw() {
    return localStorage.getItem(RAW) === "on";
  }
  set raw(on) {
    localStorage.setItem(RAW, on ? "on" : "off");
  }

  /** Whether sound may be played: browsers want a click first. */
  get unlocked() {
    return this.#ctx().state === "running";
  }

  /** Asks the browser to let sound out; works inside the handler of a click. */
  async unlock() {
    await this.#ctx().resume();
    this.dispatchEvent(new Event("ready"));
  }

  /** "granted", "prompt", "denied", or "unknown" where the browser does not say. */
  async permission() {
    try {
      return (await navigator.permissions.query({ name: "microphone" })).state;
    } catch {
      return "unknown";
    }
  }

  /** Whether the microphone can be opened without asking anyone. */
  async permitted() {
    return (await this.permission()) === "granted";
  }

  /** Opens the microphone: {track, stream, close}. */
  async microphone() {
    checkContext();
    const processed = !this.raw;
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: processed, noiseSuppression: processed, autoGainControl: processed },
    });
    const meter = this.#meter(stream);
    this.#local = meter;
    return {
      stream,
      track: stream.getAudioTracks()[0],
      close: () => {
        for (const t of stream.getTracks()) t.stop();
        meter.close();
        if (this.#local === meter) this.#local = undefined;
      },
    };
  }

  explain(err) {
    return explain(err);
  }

  /** Plays the other side. */
  play(stream) {
    if (this.#output.srcObject === stream) return;
    this.#output.srcObject = stream;
    this.#output.play().catch(() => {}); // the page says that it wants a click
    this.#remote?.close();
    this.#remote = this.#meter(stream);
  }

  /** Ends what play began. */
  stop() {
    this.#output.srcObject = null;
    this.#remote?.close();
    this.#remote = undefined;
  }

  /** Levels of the microphone and of the other side, 0 to 100 on a scale of decibels. */
  levels() {
    return { local: this.#local?.level() ?? 0, remote: this.#remote?.level() ?? 0 };
  }

  /** Strength of what the other side sends around a frequency, in dB below full scale. */
  strength(hz) {
    return this.#remote?.strength(hz) ?? -Infinity;
  }

  /** Plays "ring", "ringback", "busy" or, with "", nothing. */
  tone(name) {
    if (this.#tone?.name === name) return;
    this.#tone?.stop();
    this.#tone = name ? this.#cadence(name) : undefined;
  }

  #ctx() {
    if (!this.#context) {
      this.#context = new AudioContext();
      this.#context.addEventListener("statechange", () => this.dispatchEvent(new Event("ready")));
    }
    return this.#context;
  }

  #meter(stream) {
    const ctx = this.#ctx();
    const source = ctx.createMediaStreamSource(stream);
    const analyser = ctx.createAnalyser();
    analyser.fftSize = 2048;
    analyser.smoothingTimeConstant = 0.3;
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const bins = new Float32Array(analyser.frequencyBinCount);
    return {
      level() {
        analyser.getFloatTimeDomainData(samples);
        let sum = 0;
        for (const v of samples) sum += v * v;
        const db = 10 * Math.log10(sum / samples.length + 1e-12);
        return Math.round(Math.min(100, Math.max(0, (db + 60) / 0.54))); // -60 dB … -6 dB
      },
      strength(hz) {
        analyser.getFloatFrequencyData(bins);
        const at = Math.round(hz / (ctx.sampleRate / analyser.fftSize));
        return Math.max(...bins.slice(Math.max(0, at - 1), at + 2));
      },
      close: () => source.disconnect(),
    };
  }

  // A tone repeated in its rhythm: [frequencies, seconds on], … and the pause.
  #cadence(name) {
    const ctx = this.#ctx();
    const [notes, pause, volume] = {
      ring: [[[[660, 880], 0.35], [[550, 733], 0.35], [[660, 880], 0.35], [[550, 733], 0.35]], 1.6, 0.16],
      ringback: [[[[425], 1]], 4, 0.05],
      busy: [[[[425], 0.5]], 0.5, 0.05],
    }[name];
    let timer;
    let stopped = false;
    const playing = new Set();
    const round = () => {
      if (stopped) return;
      let at = ctx.currentTime + 0.03;
      for (const [frequencies, seconds] of notes) {
        for (const hz of frequencies) {
          const note = beep(ctx, hz, at, seconds, volume);
          playing.add(note);
          note.addEventListener("ended", () => playing.delete(note));
        }
        at += seconds;
      }
      timer = setTimeout(round, (at - ctx.currentTime + pause) * 1000);
    };
    round();
    return {
      name,
      stop() {
        stopped = true;
        clearTimeout(timer);
        for (const note of playing) note.stop();
      },
    };
  }
}

// One note with soft edges, so that it does not click.
function beep(ctx, hz, at, seconds, volume) {
  const gain = ctx.createGain();
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(volume, at + 0.02);
  gain.gain.setValueAtTime(volume, at + seconds - 0.04);
  gain.gain.linearRampToValueAtTime(0, at + seconds);
  const note = ctx.createOscillator();
  note.frequency.value = hz;
  note.connect(gain).connect(ctx.destination);
  note.start(at);
  note.stop(at + seconds);
  return note;
}
