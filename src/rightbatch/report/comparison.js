// The switch between clocks, and the player of the paths.
(() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const { clocks, methods, two, goal } = read("player");
  const darkTwin = read("dark-colours");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const narrow = window.matchMedia("(max-width: 40rem)");
  const $ = (id) => document.getElementById(id);
  const hasPaths = $("paths") !== null;
  const FAR = 1e5, RECENT = 100;
  const CORNERS = { triangle: 3, square: 4, diamond: 4, pentagon: 5, hexagon: 6 };
  const DASHES = { solid: [], dash: [9, 5], dot: [2, 4], dashdot: [9, 4, 2, 4] };
  const MOST_FRAMES = 600, FRAME = 25, SHORTEST = 3000, LONGEST = 12000, CALM_STOPS = 12, CALM_FRAME = 700;

  let clock = "epochs";
  let frames = [0];
  let position = 0; // of the player, in frames
  let touched = false;
  let started = null; // when playing: the time at which frame 0 was shown, or would have been
  let ticking = 0;

  // Numbers as the rest of the page writes them.
  const count = (value) => Math.round(value).toLocaleString("en");
  const digits = (value) => (Math.abs(value) >= 999.5 && Math.abs(value) < 1e9 ? count(value) : Number(value.toPrecision(3)).toString().replace("e+", "e"));
  const seconds = (value) => {
    if (value === 0) return "0 s";
    const [scale, unit] = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]].find(([least]) => value >= least * 0.9995) ?? [1e-9, "ns"];
    return `${digits(value / scale)} ${unit}`;
  };
  const written = {
    epochs: (value) => `epoch ${digits(value)}`,
    updates: (value) => `update ${count(value)}`,
    seconds,
  };

  // The last mark at or before an update.
  const before = (marks, update) => {
    let low = 0, high = marks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (marks[middle] <= update + 1e-9) low = middle; else high = middle - 1;
    }
    return low;
  };

  // Every moment at which a path has a place, thinned evenly where there are too many.
  const moments = () => {
    const all = new Set([0]);
    for (const { path, updates, perUpdate } of methods) {
      for (const update of path?.updates ?? updates) all.add(update * perUpdate[clock]);
    }
    const sorted = [...all].sort((one, other) => one - other);
    for (let ratio = 1 + 1e-9; ; ratio = 1 + (ratio - 1) * 4 + 1e-3) {
      const kept = [0];
      for (const moment of sorted) if (moment > kept.at(-1) * ratio) kept.push(moment);
      if (kept.at(-1) !== sorted.at(-1)) kept[kept.length - 1] = sorted.at(-1);
      if (kept.length <= MOST_FRAMES) return kept;
    }
  };

  // Where a path is at an update: on the straight way between two places that are known.
  const headOf = ({ updates, x, y }, update) => {
    const last = before(updates, update);
    const ahead = Math.min(last + 1, updates.length - 1);
    const share = ahead === last ? 0 : Math.min(1, (update - updates[last]) / (updates[ahead] - updates[last]));
    return { last, x: x[last] + share * (x[ahead] - x[last]), y: y[last] + share * (y[ahead] - y[last]) };
  };

  const momentAt = (position) => {
    const low = Math.min(Math.floor(position), frames.length - 1);
    const high = Math.min(low + 1, frames.length - 1);
    return frames[low] + (position - low) * (frames[high] - frames[low]);
  };

  const place = (value, axis) => {
    if (Math.abs(value) < 1e-6 * Math.max(...$("paths").layout[axis].range.map(Math.abs))) return "0";
    return Math.abs(value) >= 9999.5 ? count(value) : Number(value.toPrecision(4)).toString();
  };

  const fillReadout = (moment) => {
    [...$("readout").tBodies[0].rows].forEach((row, number) => {
      const { updates, loss, path, perUpdate } = methods[number];
      const mark = before(updates, moment / perUpdate[clock]);
      const update = updates[mark];
      const cells = [
        digits(update * perUpdate.epochs), count(update), seconds(update * perUpdate.seconds),
        loss[mark] === null ? "diverged" : digits(loss[mark]),
      ];
      if (two) {
        const step = before(path.updates, update);
        cells.push(place(path.x[step], "xaxis"), place(path.y[step], "yaxis"));
      }
      cells.forEach((text, column) => { row.cells[column + 1].textContent = text; });
    });
  };

  const colourOf = ({ colour }) => (dark.matches ? darkTwin[colour] ?? colour : colour);
  const hidden = (number) => !$("readout").tBodies[0].rows[number].querySelector("input").checked;

  const mark = (pen, { end }, x, y, size) => {
    pen.beginPath();
    if (end === "circle") {
      pen.arc(x, y, size, 0, 2 * Math.PI);
    } else {
      const corners = CORNERS[end];
      const turned = end === "square" ? Math.PI / 4 : 0;
      for (let corner = 0; corner < corners; corner += 1) {
        const angle = turned - Math.PI / 2 + (2 * Math.PI * corner) / corners;
        pen.lineTo(x + 1.2 * size * Math.cos(angle), y + 1.2 * size * Math.sin(angle));
      }
      pen.closePath();
    }
    pen.fill();
    pen.stroke();
  };

  // The solution, so that no path covers it; its name is in the legend below.
  const cross = (pen, x, y) => {
    pen.strokeStyle = getComputedStyle(document.body).color;
    pen.lineWidth = 2.5;
    pen.beginPath();
    for (const [dx, dy] of [[7, 0], [0, 7]]) { pen.moveTo(x - dx, y - dy); pen.lineTo(x + dx, y + dy); }
    pen.stroke();
  };

  // Draws a path until now, what is long past faintly; gives its head.
  const walk = (pen, method, update, xaxis, yaxis) => {
    const { path } = method;
    const head = headOf(path, update);
    const across = (value) => Math.max(-FAR, Math.min(FAR, xaxis.l2p(value)));
    const upward = (value) => Math.max(-FAR, Math.min(FAR, yaxis.l2p(value)));
    const line = (from, to, alpha, width) => {
      if (to < from) return;
      pen.globalAlpha = alpha;
      pen.lineWidth = width;
      pen.beginPath();
      for (let step = from; step <= to; step += 1) pen.lineTo(across(path.x[step]), upward(path.y[step]));
      if (to === head.last) pen.lineTo(across(head.x), upward(head.y));
      pen.stroke();
    };
    const recent = Math.max(0, head.last - RECENT);
    pen.strokeStyle = colourOf(method);
    pen.setLineDash(DASHES[method.dash]);
    line(0, recent, 0.5, 1.25);
    line(recent, head.last, 1, 2.25);
    pen.setLineDash([]);
    return [across(head.x), upward(head.y)];
  };

  const draw = (position) => {
    const { xaxis, yaxis } = $("paths")._fullLayout;
    const canvas = $("moving"), { offsetWidth: width, offsetHeight: height } = $("paths");
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.translate(xaxis._offset, yaxis._offset);
    pen.beginPath();
    pen.rect(0, 0, xaxis._length, yaxis._length);
    pen.clip();
    pen.lineJoin = "round";
    const moment = momentAt(position);
    const shown = methods.filter((_, number) => !hidden(number));
    const heads = shown.map((method) => walk(pen, method, moment / method.perUpdate[clock], xaxis, yaxis));
    if (goal !== null) cross(pen, xaxis.l2p(goal[0]), yaxis.l2p(goal[1]));
    pen.strokeStyle = getComputedStyle(document.body).backgroundColor;
    pen.lineWidth = 2;
    shown.forEach((method, number) => {
      pen.fillStyle = colourOf(method);
      mark(pen, method, ...heads[number], 6);
    });
  };

  const show = (wanted) => {
    position = wanted;
    const moment = momentAt(position);
    const said = written[clock](moment);
    $("moment").value = Math.round(position);
    $("moment").setAttribute("aria-valuetext", said);
    $("when").textContent = said;
    fillReadout(moment);
    draw(position);
  };

  const stop = () => {
    cancelAnimationFrame(ticking);
    clearTimeout(ticking);
    started = null;
    $("play").textContent = "Play";
  };

  const length = () => Math.min(LONGEST, Math.max(SHORTEST, frames.length * FRAME));

  const tick = (now) => {
    const last = frames.length - 1;
    show(Math.max(0, Math.min(last, ((now - started) / length()) * last)));
    if (position >= last) stop(); else ticking = requestAnimationFrame(tick);
  };

  // Where motion is not wanted, a few still pictures one after the other.
  const calmly = (stage) => {
    show(Math.round((stage / CALM_STOPS) * (frames.length - 1)));
    if (stage >= CALM_STOPS) stop(); else ticking = setTimeout(() => calmly(stage + 1), CALM_FRAME);
  };

  const play = () => {
    const last = frames.length - 1;
    const from = position >= last || !touched ? 0 : position;
    touched = true;
    $("play").textContent = "Pause";
    started = performance.now() - (from / last) * length();
    if (calm.matches) calmly(Math.round((from / last) * CALM_STOPS)); else ticking = requestAnimationFrame(tick);
  };

  const setLossAxis = () => {
    const drawn = methods.map(({ updates, perUpdate }) => updates.slice(1).map((update) => update * perUpdate[clock]));
    const met = methods.map(({ converged, perUpdate }) => (converged ? [converged * perUpdate[clock]] : []));
    const axis = { ...clocks[clock], ...(narrow.matches ? { tickfont: { size: 10 } } : {}) };
    Plotly.update("loss", { x: [...drawn, ...met] }, { xaxis: axis }, [...drawn, ...met].map((_, index) => index));
  };

  // The first picture: the moment at which the last method has converged.
  const first = () => {
    const met = methods.map(({ converged, perUpdate }) => (converged ?? 0) * perUpdate[clock]);
    const found = frames.findIndex((moment) => moment >= Math.max(...met) && moment > 0);
    return Math.max(...met) > 0 && found > 0 ? found : frames.length - 1;
  };

  const choose = (name) => {
    const share = position / Math.max(1, frames.length - 1);
    clock = name;
    for (const input of document.querySelectorAll(".switch input")) input.checked = input.value === name;
    setLossAxis();
    if (!hasPaths) return;
    stop();
    frames = moments();
    $("moment").max = frames.length - 1;
    show(touched ? Math.round(share * (frames.length - 1)) : first());
  };

  const paint = () => {
    document.querySelectorAll(".swatch").forEach((canvas, number) => {
      const pen = canvas.getContext("2d");
      pen.reset();
      pen.scale(2, 2);
      pen.strokeStyle = pen.fillStyle = colourOf(methods[number]);
      pen.lineWidth = 2.25;
      pen.setLineDash(DASHES[methods[number].dash]);
      pen.beginPath();
      pen.moveTo(0, 8);
      pen.lineTo(36, 8);
      pen.stroke();
      pen.setLineDash([]);
      pen.lineWidth = 1;
      mark(pen, methods[number], 18, 8, 4.5);
    });
  };

  for (const input of document.querySelectorAll(".switch input")) {
    input.addEventListener("change", () => choose(input.value));
  }
  if (hasPaths) {
    $("play").addEventListener("click", () => (started === null ? play() : stop()));
    $("moment").addEventListener("input", () => { stop(); touched = true; show(Number($("moment").value)); });
    $("readout").addEventListener("change", () => draw(position));
  }
  let listening = false;
  document.addEventListener("charts-drawn", () => {
    paint();
    choose(clock);
    if (hasPaths && !listening) $("paths").on("plotly_afterplot", () => draw(position)); // zoomed, or resized
    listening = true;
  });
})();
